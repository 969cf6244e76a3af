// The rule of {{bank}}: euros only, more than nothing, at most 10,000.00 EUR. The first rule that is broken gives the reason.

import type { Denial, Transaction, Validation } from 'wasmpay:platform/validation@0.2.0';

/** In cents: amounts are integers in the currency's minor unit. */
const MOST = 10_000_00;

export const validation: Validation = {
  validate(transaction) {
    const denial = judge(transaction);
    return denial === undefined ? { tag: 'approve' } : { tag: 'deny', val: denial };
  },
};

/** Why a transaction is denied; undefined where it is not. Codes are those of ISO 20022, or your own. */
function judge({ amount }: Transaction): Denial | undefined {
  if (amount.name !== 'Euro') return { code: 'AM03', message: 'takes euros only' };
  if (amount.amount <= 0) return { code: 'AM12', message: 'nothing to pay' };
  if (amount.amount > MOST) return { code: 'AM02', message: 'above 10,000.00 EUR' };
  return undefined;
}
