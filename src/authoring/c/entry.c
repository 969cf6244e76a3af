// Ties an author's `validate` to the canonical ABI, with a heap that is wound back when a call ends and the few functions
// that compilers expect to find.

#include "string.h"
#include "wasmpay.h"

_Static_assert(sizeof(wasmpay_transaction) == 104, "record transaction");
_Static_assert(offsetof(wasmpay_transaction, amount.amount) == 88, "record transaction");

#define PAGE ((uintptr_t)65536)

// The linker's: where memory is free.
extern unsigned char __heap_base;

static uintptr_t next;

static void *take(size_t size, size_t alignment) {
  if (next == 0) next = (uintptr_t)&__heap_base;
  uintptr_t start = (next + alignment - 1) & ~(alignment - 1);
  uintptr_t end = start + size;
  uintptr_t have = __builtin_wasm_memory_size(0) * PAGE;
  // Beyond half of what an address can be there is never memory; the sum may have gone round.
  if (size > INT32_MAX || end < start) __builtin_trap();
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == SIZE_MAX) __builtin_trap();
  next = end;
  return (void *)start;
}

static void forget(void) { next = 0; }

__attribute__((export_name("cabi_realloc"))) void *
wasmpay_reallocate(void *old, size_t old_size, size_t alignment, size_t size) {
  if (size == 0) return (void *)alignment;
  void *made = take(size, alignment);
  if (old_size != 0) memcpy(made, old, old_size < size ? old_size : size);
  return made;
}

void *wasmpay_new(size_t size) { return take(size, 16); }

bool wasmpay_is(wasmpay_text text, const char *string) {
  return text.size == strlen(string) && memcmp(text.bytes, string, text.size) == 0;
}

bool wasmpay_equal(wasmpay_text one, wasmpay_text other) {
  return one.size == other.size && memcmp(one.bytes, other.bytes, one.size) == 0;
}

#if defined(WASMPAY_CONTRACT_0_1_0)

__attribute__((export_name("wasmpay:platform/validation@0.1.0#validate"))) uint32_t
wasmpay_validate(const wasmpay_transaction *transaction) {
  bool approved = validate(transaction);
  forget();
  return approved;
}

#else

// Variant `verdict`: the case's number, then the two strings of `denial`.
_Static_assert(sizeof(wasmpay_verdict) == 20, "variant verdict");

wasmpay_verdict wasmpay_approve(void) { return (wasmpay_verdict){0}; }

wasmpay_verdict wasmpay_deny(const char *code, const char *message) {
  wasmpay_verdict verdict = {.kind = 1, .code = {code, strlen(code)}};
  if (message != NULL) verdict.message = (wasmpay_text){message, strlen(message)};
  return verdict;
}

__attribute__((export_name("wasmpay:platform/validation@0.2.0#validate"))) const wasmpay_verdict *
wasmpay_validate(const wasmpay_transaction *transaction) {
  static wasmpay_verdict verdict;
  verdict = validate(transaction);
  return &verdict;
}

__attribute__((export_name("cabi_post_wasmpay:platform/validation@0.2.0#validate"))) void
wasmpay_return(const wasmpay_verdict *verdict) {
  (void)verdict;
  forget();
}

#endif

// One instruction each: with bulk memory the compiler has them.
void *memcpy(void *restrict to, const void *restrict from, size_t size) { return __builtin_memcpy(to, from, size); }
void *memmove(void *to, const void *from, size_t size) { return __builtin_memmove(to, from, size); }
void *memset(void *to, int byte, size_t size) { return __builtin_memset(to, byte, size); }

int memcmp(const void *one, const void *other, size_t size) {
  const unsigned char *a = one, *b = other;
  for (size_t i = 0; i < size; i++)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

size_t strlen(const char *string) {
  size_t size = 0;
  while (string[size] != 0) size++;
  return size;
}

int strncmp(const char *one, const char *other, size_t size) {
  for (size_t i = 0; i < size; i++) {
    unsigned char a = (unsigned char)one[i], b = (unsigned char)other[i];
    if (a != b) return a < b ? -1 : 1;
    if (a == 0) return 0;
  }
  return 0;
}

int strcmp(const char *one, const char *other) { return strncmp(one, other, SIZE_MAX); }

// A product of 64-bit numbers that is checked for overflow is made of 128 bits.
__int128 __multi3(__int128 one, __int128 other) {
  uint64_t a = (uint64_t)one, b = (uint64_t)other;
  uint64_t low_a = a & UINT32_MAX, high_a = a >> 32, low_b = b & UINT32_MAX, high_b = b >> 32;
  uint64_t low = low_a * low_b, left = high_a * low_b, right = low_a * high_b;
  uint64_t middle = (low >> 32) + (left & UINT32_MAX) + (right & UINT32_MAX);
  uint64_t high = high_a * high_b + (left >> 32) + (right >> 32) + (middle >> 32);
  high += (uint64_t)((unsigned __int128)one >> 64) * b + a * (uint64_t)((unsigned __int128)other >> 64);
  return (__int128)(((unsigned __int128)high << 64) | (middle << 32) | (low & UINT32_MAX));
}
