// The rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR.

import { Transaction } from 'wasmpay';

/** In cents: amounts are integers in the currency's minor unit. */
const MOST: i64 = 10_000_00;

export function validate(transaction: Transaction): bool {
  const amount = transaction.amount;
  return amount.name.is('Euro') && amount.amount > 0 && amount.amount <= MOST;
}
