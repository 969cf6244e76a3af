// Banks brought to what is wished for them: only what differs is released, by racing and by interrupted publishers as well; no
// gate is passed by; a kill switch is nobody's to undo but who says so; and a rehearsal writes nothing.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { hexOf, sha256, type Digest } from '../../../src/artifact/digest.ts';
import type { Release } from '../../../src/artifact/release.ts';
import { runWishes } from '../../../src/cli/apply/run-wishes.ts';
import type { FileBank } from '../../../src/cli/apply/releases-file.ts';
import { DEFAULT_GUEST_LIMITS } from '../../../src/core/guest-limits.ts';
import { DEFAULT_POLICY } from '../../../src/publisher/policy.ts';
import type { Refusal } from '../../../src/publisher/refusal.ts';
import type { Wish, WishedComponent } from '../../../src/publisher/releases/compare-wish.ts';
import { readHistory } from '../../../src/publisher/releases/history.ts';
import {
  compareBank,
  reconcileBank,
  rehearseBank,
  type Reconciliation,
  type ReconcileOptions,
} from '../../../src/publisher/releases/reconcile.ts';
import { disableBank, enableBank } from '../../../src/publisher/releases/switch.ts';
import type { Tools } from '../../../src/publisher/workshop/tools.ts';
import { createFilesystemStore } from '../../../src/store/filesystem.ts';
import { componentKey, currentReleaseKey, releaseKey } from '../../../src/store/keys.ts';
import { createMemoryStore } from '../../../src/store/memory.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';
import { plainValidator, validatorFromCoreWat, validatorWithWorld } from '../../fixtures/components.ts';
import { SHARED_TOOLS } from '../../fixtures/shared-tools.ts';
import {
  BANK,
  createFailingStore,
  createReleaseBed,
  DAY_S,
  force,
  makeKey,
  NOW_S,
  replay,
  type ReleaseBed,
} from './release-bed.ts';

type Component = Uint8Array<ArrayBuffer>;

let plain: Component;
let denying: Component;
let random: Component;
let folder = '';
let stores = 0;

beforeAll(async () => {
  plain = new Uint8Array(await plainValidator());
  denying = new Uint8Array(await validatorFromCoreWat({ validateBody: 'i32.const 0' }));
  random = new Uint8Array(
    await validatorWithWorld(
      'import wasi:random/random@0.2.6;',
      'package wasi:random@0.2.6 { interface random { get-random-u64: func() -> u64; } }',
    ),
  );
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-reconcile-'));
});
afterAll(() => rm(folder, { recursive: true }));

const STORES: readonly (readonly [string, () => ObjectStore])[] = [
  ['in memory', createMemoryStore],
  ['in a folder', () => createFilesystemStore(join(folder, `store-${(stores += 1)}`))],
];

/** jco's output for a component, made once. */
const generated = new Map<string, ReturnType<Tools['generate']>>();
const TOOLS: Tools = {
  ...SHARED_TOOLS,
  async generate(component, options) {
    const digest = await sha256(new Uint8Array(component));
    const known = generated.get(digest) ?? SHARED_TOOLS.generate(component, options);
    generated.set(digest, known);
    return known;
  },
};

const optionsFor = (component: Component, changes: Partial<ReconcileOptions> = {}): ReconcileOptions => ({
  policy: DEFAULT_POLICY,
  tools: TOOLS,
  stopwatch: () => 0,
  readComponent: () => Promise.resolve(component),
  ...changes,
});

async function wishFor(
  component: Component,
  changes: Partial<Wish> = {},
  terms: Partial<WishedComponent> = {},
): Promise<Wish> {
  const runs = {
    component: await sha256(component),
    limits: DEFAULT_GUEST_LIMITS,
    fallback: 'deny',
    ...terms,
  } as const;
  return { bankId: BANK, slug: BANK, runs, switch: 'keep', ...changes };
}

function done(result: Reconciliation) {
  if (!result.ok)
    throw new Error(result.refusals.map(({ code, message }) => `${code}: ${message}`).join('; '));
  return result.value;
}

