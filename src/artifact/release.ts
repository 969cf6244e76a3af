// A release: the signed, numbered statement "bank B now runs artifact A under policy P". A compact JWS (RFC 7515,
// Ed25519 of RFC 9864) whose payload is the JSON below. Whoever can write to the bucket can replay or delete a
// release; without the key nobody can change one.

import type { GuestLimits } from '../core/guest-limits.ts';
import type { Digest } from './digest.ts';
import type { Contract } from './manifest.ts';

/** What a guest of this release may reach and use. */
export interface SandboxPolicy {
  /** Interfaces of the granted tier that the host really implements for this guest, without version, sorted. */
  readonly grants: readonly string[];
  readonly limits: GuestLimits;
}

/** What the gateway answers when the validator could not: `deny`, or 503 (`refuse`). Never an approval. */
export type Fallback = 'deny' | 'refuse';

/** The fallbacks there are: what a command line or a signed payload may say. */
export const FALLBACKS: readonly Fallback[] = ['deny', 'refuse'];

/** One release. Times are seconds since the Unix epoch, as in RFC 7519. */
export interface Release {
  /** The deployment that may run it. */
  readonly audience: string;
  /** Slug of the bank. */
  readonly bank: string;
  /** The bank's id as it was published: two ids can share a slug, only one of them may have it. */
  readonly bankId: string;
  /** 1, 2, 3 …; only grows. */
  readonly number: number;
  /** Number of the release that was current when this one was made, 0 for none. Absent from older publishers' releases. */
  readonly replaces?: number;
  /** With `validator: 'none'` this and the component are `NO_ARTIFACT`. */
  readonly artifact: Digest;
  readonly component: Digest;
  /** Present where the bank has no validator, which nothing but a signed release can say. Its fallback is `deny`. */
  readonly validator?: 'none';
  readonly contract: Contract;
  readonly policy: SandboxPolicy;
  readonly fallback: Fallback;
  /**
   * `approve` is the answer while storage does not answer and the artifact is not in memory: the one cause that no
   * caller can provoke. Absent: as `fallback`.
   */
  readonly outage?: 'approve';
  /** Present while the bank is switched off: nothing is run, every transaction gets this answer. */
  readonly disabled?: { readonly answer: Fallback };
  readonly notBeforeS: number;
  readonly notAfterS: number;
}

/** A release whose signature, audience, bank and validity were checked. */
export interface VerifiedRelease extends Release {
  /** The key that signed it. */
  readonly keyId: string;
}
