// Publications that wait, and those that are held: what they are good for, which is nothing until a person activates
// them, and what somebody gains who changes one in the bucket.

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { readArtifact } from '../../../src/artifact/artifact.ts';
import { hexOf, sha256, type Digest } from '../../../src/artifact/digest.ts';
import type { SigningKey } from '../../../src/artifact/release-keys.ts';
import { DEFAULT_GUEST_LIMITS } from '../../../src/core/guest-limits.ts';
import { DEFAULT_POLICY } from '../../../src/publisher/policy.ts';
import { publishCandidate, publishComponent, type PublishOptions } from '../../../src/publisher/publish.ts';
import { activateCandidate } from '../../../src/publisher/releases/activate.ts';
import { readCandidate, type Candidate } from '../../../src/publisher/releases/candidate.ts';
import { releaseNoValidator } from '../../../src/publisher/releases/no-validator.ts';
import { rebuildRelease, type RebuildOptions } from '../../../src/publisher/releases/rebuild.ts';
import { rollbackRelease } from '../../../src/publisher/releases/rollback.ts';
import { candidateKey } from '../../../src/publisher/releases/storage-keys.ts';
import type { Tools } from '../../../src/publisher/workshop/tools.ts';
import { artifactKey, componentKey, currentReleaseKey, releaseKey } from '../../../src/store/keys.ts';
import { createMemoryStore } from '../../../src/store/memory.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';
import { plainValidator, validatorFromCoreWat, validatorWithWorld } from '../../fixtures/components.ts';
import { SHARED_TOOLS } from '../../fixtures/shared-tools.ts';
import {
  AUDIENCE,
  BANK,
  codesOf,
  createFailingStore,
  createReleaseBed,
  force,
  makeKey,
  NOW_S,
  releaseOf,
  valueOf,
  type ReleaseBed,
} from './release-bed.ts';

let plain: Uint8Array<ArrayBuffer>;
let denying: Uint8Array<ArrayBuffer>;
let random: Uint8Array<ArrayBuffer>;
let store: ObjectStore;
let bed: ReleaseBed;

beforeAll(async () => {
  plain = new Uint8Array(await plainValidator());
  denying = new Uint8Array(await validatorFromCoreWat({ validateBody: 'i32.const 0' }));
  random = new Uint8Array(
    await validatorWithWorld(
      'import wasi:random/random@0.2.6;',
      'package wasi:random@0.2.6 { interface random { get-random-u64: func() -> u64; } }',
    ),
  );
});
beforeEach(async () => {
  store = createMemoryStore();
  bed = await createReleaseBed(store);
});

/** jco's output for a component, made once: what is tested here begins behind it. */
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

/** The trial is left out: components of a world of their own only trap. */
function optionsFor(
  component: Uint8Array<ArrayBuffer>,
  changes: Partial<PublishOptions> = {},
): PublishOptions {
  return {
    bankId: BANK,
    component,
    store,
    signingKey: bed.signingKey,
    audience: AUDIENCE,
    policy: DEFAULT_POLICY,
    tools: TOOLS,
    clock: bed.clock,
    stopwatch: () => 0,
    ...changes,
  };
}

const publish = (component: Uint8Array<ArrayBuffer>, changes?: Partial<PublishOptions>) =>
  publishComponent(optionsFor(component, changes));

const activate = (artifact: Digest, changes: Partial<PublishOptions> = {}) => {
  const { component: _, ...options } = optionsFor(plain, changes);
  return activateCandidate({ ...options, artifact });
};

const wait = async (component: Uint8Array<ArrayBuffer>, changes?: Partial<PublishOptions>) =>
  valueOf(await publishCandidate(optionsFor(component, changes)));

async function keysIn(prefix: string): Promise<string[]> {
  return (await store.list({ prefix })).objects.map(({ key }) => key);
}

/** Changes a candidate where it lies. */
async function tamper(artifact: Digest, changes: Partial<Record<keyof Candidate, unknown>>): Promise<void> {
  const key = candidateKey(BANK, hexOf(artifact));
  const found = await store.get(key);
  if (found.kind !== 'found') throw new Error('no candidate');
  const json = JSON.parse(new TextDecoder().decode(found.object.bytes)) as object;
  await force(store, key, new TextEncoder().encode(JSON.stringify({ ...json, ...changes })));
}