const codesOf = (result: Reconciliation): string[] =>
  result.ok ? [] : result.refusals.map(({ code }) => code);

/** Reconciles, and then once more, which must do nothing. */
async function bring(bed: ReleaseBed, wish: Wish, component: Component): Promise<readonly number[]> {
  const { numbers } = done(await reconcileBank(bed, wish, optionsFor(component)));
  const counted = createFailingStore(bed.store, Number.POSITIVE_INFINITY, 'before');
  const again = done(await reconcileBank({ ...bed, store: counted }, wish, optionsFor(component)));
  expect(again).toMatchObject({ kind: 'unchanged', differences: [], numbers: [] });
  expect(counted.writes).toEqual([]);
  return numbers;
}

describe.each(STORES)('a bank over a store %s', (_, makeStore) => {
  let bed: ReleaseBed;
  beforeEach(async () => {
    bed = await createReleaseBed(makeStore());
  });
  const current = async (): Promise<Release> => {
    const release = await bed.current();
    if (release === undefined) throw new Error('no current release');
    return release;
  };

  it('gets a first release, one for what differs, and none where nothing does', async () => {
    expect(await bring(bed, await wishFor(plain), plain)).toEqual([1]);
    expect(await current()).toMatchObject({ component: await sha256(plain), fallback: 'deny' });
    expect(await bring(bed, await wishFor(denying), denying)).toEqual([2]);
    expect(await bring(bed, await wishFor(denying, {}, { fallback: 'refuse' }), denying)).toEqual([3]);
    expect(await bring(bed, await wishFor(denying, {}, { outage: 'approve' }), denying)).toEqual([4]);
    const limits = { ...DEFAULT_GUEST_LIMITS, fuel: 1_000_000 };
    expect(await bring(bed, await wishFor(denying, {}, { limits }), denying)).toEqual([5]);
    expect(await current()).toMatchObject({ policy: { limits }, fallback: 'deny', number: 5 });
    expect((await current()).outage).toBeUndefined();
    expect(await bring(bed, await wishFor(denying, { validityDays: 30 }, { limits }), denying)).toEqual([6]);
    expect((await current()).notAfterS).toBe(NOW_S + 30 * DAY_S);
    // However long it is valid is fine where nobody says.
    expect(await bring(bed, await wishFor(denying, {}, { limits }), denying)).toEqual([]);
    expect(await bring(bed, { ...(await wishFor(plain)), runs: 'none' }, plain)).toEqual([7]);
    expect(await current()).toMatchObject({ validator: 'none' });
    expect(await bring(bed, await wishFor(plain), plain)).toEqual([8]);
    expect((await current()).validator).toBeUndefined();
  });

  it('is switched off before what follows, and on after it', async () => {
    await bring(bed, await wishFor(plain), plain);
    expect(await bring(bed, await wishFor(denying, { switch: { answer: 'refuse' } }), denying)).toEqual([
      2, 3,
    ]);
    const { entries } = await readHistory(bed, BANK, 10);
    expect(entries.map((entry) => entry.kind === 'release' && entry.release.disabled?.answer)).toEqual([
      'refuse',
      'refuse',
      undefined,
    ]);
    expect(await bring(bed, await wishFor(denying, { switch: { answer: 'deny' } }), denying)).toEqual([4]);
    // What is wished says nothing of the switch: it stays.
    expect(await bring(bed, await wishFor(plain), plain)).toEqual([5]);
    expect((await current()).disabled).toEqual({ answer: 'deny' });
    expect(await bring(bed, await wishFor(denying, { switch: 'on' }), denying)).toEqual([6, 7]);
    expect(await current()).toMatchObject({ number: 7, component: await sha256(denying) });
    expect((await current()).disabled).toBeUndefined();
  });

  it('is not switched on where the version that is wished is refused', async () => {
    await bring(bed, await wishFor(plain), plain);
    await disableBank(bed, BANK, { answer: 'deny', validityDays: 7 });
    const bad = new Uint8Array([0, 1, 2, 3]);
    const result = await reconcileBank(bed, await wishFor(bad, { switch: 'on' }), optionsFor(bad));
    expect(codesOf(result)).toEqual(['not_wasm']);
    expect(await current()).toMatchObject({ number: 2, disabled: { answer: 'deny' } });
  });

  it('is switched off even where the version that is wished is refused', async () => {
    await bring(bed, await wishFor(plain), plain);
    const bad = new Uint8Array([0, 1, 2, 3]);
    const result = await reconcileBank(
      bed,
      await wishFor(bad, { switch: { answer: 'deny' } }),
      optionsFor(bad),
    );
    expect(result).toMatchObject({ ok: false, numbers: [2] });
    expect((await current()).disabled).toEqual({ answer: 'deny' });
  });

  it('is not born switched off: between its first release and the switch it would run', async () => {
    const wish = await wishFor(plain, { switch: { answer: 'deny' } });
    expect(codesOf(await reconcileBank(bed, wish, optionsFor(plain)))).toEqual(['bank_unknown']);
    expect(codesOf(await rehearseBank(bed, wish, NOW_S, optionsFor(plain)))).toEqual(['bank_unknown']);
    expect(await bed.current()).toBeUndefined();
  });

  it('keeps its switch against a publisher that races it', async () => {
    await bring(bed, await wishFor(plain), plain);
    // Off between the comparison and the release.
    const slow = optionsFor(denying, {
      async readComponent() {
        await disableBank(bed, BANK, { answer: 'deny', validityDays: 7 });
        return denying;
      },
    });
    for (const wished of ['keep', 'on'] as const) {
      await enableBank(bed, BANK, { validityDays: 7 });
      await bring(bed, await wishFor(plain), plain);
      done(await reconcileBank(bed, await wishFor(denying, { switch: wished }), slow));
      expect((await current()).disabled, wished).toEqual({ answer: 'deny' });
    }
  });

  it('is brought there by ten at once, and none of their releases is lost', async () => {
    await bed.release('first');
    const wish = await wishFor(plain);
    const results = await Promise.all(
      Array.from({ length: 10 }, () => reconcileBank(bed, wish, optionsFor(plain))),
    );
    const numbers = results.flatMap((result) => done(result).numbers);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(await current()).toMatchObject({ number: Math.max(...numbers), component: await sha256(plain) });
    expect(await bring(bed, wish, plain)).toEqual([]);
  });

  it('is of whom it was: another id of its slug is refused', async () => {
    await bring(bed, { ...(await wishFor(plain)), bankId: 'i-c', slug: 'i-c' }, plain);
    const wish = { ...(await wishFor(plain)), bankId: 'I_C', slug: 'i-c' };
    expect(codesOf(await reconcileBank(bed, wish, optionsFor(plain)))).toEqual(['slug_taken']);
    expect(codesOf(await rehearseBank(bed, wish, NOW_S, optionsFor(plain)))).toEqual(['slug_taken']);
  });
});

