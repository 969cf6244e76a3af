// The platform's harness for contract 0.2.0. A bank's validator is plugged into it; what the platform checks for every
// bank goes here, before the validator is asked or after. It checks nothing today: the bank's answer is the answer.

import { Transaction, Verdict } from 'wasmpay';
import { askValidator } from 'wasmpay/wrapped-verdict';

export function validate(transaction: Transaction): Verdict {
  return askValidator(transaction);
}
