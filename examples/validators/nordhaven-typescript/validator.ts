// Nordhaven's rule: US dollars only, by the name of the transaction's currency.

import type { Validation } from 'wasmpay:platform/validation@0.1.0';

export const validation: Validation = {
  validate(transaction) {
    return transaction.amount.name === 'US Dollar' || transaction.amount.name === 'USD';
  },
};
