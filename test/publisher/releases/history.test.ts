// What is told of a bucket that somebody else can write to: verified releases alone are believed, and nothing is hidden.

import { describe, expect, it } from 'vitest';

import { readHistory } from '../../../src/publisher/releases/history.ts';
import { listBanks } from '../../../src/publisher/releases/read-release.ts';
import { storeCandidate } from '../../../src/publisher/releases/candidate.ts';
import { candidateKey } from '../../../src/publisher/releases/storage-keys.ts';
import { DEFAULT_GUEST_LIMITS } from '../../../src/core/guest-limits.ts';
import { MAX_RELEASE_BYTES } from '../../../src/core/limits.ts';
import { currentReleaseKey, releaseKey } from '../../../src/store/keys.ts';
import { BANK, createReleaseBed, force, makeKey, NOW_S, replay } from './release-bed.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a history', () => {
  it('is empty for a bank that nobody knows', async () => {
    const bed = await createReleaseBed();
    expect(await readHistory(bed, BANK)).toEqual({ bank: BANK, entries: [], candidates: [], strangers: [] });
  });

  it('tells each release’s place: current, before it, and never current', async () => {
    const bed = await createReleaseBed();
    const first = await bed.release('one');
    await bed.plant(releaseKey(BANK, 2), { ...first, number: 2, replaces: 1 });
    await bed.release('three');
    await bed.release('four');
    const { entries, current } = await readHistory(bed, BANK);
    expect(current?.number).toBe(4);
    expect(entries.map((entry) => [entry.number, entry.kind === 'release' && entry.place])).toEqual([
      [4, 'current'],
      [3, 'was_current'],
      [2, 'not_reached'],
      [1, 'was_current'],
    ]);
  });

  it('tells of a release above the one that somebody put back', async () => {
    const bed = await createReleaseBed();
    await bed.release('one');
    await bed.release('two');
    await replay(bed, 1);
    const { entries } = await readHistory(bed, BANK);
    expect(entries.map((entry) => entry.kind === 'release' && entry.place)).toEqual([
      'not_reached',
      'current',
    ]);
  });

  it('does not guess below a gap', async () => {
    const bed = await createReleaseBed();
    for (const name of ['one', 'two', 'three']) await bed.release(name);
    await bed.store.delete(releaseKey(BANK, 2));
    const { entries } = await readHistory(bed, BANK);
    expect(entries.map((entry) => entry.kind === 'release' && entry.place)).toEqual(['current', 'unclear']);
  });

  it('tells where there is no current release to be believed', async () => {
    const bed = await createReleaseBed();
    await bed.release('one');
    await force(bed.store, currentReleaseKey(BANK), bytes('a.b.c'));
    const { current, currentProblem, entries } = await readHistory(bed, BANK);
    expect(current).toBeUndefined();
    expect(currentProblem).toContain(
      `${currentReleaseKey(BANK)} cannot be believed: release has no valid signature`,
    );
    expect(entries).toMatchObject([{ kind: 'release', place: 'unclear' }]);
  });

  it('shows what is forged, unsigned or misplaced as that, and believes nothing of it', async () => {
    const bed = await createReleaseBed();
    const first = await bed.release('one');
    const { store } = bed;
    await bed.plant(releaseKey(BANK, 2), { ...first, number: 2 }, await makeKey());
    await bed.copy(releaseKey(BANK, 1), releaseKey(BANK, 3));
    await force(store, releaseKey(BANK, 4), bytes(JSON.stringify({ ...first, number: 4 })));
    await force(store, releaseKey(BANK, 5), new Uint8Array(MAX_RELEASE_BYTES + 1));
    await bed.plant(releaseKey(BANK, 6), { ...first, number: 6, audience: 'staging.example' });
    await bed.plant(releaseKey(BANK, 7), { ...first, number: 7, bank: 'other', bankId: 'other' });
    await force(store, `banks/${BANK}/releases/07`, bytes('x'));
    await force(store, `banks/${BANK}/Current`, bytes('x'));
    await force(store, candidateKey(BANK, 'a'.repeat(64)), bytes('{}'));
    const { entries, strangers, candidates } = await readHistory(bed, BANK);
    expect(entries.map(({ number, kind }) => [number, kind])).toEqual([
      [7, 'not_believed'],
      [6, 'not_believed'],
      [5, 'not_believed'],
      [4, 'not_believed'],
      [3, 'not_believed'],
      [2, 'not_believed'],
      [1, 'release'],
    ]);
    expect(strangers.toSorted()).toEqual([`banks/${BANK}/Current`, `banks/${BANK}/releases/07`]);
    expect(candidates).toEqual([]);
    // A bank of which nothing is a release is none, whatever else is there.
    await force(store, candidateKey('waiting-only', 'a'.repeat(64)), bytes('{}'));
    await force(store, 'banks/stranger', bytes('x'));
    await force(store, 'banks/NO_SLUG/current', bytes('x'));
    expect(await listBanks(store)).toEqual([BANK]);
  });

  it('lists candidates that wait, the newest first', async () => {
    const bed = await createReleaseBed();
    for (const [name, madeAtS] of [
      ['one', NOW_S],
      ['two', NOW_S + 1],
    ] as const) {
      await storeCandidate(bed.store, BANK, {
        bankId: BANK,
        ...(await bed.makeArtifact(name)),
        contract: 'wasmpay:platform@0.1.0',
        grants: [],
        limits: DEFAULT_GUEST_LIMITS,
        fallback: 'deny',
        toolchain: 'unknown',
        madeAtS,
      });
    }
    const { candidates } = await readHistory(bed, BANK);
    expect(candidates.map(({ madeAtS }) => madeAtS)).toEqual([NOW_S + 1, NOW_S]);
  });
});