describe('a publication that waits', () => {
  it('changes nothing for gateways, signs nothing, and becomes the next release when it is activated', async () => {
    await publish(plain);
    const before = await bed.current();
    const { candidate, previous, changes } = await wait(denying);
    expect(previous?.number).toBe(1);
    expect(changes).toContain(`artifact ${before?.artifact} → ${candidate.artifact}`);
    expect(await bed.current()).toEqual(before);
    expect(await keysIn(`banks/${BANK}/`)).toEqual([
      candidateKey(BANK, hexOf(candidate.artifact)),
      currentReleaseKey(BANK),
      releaseKey(BANK, 1),
    ]);
    const { release } = valueOf(await activate(candidate.artifact));
    expect(release).toMatchObject({ number: 2, artifact: candidate.artifact, notBeforeS: NOW_S });
    expect(await bed.current()).toEqual(release);
    expect(await readCandidate(store, BANK, candidate.artifact)).toBeUndefined();
  });

  it('never asks for a signature', async () => {
    const signingKey: SigningKey = {
      ...bed.signingKey,
      sign: () => Promise.reject(new Error('asked to sign')),
    };
    await wait(plain, { signingKey });
    await expect(publish(plain, { signingKey })).rejects.toThrow('asked to sign');
  });

  it('takes the place of one of the same artifact under other terms', async () => {
    await wait(plain);
    const { candidate } = await wait(plain, { fallback: 'refuse' });
    expect(codesOf(await activate(candidate.artifact))).toEqual(['candidate_differs']);
    expect(valueOf(await activate(candidate.artifact, { fallback: 'refuse' })).release.fallback).toBe(
      'refuse',
    );
  });

  it('is activated once', async () => {
    const { candidate } = await wait(plain);
    valueOf(await activate(candidate.artifact));
    expect(codesOf(await activate(candidate.artifact))).toEqual(['candidate_unknown']);
  });

  it('is refused where its bank’s slug is taken', async () => {
    await publish(plain, { bankId: 'bank_002' });
    expect(codesOf(await publishCandidate(optionsFor(denying, { bankId: 'bank-002' })))).toEqual([
      'slug_taken',
    ]);
    expect(await keysIn('banks/bank-002/candidates/')).toEqual([]);
  });

  it.each([
    ['its limits', { limits: { ...DEFAULT_GUEST_LIMITS, fuel: DEFAULT_GUEST_LIMITS.fuel + 1 } }],
    ['its fallback', { fallback: 'refuse' }],
    ['its answer to an outage', { outage: 'approve' }],
    ['its grants', { grants: ['wasi:random/random'] }],
    ['its contract', { contract: 'wasmpay:platform@0.2.0' }],
    ['its bank', { bankId: 'other' }],
  ])('is refused after somebody changed %s', async (_, changes) => {
    await publish(plain);
    const { candidate } = await wait(denying);
    await tamper(candidate.artifact, changes);
    const before = await bed.current();
    expect(codesOf(await activate(candidate.artifact))).toEqual(['candidate_differs']);
    expect(await bed.current()).toEqual(before);
  });

  it('is refused after somebody put another component behind it', async () => {
    const evil = await wait(plain);
    const { candidate } = await wait(denying);
    await tamper(candidate.artifact, { component: evil.candidate.component });
    expect(codesOf(await activate(candidate.artifact))).toEqual(['candidate_differs']);
    expect(await bed.current()).toBeUndefined();
  });

  it.each([
    ['no JSON', '{'],
    ['no candidate', '{}'],
    ['null', 'null'],
    ['another one', JSON.stringify({ schema: 'wasmpay-candidate/1', artifact: `sha256:${'0'.repeat(64)}` })],
    ['too large', ' '.repeat(20_000)],
  ])('is unknown after somebody made it %s', async (_, text) => {
    const { candidate } = await wait(plain);
    await force(store, candidateKey(BANK, hexOf(candidate.artifact)), new TextEncoder().encode(text));
    expect(codesOf(await activate(candidate.artifact))).toEqual(['candidate_unknown']);
  });

  it('is refused where its component is gone or has other bytes', async () => {
    const { candidate } = await wait(plain);
    const key = componentKey(hexOf(candidate.component));
    await force(store, key, denying);
    expect(codesOf(await activate(candidate.artifact))).toEqual(['component_missing']);
    await store.delete(key);
    expect(codesOf(await activate(candidate.artifact))).toEqual(['component_missing']);
  });

  it('is judged by the policy of the day on which it is activated', async () => {
    const { candidate } = await wait(plain);
    const policy = { ...DEFAULT_POLICY, imports: [] };
    expect(codesOf(await activate(candidate.artifact, { policy }))).toEqual(['import_unknown']);
  });

  it('brings its artifact back where somebody deleted that', async () => {
    const { candidate } = await wait(plain);
    const key = artifactKey(hexOf(candidate.artifact));
    await store.delete(key);
    valueOf(await activate(candidate.artifact));
    const found = await store.get(key);
    if (found.kind !== 'found') throw new Error('no artifact');
    await readArtifact(found.object.bytes, candidate.artifact);
  });
});

