// Garbage collection: what goes, what stays, and publishers that work at the same time.

import { beforeEach, describe, expect, it } from 'vitest';

import { hexOf, type Digest } from '../../../src/artifact/digest.ts';
import type { Release } from '../../../src/artifact/release.ts';
import { DEFAULT_GUEST_LIMITS } from '../../../src/core/guest-limits.ts';
import { storeCandidate } from '../../../src/publisher/releases/candidate.ts';
import { collectGarbage, type Collection } from '../../../src/publisher/releases/collect-garbage.ts';
import {
  readMarks,
  shieldFromCollection,
  swapMarks,
} from '../../../src/publisher/releases/collection-marks.ts';
import { rollbackRelease } from '../../../src/publisher/releases/rollback.ts';
import { candidateKey, COLLECTION_KEY } from '../../../src/publisher/releases/storage-keys.ts';
import { artifactKey, componentKey, currentReleaseKey } from '../../../src/store/keys.ts';
import { createMemoryStore } from '../../../src/store/memory.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';
import { BANK, createReleaseBed, force, NOW_S, valueOf, type ReleaseBed } from './release-bed.ts';

let bed: ReleaseBed;
beforeEach(async () => {
  bed = await createReleaseBed();
});

const collect = (remove: boolean, olderThanDays = 30, store: ObjectStore = bed.store): Promise<Collection> =>
  collectGarbage({ ...bed, store }, { olderThanDays, clock: bed.clock, remove });

const keysOf = ({ artifact, component }: { artifact: Digest; component: Digest }): string[] => [
  artifactKey(hexOf(artifact)),
  componentKey(hexOf(component)),
];

const has = async (key: string): Promise<boolean> => (await bed.store.get(key)).kind === 'found';

/** An artifact that nothing refers to, marked so long ago that it is due. */
async function dueArtifact(): Promise<{ artifact: Digest; component: Digest }> {
  const made = await bed.makeArtifact('unused');
  await collect(false);
  bed.advanceDays(31);
  return made;
}

describe('a garbage collection', () => {
  it('lists and marks first, and deletes what has been unused since for as long as asked', async () => {
    await bed.release('kept');
    const unused = await bed.makeArtifact('unused');
    const first = await collect(true);
    expect(first.garbage.map(({ key }) => key)).toEqual(keysOf(unused));
    expect(first.deleted).toEqual([]);
    bed.advanceDays(30 - 1 / 86_400);
    expect((await collect(true)).deleted).toEqual([]);
    bed.advanceDays(1 / 86_400);
    const listed = await collect(false);
    expect(listed.garbage.map(({ isDue, unreferencedSinceS }) => [isDue, unreferencedSinceS])).toEqual([
      [true, NOW_S],
      [true, NOW_S],
    ]);
    expect(listed.deleted).toEqual([]);
    expect((await collect(true)).deleted).toEqual(keysOf(unused));
    expect(await collect(true)).toEqual({ garbage: [], deleted: [] });
  });

  it('keeps what the current release runs, however old, and what releases of the last days ran', async () => {
    const old = await bed.release('old', { bankId: 'quiet' });
    const replaced = await bed.release('replaced');
    bed.advanceDays(100);
    const recent = await bed.release('recent');
    await bed.release('current');
    bed.advanceDays(20);
    await collect(true);
    bed.advanceDays(31);
    // The 31 days are over for `recent` as well, but it has been seen unused just now.
    const { deleted } = await collect(true);
    expect(deleted).toEqual(keysOf(replaced));
    for (const release of [old, recent, (await bed.current()) as Release])
      for (const key of keysOf(release)) expect(await has(key)).toBe(true);
  });

  it('never deletes within a day, whatever is asked', async () => {
    await bed.makeArtifact('unused');
    await collect(true, 0);
    bed.advanceDays(0.99);
    expect((await collect(true, 0)).deleted).toEqual([]);
    bed.advanceDays(0.01);
    expect((await collect(true, 0)).deleted).toHaveLength(2);
  });

  it('forgets the mark of what was used in between', async () => {
    const made = await dueArtifact();
    const release = await bed.release('unused');
    expect(keysOf(release)).toEqual(keysOf(made));
    expect((await collect(true)).deleted).toEqual([]);
    expect((await readMarks(bed.store)).marks.marks).toEqual({});
  });

  it('takes candidates that have waited too long, and what they are of', async () => {
    await bed.release('kept');
    const made = await bed.makeArtifact('waiting');
    await storeCandidate(bed.store, BANK, {
      bankId: BANK,
      ...made,
      contract: 'wasmpay:platform@0.1.0',
      grants: [],
      limits: DEFAULT_GUEST_LIMITS,
      fallback: 'deny',
      toolchain: 'unknown',
      madeAtS: NOW_S,
    });
    await collect(true);
    bed.advanceDays(31);
    const { deleted } = await collect(true);
    expect(deleted).toEqual([...keysOf(made), candidateKey(BANK, hexOf(made.artifact))]);
  });

  it('deletes nothing where one bank’s current release cannot be believed', async () => {
    await bed.release('one', { bankId: 'forged' });
    await dueArtifact();
    await force(bed.store, currentReleaseKey('forged'), new TextEncoder().encode('a.b.c'));
    await expect(collect(true)).rejects.toMatchObject({ code: 'release_invalid' });
    expect((await readMarks(bed.store)).marks.deleting).toEqual([]);
  });

  it('keeps what the newest release ran where somebody deleted the current one', async () => {
    const release = await bed.release('one');
    bed.advanceDays(100);
    await bed.store.delete(currentReleaseKey(BANK));
    await collect(true);
    bed.advanceDays(31);
    expect((await collect(true)).deleted).toEqual([]);
    for (const key of keysOf(release)) expect(await has(key)).toBe(true);
  });

  it('starts anew where its marks are no marks', async () => {
    const made = await dueArtifact();
    await force(bed.store, COLLECTION_KEY, new TextEncoder().encode('{"schema":"wasmpay-gc/1","marks":[]}'));
    expect((await collect(true)).deleted).toEqual([]);
    expect(Object.keys((await readMarks(bed.store)).marks.marks).sort()).toEqual(keysOf(made).sort());
  });
});

