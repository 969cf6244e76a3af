// What a harness (world `validator-messenger`) asks, under contract 0.1.0: the validator that it is composed with, by way
// of its import `validation`. A transaction is passed on where it lies; the host of the composition copies it over.

import { Transaction } from './transaction';

// @ts-ignore: decorator
@external("wasmpay:platform/validation@0.1.0", "validate")
declare function validate(transaction: Transaction): bool;

/** The wrapped validator's answer. A trap in it ends the harness, too. */
export function askValidator(transaction: Transaction): bool {
  return validate(transaction);
}
