// Garbage collection: artifacts, components and candidates that no current release and none of the last days refers to.
// Releases stay for ever. Listing marks what is unreferenced; deleting takes what was marked days ago and still is. How
// that is safe beside a publisher at work: collection-marks.ts.

import { hexOf } from '../../artifact/digest.ts';
import type { Release } from '../../artifact/release.ts';
import type { Clock } from '../../core/clock.ts';
import { WasmpayError } from '../../core/error.ts';
import { artifactKey, componentKey } from '../../store/keys.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readMarks, swapMarks, type CollectionMarks } from './collection-marks.ts';
import {
  listBanks,
  listNumbers,
  readNumberedRelease,
  readStanding,
  type ReleaseSource,
} from './read-release.ts';
import { BANKS_PREFIX } from './storage-keys.ts';

/** Shortest time between mark and deletion, days: longer than any publication takes. */
export const MIN_COLLECTION_DAYS = 1;

/** A run that has been deleting for this long was stopped, seconds. */
const ABANDONED_S = 60 * 60;

const MAX_ATTEMPTS = 20;

export interface CollectOptions {
  readonly olderThanDays: number;
  readonly clock: Clock;
  /** Delete what is due; else only mark and list. */
  readonly remove: boolean;
  readonly onDelete?: (key: string) => void;
}

export interface Garbage {
  readonly key: string;
  readonly sizeBytes: number;
  /** Since when it has been seen unreferenced: seconds since the Unix epoch. */
  readonly unreferencedSinceS: number;
  readonly isDue: boolean;
}

export interface Collection {
  /** Everything that nothing refers to, by key. */
  readonly garbage: readonly Garbage[];
  readonly deleted: readonly string[];
}

/**
 * Marks and lists garbage, and deletes what is due where asked. Throws `release_invalid` where a bank's current release
 * cannot be believed (what it refers to is unknown, so nothing is deleted), `store_conflict` where another run deletes
 * or publishers change the marks all the time, `store_unavailable`.
 */
export async function collectGarbage(source: ReleaseSource, options: CollectOptions): Promise<Collection> {
  const { store } = source;
  const nowS = Math.floor(options.clock() / 1000);
  const windowS = Math.max(options.olderThanDays, MIN_COLLECTION_DAYS) * 86_400;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    // In this order: whoever takes a mark away after the references were read makes the swap below fail.
    const { marks: before, etag } = await readMarks(store);
    if (before.deleting.length > 0 && nowS - before.deletingSinceS < ABANDONED_S)
      throw new WasmpayError('store_conflict', 'another "wasmpay gc" is deleting; let it finish');
    const referenced = await readReferences(source, nowS - windowS);
    const objects = (await listObjects(store)).filter(({ key }) => !referenced.has(key));
    const garbage = objects.map(({ key, sizeBytes }): Garbage => {
      const isAbandoned = before.deleting.includes(key);
      const unreferencedSinceS = Object.hasOwn(before.marks, key) ? (before.marks[key] ?? nowS) : nowS;
      return {
        key,
        sizeBytes,
        unreferencedSinceS,
        isDue: isAbandoned || nowS - unreferencedSinceS >= windowS,
      };
    });
    const due = options.remove ? garbage.filter(({ isDue }) => isDue).map(({ key }) => key) : [];
    const kept = garbage.filter(({ key }) => !due.includes(key));
    const after: CollectionMarks = {
      marks: Object.fromEntries(kept.map(({ key, unreferencedSinceS }) => [key, unreferencedSinceS])),
      deleting: due,
      deletingSinceS: due.length > 0 ? nowS : 0,
    };
    if (!(await swapMarks(store, after, etag))) continue;
    for (const key of due) {
      await store.delete(key);
      options.onDelete?.(key);
    }
    if (due.length > 0) await endDeletion(store);
    return { garbage, deleted: due };
  }
  throw new WasmpayError('store_conflict', 'publishers change what is marked all the time; try again');
}

/** Opens the keys that were deleted to publishers again. */
async function endDeletion(store: ObjectStore): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { marks, etag } = await readMarks(store);
    if (await swapMarks(store, { ...marks, deleting: [], deletingSinceS: 0 }, etag)) return;
  }
  throw new WasmpayError('store_conflict', 'publishers change what is marked all the time; run gc again');
}

/** Keys that must stay: of current releases, of what stands in for one, and of all made since `sinceS`. */
async function readReferences(source: ReleaseSource, sinceS: number): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  const keep = ({ artifact, component }: Release): void => {
    keys.add(artifactKey(hexOf(artifact))).add(componentKey(hexOf(component)));
  };
  for (const slug of await listBanks(source.store)) {
    const { current, newer } = await readStanding(source, slug);
    for (const release of [current?.release, newer]) if (release !== undefined) keep(release);
    for (const number of (await listNumbers(source.store, slug)).toReversed()) {
      const found = await readNumberedRelease(source, slug, number);
      if (found.kind !== 'verified') continue;
      // Numbers grow with time: below the first that is older, all are.
      if (found.release.notBeforeS < sinceS) break;
      keep(found.release);
    }
  }
  return keys;
}

const CANDIDATE = new RegExp(`^${BANKS_PREFIX}[^/]+/candidates/`);

async function listObjects(store: ObjectStore): Promise<{ key: string; sizeBytes: number }[]> {
  const objects: { key: string; sizeBytes: number }[] = [];
  for (const prefix of ['artifacts/', 'components/', BANKS_PREFIX]) {
    let cursor: string | undefined;
    do {
      const page = await store.list({ prefix, ...(cursor !== undefined && { cursor }) });
      for (const { key, sizeBytes } of page.objects)
        if (prefix !== BANKS_PREFIX || CANDIDATE.test(key)) objects.push({ key, sizeBytes });
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return objects;
}
