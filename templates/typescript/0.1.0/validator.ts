// The rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR.

import type { Validation } from 'wasmpay:platform/validation@0.1.0';

/** In cents: amounts are integers in the currency's minor unit. */
const MOST = 10_000_00;

export const validation: Validation = {
  validate({ amount }) {
    return amount.name === 'Euro' && amount.amount > 0 && amount.amount <= MOST;
  },
};
