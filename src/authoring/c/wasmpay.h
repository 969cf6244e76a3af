// What a validator in C uses. The types lie in memory as the canonical ABI has them, so the transaction is read where the
// host wrote it; nothing is copied.
#ifndef WASMPAY_H
#define WASMPAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A text of the transaction: UTF-8, not ended by a zero, valid until the call ends. */
typedef struct {
  const char *bytes;
  size_t size;
} wasmpay_text;

typedef struct {
  wasmpay_text id;
  wasmpay_text name;
  /** The country as the processor wrote it. ISO 3166 alpha-3 (`USA`, `GBR`) by custom; nothing checks it. */
  wasmpay_text country;
  /** The account's currency, ISO 4217 by custom. */
  wasmpay_text currency;
} wasmpay_bank;

typedef struct {
  wasmpay_text name;
  wasmpay_text symbol;
  /** In the currency's minor unit (cents, pence). May be zero or negative. A sum that overflows traps. */
  int64_t amount;
} wasmpay_currency;

typedef struct {
  wasmpay_text id;
  wasmpay_bank origin;
  wasmpay_bank destination;
  wasmpay_currency amount;
  wasmpay_text status;
} wasmpay_transaction;

/** Whether a text is exactly this string: case, spaces and accents count. */
bool wasmpay_is(wasmpay_text text, const char *string);

/** Whether two texts hold the same bytes. */
bool wasmpay_equal(wasmpay_text one, wasmpay_text other);

/** Memory until the call ends; what is not there traps. There is no way to give it back earlier. */
void *wasmpay_new(size_t size);

#if defined(WASMPAY_CONTRACT_0_1_0)

/** Yours: whether the transaction may pass. */
bool validate(const wasmpay_transaction *transaction);

#else

/** What a validator of contract 0.2.0 answers. */
typedef struct {
  uint32_t kind;
  wasmpay_text code;
  wasmpay_text message;
} wasmpay_verdict;

/** The transaction may pass. */
wasmpay_verdict wasmpay_approve(void);

/**
 * It may not. `code` is an ISO 20022 status reason code or one of your own: 1 to 35 visible ASCII characters that begin with
 * an upper-case letter or a digit. `message` is for people: one line of at most 512 bytes, or NULL. Both are ended by a zero
 * and must last until the call ends: string literals, or memory from wasmpay_new.
 */
wasmpay_verdict wasmpay_deny(const char *code, const char *message);

/** Yours: whether the transaction may pass, and why not. */
wasmpay_verdict validate(const wasmpay_transaction *transaction);

#endif
#endif