describe('gates', () => {
  let bed: ReleaseBed;
  beforeEach(async () => {
    bed = await createReleaseBed();
  });

  it('hold what imports more, until its artifact is named', async () => {
    await bring(bed, await wishFor(plain), plain);
    const wish = await wishFor(random);
    const rehearsed = await rehearseBank(bed, wish, NOW_S, optionsFor(random));
    const held = await reconcileBank(bed, wish, optionsFor(random));
    expect([codesOf(rehearsed), codesOf(held)]).toEqual([['imports_grew'], ['imports_grew']]);
    const artifact = (held.ok ? '' : held.refusals[0]?.where) as Digest;
    expect(rehearsed.ok ? '' : rehearsed.refusals[0]?.where).toBe(artifact);
    expect((await bed.current())?.number).toBe(1);
    // Another's name does not open it.
    const other = optionsFor(random, { acceptImports: `sha256:${'0'.repeat(64)}` });
    expect(codesOf(await reconcileBank(bed, wish, other))).toEqual(['imports_grew']);
    expect(codesOf(await rehearseBank(bed, wish, NOW_S, other))).toEqual(['imports_grew']);

    const accepted = optionsFor(random, { acceptImports: artifact });
    expect(done(await rehearseBank(bed, wish, NOW_S, accepted)).kind).toBe('would_change');
    expect(done(await reconcileBank(bed, wish, accepted)).numbers).toEqual([2]);
    expect(await bed.current()).toMatchObject({ artifact, policy: { grants: ['wasi:random/random'] } });
    // The name stays in the file and opens nothing else: a version that is made of other limits is another artifact's.
    const grown = new Uint8Array([...random, 0, 4, 3, 0x61, 0x62, 0x63]);
    await bring(bed, await wishFor(plain), plain);
    const next = await reconcileBank(
      bed,
      await wishFor(grown),
      optionsFor(grown, { acceptImports: artifact }),
    );
    expect(codesOf(next)).toEqual(['imports_grew']);
  });

  it('ask the cases, on the bytes that would be released, and store nothing before', async () => {
    const asked: Component[] = [];
    const refusal: Refusal = { code: 'cases_failed', message: 'm', where: 'w', fix: 'f' };
    const judge = (component: Component): Promise<readonly Refusal[]> => {
      asked.push(component);
      return Promise.resolve([refusal]);
    };
    const wish = await wishFor(plain);
    expect(codesOf(await reconcileBank(bed, wish, optionsFor(plain, { judge })))).toEqual(['cases_failed']);
    expect(codesOf(await rehearseBank(bed, wish, NOW_S, optionsFor(plain, { judge })))).toEqual([
      'cases_failed',
    ]);
    expect(asked).toEqual([plain, plain]);
    expect((await bed.store.list({ prefix: '' })).objects).toEqual([]);
  });

  it('take a component of the store by its digest, and no other bytes', async () => {
    const component = await sha256(plain);
    const { readComponent: _, ...stored } = optionsFor(plain);
    const wish = await wishFor(plain);
    expect(codesOf(await reconcileBank(bed, wish, stored))).toEqual(['component_missing']);
    await bed.store.put(componentKey(hexOf(component)), denying, { kind: 'absent' });
    expect(codesOf(await reconcileBank(bed, wish, stored))).toEqual(['component_missing']);
    expect(codesOf(await rehearseBank(bed, wish, NOW_S, stored))).toEqual(['component_missing']);
    await force(bed.store, componentKey(hexOf(component)), plain);
    expect(done(await reconcileBank(bed, wish, stored)).numbers).toEqual([1]);
    // Nor bytes that a file gives by now.
    expect(codesOf(await reconcileBank(bed, wish, optionsFor(denying)))).toEqual([]);
    const changed = await wishFor(denying);
    expect(codesOf(await reconcileBank(bed, changed, optionsFor(plain)))).toEqual(['component_missing']);
  });

  it('refuse in a rehearsal what they refuse', async () => {
    const bad = new Uint8Array([0, 1, 2, 3]);
    expect(codesOf(await rehearseBank(bed, await wishFor(bad), NOW_S, optionsFor(bad)))).toEqual([
      'not_wasm',
    ]);
  });
});

