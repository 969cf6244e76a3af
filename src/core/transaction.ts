// The record of contract `wasmpay:platform`: one payment from an origin bank to a destination bank.
// Field names are those of the WIT records, so a value of this type is what a validator is called with.

/** A bank as the transaction names it. Source: record `bank` of wasmpay:platform/types. */
export interface Bank {
  readonly id: string;
  readonly name: string;
  readonly country: string;
  readonly currency: string;
}

/** A sum of money. `amount` is an integer in the currency's minor unit (s64). Source: record `currency`. */
export interface Currency {
  readonly name: string;
  readonly symbol: string;
  readonly amount: bigint;
}

/** One payment. Source: record `transaction` of wasmpay:platform/types. */
export interface Transaction {
  readonly id: string;
  readonly origin: Bank;
  readonly destination: Bank;
  readonly amount: Currency;
  readonly status: string;
}

/** Smallest and largest amount that the contract can carry (s64). */
export const MIN_AMOUNT = -(2n ** 63n);
export const MAX_AMOUNT = 2n ** 63n - 1n;
