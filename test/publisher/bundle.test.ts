import { describe, expect, it } from 'vitest';

import { readArtifact } from '../../src/artifact/artifact.ts';
import type { Digest } from '../../src/artifact/digest.ts';
import { HOST_ABI, MANIFEST_SCHEMA } from '../../src/artifact/manifest.ts';
import { MAX_ARTIFACT_BYTES, MAX_CORE_MODULES } from '../../src/core/limits.ts';
import { bundleArtifact, type Bundle } from '../../src/publisher/bundle.ts';
import type { PolicyDecision } from '../../src/publisher/policy.ts';
import type { Result } from '../../src/publisher/refusal.ts';
import { NO_MEMORY } from '../fixtures/metering.ts';

const COMPONENT: Digest = `sha256:${'c'.repeat(64)}`;
const MODULE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
const GLUE = 'export function instantiate() {}\n';

const DECISION: PolicyDecision = {
  contract: 'wasmpay:platform@0.1.0',
  imports: [
    { interface: 'wasi:cli/exit', version: '0.2.6', tier: 'inert' },
    { interface: 'wasi:random/random', version: '0.2.6', tier: 'granted' },
    { interface: 'wasmpay:platform/types', version: '0.1.0', tier: 'types' },
  ],
  exports: ['init', 'wasmpay:platform/validation@0.1.0'],
  grants: ['wasi:random/random'],
};

function bundle(coreModules: readonly Uint8Array[], glue = GLUE): Promise<Result<Bundle>> {
  return bundleArtifact(COMPONENT, DECISION, glue, { coreModules, metering: NO_MEMORY, unrestorable: [] });
}

async function bundled(...args: Parameters<typeof bundle>): Promise<Bundle> {
  const result = await bundle(...args);
  if (!result.ok) throw new Error(JSON.stringify(result.refusals));
  return result.value;
}

function codes(result: Result<unknown>): string[] {
  return result.ok ? [] : result.refusals.map(({ code }) => code);
}

describe('an artifact', () => {
  it('has a manifest of what the policy decided and the gateway needs, and no more', async () => {
    const { manifest, bytes, digest } = await bundled([MODULE, MODULE]);
    expect(manifest).toEqual({
      schema: MANIFEST_SCHEMA,
      hostAbi: HOST_ABI,
      contract: DECISION.contract,
      component: COMPONENT,
      imports: DECISION.imports,
      exports: DECISION.exports,
      metering: NO_MEMORY,
      coreModules: 2,
    });
    expect(await readArtifact(bytes, digest)).toEqual({
      digest,
      manifest,
      glue: GLUE,
      coreModules: [MODULE, MODULE],
      sizeBytes: bytes.length,
    });
  });

  it('says the same at another time, of another clock', async () => {
    const first = await bundled([MODULE]);
    const { now } = Date;
    Date.now = () => 0;
    try {
      expect(await bundled([MODULE.slice()])).toEqual(first);
    } finally {
      Date.now = now;
    }
    // A year or a duration in milliseconds would be such a number; sizes, schema and ABI are not.
    const text = new TextDecoder('latin1').decode(first.bytes).replaceAll('c'.repeat(64), '');
    expect(text).not.toMatch(/20[2-9]\d|\d\.\d{3,}/);
    expect(text).not.toContain(process.cwd());
  });

  it.each<[string, readonly Uint8Array[], string]>([
    ['glue', [MODULE], `${GLUE}// changed\n`],
    ['module', [Uint8Array.of(...MODULE, 0, 1, 0)], GLUE],
    ['number of modules', [MODULE, MODULE], GLUE],
  ])('has another digest for another %s', async (_, coreModules, glue) => {
    expect((await bundled(coreModules, glue)).digest).not.toBe((await bundled([MODULE])).digest);
  });

  it('has another digest for another order of modules', async () => {
    const other = Uint8Array.of(...MODULE, 0, 1, 0);
    const digests = await Promise.all([bundled([MODULE, other]), bundled([other, MODULE])]);
    expect(digests[0]?.digest).not.toBe(digests[1]?.digest);
  });
});

describe('the bounds of an artifact', () => {
  it.each([
    ['under', MAX_CORE_MODULES - 1, []],
    ['at', MAX_CORE_MODULES, []],
    ['over', MAX_CORE_MODULES + 1, ['too_many_modules']],
  ])('on core modules, %s it', async (_, count, expected) => {
    expect(codes(await bundle(Array.from({ length: count }, () => MODULE)))).toEqual(expected);
  });

  it('on bytes, under, at and over it', async () => {
    const empty = (await bundled([new Uint8Array()])).bytes.length;
    // The container pads to 512 bytes: the largest module that fits fills its last block.
    const room = MAX_ARTIFACT_BYTES - empty;
    const huge = new Uint8Array(room + 1);
    expect(codes(await bundle([huge.subarray(0, room - 512)]))).toEqual([]);
    const atBound = await bundle([huge.subarray(0, room)]);
    expect(atBound.ok && atBound.value.bytes.length).toBe(MAX_ARTIFACT_BYTES);
    expect(codes(await bundle([huge]))).toEqual(['too_large']);
  });
});
