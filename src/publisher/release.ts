// Stage 7, release: the signed statement that a bank now runs this artifact, and the swap that makes it so. The
// bucket is not trusted: what it says is the current release is verified before its number is believed.

import type { Digest } from '../artifact/digest.ts';
import type { Contract } from '../artifact/manifest.ts';
import type { Fallback, Release, SandboxPolicy, VerifiedRelease } from '../artifact/release.ts';
import type { SigningKey } from '../artifact/release-keys.ts';
import { signRelease } from '../artifact/sign-release.ts';
import { verifySignature } from '../artifact/verify-release.ts';
import { slugOf } from '../core/bank.ts';
import type { Clock } from '../core/clock.ts';
import { WasmpayError } from '../core/error.ts';
import { MAX_RELEASE_BYTES } from '../core/limits.ts';
import { currentReleaseKey, releaseKey } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { quote, type Refusal, type Result } from './refusal.ts';

/** How long a release is valid unless told otherwise, days: what a replay of an old one is good for at most. */
export const DEFAULT_VALIDITY_DAYS = 7;

/**
 * How often a publisher tries that loses races for a bank, each time against the newer release. Of publishers in
 * lock-step one wins each time, and each may first meet a number that is taken: twenty of them need forty tries.
 */
const MAX_ATTEMPTS = 100;

/** What a release is made of besides its number. */
export interface ReleaseTerms {
  readonly audience: string;
  readonly bankId: string;
  readonly artifact: Digest;
  readonly component: Digest;
  readonly contract: Contract;
  readonly policy: SandboxPolicy;
  readonly fallback: Fallback;
  readonly validityDays: number;
}

export interface Released {
  readonly release: Release;
  /** What the bank ran before; absent for its first release. */
  readonly previous?: VerifiedRelease;
}

/** The bank's current release, if there is one. Throws `release_invalid` where it is not signed by `signingKey`. */
export async function readCurrentRelease(
  store: ObjectStore,
  slug: string,
  signingKey: SigningKey,
): Promise<{ release: VerifiedRelease; etag: string } | undefined> {
  const current = await store.get(currentReleaseKey(slug), { maxBytes: MAX_RELEASE_BYTES });
  if (current.kind !== 'found') return undefined;
  const trustedKeys = new Map([[signingKey.keyId, signingKey.publicKey]]);
  const release = await verifySignature(current.object.bytes, trustedKeys);
  if (release.bank !== slug)
    throw new WasmpayError('release_invalid', `the store holds a release of another bank as ${slug}'s`);
  return { release, etag: current.object.etag };
}

/**
 * The refusal of a bank id whose slug another bank holds: to be asked before anything of that bank is stored. Throws as
 * {@link readCurrentRelease}.
 */
export async function refuseTakenSlug(
  store: ObjectStore,
  bankId: string,
  signingKey: SigningKey,
): Promise<Refusal | undefined> {
  const slug = slugOf(bankId);
  if (slug === undefined) return bankIdRefusal(bankId);
  const current = await readCurrentRelease(store, slug, signingKey);
  if (current === undefined || current.release.bankId === bankId) return undefined;
  return slugRefusal(bankId, slug, current.release.bankId);
}

/**
 * Makes the next release of a bank and swaps it in. Racing publishers come one after the other; none is lost. Throws
 * `store_conflict` after {@link MAX_ATTEMPTS} lost races, `store_unavailable`, `release_invalid`.
 */
export async function releaseArtifact(
  store: ObjectStore,
  terms: ReleaseTerms,
  signingKey: SigningKey,
  clock: Clock,
): Promise<Result<Released>> {
  const { bankId, validityDays, ...rest } = terms;
  const slug = slugOf(bankId);
  if (slug === undefined) return { ok: false, refusals: [bankIdRefusal(bankId)] };
  let number = 0;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const current = await readCurrentRelease(store, slug, signingKey);
    if (current !== undefined && current.release.bankId !== bankId) {
      return { ok: false, refusals: [slugRefusal(bankId, slug, current.release.bankId)] };
    }
    const nowS = Math.floor(clock() / 1000);
    number = Math.max(number, current?.release.number ?? 0) + 1;
    const validity = { notBeforeS: nowS, notAfterS: nowS + validityDays * 86_400 };
    const release: Release = { ...rest, bankId, bank: slug, number, ...validity };
    const token = await signRelease(release, signingKey);
    // The number is taken first: it may be taken already, by a racing publisher or by one that died before its swap.
    const taken = await store.put(releaseKey(slug, number), token, { kind: 'absent' });
    if (taken.kind === 'conflict') {
      number = await highestNumber(store, slug);
      continue;
    }
    const condition =
      current === undefined
        ? ({ kind: 'absent' } as const)
        : ({ kind: 'matches', etag: current.etag } as const);
    const swapped = await store.put(currentReleaseKey(slug), token, condition);
    if (swapped.kind === 'stored') {
      return { ok: true, value: { release, ...(current !== undefined && { previous: current.release }) } };
    }
  }
  throw new WasmpayError(
    'store_conflict',
    `other publishers won ${MAX_ATTEMPTS} times over bank ${slug}; publish again`,
  );
}

/** The highest number that a release of `slug` was stored under. */
async function highestNumber(store: ObjectStore, slug: string): Promise<number> {
  let highest = 0;
  let cursor: string | undefined;
  const prefix = releaseKey(slug, 0).slice(0, -1);
  do {
    const page = await store.list({ prefix, ...(cursor !== undefined && { cursor }) });
    for (const { key } of page.objects) {
      const number = Number(key.slice(prefix.length));
      if (Number.isSafeInteger(number)) highest = Math.max(highest, number);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return highest;
}

/** The refusal of a bank id that has no slug. */
export function bankIdRefusal(bankId: string) {
  return {
    code: 'bank_id_invalid',
    message: `${quote(bankId)} is no bank id`,
    where: 'bank',
    fix: 'Use letters, digits, ".", "_" and "-", at most 63, with a letter or digit at both ends.',
  } as const;
}

function slugRefusal(bankId: string, slug: string, holder: string) {
  return {
    code: 'slug_taken',
    message: `bank ${quote(bankId)} would be ${slug}, which is bank ${quote(holder)}`,
    where: 'bank',
    fix: 'Publish under the id that holds the subdomain, or choose an id with another slug.',
  } as const;
}
