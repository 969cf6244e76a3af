// The publisher from end to end over a store in memory: what it stores, what it never stores, and what is left when the
// store fails in between.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readArtifact } from '../../src/artifact/artifact.ts';
import { hexOf } from '../../src/artifact/digest.ts';
import { generateReleaseKeys, parseSigningKey, type SigningKey } from '../../src/artifact/release-keys.ts';
import { WasmpayError } from '../../src/core/error.ts';
import { MAX_COMPONENT_BYTES, MAX_CORE_MODULES } from '../../src/core/limits.ts';
import { DEFAULT_POLICY } from '../../src/publisher/policy.ts';
import {
  publishComponent,
  type Publication,
  type PublishOptions,
  type StageReport,
} from '../../src/publisher/publish.ts';
import type { Refusal, RefusalCode, Result } from '../../src/publisher/refusal.ts';
import { readCurrentRelease } from '../../src/publisher/release.ts';
import { artifactKey, componentKey, currentReleaseKey, releaseKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import {
  changedContract,
  componentFromWat,
  componentFromWit,
  contractWit,
  plainValidator,
  validatorFromCoreWat,
  validatorWithWorld,
} from '../fixtures/components.ts';
import { SHARED_TOOLS } from '../fixtures/shared-tools.ts';
import { buildPanic } from '../fixtures/glue-components.ts';

const run = promisify(execFile);
const TRIAL_SCRIPT = new URL('../../src/sandbox/node/trial-child.ts', import.meta.url);
const NOW_MS = 1_800_000_000_000;
const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const RANDOM = (version: string): string =>
  `package wasi:random@${version} { interface random { get-random-u64: func() -> u64; } }`;

let signingKey: SigningKey;
let plain: Uint8Array<ArrayBuffer>;
let denying: Uint8Array<ArrayBuffer>;
let folder = '';

beforeAll(async () => {
  signingKey = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
  plain = new Uint8Array(await plainValidator());
  denying = new Uint8Array(await validatorFromCoreWat({ validateBody: 'i32.const 0' }));
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-publish-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function publish(
  store: ObjectStore,
  component: Uint8Array,
  { untried = false, ...options }: Partial<PublishOptions> & { untried?: boolean } = {},
): Promise<Result<Publication>> {
  return publishComponent({
    bankId: 'icamer',
    component: component as Uint8Array<ArrayBuffer>,
    store,
    signingKey,
    audience: 'pay.example',
    policy: DEFAULT_POLICY,
    clock: () => NOW_MS,
    stopwatch: () => performance.now(),
    tools: SHARED_TOOLS,
    ...(!untried && { trialScript: TRIAL_SCRIPT }),
    ...options,
  });
}

async function published(...args: Parameters<typeof publish>): Promise<Publication> {
  const result = await publish(...args);
  if (!result.ok) throw new Error(JSON.stringify(result.refusals));
  return result.value;
}

async function refusalsOf(...args: Parameters<typeof publish>): Promise<readonly Refusal[]> {
  const result = await publish(...args);
  return result.ok ? [] : result.refusals;
}

async function keysIn(store: ObjectStore): Promise<string[]> {
  return (await store.list({ prefix: '' })).objects.map(({ key }) => key);
}

async function bytesAt(store: ObjectStore, key: string): Promise<Uint8Array<ArrayBuffer>> {
  const found = await store.get(key);
  if (found.kind !== 'found') throw new Error(`${key} is missing`);
  return found.object.bytes;
}

const usingRandom = (): Promise<Uint8Array> =>
  validatorWithWorld('import wasi:random/random@0.2.6;', RANDOM('0.2.6'));

describe('publishing a component', () => {
  it('stores component, artifact, numbered release and current release, and nothing else', async () => {
    const store = createMemoryStore();
    const { release, artifact, manifest, previous, changes } = await published(store, plain);
    expect(release).toMatchObject({
      bankId: 'icamer',
      bank: 'icamer',
      number: 1,
      artifact,
      component: manifest.component,
      audience: 'pay.example',
      fallback: 'deny',
      policy: { grants: [] },
      notBeforeS: NOW_MS / 1000,
      notAfterS: NOW_MS / 1000 + 7 * 86_400,
    });
    expect(previous).toBeUndefined();
    expect(changes).toHaveLength(1);
    expect(await keysIn(store)).toEqual(
      [
        artifactKey(hexOf(artifact)),
        componentKey(hexOf(manifest.component)),
        currentReleaseKey('icamer'),
        releaseKey('icamer', 1),
      ].sort(),
    );
    expect(await bytesAt(store, componentKey(hexOf(manifest.component)))).toEqual(plain);
    const read = await readArtifact(await bytesAt(store, artifactKey(hexOf(artifact))), artifact);
    expect(read.manifest).toEqual(manifest);
    expect((await readCurrentRelease(store, 'icamer', signingKey))?.release).toMatchObject(release);
  });

  it('reports each stage in order, with a duration that is not negative', async () => {
    const reports: StageReport[] = [];
    const { stages } = await published(createMemoryStore(), plain, {
      onStage: (report) => reports.push(report),
    });
    expect(stages).toEqual(reports);
    expect(stages.map(({ stage }) => stage)).toEqual([
      'inspect',
      'policy',
      'transpile',
      'meter',
      'bundle',
      'trial',
      'store',
      'release',
    ]);
    for (const { durationMs, summary } of stages) {
      expect(durationMs).toBeGreaterThanOrEqual(0);
      expect(summary).not.toBe('');
    }
  });

  it('measures with the stopwatch that it is given, and only that', async () => {
    let now = 0;
    const { stages } = await published(createMemoryStore(), plain, { stopwatch: () => (now += 5) });
    expect(stages.map(({ durationMs }) => durationMs)).toEqual([5, 5, 5, 5, 5, 5, 5, 5]);
  });

  it('reports the stage that refused, and none after it', async () => {
    const reports: string[] = [];
    const onStage = ({ stage }: StageReport): unknown => reports.push(stage);
    await refusalsOf(createMemoryStore(), await componentFromWat('(component)'), { onStage });
    expect(reports).toEqual(['inspect', 'policy']);
  });

  it('names what it grants in the release, sorted', async () => {
    const component = await validatorWithWorld(
      'import wasi:random/random@0.2.6; import wasi:clocks/wall-clock@0.2.6;',
      `${RANDOM('0.2.6')} package wasi:clocks@0.2.6 { interface wall-clock { now: func() -> u64; } }`,
    );
    const { release } = await published(createMemoryStore(), component, { untried: true });
    expect(release.policy.grants).toEqual(['wasi:clocks/wall-clock', 'wasi:random/random']);
  });
});

/** Publishes a file into a store in memory and prints the artifact's digest, or the codes of the refusals. */
const CHILD = `
import { readFileSync } from 'node:fs';
const [root, file] = process.argv.slice(1);
const { publishComponent } = await import(root + 'src/publisher/publish.ts');
const { DEFAULT_POLICY } = await import(root + 'src/publisher/policy.ts');
const { createMemoryStore } = await import(root + 'src/store/memory.ts');
const { generateReleaseKeys, parseSigningKey } = await import(root + 'src/artifact/release-keys.ts');
const store = createMemoryStore();
const result = await publishComponent({
  bankId: 'other', store, component: new Uint8Array(readFileSync(file)), audience: 'elsewhere', policy: DEFAULT_POLICY,
  signingKey: await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private)),
  fallback: 'refuse', validityDays: 1, clock: () => Date.now(), stopwatch: () => performance.now(),
});
const stored = (await store.list({ prefix: '' })).objects.length;
console.log(result.ok ? result.value.artifact : result.refusals.map(({ code }) => code).join(), stored);`;

async function publishInChild(name: string, component: Uint8Array, env: Record<string, string>) {
  const file = join(folder, `${name}.wasm`);
  await writeFile(file, component);
  const root = new URL('../../', import.meta.url).href;
  const args = ['--input-type=module', '-e', CHILD, root, file];
  const { stdout } = await run(process.execPath, args, { cwd: folder, env });
  return stdout.trim();
}

describe('the artifact’s digest', () => {
  it('is the same in processes of another folder, zone and language, for another bank, key and time', async () => {
    const { artifact } = await published(createMemoryStore(), plain);
    const digests = await Promise.all([
      publishInChild('one', plain, { TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }),
      publishInChild('two', plain.slice(), { TZ: 'America/St_Johns', LANG: 'C', NODE_ENV: 'production' }),
    ]);
    expect(digests).toEqual([`${artifact} 4`, `${artifact} 4`]);
  });

  it('is the same for the same bytes in the middle of a larger buffer', async () => {
    const { artifact } = await published(createMemoryStore(), plain);
    const larger = new Uint8Array(plain.length + 100).fill(0xff);
    larger.set(plain, 37);
    const view = larger.subarray(37, 37 + plain.length);
    expect((await published(createMemoryStore(), view)).artifact).toBe(artifact);
  });

  it('is another one for a component that differs in a custom section alone', async () => {
    const { artifact } = await published(createMemoryStore(), plain);
    const other = new Uint8Array([...plain, 0, 4, 3, 0x61, 0x62, 0x63]);
    expect((await published(createMemoryStore(), other)).artifact).not.toBe(artifact);
  });
});

interface Attempt {
  readonly component: () => Uint8Array | Promise<Uint8Array>;
  readonly options?: Partial<PublishOptions>;
  /** What the first refusal must name. */
  readonly names?: string;
}

/** Codes that refuse an action on releases or processors, not a component: test/publisher/{releases,processors}/. */
type ReleaseRefusalCode =
  | Extract<RefusalCode, `processor_${string}`>
  | 'imports_grew'
  | 'fallback_approves'
  | 'bank_unknown'
  | 'release_unknown'
  | 'release_superseded'
  | 'release_expired'
  | 'not_disabled'
  | 'artifact_unusable'
  | 'component_missing'
  | 'candidate_unknown'
  | 'candidate_differs'
  | 'cases_failed';

/** A component that each code refuses. `glue_rejected` is behind the check of names: no component reaches it. */
const ATTEMPTS: Record<
  Exclude<
    RefusalCode,
    'glue_rejected' | 'transpile_failed' | 'slug_taken' | 'bank_id_invalid' | ReleaseRefusalCode
  >,
  readonly Attempt[]
> = {
  not_wasm: [
    { component: () => new Uint8Array() },
    { component: () => new TextEncoder().encode('<!doctype html>') },
  ],
  trial_failed: [
    { component: () => validatorFromCoreWat({ validateBody: 'unreachable' }), names: 'unreachable' },
    {
      component: () => validatorFromCoreWat({ validateBody: '(loop br 0) unreachable' }),
      names: 'fuel_exhausted',
    },
    { component: () => validatorFromCoreWat({ validateBody: 'i32.const 7' }), names: 'bad_output' },
  ],
  core_module: [{ component: () => componentFromWat('(module)') }],
  truncated: [
    { component: () => plain.subarray(0, 5) },
    { component: () => plain.subarray(0, 20) },
    { component: () => plain.subarray(0, Math.floor(plain.length / 2)) },
  ],
  malformed: [{ component: () => new Uint8Array([...PREAMBLE, 7, 1, 0, 13, 0]) }],
  too_large: [{ component: () => padTo(MAX_COMPONENT_BYTES + 1) }],
  too_many_modules: [
    { component: () => componentFromWat(`(component ${'(core module)'.repeat(MAX_CORE_MODULES + 1)})`) },
  ],
  unsupported_feature: [
    { component: () => componentFromWat('(component (import "m" (core module)))'), names: '"m"' },
  ],
  unsafe_name: [
    {
      component: () =>
        componentFromWat(
          `(component (core module (func (export "validate'] ?? (globalThis.PWNED = typeof process), exports0['x"))))`,
        ),
      names: 'PWNED',
    },
  ],
  no_validation_export: [
    { component: () => componentFromWat('(component)') },
    { component: () => componentFromWit('package a:b; world w { export init: func(); }', 'w') },
  ],
  validation_shape: [
    {
      component: () => componentFromWit(changedContract('-> bool', '-> string'), 'validator'),
      names: 'validation@0.1.0',
    },
    {
      component: () => componentFromWit(changedContract('amount: s64', 'amount: u64'), 'validator'),
      names: 'u64',
    },
  ],
  import_unknown: [
    {
      component: () =>
        validatorWithWorld(
          'import acme:ledger/accounts@3.1.4;',
          'package acme:ledger@3.1.4 { interface accounts { f: func(); } }',
        ),
      names: 'acme:ledger/accounts@3.1.4',
    },
  ],
  import_refused: [
    {
      component: () =>
        validatorWithWorld(
          'import wasi:http/types@0.2.3;',
          'package wasi:http@0.2.3 { interface types { f: func(); } }',
        ),
      names: 'wasi:http/types@0.2.3',
    },
    {
      component: () => validatorWithWorld('import wasi:random/random@0.3.0;', RANDOM('0.3.0')),
      names: 'wasi:random/random@0.3.0',
    },
  ],
  import_inert_strict: [
    {
      component: () =>
        validatorWithWorld(
          'import wasi:cli/exit@0.2.6;',
          'package wasi:cli@0.2.6 { interface exit { exit: func(); } }',
        ),
      options: { strict: true },
      names: 'wasi:cli/exit@0.2.6',
    },
  ],
  import_validation: [
    {
      component: () => componentFromWit(contractWit(), 'validator-messenger'),
      names: 'wasmpay:platform/validation@0.1.0',
    },
  ],
  export_not_allowed: [
    { component: () => validatorWithWorld('export run: func();'), names: '"run"' },
    {
      component: () =>
        validatorWithWorld(
          'export wasi:cli/run@0.2.6;',
          'package wasi:cli@0.2.6 { interface run { run: func() -> result; } }',
        ),
      names: 'wasi:cli/run@0.2.6',
    },
  ],
  interface_versions: [
    {
      component: () =>
        componentFromWat(
          '(component (import "wasi:random/random@0.2.1" (instance)) (import "wasi:random/random@0.2.6" (instance)))',
        ),
      names: '0.2.1, 0.2.6',
    },
    {
      // wit-component merges versions that semver calls compatible: these two it does not.
      component: () =>
        validatorWithWorld(
          'import wasi:random/random@0.2.1; import wasi:random/random@0.3.0;',
          RANDOM('0.2.1') + RANDOM('0.3.0'),
        ),
      names: '0.2.1, 0.3.0',
    },
  ],
};

/** The plain validator with a custom section that makes it this long. */
function padTo(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(plain);
  return bytes;
}

/** A memory store that counts what is written to it, and what is tried. */
function createCountingStore(): ObjectStore & { readonly puts: string[] } {
  const inner = createMemoryStore();
  const puts: string[] = [];
  return {
    ...inner,
    puts,
    put(key, bytes, condition) {
      puts.push(key);
      return inner.put(key, bytes, condition);
    },
  };
}

describe.each(Object.entries(ATTEMPTS))('a component refused as %s', (code, attempts) => {
  it.each(attempts.map((attempt, index) => [index + 1, attempt] as const))(
    'leaves the store empty and says what, where and what to do (%i)',
    async (_, { component, options, names }) => {
      const store = createCountingStore();
      const refusals = await refusalsOf(store, await component(), options);
      expect(refusals.map((refusal) => refusal.code)).toContain(code);
      const refusal = refusals.find((candidate) => candidate.code === code);
      for (const part of ['message', 'where', 'fix'] as const) {
        expect(refusal?.[part]).toMatch(/^[\x20-\x7e]+$/);
      }
      if (names !== undefined) expect(refusal?.message).toContain(names);
      expect(store.puts).toEqual([]);
      expect(await keysIn(store)).toEqual([]);
    },
  );
});

describe('a refusal', () => {
  it('of a component on which jco panics is transpile_failed, and nothing is stored', async () => {
    expect(await publishInChild('panic', await buildPanic(), {})).toBe('transpile_failed 0');
  });

  it('of a bank id comes before the component is looked at', async () => {
    const store = createCountingStore();
    const [refusal] = await refusalsOf(store, new Uint8Array(), { bankId: '../icamer' });
    expect(refusal?.code).toBe('bank_id_invalid');
    expect(store.puts).toEqual([]);
  });

  it('of a slug that another bank holds stores nothing of the component', async () => {
    const store = createCountingStore();
    await published(store, plain, { bankId: 'bank_002' });
    const puts = store.puts.length;
    const [refusal] = await refusalsOf(store, denying, { bankId: 'bank-002' });
    expect(refusal?.code).toBe('slug_taken');
    expect(store.puts.length).toBe(puts);
  });

  it('names every fault at once', async () => {
    const component = await validatorWithWorld(
      'import wasi:http/types@0.2.3; import acme:a/b@1.0.0; export run: func();',
      'package wasi:http@0.2.3 { interface types { f: func(); } } package acme:a@1.0.0 { interface b { f: func(); } }',
    );
    const refusals = await refusalsOf(createMemoryStore(), component);
    expect(refusals.map(({ code }) => code).sort()).toEqual([
      'export_not_allowed',
      'import_refused',
      'import_unknown',
    ]);
  });
});

describe('a key that did not sign the current release', () => {
  it('stores nothing', async () => {
    const store = createCountingStore();
    await published(store, plain);
    const puts = store.puts.length;
    const otherKey = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
    await expect(publish(store, denying, { signingKey: otherKey })).rejects.toMatchObject({
      code: 'release_invalid',
    });
    expect(store.puts.length).toBe(puts);
  });
});

/** A store whose write number `failing` (from 1) fails: before anything is written, or with its answer lost. */
function createFailingStore(
  inner: ObjectStore,
  failing: number,
  when: 'before' | 'after',
): ObjectStore & { readonly puts: string[] } {
  const puts: string[] = [];
  return {
    ...inner,
    puts,
    async put(key, bytes, condition) {
      puts.push(key);
      const fails = puts.length === failing;
      const result = fails && when === 'before' ? undefined : await inner.put(key, bytes, condition);
      if (result === undefined || fails) throw new WasmpayError('store_unavailable', 'made to fail');
      return result;
    },
  };
}

describe.each(['before', 'after'] as const)('a store that fails %s a write took effect', (when) => {
  it.each([1, 2, 3, 4])('leaves a first release done or not begun, at write %i', async (failing) => {
    const inner = createMemoryStore();
    await expect(publish(createFailingStore(inner, failing, when), plain)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    const current = await readCurrentRelease(inner, 'icamer', signingKey);
    expect(current?.release.number).toBe(failing === 4 && when === 'after' ? 1 : undefined);
    const { release } = await published(inner, plain);
    // A number that a lost publisher took is never used again.
    const taken = failing === 4 || (failing === 3 && when === 'after');
    expect(release.number).toBe(taken ? 2 : 1);
  });

  it.each([1, 2, 3, 4])('leaves the old release or the new one, at write %i', async (failing) => {
    const inner = createMemoryStore();
    const first = await published(inner, plain);
    const failingStore = createFailingStore(inner, failing, when);
    await expect(publish(failingStore, denying)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(failingStore.puts).toHaveLength(failing);
    const current = await readCurrentRelease(inner, 'icamer', signingKey);
    if (failing === 4 && when === 'after') expect(current?.release.number).toBe(2);
    else expect(current?.release).toMatchObject({ number: 1, artifact: first.artifact });
    // Whatever is current, its artifact is there.
    const artifact = current?.release.artifact ?? first.artifact;
    await readArtifact(await bytesAt(inner, artifactKey(hexOf(artifact))), artifact);

    const { release } = await published(inner, denying);
    expect(release.number).toBeGreaterThan(current?.release.number ?? 0);
    expect(release.artifact).not.toBe(first.artifact);
    expect((await readCurrentRelease(inner, 'icamer', signingKey))?.release).toMatchObject(release);
  });
});

describe('what changed against the last release', () => {
  it('is nothing for the same component under the same terms', async () => {
    const store = createMemoryStore();
    await published(store, plain);
    const { changes, previous, release } = await published(store, plain);
    expect([changes, previous?.number, release.number]).toEqual([[], 1, 2]);
  });

  it('names digests, size, imports, grants and fallback, and their going', async () => {
    const store = createMemoryStore();
    const first = await published(store, plain);
    const second = await published(store, await usingRandom(), {
      fallback: 'refuse',
      untried: true,
      acceptImports: true,
    });
    const sizes = await Promise.all(
      [first, second].map(
        async ({ artifact }) => (await bytesAt(store, artifactKey(hexOf(artifact)))).length,
      ),
    );
    expect(second.changes).toEqual([
      `component ${first.release.component} → ${second.release.component}`,
      `artifact ${first.artifact} → ${second.artifact}`,
      'fallback deny → refuse',
      'new grant wasi:random/random',
      ...(sizes[0] === sizes[1] ? [] : [`artifact size ${sizes.join(' → ')} bytes`]),
      'new import wasi:random/random@0.2.6 (granted)',
    ]);
    const third = await published(store, plain);
    expect(third.changes).toContain('fallback refuse → deny');
    expect(third.changes).toContain('grant wasi:random/random is gone');
    expect(third.changes).toContain('import wasi:random/random@0.2.6 (granted) is gone');
  });

  it('names new exports', async () => {
    const store = createMemoryStore();
    await published(store, plain);
    const { changes } = await published(store, await validatorWithWorld('export init: func();'), {
      untried: true,
    });
    expect(changes).toContain('new export init');
  });

  it('says so where the previous artifact is gone, and publishes all the same', async () => {
    const store = createMemoryStore();
    const first = await published(store, plain);
    await store.delete(artifactKey(hexOf(first.artifact)));
    const { changes, release } = await published(store, denying);
    expect(release.number).toBe(2);
    expect(changes).toHaveLength(3);
    expect(changes.at(-1)).toContain('cannot be read');
  });
});
