// A bank's releases as the bucket holds them, each with what can be believed of it. Nothing is hidden: what is forged,
// unsigned or in the wrong place is shown as that, and nothing in it is.

import type { VerifiedRelease } from '../../artifact/release.ts';
import { WasmpayError } from '../../core/error.ts';
import { currentReleaseKey, releaseKey } from '../../store/keys.ts';
import { listCandidates, type Candidate } from './candidate.ts';
import { listKeys } from './list-keys.ts';
import { listNumbers, readCurrentRelease, readNumberedRelease, type ReleaseSource } from './read-release.ts';
import { BANKS_PREFIX, candidatesPrefix } from './storage-keys.ts';

/**
 * `current`; `was_current`: on the way back from it; `not_reached`: signed, and no release says that it replaced it: a
 * publisher lost a race or did not finish, or what replaced it is hidden; `unclear` for older publishers' releases.
 */
export type Place = 'current' | 'was_current' | 'not_reached' | 'unclear';

export type HistoryEntry =
  | {
      readonly kind: 'release';
      readonly number: number;
      readonly place: Place;
      readonly release: VerifiedRelease;
    }
  /** An object that is no release of this bank to be believed, with the reason. */
  | { readonly kind: 'not_believed'; readonly number: number; readonly problem: string };

export interface BankHistory {
  readonly bank: string;
  /** The current release; absent where there is none, or where it is not to be believed. */
  readonly current?: VerifiedRelease;
  /** Why there is no current release to be believed, though something is stored as one. */
  readonly currentProblem?: string;
  /** The newest first. */
  readonly entries: readonly HistoryEntry[];
  /** Waiting, unsigned: nothing in them is believed. */
  readonly candidates: readonly Candidate[];
  /** Keys under the bank that no publisher writes. */
  readonly strangers: readonly string[];
}

/** Reads the last `limit` releases of a bank. Throws `store_unavailable`. */
export async function readHistory(source: ReleaseSource, slug: string, limit = 20): Promise<BankHistory> {
  const { current, problem } = await readBelievable(source, slug);
  const numbers = await listNumbers(source.store, slug);
  const entries: HistoryEntry[] = [];
  let reached =
    current === undefined || numbers.includes(current.number) ? current?.number : current.replaces;
  for (const number of numbers.slice(-limit).toReversed()) {
    // What the chain came to is not there: what lies below cannot be told any more.
    if (reached !== undefined && number < reached) reached = undefined;
    const found = await readNumberedRelease(source, slug, number);
    if (found.kind !== 'verified') {
      entries.push({
        kind: 'not_believed',
        number,
        problem: found.kind === 'invalid' ? found.problem : 'is gone',
      });
      continue;
    }
    const { release } = found;
    const place = placeOf(number, current?.number, reached);
    if (number === reached) reached = release.replaces;
    entries.push({ kind: 'release', number, place, release });
  }
  return {
    bank: slug,
    ...(current !== undefined && { current }),
    ...(problem !== undefined && { currentProblem: problem }),
    entries,
    candidates: await listCandidates(source.store, slug),
    strangers: await findStrangers(source, slug, new Set(numbers)),
  };
}

/** `reached` is the number that the chain back from the current release has come to; undefined where it ends. */
function placeOf(number: number, current: number | undefined, reached: number | undefined): Place {
  if (number === current) return 'current';
  if (current === undefined || reached === undefined) return 'unclear';
  if (number === reached) return 'was_current';
  return 'not_reached';
}

async function readBelievable(
  source: ReleaseSource,
  slug: string,
): Promise<{ current?: VerifiedRelease; problem?: string }> {
  try {
    const current = await readCurrentRelease(source.store, slug, source.trustedKeys);
    if (current === undefined) return {};
    if (current.release.audience !== source.audience) return { problem: 'release is for another deployment' };
    return { current: current.release };
  } catch (error) {
    if (error instanceof WasmpayError && error.code !== 'store_unavailable')
      return { problem: error.message };
    throw error;
  }
}

async function findStrangers(
  { store }: ReleaseSource,
  slug: string,
  numbers: ReadonlySet<number>,
): Promise<string[]> {
  const known = new Set([currentReleaseKey(slug), ...[...numbers].map((number) => releaseKey(slug, number))]);
  const keys = await listKeys(store, `${BANKS_PREFIX}${slug}/`);
  return keys.filter((key) => !known.has(key) && !key.startsWith(candidatesPrefix(slug)));
}