describe('a rehearsal', () => {
  it('writes nothing, whatever would be done, and needs no key', async () => {
    const bed = await createReleaseBed();
    await bring(bed, await wishFor(plain), plain);
    await bring(bed, { ...(await wishFor(plain)), bankId: 'none', slug: 'none', runs: 'none' }, plain);
    const counted = createFailingStore(bed.store, 1, 'before');
    const { signingKey: _, ...source } = { ...bed, store: counted };
    const wishes: readonly (readonly [Wish, Component])[] = [
      [await wishFor(plain), plain],
      [await wishFor(denying), denying],
      [await wishFor(random), random],
      [await wishFor(plain, { switch: { answer: 'deny' } }), plain],
      [{ ...(await wishFor(plain)), bankId: 'none', slug: 'none' }, plain],
      [{ ...(await wishFor(plain)), bankId: 'new', slug: 'new' }, plain],
      [{ ...(await wishFor(plain)), runs: 'none' }, plain],
    ];
    const kinds = [];
    for (const [wish, component] of wishes) {
      const result = await rehearseBank(source, wish, NOW_S, optionsFor(component));
      kinds.push(result.ok ? result.value.kind : codesOf(result)[0]);
    }
    expect(kinds).toEqual([
      'unchanged',
      'would_change',
      'imports_grew',
      'would_change',
      'would_change',
      'would_change',
      'would_change',
    ]);
    expect(counted.writes).toEqual([]);
  });
});

