// The contract wasmpay:platform@0.1.0 as a validator in TypeScript sees it. Made of its WIT; do not edit.

declare module 'wasmpay:platform/validation@0.1.0' {
  /** A bank as the transaction names it. */
  export interface Bank {
    readonly id: string;
    readonly name: string;
    /** ISO 3166 alpha-3 (`USA`, `GBR`) by custom; nothing checks it. */
    readonly country: string;
    /** The account's currency, ISO 4217 by custom. */
    readonly currency: string;
  }

  /** A sum of money. */
  export interface Currency {
    readonly name: string;
    readonly symbol: string;
    /**
     * The sum in the currency's minor unit (cents, pence). The contract's s64 reaches QuickJS as a number, which is
     * exact up to 2^53 - 1 only: the build adds a guard that denies any amount beyond it before `validate` is asked.
     */
    readonly amount: number;
  }

  /** One payment. */
  export interface Transaction {
    readonly id: string;
    readonly origin: Bank;
    readonly destination: Bank;
    readonly amount: Currency;
    readonly status: string;
  }

  /** What a validator exports under the name `validation`. */
  export interface Validation {
    /** Whether the transaction may pass. Throwing never approves: the gateway answers the bank's fallback. */
    readonly validate: (transaction: Transaction) => boolean;
  }
}
