// What the bucket says about a bank's releases, after checking it. The bucket is not trusted: a release counts only with
// a trusted key's signature, under its own bank and number, for this deployment; a missing one proves nothing.

import type { VerifiedRelease } from '../../artifact/release.ts';
import { trustOnly, type SigningKey, type TrustedKeys } from '../../artifact/release-keys.ts';
import { verifySignature } from '../../artifact/verify-release.ts';
import { WasmpayError } from '../../core/error.ts';
import { MAX_RELEASE_BYTES } from '../../core/limits.ts';
import { currentReleaseKey, releaseKey } from '../../store/keys.ts';
import type { GetResult, ObjectStore } from '../../store/object-store.ts';
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

/** An object in the place of a current release that nobody believes. */
export interface SpoiltCurrent {
  /** `release_invalid`: what does not hold. */
  readonly fault: WasmpayError;
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
  /** What is stored in its place and not believed, for who means to replace that. */
  readonly spoilt?: SpoiltCurrent;
  /** The newest verified release with a number above the current one: of a publisher that did not finish, or hidden. */
  readonly newer?: VerifiedRelease;
  /** Numbers that anything is stored under, ascending. */
  readonly numbers: readonly number[];
  /**
   * The highest of them and the current one's; 0 for none. What is further than {@link MAX_NUMBER_LEAP} above every
   * release that is believed does not count.
   */
  readonly highestNumber: number;
}

/**
 * How far above the releases that are believed a number counts of which nothing is. One of a spoilt release must, for
 * gateways may have seen it. But numbers end at 2^53, and whoever writes to the bucket must not take a bank's last one.
 */
const MAX_NUMBER_LEAP = 1_000_000_000;

/** The bank's current release, if there is one. Throws `release_invalid` where no trusted key signed it. */
export async function readCurrentRelease(
  store: ObjectStore,
  slug: string,
  trust: SigningKey | TrustedKeys,
): Promise<CurrentRelease | undefined> {
  const trustedKeys = 'sign' in trust ? trustOnly(trust) : trust;
  const stored = await readStored(store, slug, trustedKeys);
  if (stored !== undefined && 'fault' in stored) throw stored.fault;
  return stored;
}

/** What is stored as the bank's current release, believed or not. */
async function readStored(
  store: ObjectStore,
  slug: string,
  trustedKeys: TrustedKeys,
): Promise<CurrentRelease | SpoiltCurrent | undefined> {
  let found: GetResult;
  try {
    found = await store.get(currentReleaseKey(slug), { maxBytes: MAX_RELEASE_BYTES });
  } catch (error) {
    if (error instanceof WasmpayError && error.code === 'store_object_too_large')
      return findOversize(store, slug, error);
    throw error;
  }
  if (found.kind !== 'found') return undefined;
  const { bytes, etag } = found.object;
  try {
    const release = await verifySignature(bytes, trustedKeys);
    if (release.bank === slug) return { release, etag };
    return { etag, fault: disbelieve(slug, 'it is a release of another bank') };
  } catch (error) {
    if (!(error instanceof WasmpayError) || error.code !== 'release_invalid') throw error;
    return { etag, fault: disbelieve(slug, error.message, error) };
  }
}

/** What is too large to be read has its ETag in the listing, with the size that shows that it is the same object. */
async function findOversize(store: ObjectStore, slug: string, cause: WasmpayError): Promise<SpoiltCurrent> {
  const key = currentReleaseKey(slug);
  const { objects } = await store.list({ prefix: key, limit: 1 });
  const listed = objects.find((object) => object.key === key && object.sizeBytes > MAX_RELEASE_BYTES);
  if (listed === undefined)
    throw new WasmpayError('store_conflict', `${key} changed while it was read; try again`, { cause });
  const fault = disbelieve(slug, `it has ${listed.sizeBytes} bytes, more than any release`, cause);
  return { etag: listed.etag, fault };
}

function disbelieve(slug: string, problem: string, cause?: WasmpayError): WasmpayError {
  const message = `${currentReleaseKey(slug)} cannot be believed: ${problem}`;
  return new WasmpayError('release_invalid', message, cause === undefined ? {} : { cause });
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
 * trusted signature, for nobody builds on that; `overSpoilt` is for who means to replace it.
 */
export async function readStanding(
  source: ReleaseSource,
  slug: string,
  { overSpoilt = false }: { readonly overSpoilt?: boolean } = {},
): Promise<Standing> {
  const stored = requireAudience(source, slug, await readStored(source.store, slug, source.trustedKeys));
  const spoilt = stored !== undefined && 'fault' in stored ? stored : undefined;
  if (spoilt !== undefined && !overSpoilt) throw spoilt.fault;
  const current = stored !== undefined && 'release' in stored ? stored : undefined;
  const numbers = await listNumbers(source.store, slug);
  const newer = await findNewest(source, slug, numbers, current?.release.number ?? 0);
  const believed = Math.max(current?.release.number ?? 0, newer?.number ?? 0);
  const counted = numbers.findLast((number) => number <= believed + MAX_NUMBER_LEAP);
  return {
    ...(current !== undefined && { current }),
    ...(spoilt !== undefined && { spoilt }),
    ...(newer !== undefined && { newer }),
    numbers,
    highestNumber: Math.max(believed, counted ?? 0),
  };
}

function requireAudience(
  { audience }: ReleaseSource,
  slug: string,
  stored: CurrentRelease | SpoiltCurrent | undefined,
): CurrentRelease | SpoiltCurrent | undefined {
  if (stored === undefined || 'fault' in stored || stored.release.audience === audience) return stored;
  const problem = 'it is a release of another deployment; each deployment has a bucket of its own';
  return { etag: stored.etag, fault: disbelieve(slug, problem) };
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
 * The release that the next one follows: the current one, or the newest that is left where somebody deleted or spoilt
 * that. Absence is no first release as long as a signed one says otherwise.
 */
export function predecessorOf({ current, newer }: Standing): VerifiedRelease | undefined {
  return current?.release ?? newer;
}