describe('a version that imports what its predecessor did not', () => {
  it('is held: stored, waiting, unreleased, with the interfaces and what to type', async () => {
    await publish(plain);
    const result = await publish(random);
    expect(codesOf(result)).toEqual(['imports_grew']);
    const refusal = result.ok ? undefined : result.refusals[0];
    expect(refusal?.message).toContain('"wasi:random/random"');
    const artifact = refusal?.where as Digest;
    expect(refusal?.fix).toContain(`wasmpay activate ${BANK} ${artifact} --accept-imports`);
    expect((await bed.current())?.number).toBe(1);
    expect(await keysIn(`banks/${BANK}/releases/`)).toHaveLength(1);
    expect(codesOf(await activate(artifact))).toEqual(['imports_grew']);
    const { release } = valueOf(await activate(artifact, { acceptImports: true }));
    expect(release).toMatchObject({ number: 2, artifact, policy: { grants: ['wasi:random/random'] } });
  });

  it('is released where it says so, and then imports that no more', async () => {
    await publish(plain);
    valueOf(await publish(random, { acceptImports: true }));
    valueOf(await publish(plain));
    expect(codesOf(await publish(random))).toEqual(['imports_grew']);
  });

  it('is no growth for a bank’s first release, nor the same import twice', async () => {
    valueOf(await publish(random));
    expect(valueOf(await publish(random)).release.number).toBe(2);
  });

  it('is held after a release without a validator, which imported nothing', async () => {
    await publish(random);
    valueOf(await releaseNoValidator(bed, BANK, { validityDays: 7 }));
    expect(codesOf(await publish(random))).toEqual(['imports_grew']);
    expect(valueOf(await publish(plain)).changes).toContain('validator none → yes');
  });

  it('is held where somebody deleted the current release', async () => {
    await publish(plain);
    await store.delete(currentReleaseKey(BANK));
    expect(codesOf(await publish(random))).toEqual(['imports_grew']);
  });

  it('is held where somebody put back a release that imported it', async () => {
    await publish(random);
    await publish(plain);
    await bed.copy(releaseKey(BANK, 1), currentReleaseKey(BANK));
    expect(codesOf(await publish(random))).toEqual(['imports_grew']);
  });

  it('is compared by the component where the artifact is gone, and held where both are', async () => {
    const { release } = valueOf(await publish(random));
    const again = new Uint8Array([...random, 0, 4, 3, 0x61, 0x62, 0x63]);
    await store.delete(artifactKey(hexOf(release.artifact)));
    expect(codesOf(await publishCandidate(optionsFor(again)))).toEqual([]);
    await store.delete(componentKey(hexOf(release.component)));
    expect(codesOf(await publish(again))).toEqual(['imports_grew']);
  });
});

describe('an activation that is cut off', () => {
  // Two create-only writes find component and artifact there; then come number and swap.
  it.each([3, 4])('before write %i takes effect leaves the old release, and goes again', async (failing) => {
    await publish(plain);
    const { candidate } = await wait(denying);
    const cut = createFailingStore(store, failing, 'before');
    await expect(activate(candidate.artifact, { store: cut })).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect((await bed.current())?.number).toBe(1);
    // The number that was taken before the swap failed is not used again.
    expect(valueOf(await activate(candidate.artifact)).release.number).toBe(failing - 1);
  });

  it('after its swap is done, though its candidate stays', async () => {
    const { candidate } = await wait(plain);
    const failing = createFailingStore(store, 5, 'before');
    expect(valueOf(await activate(candidate.artifact, { store: failing })).release.number).toBe(1);
    expect(failing.writes.at(-1)).toBe(candidateKey(BANK, hexOf(candidate.artifact)));
    expect(await readCandidate(store, BANK, candidate.artifact)).toBeDefined();
  });
});

