// Calder's rule: settlements between other banks, in whole units of a currency that it holds, within that currency's ceiling.

#include "ceilings.h"
#include <wasmpay.h>

static bool settles(wasmpay_text status) {
  return wasmpay_is(status, "settling") || wasmpay_is(status, "pending");
}

bool validate(const wasmpay_transaction *transaction) {
  const wasmpay_bank *origin = &transaction->origin, *destination = &transaction->destination;
  // One of Calder's own accounts to another is no settlement.
  if (wasmpay_equal(origin->id, destination->id)) return false;
  if (!settles(transaction->status)) return false;
  if (!wasmpay_equal(origin->currency, destination->currency)) return false;
  const struct ceiling *ceiling = find_ceiling(destination->currency);
  if (ceiling == NULL) return false;
  int64_t amount = transaction->amount.amount;
  return amount > 0 && amount <= ceiling->most && amount % ceiling->unit == 0;
}
