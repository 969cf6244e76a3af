// Publishers at work at the same time, and publishers that are cut off: no release is lost, no number is used twice, and
// what is current is always a whole release.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readHistory } from '../../../src/publisher/releases/history.ts';
import { renewRelease } from '../../../src/publisher/releases/renew.ts';
import { rollbackRelease } from '../../../src/publisher/releases/rollback.ts';
import { disableBank, enableBank } from '../../../src/publisher/releases/switch.ts';
import { releaseKey } from '../../../src/store/keys.ts';
import { createFilesystemStore } from '../../../src/store/filesystem.ts';
import { createMemoryStore } from '../../../src/store/memory.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';
import {
  BANK,
  createFailingStore,
  createReleaseBed,
  releaseOf,
  valueOf,
  type ReleaseBed,
} from './release-bed.ts';

let folder = '';
let stores = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-races-'));
});
afterAll(() => rm(folder, { recursive: true }));

const STORES: readonly (readonly [string, () => ObjectStore])[] = [
  ['in memory', createMemoryStore],
  ['in a folder', () => createFilesystemStore(join(folder, `store-${(stores += 1)}`))],
];

describe.each(STORES)('twenty publishers at once over a store %s', (_, makeStore) => {
  it('all release in some order, each once', async () => {
    const bed = await createReleaseBed(makeStore());
    const made = await Promise.all(Array.from({ length: 20 }, (_, index) => bed.release(`v${index}`)));
    const numbers = made.map(({ number }) => number).sort((a, b) => a - b);
    expect(new Set(numbers).size).toBe(20);
    const { current, entries } = await readHistory(bed, BANK, 1_000);
    expect(current?.number).toBe(numbers.at(-1));
    // Under each number is the release of the publisher that was told of it, and nobody else's.
    const kept = new Map(
      entries.flatMap((entry) =>
        entry.kind === 'release' ? [[entry.number, entry.release.artifact] as const] : [],
      ),
    );
    for (const { number, artifact } of made) expect(kept.get(number)).toBe(artifact);
    // Every release that a publisher was told of was current once: the chain back from the last one holds all of them.
    const chain = entries.filter((entry) => entry.kind === 'release' && entry.place !== 'not_reached');
    expect(chain.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual(numbers);
  });

  it('do not undo a kill switch that is among them', async () => {
    const bed = await createReleaseBed(makeStore());
    await bed.release('first');
    const publishers = Array.from({ length: 9 }, (_, index) => () => bed.release(`v${index}`));
    const renewals = Array.from({ length: 5 }, () => () => renewRelease(bed, BANK));
    const rollbacks = Array.from(
      { length: 5 },
      () => () => rollbackRelease(bed, BANK, { to: 1, validityDays: 7 }),
    );
    const off = () => disableBank(bed, BANK, { answer: 'refuse', validityDays: 7 });
    await Promise.all([...publishers, off, ...renewals, ...rollbacks].map((act) => act()));
    expect((await bed.current())?.disabled).toEqual({ answer: 'refuse' });
  });
});

const ACTIONS: Readonly<Record<string, (bed: ReleaseBed) => Promise<unknown>>> = {
  publish: (bed) => bed.release('three'),
  rollback: async (bed) => releaseOf(await rollbackRelease(bed, BANK, { to: 1, validityDays: 7 })),
  disable: async (bed) => releaseOf(await disableBank(bed, BANK, { answer: 'deny', validityDays: 7 })),
  enable: async (bed) => releaseOf(await enableBank(bed, BANK, { validityDays: 7 })),
};

const CUTS = (['before', 'after'] as const).flatMap((when) => [1, 2].map((write) => [when, write] as const));

describe.each(Object.entries(ACTIONS))('%s that is cut off', (name, act) => {
  it.each(CUTS)(
    '%s write %i takes effect leaves the old release or the new one, and goes again',
    async (when, write) => {
      const inner = createMemoryStore();
      const bed = await createReleaseBed(inner);
      await bed.release('one');
      await bed.release('two');
      if (name === 'enable') valueOf(await disableBank(bed, BANK, { answer: 'deny', validityDays: 7 }));
      await bed.makeArtifact('three');
      const before = await bed.current();

      // Artifacts are stored before the action: the writes left are the number and the swap.
      const store = createFailingStore(inner, write, when);
      const cut = { ...bed, store, release: async () => release(cut, bed) };
      await expect(act(cut)).rejects.toMatchObject({ code: 'store_unavailable' });
      const left = await bed.current();
      const isDone = when === 'after' && write === 2;
      expect(left?.number).toBe((before?.number ?? 0) + (isDone ? 1 : 0));
      if (!isDone) expect(left).toEqual(before);

      // Whoever runs it again succeeds, under a number that was never used.
      const used = (await readHistory(bed, BANK)).entries.map(({ number }) => number);
      if (name !== 'enable' || !isDone) await act(bed);
      const after = await bed.current();
      if (name !== 'enable' || !isDone) expect(used).not.toContain(after?.number);
      expect(after?.number).toBeGreaterThan(before?.number ?? 0);
      const kept = await inner.get(releaseKey(BANK, Number(after?.number)));
      expect(kept.kind).toBe('found');
      expect(after?.disabled !== undefined).toBe(name === 'disable');
    },
  );
});

/** Publishes through a store that fails, with the other bed's keys. */
async function release(cut: { store: ObjectStore }, bed: ReleaseBed) {
  const { releaseArtifact } = await import('../../../src/publisher/release.ts');
  const { audience, signingKey, clock } = bed;
  const current = await bed.current();
  if (current === undefined) throw new Error('no release');
  const { contract, policy, bankId } = current;
  const terms = { audience, bankId, ...(await bed.makeArtifact('three')), contract, policy } as const;
  return releaseOf(
    await releaseArtifact(cut.store, { ...terms, fallback: 'deny', validityDays: 7 }, signingKey, clock),
  );
}
