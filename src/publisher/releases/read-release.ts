// What the bucket says about a bank's releases, after checking it. The bucket is not trusted: a release counts only with
// a trusted key's signature, under its own bank and number, for this deployment; a missing one proves nothing.

import type { VerifiedRelease } from '../../artifact/release.ts';
import { trustOnly, type SigningKey, type TrustedKeys } from '../../artifact/release-keys.ts';
import { verifySignature } from '../../artifact/verify-release.ts';
import { WasmpayError } from '../../core/error.ts';
import { MAX_RELEASE_BYTES } from '../../core/limits.ts';
import { currentReleaseKey, releaseKey } from '../../store/keys.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { listKeys } from './list-keys.ts';
import { BANKS_PREFIX, releasesPrefix, slugOfKey } from './storage-keys.ts';

/** Whose releases are read, and whom that is believed of. */
export interface ReleaseSource {
  readonly store: ObjectStore;
  /** The deployment that releases are for. */
  readonly audience: string;
  readonly trustedKeys: TrustedKeys;
}

export interface CurrentRelease {
  readonly release: VerifiedRelease;
  readonly etag: string;
}

/** What is under a release's number. */
export type NumberedRelease =
  | { readonly kind: 'verified'; readonly release: VerifiedRelease }
  | { readonly kind: 'missing' }
  /** Not believed, with the reason. */
  | { readonly kind: 'invalid'; readonly problem: string };

/** Where a bank stands before its next release is made. */
export interface Standing {
  readonly current?: CurrentRelease;
  /** The newest verified release with a number above the current one: of a publisher that did not finish, or hidden. */
  readonly newer?: VerifiedRelease;
  /** The highest number that anything is stored under; 0 for none. */
  readonly highestNumber: number;
}

/** The bank's current release, if there is one. Throws `release_invalid` where no trusted key signed it. */
export async function readCurrentRelease(
  store: ObjectStore,
  slug: string,
  trust: SigningKey | TrustedKeys,
): Promise<CurrentRelease | undefined> {
  const key = currentReleaseKey(slug);
  const current = await store.get(key, { maxBytes: MAX_RELEASE_BYTES });
  if (current.kind !== 'found') return undefined;
  const trustedKeys = 'sign' in trust ? trustOnly(trust) : trust;
  const release = await verifySignature(current.object.bytes, trustedKeys).catch((cause: unknown) => {
    if (!(cause instanceof WasmpayError)) throw cause;
    throw new WasmpayError(cause.code, `${key} cannot be believed: ${cause.message}`, { cause });
  });
  if (release.bank !== slug)
    throw new WasmpayError('release_invalid', `${key} cannot be believed: it is a release of another bank`);
  return { release, etag: current.object.etag };
}

/** What is stored as release `number` of the bank. */
export async function readNumberedRelease(
  source: ReleaseSource,
  slug: string,
  number: number,
): Promise<NumberedRelease> {
  let release: VerifiedRelease;
  try {
    const found = await source.store.get(releaseKey(slug, number), { maxBytes: MAX_RELEASE_BYTES });
    if (found.kind !== 'found') return { kind: 'missing' };
    release = await verifySignature(found.object.bytes, source.trustedKeys);
  } catch (error) {
    const isOutage =
      !(error instanceof WasmpayError) ||
      (error.code !== 'release_invalid' && error.code !== 'store_object_too_large');
    if (isOutage) throw error;
    return { kind: 'invalid', problem: error.message };
  }
  if (release.bank !== slug) return { kind: 'invalid', problem: 'release is of another bank' };
  if (release.number !== number) return { kind: 'invalid', problem: `release has number ${release.number}` };
  if (release.audience !== source.audience)
    return { kind: 'invalid', problem: 'release is for another deployment' };
  return { kind: 'verified', release };
}

/** Numbers that something is stored under, ascending. What has no number for a name is left out. */
export async function listNumbers(store: ObjectStore, slug: string): Promise<number[]> {
  const prefix = releasesPrefix(slug);
  const names = (await listKeys(store, prefix)).map((key) => key.slice(prefix.length));
  return names
    .filter((name) => /^[1-9]\d{0,15}$/.test(name) && Number.isSafeInteger(Number(name)))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Slugs of all banks that have something in the place of a release, sorted. One whose first release waits has not. */
export async function listBanks(store: ObjectStore): Promise<string[]> {
  const slugs = new Set<string>();
  for (const key of await listKeys(store, BANKS_PREFIX)) {
    const slug = slugOfKey(key);
    if (slug !== undefined && (key === currentReleaseKey(slug) || key.startsWith(releasesPrefix(slug))))
      slugs.add(slug);
  }
  return [...slugs].sort();
}

/**
 * Reads where the bank stands. Throws `release_invalid` where its current release is not one of this deployment with a
 * trusted signature: nobody builds on that.
 */
export async function readStanding(source: ReleaseSource, slug: string): Promise<Standing> {
  const current = await readCurrentRelease(source.store, slug, source.trustedKeys);
  if (current !== undefined && current.release.audience !== source.audience)
    throw new WasmpayError(
      'release_invalid',
      `${currentReleaseKey(slug)} is a release of another deployment; each deployment has a bucket of its own`,
    );
  const numbers = await listNumbers(source.store, slug);
  const newer = await findNewest(source, slug, numbers, current?.release.number ?? 0);
  return {
    ...(current !== undefined && { current }),
    ...(newer !== undefined && { newer }),
    highestNumber: Math.max(current?.release.number ?? 0, numbers.at(-1) ?? 0),
  };
}

async function findNewest(
  source: ReleaseSource,
  slug: string,
  numbers: readonly number[],
  above: number,
): Promise<VerifiedRelease | undefined> {
  for (const number of numbers.filter((candidate) => candidate > above).toReversed()) {
    const found = await readNumberedRelease(source, slug, number);
    if (found.kind === 'verified') return found.release;
  }
  return undefined;
}

/**
 * The release that the next one follows: the current one, or the newest that is left where somebody deleted that.
 * Absence is no first release as long as a signed one says otherwise.
 */
export function predecessorOf({ current, newer }: Standing): VerifiedRelease | undefined {
  return current?.release ?? newer;
}
