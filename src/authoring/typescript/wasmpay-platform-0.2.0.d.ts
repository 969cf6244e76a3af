// The contract wasmpay:platform@0.2.0 as a validator in TypeScript sees it: written by hand from
// wit/0.2.0/wasmpay-platform-0.2.0.wit. A variant of WIT is an object with a `tag` and, where the case has one, a `val`.

declare module 'wasmpay:platform/validation@0.2.0' {
  import type { Transaction } from 'wasmpay:platform/validation@0.1.0';

  export type { Bank, Currency, Transaction } from 'wasmpay:platform/validation@0.1.0';

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
    /** Whether the transaction may pass, and why not. Throwing never approves: the gateway answers the fallback. */
    readonly validate: (transaction: Transaction) => Verdict;
  }
}
