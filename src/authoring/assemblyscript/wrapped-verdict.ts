// What a harness (world `validator-messenger`) asks, under contract 0.2.0: the validator that it is composed with, by way
// of its import `validation`. A verdict has more than one value, so the canonical ABI writes it where the caller says.

import { Transaction } from './transaction';
import { Verdict } from './verdict';

// @ts-ignore: decorator
@external("wasmpay:platform/validation@0.2.0", "validate")
declare function validate(transaction: Transaction, answer: Verdict): void;

/** The wrapped validator's verdict, a copy of the harness's own. A trap in it ends the harness, too. */
export function askValidator(transaction: Transaction): Verdict {
  // A denial until it is overwritten, which happens before the call returns.
  const verdict = Verdict.deny('NARR');
  validate(transaction, verdict);
  return verdict;
}
