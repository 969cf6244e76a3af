// Meridian's rules: no payments from blocked countries, three currencies, a limit for each. The first rule that is broken
// gives the reason.

import type { Denial, Transaction, Validation } from 'wasmpay:platform/validation@0.2.0';
import { BLOCKED_COUNTRIES, LIMITS } from './rules';

export const validation: Validation = {
  validate(transaction) {
    const denial = judge(transaction);
    return denial === undefined ? { tag: 'approve' } : { tag: 'deny', val: denial };
  },
};

function judge({ origin, amount }: Transaction): Denial | undefined {
  // Nothing checks the country before us, so what is no code at all is not let through as "not blocked".
  if (!/^[A-Z]{3}$/.test(origin.country))
    return { code: 'AG05', message: 'the origin has no ISO 3166 alpha-3 country' };
  // A message says what the rule is, never what the transaction says: that could be anything.
  if (BLOCKED_COUNTRIES.has(origin.country))
    return { code: 'RR04', message: "payments from the origin's country are not taken" };
  const limit = LIMITS.get(amount.name);
  if (limit === undefined) return { code: 'AM03', message: 'takes EUR, GBP and USD only' };
  if (amount.amount === 0) return { code: 'AM01', message: 'nothing to pay' };
  if (amount.amount < 0) return { code: 'AM12', message: 'less than nothing to pay' };
  if (amount.amount > limit.mostMinorUnits) return { code: 'AM02', message: `above ${limit.words}` };
  return undefined;
}
