// What the gateway tells its operator. No event holds a transaction's contents, a caller's token or text that a
// caller chose: methods and routes come from fixed lists, a bank is named only once a release of it was verified.

import type { StageName } from '../core/decision.ts';
import type { FailureCode } from '../core/failure.ts';
import type { ErrorCode } from '../core/error.ts';
import type { IdempotencyEvent } from './idempotency.ts';
import type { ProblemCode } from './problem.ts';
import type { RecordFault } from './record-cache.ts';

/**
 * Everything that the caches report. Of a release, or a processor's record: `read_failed` (storage did not answer, or not
 * in time), `rejected` (signature, audience, name or validity do not hold), `rolled_back` (verified, but with a smaller
 * number than one already seen), `not_yet_valid`, `expired`, `vanished` (there was one, and storage has none any more),
 * `served_stale` (an old one was served, since storage gave no newer one).
 */
export type CacheEventCode =
  | `release_${RecordFault}`
  | `processor_${RecordFault}`
  | 'artifact_read_failed'
  | 'artifact_missing'
  /** Digest, container or manifest do not hold. */
  | 'artifact_rejected';

export interface CacheEvent {
  readonly event: 'cache';
  readonly code: CacheEventCode;
  /** Slug; absent where no release of it was ever verified, since then the name is a caller's. */
  readonly bank?: string;
  /** Likewise of a processor. */
  readonly processor?: string;
  /** Digest of the artifact. */
  readonly artifact?: string;
  /** Code of the error behind it. */
  readonly error?: ErrorCode;
}

/** What one stage of a chain came to. Only banks with a verified release are named. */
export interface StageEvent {
  readonly stage: StageName;
  readonly bank: string;
  readonly release: number;
  readonly artifact: string;
  readonly decision: 'approve' | 'deny';
  readonly decidedBy: 'validator' | 'fallback' | 'release';
  readonly failure?: FailureCode;
  readonly failureDetail?: string;
}

/** One for each request. */
export interface RequestEvent {
  readonly event: 'request';
  readonly method: string;
  /** The pattern, not the path. */
  readonly route:
    | '/v1/validate'
    | '/v1/validate/batch'
    | '/v1/banks/:bank/validate'
    | '/healthz'
    | '/readyz'
    | '/openapi.json'
    | '/docs'
    | 'unmatched';
  readonly status: number;
  readonly durationMs: number;
  readonly problem?: ProblemCode;
  /** Slug of the processor that asked, once it has proven to be that one; and the id of the key that proved it. */
  readonly processor?: string;
  readonly key?: string;
  readonly means?: 'api_key' | 'signature';
  /** Its tier is none of this gateway's, so that the standard one was counted; or nothing could be counted. */
  readonly rateLimit?: 'unknown_tier' | 'failed';
  /** Slug of a bank that has a release. */
  readonly bank?: string;
  readonly release?: number;
  readonly artifact?: string;
  readonly decision?: 'approve' | 'deny';
  readonly decidedBy?: 'validator' | 'fallback';
  /** The answer was kept, or is one that was kept before. */
  readonly idempotency?: 'kept' | 'replayed';
  readonly failure?: FailureCode;
  /** {@link Failure.detail}: the sandbox's words, never the guest's. */
  readonly failureDetail?: string;
  /** Where a chain was asked; `release`, `artifact` and `bank` are the destination's then. */
  readonly stages?: readonly StageEvent[];
  /** Code of an unexpected error. */
  readonly error?: ErrorCode;
  /** Where it was thrown, without its message, which may quote anything. */
  readonly trace?: string;
}

/** One at the end of each batch that was answered, beside its request's: what came of its items. */
export interface BatchEvent {
  readonly event: 'batch';
  readonly durationMs: number;
  readonly items: number;
  /** Whether all of them were answered; else the caller went away. */
  readonly isComplete: boolean;
  readonly approved: number;
  readonly denied: number;
  /** How often each failure and each problem was the answer to an item. */
  readonly failures: Readonly<Partial<Record<FailureCode, number>>>;
  readonly problems: Readonly<Partial<Record<ProblemCode, number>>>;
  /** The releases that were asked. */
  readonly releases: readonly {
    readonly bank: string;
    readonly release: number;
    readonly artifact: string;
  }[];
  readonly processor?: string;
  readonly key?: string;
  /** Code of an unexpected error, which ended it. */
  readonly error?: ErrorCode;
}

export type GatewayEvent = RequestEvent | BatchEvent | CacheEvent | IdempotencyEvent;
