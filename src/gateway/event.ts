// What the gateway tells its operator. No event holds a transaction's contents, a caller's token or text that a
// caller chose: methods and routes come from fixed lists, a bank is named only once a release of it was verified.

import type { FailureCode } from '../core/failure.ts';
import type { ErrorCode } from '../core/error.ts';
import type { ProblemCode } from './problem.ts';

/** Everything that the caches report. */
export type CacheEventCode =
  /** Storage did not answer, or not in time. */
  | 'release_read_failed'
  /** Signature, audience, bank or validity do not hold. */
  | 'release_rejected'
  /** Verified, but with a smaller number than one already seen. */
  | 'release_rolled_back'
  /** Verified, but starts in the future. */
  | 'release_not_yet_valid'
  /** Verified, but past its end. */
  | 'release_expired'
  /** A bank that had a release has none in storage any more. */
  | 'release_vanished'
  /** An old release was served, since storage gave no newer one. */
  | 'release_served_stale'
  | 'artifact_read_failed'
  | 'artifact_missing'
  /** Digest, container or manifest do not hold. */
  | 'artifact_rejected';

export interface CacheEvent {
  readonly event: 'cache';
  readonly code: CacheEventCode;
  /** Slug; absent where no release of it was ever verified, since then the name is a caller's. */
  readonly bank?: string;
  /** Digest of the artifact. */
  readonly artifact?: string;
  /** Code of the error behind it. */
  readonly error?: ErrorCode;
}

/** One for each request. */
export interface RequestEvent {
  readonly event: 'request';
  readonly method: string;
  /** The pattern, not the path. */
  readonly route: '/v1/validate' | '/v1/banks/:bank/validate' | '/healthz' | '/readyz' | 'unmatched';
  readonly status: number;
  readonly durationMs: number;
  readonly problem?: ProblemCode;
  /** Slug of a bank that has a release. */
  readonly bank?: string;
  readonly release?: number;
  readonly artifact?: string;
  readonly decision?: 'approve' | 'deny';
  readonly decidedBy?: 'validator' | 'fallback';
  readonly failure?: FailureCode;
  /** {@link Failure.detail}: the sandbox's words, never the guest's. */
  readonly failureDetail?: string;
  /** Code of an unexpected error. */
  readonly error?: ErrorCode;
  /** Where it was thrown, without its message, which may quote anything. */
  readonly trace?: string;
}

export type GatewayEvent = RequestEvent | CacheEvent;
