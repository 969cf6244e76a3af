// Bounds of an artifact where the gateway reads it, each under, at and over.

import { describe, expect, it } from 'vitest';

import { packArtifact, readArtifact } from '../../src/artifact/artifact.ts';
import { sha256 } from '../../src/artifact/digest.ts';
import { generateReleaseKeys, parseSigningKey } from '../../src/artifact/release-keys.ts';
import { signRelease } from '../../src/artifact/sign-release.ts';
import { verifySignature } from '../../src/artifact/verify-release.ts';
import { DEFAULT_GUEST_LIMITS } from '../../src/core/guest-limits.ts';
import { HOST_ABI, MANIFEST_SCHEMA, parseManifest, type Manifest } from '../../src/artifact/manifest.ts';
import { MAX_ARTIFACT_BYTES, MAX_CORE_MODULES, MAX_RELEASE_BYTES } from '../../src/core/limits.ts';
import { NO_MEMORY } from '../fixtures/metering.ts';

const MANIFEST: Manifest = {
  schema: MANIFEST_SCHEMA,
  hostAbi: HOST_ABI,
  contract: 'wasmpay:platform@0.1.0',
  component: await sha256(new Uint8Array(1)),
  imports: [],
  exports: ['wasmpay:platform/validation@0.1.0'],
  metering: NO_MEMORY,
  coreModules: 1,
};

/** The container counts in blocks of this size. */
const BLOCK_BYTES = 512;

/** A whole artifact of exactly this size. */
function artifactOf(sizeBytes: number): Uint8Array<ArrayBuffer> {
  const parts = { manifest: MANIFEST, glue: 'export {};' };
  const empty = packArtifact({ ...parts, coreModules: [new Uint8Array()] }).length;
  return packArtifact({ ...parts, coreModules: [new Uint8Array(sizeBytes - empty).fill(1)] });
}

describe('an artifact', () => {
  it.each([
    ['under', MAX_ARTIFACT_BYTES - BLOCK_BYTES, MAX_ARTIFACT_BYTES - BLOCK_BYTES],
    ['at', MAX_ARTIFACT_BYTES, MAX_ARTIFACT_BYTES],
    ['over', MAX_ARTIFACT_BYTES + BLOCK_BYTES, 'artifact_invalid'],
  ])('has at most 48 MiB: %s', async (_, sizeBytes, expected) => {
    const bytes = artifactOf(sizeBytes);
    expect(bytes).toHaveLength(sizeBytes);
    const read = readArtifact(bytes, await sha256(bytes));
    const ended = await read.then(
      (artifact) => artifact.sizeBytes,
      (error: { code: string }) => error.code,
    );
    expect(ended).toBe(expected);
  });
});

describe('the core modules of a manifest', () => {
  it.each([
    ['at the least', 1, true],
    ['under the least', 0, false],
    ['under', MAX_CORE_MODULES - 1, true],
    ['at', MAX_CORE_MODULES, true],
    ['over', MAX_CORE_MODULES + 1, false],
  ])('are 1 to 64: %s', (_, coreModules, good) => {
    const parse = (): Manifest => parseManifest({ ...MANIFEST, coreModules });
    if (good) expect(parse().coreModules).toBe(coreModules);
    else expect(parse).toThrow(expect.objectContaining({ code: 'manifest_invalid' }) as Error);
  });
});

describe('a release', () => {
  it('has at most 16 KiB as a token: under, at, over', async () => {
    const signingKey = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
    const trustedKeys = new Map([[signingKey.keyId, signingKey.publicKey]]);
    const sign = (grantLength: number): Promise<Uint8Array> =>
      signRelease(
        {
          audience: 'pay.example',
          bank: 'bank-002',
          bankId: 'bank_002',
          number: 1,
          artifact: MANIFEST.component,
          component: MANIFEST.component,
          contract: 'wasmpay:platform@0.1.0',
          policy: { grants: ['x'.repeat(grantLength)], limits: DEFAULT_GUEST_LIMITS },
          fallback: 'deny',
          notBeforeS: 1_800_000_000,
          notAfterS: 1_800_000_001,
        },
        signingKey,
      );
    // Three bytes of payload are four of the token, so it grows by one or two at a time: the longest that fits.
    let longest = Math.floor(((MAX_RELEASE_BYTES - (await sign(1)).length) * 3) / 4) - 2;
    while (
      await sign(longest + 1).then(
        () => true,
        () => false,
      )
    ) {
      longest += 1;
    }
    const [under, at] = [await sign(longest - 1), await sign(longest)];
    expect(MAX_RELEASE_BYTES - at.length).toBeLessThanOrEqual(1);
    for (const token of [under, at]) expect((await verifySignature(token, trustedKeys)).number).toBe(1);
    const invalid = expect.objectContaining({ code: 'release_invalid' }) as Error;
    await expect(sign(longest + 1)).rejects.toThrow(invalid);
    // A reader holds it as well, whoever signed: a valid token is no longer looked at when it is too long.
    const over = new Uint8Array(MAX_RELEASE_BYTES + 1);
    over.set(at);
    await expect(verifySignature(over, trustedKeys)).rejects.toThrow(invalid);
  });
});
