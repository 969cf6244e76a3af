// The rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR. The first rule that is broken gives the reason.

#include <wasmpay.h>

// In cents: amounts are integers in the currency's minor unit.
static const int64_t most = 1000000;

wasmpay_verdict validate(const wasmpay_transaction *transaction) {
  const wasmpay_currency *amount = &transaction->amount;
  // Codes are those of ISO 20022, or your own.
  if (!wasmpay_is(amount->name, "Euro")) return wasmpay_deny("AM03", "takes euros only");
  if (amount->amount <= 0) return wasmpay_deny("AM12", "nothing to pay");
  if (amount->amount > most) return wasmpay_deny("AM02", "above 10,000.00 EUR");
  return wasmpay_approve();
}
