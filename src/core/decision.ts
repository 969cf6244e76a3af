// What a validator says (a verdict) and what the gateway makes of it (a decision).

import type { FailureCode } from './failure.ts';
import type { StatusCodes } from './reason-codes.ts';

/** Why a bank denies. `code` is an ISO 20022 external status reason code or a bank's own. */
export interface Denial {
  readonly code: string;
  readonly message?: string;
}

/** A validator's answer. A 0.1.0 validator has no reasons: its denials carry the code `unspecified`. */
export type Verdict = { readonly kind: 'approve' } | { readonly kind: 'deny'; readonly denial: Denial };

/** The reason of a denial that came from a validator whose contract has no reasons. */
export const UNSPECIFIED_DENIAL: Denial = { code: 'unspecified' };

/** Why an answer is `deny`: the bank's code and message, or the failure's code; and what other systems call it. */
export type Reason = Denial & StatusCodes;

/** The JSON that answers a good request, always with HTTP status 200. Source: design, "The gateway". */
export interface DecisionBody {
  readonly decision: 'approve' | 'deny';
  readonly transaction_id: string;
  /** Slug of the bank that was asked. */
  readonly bank: string;
  /** Present with `decision: "deny"` only. */
  readonly reason?: Reason;
  readonly decided_by: 'validator' | 'fallback';
  /** Present with `decided_by: "fallback"` only. */
  readonly failure?: FailureCode;
  readonly release: number;
  /** `sha256:` and 64 hexadecimal digits; all of them 0 where the bank has no validator. */
  readonly artifact: string;
  /** RFC 3339, UTC, milliseconds: what the guest's clock read. */
  readonly evaluated_at: string;
  /** Cost units that the validator used: the same for the same artifact, limits, transaction, seed and time. */
  readonly fuel: number;
  /** Present where the gateway asks a chain: what each of its stages says, in the chain's order. */
  readonly stages?: readonly StageBody[];
}

/** The stages that a chain may have: whose bank is asked. */
export const STAGE_NAMES = ['platform', 'origin', 'destination'] as const;

export type StageName = (typeof STAGE_NAMES)[number];

/** What one stage of a chain says, as an answer's members of the same names. */
export interface StageBody {
  readonly stage: StageName;
  readonly bank: string;
  readonly decision: 'approve' | 'deny';
  readonly reason?: Reason;
  /** `release`: the bank has no validator, as its release says, and another stage's was asked. */
  readonly decided_by: 'validator' | 'fallback' | 'release';
  readonly failure?: FailureCode;
  readonly release: number;
  readonly artifact: string;
  readonly fuel: number;
}
