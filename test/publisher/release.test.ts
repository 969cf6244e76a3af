import { beforeAll, describe, expect, it } from 'vitest';

import { generateReleaseKeys, parseSigningKey, type SigningKey } from '../../src/artifact/release-keys.ts';
import { DEFAULT_GUEST_LIMITS } from '../../src/core/guest-limits.ts';
import { signRelease } from '../../src/artifact/sign-release.ts';
import { verifySignature } from '../../src/artifact/verify-release.ts';
import { readCurrentRelease, releaseArtifact, type ReleaseTerms } from '../../src/publisher/release.ts';
import { currentReleaseKey, releaseKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';

const NOW_MS = 1_800_000_000_000;
const clock = () => NOW_MS;

const TERMS: ReleaseTerms = {
  audience: 'pay.example',
  bankId: 'bank_002',
  artifact: `sha256:${'a'.repeat(64)}`,
  component: `sha256:${'b'.repeat(64)}`,
  contract: 'wasmpay:platform@0.1.0',
  policy: { grants: [], limits: DEFAULT_GUEST_LIMITS },
  fallback: 'deny',
  validityDays: 7,
};

let signingKey: SigningKey;
let otherKey: SigningKey;

beforeAll(async () => {
  signingKey = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
  otherKey = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
});

async function release(store: ObjectStore, changes: Partial<ReleaseTerms> = {}, key = signingKey) {
  const released = await releaseArtifact(store, { ...TERMS, ...changes }, key, clock);
  if (!released.ok) throw new Error(released.refusals.map(({ code }) => code).join());
  return released.value;
}

async function bytesAt(store: ObjectStore, key: string): Promise<Uint8Array> {
  const found = await store.get(key);
  if (found.kind !== 'found') throw new Error(`${key} is missing`);
  return found.object.bytes;
}

describe('a release', () => {
  it('is signed, numbered from 1, valid for as long as asked, and kept under its number', async () => {
    const store = createMemoryStore();
    const { release: made, previous } = await release(store);
    expect(previous).toBeUndefined();
    expect(made).toMatchObject({
      bank: 'bank-002',
      number: 1,
      notBeforeS: NOW_MS / 1000,
      notAfterS: NOW_MS / 1000 + 604_800,
    });
    const current = await bytesAt(store, currentReleaseKey('bank-002'));
    expect(current).toEqual(await bytesAt(store, releaseKey('bank-002', 1)));
    const trusted = new Map([[signingKey.keyId, signingKey.publicKey]]);
    expect(await verifySignature(current, trusted)).toEqual({ ...made, keyId: signingKey.keyId });
  });

  it('counts on from the one before it and names it', async () => {
    const store = createMemoryStore();
    await release(store);
    const { release: made, previous } = await release(store, { fallback: 'refuse' });
    expect([made.number, made.fallback, previous?.number]).toEqual([2, 'refuse', 1]);
  });

  it('is lost to none of twenty racing publishers', async () => {
    const store = createMemoryStore();
    const made = await Promise.all(Array.from({ length: 20 }, () => release(store)));
    const numbers = made.map(({ release: { number } }) => number);
    expect(new Set(numbers).size).toBe(20);
    const current = await readCurrentRelease(store, 'bank-002', signingKey);
    expect(current?.release.number).toBe(Math.max(...numbers));
    for (const number of numbers) await bytesAt(store, releaseKey('bank-002', number));
  });

  it('goes past numbers that a publisher took and never swapped in', async () => {
    const store = createMemoryStore();
    await release(store);
    for (let number = 2; number <= 60; number += 1) {
      await store.put(releaseKey('bank-002', number), new Uint8Array(1), { kind: 'absent' });
    }
    expect((await release(store)).release.number).toBe(61);
  });

  it('goes on after the highest number when someone deleted the current one', async () => {
    const store = createMemoryStore();
    for (let i = 0; i < 30; i += 1) await release(store);
    await store.delete(currentReleaseKey('bank-002'));
    expect((await release(store)).release.number).toBe(31);
  });

  it('is refused to a bank id whose slug another bank holds', async () => {
    const store = createMemoryStore();
    await release(store);
    await expect(release(store, { bankId: 'bank-002' })).rejects.toThrow('slug_taken');
    await expect(release(store, { bankId: 'BANK_002' })).rejects.toThrow('slug_taken');
  });

  it.each(['', '-', '_a', 'a_', 'a b', 'é', '\u212aelvin', 'a/b', 'x'.repeat(64)])(
    'is refused to the bank id %j',
    async (bankId) => {
      const store = createMemoryStore();
      await expect(release(store, { bankId })).rejects.toThrow('bank_id_invalid');
      expect((await store.list({ prefix: '' })).objects).toEqual([]);
    },
  );

  it('does not count on from one that another key signed', async () => {
    const store = createMemoryStore();
    await release(store, {}, otherKey);
    await expect(release(store)).rejects.toMatchObject({ code: 'release_invalid' });
  });

  it('does not count on from another bank’s', async () => {
    const store = createMemoryStore();
    const { release: made } = await release(store, { bankId: 'icamer' });
    await store.put(currentReleaseKey('bank-002'), await signRelease(made, signingKey), { kind: 'absent' });
    await expect(release(store)).rejects.toMatchObject({ code: 'release_invalid' });
  });
});
