// What the garbage collection has seen unreferenced, and since when, in one object of the bucket that changes by
// compare-and-swap alone. Listings have no times, and a publisher may be about to release what nothing refers to yet.
// So nothing is deleted in the run that finds it: a mark must have stood for days, and a publisher that means to use an
// object takes its mark away first. Both change the same object, so one of the two comes first, and the other sees it:
//
// - the publisher first: the collection's swap fails, it looks again, and the object is not due any more;
// - the collection first: the publisher finds the object listed as being deleted, and stops before it relies on it.
//
// Who can write to the bucket can forge this, and gains what they have: the power to delete.

import { WasmpayError } from '../../core/error.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { COLLECTION_KEY } from './storage-keys.ts';

const SCHEMA = 'wasmpay-gc/1';

/** Largest object of marks, bytes: some hundred thousand keys. */
const MAX_MARKS_BYTES = 16 * 1024 * 1024;

const MAX_ATTEMPTS = 20;

export interface CollectionMarks {
  /** Keys that nothing refers to, and when that was first seen: seconds since the Unix epoch. */
  readonly marks: Readonly<Record<string, number>>;
  /** Keys that a run is deleting. */
  readonly deleting: readonly string[];
  /** When that run began, seconds since the Unix epoch; 0 where none deletes. */
  readonly deletingSinceS: number;
}

const NO_MARKS: CollectionMarks = { marks: {}, deleting: [], deletingSinceS: 0 };

/** The marks, and the ETag to swap them by. What cannot be read counts as none, and is replaced. */
export async function readMarks(store: ObjectStore): Promise<{ marks: CollectionMarks; etag?: string }> {
  const found = await store.get(COLLECTION_KEY, { maxBytes: MAX_MARKS_BYTES });
  if (found.kind !== 'found') return { marks: NO_MARKS };
  return { marks: parseMarks(found.object.bytes) ?? NO_MARKS, etag: found.object.etag };
}

/** Swaps the marks; false where someone else changed them. */
export async function swapMarks(
  store: ObjectStore,
  marks: CollectionMarks,
  etag: string | undefined,
): Promise<boolean> {
  const bytes = new TextEncoder().encode(JSON.stringify({ schema: SCHEMA, ...marks }));
  const condition = etag === undefined ? ({ kind: 'absent' } as const) : ({ kind: 'matches', etag } as const);
  return (await store.put(COLLECTION_KEY, bytes, condition)).kind === 'stored';
}

/**
 * Takes the marks of `keys` away, before they are relied on. Throws `store_conflict` where a collection is deleting one
 * of them, or is changing its marks all the time.
 */
export async function shieldFromCollection(store: ObjectStore, keys: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { marks, etag } = await readMarks(store);
    if (keys.some((key) => marks.deleting.includes(key))) {
      throw new WasmpayError(
        'store_conflict',
        '"wasmpay gc" is deleting what this needs; try again when it is done (if it was stopped: run it once more)',
      );
    }
    if (!keys.some((key) => Object.hasOwn(marks.marks, key))) return;
    const rest = Object.entries(marks.marks).filter(([key]) => !keys.includes(key));
    if (await swapMarks(store, { ...marks, marks: Object.fromEntries(rest) }, etag)) return;
  }
  throw new WasmpayError('store_conflict', '"wasmpay gc" changes its marks all the time; try again');
}

function parseMarks(bytes: Uint8Array): CollectionMarks | undefined {
  try {
    const json = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const { schema, marks, deleting, deletingSinceS } = json;
    if (schema !== SCHEMA || typeof marks !== 'object' || marks === null || !Array.isArray(deleting))
      return undefined;
    const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
    if (!Object.values(marks).every(isTime) || !isTime(deletingSinceS)) return undefined;
    if (!deleting.every((key) => typeof key === 'string')) return undefined;
    return { marks: marks as Record<string, number>, deleting, deletingSinceS };
  } catch {
    return undefined;
  }
}
