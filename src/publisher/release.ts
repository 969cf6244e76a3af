// Stage 7, release: the signed statement that a bank now runs this artifact, and the swap that makes it so.

import type { Digest } from '../artifact/digest.ts';
import type { Contract } from '../artifact/manifest.ts';
import type { Fallback, SandboxPolicy } from '../artifact/release.ts';
import { trustOnly, type SigningKey, type TrustedKeys } from '../artifact/release-keys.ts';
import { slugOf } from '../core/bank.ts';
import type { Clock } from '../core/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { quote, type Refusal, type Result } from './refusal.ts';
import { makeNextRelease, type Released } from './releases/next-release.ts';
import { predecessorOf, readStanding, type ReleaseSource, type Standing } from './releases/read-release.ts';

export { readCurrentRelease } from './releases/read-release.ts';

/** How long a release is valid unless told otherwise, days: what a replay of an old one is good for at most. */
export const DEFAULT_VALIDITY_DAYS = 7;

/** What a release is made of besides its number. */
export interface ReleaseTerms {
  readonly audience: string;
  readonly bankId: string;
  readonly artifact: Digest;
  readonly component: Digest;
  readonly contract: Contract;
  readonly policy: SandboxPolicy;
  readonly fallback: Fallback;
  readonly outage?: 'approve';
  readonly validityDays: number;
}

export interface ReleaseOptions {
  /** Keys whose releases are built on; only the signing one unless told. */
  readonly trustedKeys?: TrustedKeys;
  readonly leastNumber?: number;
  /** Asked before each attempt, with what the release would follow. */
  readonly check?: (standing: Standing) => Promise<readonly Refusal[]>;
}

/**
 * The refusal of a bank id whose slug another bank holds: to be asked before anything of that bank is stored. Throws
 * `release_invalid`, `store_unavailable`.
 */
export async function refuseTakenSlug(source: ReleaseSource, bankId: string): Promise<Refusal | undefined> {
  const slug = slugOf(bankId);
  if (slug === undefined) return bankIdRefusal(bankId);
  return refuseOtherHolder(await readStanding(source, slug), bankId, slug);
}

/**
 * Makes the next release of a bank and swaps it in. Racing publishers come one after the other; none is lost. A bank that
 * is switched off stays so. Throws as {@link makeNextRelease}.
 */
export async function releaseArtifact(
  store: ObjectStore,
  terms: ReleaseTerms,
  signingKey: SigningKey,
  clock: Clock,
  { trustedKeys = trustOnly(signingKey), leastNumber = 1, check }: ReleaseOptions = {},
): Promise<Result<Released>> {
  const { audience, bankId, ...rest } = terms;
  const slug = slugOf(bankId);
  if (slug === undefined) return { ok: false, refusals: [bankIdRefusal(bankId)] };
  return makeNextRelease(
    { store, audience, trustedKeys, signingKey, clock },
    slug,
    async (standing) => {
      const taken = refuseOtherHolder(standing, bankId, slug);
      const refusals = taken === undefined ? await check?.(standing) : [taken];
      if (refusals !== undefined && refusals.length > 0) return { ok: false, refusals };
      return { ok: true, value: { ...rest, bankId, switch: 'keep' } };
    },
    { leastNumber },
  );
}

/** The refusal of a bank id that has no slug. */
export function bankIdRefusal(bankId: string): Refusal {
  return {
    code: 'bank_id_invalid',
    message: `${quote(bankId)} is no bank id`,
    where: 'bank',
    fix: 'Use letters, digits, ".", "_" and "-", at most 63, with a letter or digit at both ends.',
  };
}

export function refuseOtherHolder(standing: Standing, bankId: string, slug: string): Refusal | undefined {
  const holder = predecessorOf(standing)?.bankId;
  if (holder === undefined || holder === bankId) return undefined;
  return {
    code: 'slug_taken',
    message: `bank ${quote(bankId)} would be ${slug}, which is bank ${quote(holder)}`,
    where: 'bank',
    fix: 'Publish under the id that holds the subdomain, or choose an id with another slug.',
  };
}
