import { describe, expect, it } from 'vitest';

import { packArtifact, readArtifact } from '../../src/artifact/artifact.ts';
import { packContainer } from '../../src/artifact/container.ts';
import { sha256 } from '../../src/artifact/digest.ts';
import { HOST_ABI, type Manifest } from '../../src/artifact/manifest.ts';
import { NO_MEMORY } from '../fixtures/metering.ts';

const MANIFEST: Manifest = {
  schema: 'wasmpay-artifact/1',
  hostAbi: HOST_ABI,
  contract: 'wasmpay:platform@0.1.0',
  component: `sha256:${'c'.repeat(64)}`,
  imports: [{ interface: 'wasi:io/streams', version: '0.2.12', tier: 'granted' }],
  exports: ['wasmpay:platform/validation@0.1.0'],
  metering: NO_MEMORY,
  coreModules: 2,
};
const PARTS = {
  manifest: MANIFEST,
  glue: 'export const ü = 1;',
  coreModules: [Uint8Array.of(1, 2, 3), Uint8Array.of(4)],
};

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe('artifact', () => {
  it('is read as it was packed', async () => {
    const bytes = packArtifact(PARTS);
    const digest = await sha256(bytes);
    expect(await readArtifact(bytes, digest)).toEqual({ ...PARTS, digest, sizeBytes: bytes.length });
  });

  it('is refused when one bit differs from its digest', async () => {
    const bytes = packArtifact(PARTS);
    const digest = await sha256(bytes);
    bytes[600] = (bytes[600] ?? 0) ^ 1;
    await expect(readArtifact(bytes, digest)).rejects.toMatchObject({ code: 'artifact_invalid' });
  });

  it.each([
    ['a module is missing', { ...MANIFEST, coreModules: 3 }, 'artifact_invalid'],
    ['the schema is another', { ...MANIFEST, schema: 'x' }, 'manifest_invalid'],
    ['the host ABI is another', { ...MANIFEST, hostAbi: 1 }, 'manifest_invalid'],
    ['the contract is unknown', { ...MANIFEST, contract: 'x' }, 'manifest_invalid'],
    ['the component is no digest', { ...MANIFEST, component: 'x' }, 'manifest_invalid'],
    [
      'a tier is unknown',
      { ...MANIFEST, imports: [{ interface: 'a', version: '1', tier: 'all' }] },
      'manifest_invalid',
    ],
    ['imports are no list', { ...MANIFEST, imports: {} }, 'manifest_invalid'],
    ['metering is missing', { ...MANIFEST, metering: undefined }, 'manifest_invalid'],
    [
      'metering counts in fractions',
      { ...MANIFEST, metering: { ...MANIFEST.metering, costs: 1.5 } },
      'manifest_invalid',
    ],
    ['exports hold a number', { ...MANIFEST, exports: [1] }, 'manifest_invalid'],
    ['the number of modules is none', { ...MANIFEST, coreModules: 0 }, 'manifest_invalid'],
    ['the manifest is a list', [], 'manifest_invalid'],
  ])('is refused when %s', async (_, manifest, code) => {
    const bytes = packArtifact({ ...PARTS, manifest: manifest as Manifest });
    await expect(readArtifact(bytes, await sha256(bytes))).rejects.toMatchObject({ code });
  });

  it.each([
    ['nothing is in it', []],
    ['the manifest is missing', [{ name: 'glue.js', bytes: encode('') }]],
    ['the glue is missing', [{ name: 'manifest.json', bytes: encode(MANIFEST) }]],
    [
      'modules are out of order',
      [
        { name: 'manifest.json', bytes: encode(MANIFEST) },
        { name: 'glue.js', bytes: encode('') },
        { name: 'core1.wasm', bytes: encode('') },
        { name: 'core0.wasm', bytes: encode('') },
      ],
    ],
  ])('is refused when %s', async (_, members) => {
    const bytes = packContainer(members);
    await expect(readArtifact(bytes, await sha256(bytes))).rejects.toMatchObject({
      code: 'artifact_invalid',
    });
  });
});
