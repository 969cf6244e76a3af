// The rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR. The first rule that is broken gives the reason.

import { Transaction, Verdict } from 'wasmpay';

/** In cents: amounts are integers in the currency's minor unit. */
const MOST: i64 = 10_000_00;

export function validate(transaction: Transaction): Verdict {
  const amount = transaction.amount;
  // Codes are those of ISO 20022, or your own.
  if (!amount.name.is('Euro')) return Verdict.deny('AM03', 'takes euros only');
  if (amount.amount <= 0) return Verdict.deny('AM12', 'nothing to pay');
  if (amount.amount > MOST) return Verdict.deny('AM02', 'above 10,000.00 EUR');
  return Verdict.approve();
}