/** A store that calls `hook` once, right before the first operation for which `when` holds. */
function interpose(
  inner: ObjectStore,
  when: (operation: 'get' | 'put' | 'delete' | 'list', key: string) => boolean,
  hook: () => Promise<unknown>,
): ObjectStore {
  let isDone = false;
  const before = async (operation: 'get' | 'put' | 'delete' | 'list', key: string): Promise<void> => {
    if (isDone || !when(operation, key)) return;
    isDone = true;
    await hook();
  };
  return {
    async get(key, options) {
      await before('get', key);
      return inner.get(key, options);
    },
    async put(key, bytes, condition) {
      await before('put', key);
      return inner.put(key, bytes, condition);
    },
    async list(options) {
      await before('list', options.prefix);
      return inner.list(options);
    },
    async delete(key) {
      await before('delete', key);
      await inner.delete(key);
    },
  };
}

describe('a publisher beside a collection that is about to delete what it found there', () => {
  // Every operation of a collection is a place for a whole publication to happen.
  const places = [
    ['before the marks are read', 'get', COLLECTION_KEY],
    ['before the references are read', 'list', 'banks/'],
    ['before the objects are listed', 'list', 'artifacts/'],
    ['before the marks are swapped', 'put', COLLECTION_KEY],
  ] as const;

  it.each(places)('%s: keeps what it releases', async (_, operation, key) => {
    await bed.release('kept', { bankId: 'other' });
    const made = await dueArtifact();
    const publish = async (): Promise<void> => {
      await shieldFromCollection(bed.store, keysOf(made));
      await bed.release('unused');
    };
    const store = interpose(bed.store, (op, at) => op === operation && at === key, publish);
    const { deleted } = await collect(true, 30, store);
    expect(deleted).toEqual([]);
    for (const kept of keysOf(made)) expect(await has(kept)).toBe(true);
  });

  it('that has only begun, with its release still to come: keeps what it will release', async () => {
    const made = await dueArtifact();
    const store = interpose(
      bed.store,
      (operation) => operation === 'put',
      () => shieldFromCollection(bed.store, keysOf(made)),
    );
    expect((await collect(true, 30, store)).deleted).toEqual([]);
    await bed.release('unused');
    bed.advanceDays(400);
    expect((await collect(true)).deleted).toEqual([]);
  });

  it('that comes too late: stops before it relies on anything', async () => {
    const made = await dueArtifact();
    let refused: unknown;
    const store = interpose(
      bed.store,
      (operation) => operation === 'delete',
      () => shieldFromCollection(bed.store, keysOf(made)).catch((error: unknown) => (refused = error)),
    );
    expect((await collect(true, 30, store)).deleted).toEqual(keysOf(made));
    expect(refused).toMatchObject({ code: 'store_conflict' });
    await shieldFromCollection(bed.store, keysOf(made));
  });

  it('rolls back to what was due, and keeps it', async () => {
    const first = await bed.release('one');
    await bed.release('two');
    bed.advanceDays(31);
    await collect(true);
    bed.advanceDays(31);
    const store = interpose(
      bed.store,
      (operation, key) => operation === 'put' && key === COLLECTION_KEY,
      async () => valueOf(await rollbackRelease(bed, BANK, { validityDays: 7 })),
    );
    expect((await collect(true, 30, store)).deleted).toEqual([]);
    for (const key of keysOf(first)) expect(await has(key)).toBe(true);
  });
});

describe('a collection that was stopped', () => {
  it.each(['before', 'after'] as const)(
    '%s a deletion: is finished by the next one, an hour later',
    async (when) => {
      const made = await dueArtifact();
      const { createFailingStore } = await import('./release-bed.ts');
      // Writes: the swap, two deletions, the swap back.
      await expect(collect(true, 30, createFailingStore(bed.store, 3, when))).rejects.toMatchObject({
        code: 'store_unavailable',
      });
      await expect(collect(true)).rejects.toMatchObject({ code: 'store_conflict' });
      await expect(shieldFromCollection(bed.store, keysOf(made))).rejects.toMatchObject({
        code: 'store_conflict',
      });
      bed.advanceDays(1 / 24);
      await collect(true);
      for (const key of keysOf(made)) expect(await has(key)).toBe(false);
      await shieldFromCollection(bed.store, keysOf(made));
    },
  );
});

it('two collections at once delete each object once', async () => {
  await dueArtifact();
  const results = await Promise.allSettled([collect(true), collect(true)]);
  const deleted = results.flatMap((result) => (result.status === 'fulfilled' ? result.value.deleted : []));
  expect(deleted).toHaveLength(2);
});

it('marks are swapped by what was read alone', async () => {
  const store = createMemoryStore();
  const marks = { marks: { a: 1 }, deleting: [], deletingSinceS: 0 };
  expect(await swapMarks(store, marks, undefined)).toBe(true);
  expect(await swapMarks(store, marks, undefined)).toBe(false);
  const { etag } = await readMarks(store);
  expect(await swapMarks(store, { ...marks, marks: {} }, etag)).toBe(true);
  expect(await swapMarks(store, marks, etag)).toBe(false);
});