describe('a key that is no key', () => {
  it.each<[string, (good: Uint8Array) => Uint8Array]>([
    ['nothing', () => new Uint8Array()],
    ['zeros', () => new Uint8Array(64)],
    ['one byte changed', (good) => good.map((byte, index) => (index === 5 ? byte ^ 1 : byte))],
    ['one byte more', (good) => Uint8Array.of(...good, 0)],
  ])('and answers %s: nothing is stored', async (_, spoil) => {
    await publish(plain);
    const keys = await keysIn('');
    const signingKey: SigningKey = {
      ...bed.signingKey,
      sign: async (bytes) => spoil(await bed.signingKey.sign(bytes)),
    };
    await expect(
      rollbackRelease({ ...bed, signingKey }, BANK, { to: 1, validityDays: 7 }),
    ).rejects.toMatchObject({
      code: 'key_invalid',
    });
    expect(await keysIn('')).toEqual(keys);
  });

  it('and signs with another private half: nothing is stored', async () => {
    await publish(plain);
    const keys = await keysIn('');
    const other = await makeKey();
    const signingKey = { ...bed.signingKey, sign: other.sign };
    await expect(publish(plain, { signingKey })).rejects.toMatchObject({ code: 'key_invalid' });
    expect(await keysIn('')).toEqual(keys);
  });
});

describe('a rebuild', () => {
  const options: RebuildOptions = {
    policy: DEFAULT_POLICY,
    tools: TOOLS,
    stopwatch: () => 0,
    validityDays: 7,
  };
  const rebuild = (changes: Partial<RebuildOptions> = {}) =>
    rebuildRelease(bed, BANK, { ...options, ...changes });

  it('of what is as it would be built releases nothing', async () => {
    await publish(plain);
    expect(valueOf(await rebuild())).toMatchObject({ kind: 'unchanged', restored: false });
    expect((await bed.current())?.number).toBe(1);
  });

  it('brings back an artifact that is gone', async () => {
    const { release } = valueOf(await publish(plain));
    await store.delete(artifactKey(hexOf(release.artifact)));
    expect(valueOf(await rebuild())).toMatchObject({ kind: 'unchanged', restored: true });
    expect((await store.get(artifactKey(hexOf(release.artifact)))).kind).toBe('found');
  });

  it('of an artifact for another host ABI releases it anew, under its own limits and terms', async () => {
    const built = valueOf(await publish(plain, { limits: { fuel: 1_000_000 }, fallback: 'refuse' }));
    const { artifact } = await bed.makeArtifact('of an older publisher', 1);
    await bed.plant(releaseKey(BANK, 2), { ...built.release, number: 2, replaces: 1, artifact });
    await bed.copy(releaseKey(BANK, 2), currentReleaseKey(BANK));
    const made = valueOf(await rebuild());
    expect(made.kind === 'rebuilt' && made.released.release).toMatchObject({
      number: 3,
      artifact: built.artifact,
      fallback: 'refuse',
      policy: { limits: { fuel: 1_000_000 } },
    });
  });

  it('of an older release goes back to its component', async () => {
    const first = valueOf(await publish(plain));
    await publish(denying);
    expect(codesOf(await rebuild({ release: 9 }))).toEqual(['release_unknown']);
    const made = valueOf(await rebuild({ release: 1 }));
    expect(made.kind === 'rebuilt' && made.released.release).toMatchObject({
      number: 3,
      artifact: first.artifact,
    });
  });

  it('makes nothing current of an old release that somebody put back', async () => {
    await publish(plain);
    await publish(denying);
    await bed.copy(releaseKey(BANK, 1), currentReleaseKey(BANK));
    expect(codesOf(await rebuild())).toEqual(['release_superseded']);
  });

  it('is refused where the component is gone', async () => {
    const { release } = valueOf(await publish(plain));
    await force(store, componentKey(hexOf(release.component)), denying);
    expect(codesOf(await rebuild())).toEqual(['component_missing']);
  });

  it('refuses what today’s policy does, and the bank goes on', async () => {
    await publish(plain);
    expect(codesOf(await rebuild({ policy: { ...DEFAULT_POLICY, imports: [] } }))).toEqual([
      'import_unknown',
    ]);
    expect((await bed.current())?.number).toBe(1);
  });
});

it('a bucket that was lost goes on with the number that gateways were told', async () => {
  const { release } = valueOf(await publish(plain, { leastNumber: 41 }));
  expect(release).toMatchObject({ number: 41, replaces: 0 });
  expect(valueOf(await publish(plain, { leastNumber: 7 })).release.number).toBe(42);
  expect(releaseOf(await rollbackRelease(bed, BANK, { to: 41, validityDays: 7 })).number).toBe(43);
});