describe('what somebody did to the bucket', () => {
  let bed: ReleaseBed;
  beforeEach(async () => {
    bed = await createReleaseBed();
    await bring(bed, await wishFor(denying), denying);
    await bring(bed, await wishFor(plain), plain);
  });

  it('an older release put back: is ended by a new one', async () => {
    await replay(bed, 1);
    expect(await bring(bed, await wishFor(plain), plain)).toEqual([3]);
    // Also where the older one says what is wished.
    await replay(bed, 2);
    expect(await bring(bed, await wishFor(plain), plain)).toEqual([4]);
    expect(await bed.current()).toMatchObject({ number: 4, component: await sha256(plain) });
  });

  it('a release from before the bank was switched off put back: it stays off', async () => {
    await disableBank(bed, BANK, { answer: 'deny', validityDays: 7 });
    await replay(bed, 2);
    expect(await bring(bed, await wishFor(plain), plain)).toEqual([4]);
    expect((await bed.current())?.disabled).toEqual({ answer: 'deny' });
  });

  it('the current release taken away: a new one follows the last', async () => {
    await bed.store.delete(currentReleaseKey(BANK));
    expect(await bring(bed, await wishFor(plain), plain)).toEqual([3]);
  });

  it('something planted under a higher number: is ended by one above', async () => {
    await force(bed.store, releaseKey(BANK, 9), new Uint8Array([1]));
    expect(await bring(bed, await wishFor(plain), plain)).toEqual([10]);
  });

  it('a release of another key, of another deployment, or spoilt: nothing is built on it', async () => {
    const release = await bed.current();
    if (release === undefined) throw new Error('no current release');
    const wish = await wishFor(plain);
    const fails = async (): Promise<void> => {
      await expect(reconcileBank(bed, wish, optionsFor(plain))).rejects.toMatchObject({
        code: 'release_invalid',
      });
      await expect(rehearseBank(bed, wish, NOW_S, optionsFor(plain))).rejects.toMatchObject({
        code: 'release_invalid',
      });
      await expect(compareBank(bed, wish, NOW_S)).rejects.toMatchObject({ code: 'release_invalid' });
    };
    await bed.plant(currentReleaseKey(BANK), release, await makeKey());
    await fails();
    await bed.plant(currentReleaseKey(BANK), { ...release, audience: 'other.example' });
    await fails();
    await force(bed.store, currentReleaseKey(BANK), new Uint8Array([1, 2, 3]));
    await fails();
  });

  it('time that has gone by: what has ended is released again, and what has not is left to renewal', async () => {
    bed.advanceDays(6.9);
    expect(await bring(bed, await wishFor(plain), plain)).toEqual([]);
    bed.advanceDays(0.1);
    expect(await bring(bed, await wishFor(plain), plain)).toEqual([3]);
  });
});

const CUTS = (['before', 'after'] as const).flatMap((when) =>
  Array.from({ length: 12 }, (_, index) => [when, index + 1] as const),
);

