// The rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR.

#include <wasmpay.h>

// In cents: amounts are integers in the currency's minor unit.
static const int64_t most = 1000000;

bool validate(const wasmpay_transaction *transaction) {
  const wasmpay_currency *amount = &transaction->amount;
  return wasmpay_is(amount->name, "Euro") && amount->amount > 0 && amount->amount <= most;
}
