// The contract wasmpay:platform@0.2.0 as a validator in TypeScript sees it. Made of its WIT; do not edit.

declare module 'wasmpay:platform/validation@0.2.0' {
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

  /** Why a transaction is denied. Outside of these bounds the whole answer counts for nothing: `bad_output`. */
  export interface Denial {
    /**
     * An ISO 20022 external status reason code (`AM04`, `AC06`, `AG01`), or one of your own: 1 to 35 visible ASCII
     * characters that begin with an upper-case letter or a digit.
     */
    readonly code: string;
    /** For people: one line of at most 512 bytes of UTF-8. May be empty. The processor sees it. */
    readonly message: string;
  }

  /** What a validator answers. */
  export type Verdict = { readonly tag: 'approve' } | { readonly tag: 'deny'; readonly val: Denial };

  /** What a validator exports under the name `validation`. */
  export interface Validation {
    /** Whether the transaction may pass, and why not. Throwing never approves: the gateway answers the bank's fallback. */
    readonly validate: (transaction: Transaction) => Verdict;
  }
}