describe.each(CUTS)('a store that fails %s write %i', (when, write) => {
  it('leaves whole releases, and the next run goes on from there', async () => {
    const bed = await createReleaseBed();
    for (const name of ['one', 'two', 'three']) await bed.release('old', { bankId: name });
    await disableBank(bed, 'three', { answer: 'deny', validityDays: 7 });
    const bank = (name: string, disabled?: FileBank['disabled']): FileBank => ({
      bankId: name,
      slug: name,
      place: { line: 1, column: 1 },
      runs: { file: { path: 'denying', place: { line: 1, column: 1 } } },
      limits: {},
      fallback: 'deny',
      ...(disabled !== undefined && { disabled }),
    });
    const banks = [bank('one'), bank('two', 'refuse'), bank('three', false)];
    const digests = new Map([['denying', await sha256(denying)]]);
    const run = async (store: ObjectStore) =>
      runWishes(banks, digests, {
        compare: (wish) => compareBank({ ...bed, store }, wish, NOW_S),
        act: (_, wish) => reconcileBank({ ...bed, store }, wish, optionsFor(denying)),
      });

    const failing = createFailingStore(bed.store, write, when);
    const first = await run(failing);
    expect(first.filter(({ kind }) => kind === 'failed').length).toBe(1);
    // The others went on.
    expect(first.filter(({ kind }) => kind === 'changed').length).toBe(2);
    for (const name of ['one', 'two', 'three']) {
      const { current, entries } = await readHistory(bed, name, 20);
      expect(current).toBeDefined();
      // A bank that is wished to be on never ran the old version again on the way.
      expect(entries.every(({ kind }) => kind === 'release')).toBe(true);
      const versions = entries.flatMap((entry) => (entry.kind === 'release' ? [entry.release] : []));
      if (name === 'three')
        for (const release of versions)
          if (release.number > 1 && release.disabled === undefined)
            expect(release.component).toBe(await sha256(denying));
    }

    expect((await run(bed.store)).filter(({ kind }) => kind === 'failed' || kind === 'refused')).toEqual([]);
    expect((await run(bed.store)).map(({ kind }) => kind)).toEqual(['unchanged', 'unchanged', 'unchanged']);
    const [one, two, three] = await Promise.all(['one', 'two', 'three'].map((name) => bed.current(name)));
    for (const release of [one, two, three]) expect(release?.component).toBe(await sha256(denying));
    expect([one?.disabled, two?.disabled, three?.disabled]).toEqual([
      undefined,
      { answer: 'refuse' },
      undefined,
    ]);
  });
});

describe('hundreds of banks that need nothing', () => {
  it('cost two reads each, of no artifact, and no write', async () => {
    const BANKS = 300;
    const bed = await createReleaseBed();
    const digests = new Map([['plain', await sha256(plain)]]);
    const banks = Array.from({ length: BANKS }, (_, index): FileBank => {
      const name = `bank${index}`;
      const place = { line: index + 2, column: 3 };
      return {
        bankId: name,
        slug: name,
        place,
        runs: { file: { path: 'plain', place } },
        limits: {},
        fallback: 'deny',
      };
    });
    const { artifact } = await bed.makeArtifact('plain');
    for (const { bankId } of banks) {
      await bed.release('plain', { bankId, component: await sha256(plain), artifact });
      await bed.release('plain', { bankId, component: await sha256(plain), artifact });
    }
    const gets: string[] = [];
    const lists: string[] = [];
    let together = 0;
    let most = 0;
    const counted: ObjectStore = {
      ...createFailingStore(bed.store, 1, 'before'),
      async get(key, options) {
        gets.push(key);
        together += 1;
        most = Math.max(most, together);
        const found = await bed.store.get(key, options);
        together -= 1;
        return found;
      },
      list(options) {
        lists.push(options.prefix);
        return bed.store.list(options);
      },
    };
    const compared: number[] = [];
    const told: string[] = [];
    const outcomes = await runWishes(banks, digests, {
      compare: (wish) => compareBank({ ...bed, store: counted }, wish, NOW_S),
      act: () => Promise.reject(new Error('nothing is to be done')),
      onCompared: (count) => compared.push(count),
      onOutcome: ({ bank }) => told.push(bank),
    });
    expect(outcomes.map(({ bank, kind }) => `${bank} ${kind}`)).toEqual(
      banks.map(({ slug }) => `${slug} unchanged`),
    );
    expect(told).toEqual(banks.map(({ slug }) => slug));
    expect(gets.toSorted()).toEqual(banks.map(({ slug }) => currentReleaseKey(slug)).toSorted());
    expect(lists.toSorted()).toEqual(banks.map(({ slug }) => `banks/${slug}/releases/`).toSorted());
    expect(compared).toEqual(Array.from({ length: BANKS }, (_, index) => index + 1));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(16);
  });
});
