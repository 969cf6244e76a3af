// The payload of a release both ways, what a gateway of before the switch makes of it, and keys that are elsewhere.

import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';

import type { Release } from '../../src/artifact/release.ts';
import { generateReleaseKeys, parseSigningKey } from '../../src/artifact/release-keys.ts';
import { decodeRelease, encodeRelease, NO_ARTIFACT } from '../../src/artifact/release-payload.ts';
import { signRelease } from '../../src/artifact/sign-release.ts';
import { DEFAULT_GUEST_LIMITS } from '../../src/core/guest-limits.ts';

const RELEASE: Release = {
  audience: 'pay.example',
  bank: 'bank-002',
  bankId: 'bank_002',
  number: 7,
  replaces: 6,
  artifact: `sha256:${'a'.repeat(64)}`,
  component: `sha256:${'b'.repeat(64)}`,
  contract: 'wasmpay:platform@0.1.0',
  policy: { grants: ['wasi:io/streams'], limits: DEFAULT_GUEST_LIMITS },
  fallback: 'deny',
  notBeforeS: 1_800_000_000,
  notAfterS: 1_800_001_000,
};
const OFF: Release = { ...RELEASE, fallback: 'refuse', outage: 'approve', disabled: { answer: 'deny' } };

const NONE: Release = { ...RELEASE, artifact: NO_ARTIFACT, component: NO_ARTIFACT, validator: 'none' };

const invalid = expect.objectContaining({ code: 'release_invalid' }) as Error;
const toJson = (release: Release) =>
  JSON.parse(new TextDecoder().decode(encodeRelease(release))) as Record<string, unknown>;
const decode = (json: unknown): Release => decodeRelease(new TextEncoder().encode(JSON.stringify(json)));

describe('a payload', () => {
  it.each<[string, Release]>([
    ['plain', RELEASE],
    ['that excuses outages', { ...RELEASE, outage: 'approve' }],
    ['switched off', OFF],
    ['of a bank without a validator', NONE],
    ['of one that is switched off', { ...NONE, disabled: { answer: 'refuse' } }],
    ['of a first release', { ...RELEASE, number: 1, replaces: 0 }],
  ])('%s reads as it was written', (_, release) => {
    expect(decodeRelease(encodeRelease(release))).toEqual(release);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a validator that nobody knows', { validator: 'some' }],
    ['no validator and an artifact', { artifact: RELEASE.artifact }],
    ['no validator and a component', { component: RELEASE.component }],
    ['no validator and a fallback that refuses', { fallback: 'refuse' }],
    ['no validator and an outage that is approved', { outage: 'approve' }],
    ['no digests, and does not say that it has no validator', { validator: undefined }],
  ])('is refused that has %s', (_, changes) => {
    expect(() => decode({ ...toJson(NONE), ...changes })).toThrow(invalid);
  });

  it('is refused that is switched off and says outside of what it suspends that there is no validator', () => {
    expect(() => decode({ ...toJson(OFF), validator: 'none' })).toThrow(invalid);
  });

  it('says whether its bank is on', () => {
    expect(toJson(RELEASE)['status']).toBe('enabled');
    expect(toJson(OFF)['status']).toBe('disabled');
  });

  it('of a publisher that knew no switch is of a bank that is on', () => {
    const { status: _, replaces: __, ...older } = toJson(RELEASE);
    const { replaces: ___, ...release } = RELEASE;
    expect(decode(older)).toEqual(release);
  });

  it('of a bank that is off gives a gateway that knows no switch nothing to run, and the switch’s answer', () => {
    // What such a gateway reads: these members and no others.
    const { artifact, component, fallback } = toJson(OFF);
    expect([artifact, component, fallback]).toEqual([NO_ARTIFACT, NO_ARTIFACT, 'deny']);
    expect(NO_ARTIFACT).toBe(`sha256:${'0'.repeat(64)}`);
  });

  const on = toJson(RELEASE);
  const off = toJson(OFF);
  it.each<[string, unknown]>([
    ['a status that nobody knows', { ...on, status: 'paused' }],
    ['a status of null', { ...on, status: null }],
    ['on, and suspends something', { ...on, suspended: off['suspended'] }],
    ['on, with the artifact of one that is off', { ...on, artifact: NO_ARTIFACT }],
    ['off, and names an artifact', { ...off, artifact: RELEASE.artifact }],
    ['off, and suspends nothing', { ...off, suspended: undefined }],
    ['off, and suspends null', { ...off, suspended: null }],
    ['off, and suspends what is off', { ...off, suspended: { ...RELEASE, artifact: NO_ARTIFACT } }],
    ['off, with an answer to outages of its own', { ...off, outage: 'approve' }],
    ['off, and approves', { ...off, fallback: 'approve' }],
    [
      'off, and would approve',
      { ...off, suspended: { ...(off['suspended'] as object), fallback: 'approve' } },
    ],
    ['a fallback that approves', { ...on, fallback: 'approve' }],
    ['a fallback from the prototype', { ...on, fallback: 'toString' }],
    ['an outage that is refused', { ...on, outage: 'refuse' }],
    ['an outage of true', { ...on, outage: true }],
    ['a member that nobody knows', { ...on, onlyFor: 'EUR' }],
    ['what replaces itself', { ...on, replaces: 7 }],
    ['what replaces a fraction', { ...on, replaces: 0.5 }],
    ['what replaces a negative number', { ...on, replaces: -1 }],
    ['an empty audience', { ...on, audience: '' }],
    ['an end at its start', { ...on, notAfterS: RELEASE.notBeforeS }],
    ['a list', [on]],
  ])('is refused: %s', (_, json) => {
    expect(() => decode(json)).toThrow(invalid);
  });
});

describe('a signing key', () => {
  it('shows its private half to nobody who prints it', async () => {
    const { private: secret } = await generateReleaseKeys();
    const key = await parseSigningKey(JSON.stringify(secret));
    const shown = inspect(key, { depth: 10, showHidden: true }) + JSON.stringify(key) + String(key.sign);
    expect(shown).not.toContain(String(secret.d));
    expect(Object.keys(key).sort()).toEqual(['keyId', 'publicKey', 'sign']);
  });

  it('is asked for nothing that no gateway would take', async () => {
    let asked = 0;
    const real = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
    const key = {
      ...real,
      sign: (bytes: Uint8Array<ArrayBuffer>) => {
        asked += 1;
        return real.sign(bytes);
      },
    };
    for (const wrong of [
      { ...RELEASE, number: 0 },
      { ...RELEASE, number: Number.MAX_SAFE_INTEGER + 1 },
      { ...RELEASE, bank: 'other' },
      { ...RELEASE, fallback: 'approve' as 'deny' },
      { ...RELEASE, policy: { grants: [], limits: { ...DEFAULT_GUEST_LIMITS, fuel: -1 } } },
    ])
      await expect(signRelease(wrong, key)).rejects.toThrow(invalid);
    expect(asked).toBe(0);
    await signRelease(RELEASE, key);
    expect(asked).toBe(1);
  });

  it('signs no release that is too large to be read', async () => {
    const key = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
    const grants = Array.from({ length: 900 }, (_, index) => `example:interface/number-${index}`);
    await expect(signRelease({ ...RELEASE, policy: { ...RELEASE.policy, grants } }, key)).rejects.toThrow(
      invalid,
    );
  });
});
