// Processors' records: what is signed is what is read, and nothing else is believed.

import { base64url } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';

import { mayAskAbout, type ProcessorRecord } from '../../src/artifact/processor.ts';
import { generateReleaseKeys, parseSigningKey, parseTrustedKeys } from '../../src/artifact/release-keys.ts';
import type { SigningKey } from '../../src/artifact/release-keys.ts';
import { PROCESSOR_TOKEN, signProcessor } from '../../src/artifact/sign-processor.ts';
import { RELEASE_TYP, signRelease } from '../../src/artifact/sign-release.ts';
import { createProcessorVerifier, type ProcessorVerifier } from '../../src/artifact/verify-processor.ts';
import { CLOCK_SKEW_S, createReleaseVerifier } from '../../src/artifact/verify-release.ts';
import {
  MAX_PROCESSOR_BANKS,
  MAX_PROCESSOR_BYTES,
  MAX_PROCESSOR_KEYS,
  MAX_PROCESSOR_NAME_LENGTH,
} from '../../src/core/limits.ts';
import { makeRelease } from '../fixtures/gateway-bed.ts';

const NOW_S = 1_800_000_000;
const API_KEY = { id: 'k1a2b3c4', sha256: 'ab'.repeat(32), createdS: NOW_S };
const PUBLIC_KEY = { id: 'i'.repeat(43), x: 'x'.repeat(43), createdS: NOW_S, notAfterS: NOW_S + 10 };

const RECORD: ProcessorRecord = {
  audience: 'pay.example',
  processor: 'acme',
  number: 3,
  name: 'Acme Payments',
  banks: ['icamer', 'bank-002'],
  tier: 'standard',
  apiKeys: [API_KEY],
  publicKeys: [PUBLIC_KEY],
  notBeforeS: NOW_S,
  notAfterS: NOW_S + 1000,
};

const invalid = expect.objectContaining({ code: 'processor_invalid' }) as Error;

let signingKey: SigningKey;
let trust: Parameters<typeof createProcessorVerifier>[0];
let verify: ProcessorVerifier;

beforeAll(async () => {
  const keys = await generateReleaseKeys();
  signingKey = await parseSigningKey(JSON.stringify(keys.private));
  const trustedKeys = await parseTrustedKeys(JSON.stringify({ keys: [keys.public] }));
  trust = { trustedKeys, audience: 'pay.example', clock: () => NOW_S * 1000 };
  verify = createProcessorVerifier(trust);
});

/** A token with any payload and header, with a good signature. */
async function forge(payload: unknown, header: Record<string, unknown> = {}): Promise<Uint8Array> {
  const full = { alg: 'Ed25519', typ: PROCESSOR_TOKEN.typ, kid: signingKey.keyId, ...header };
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const input = [JSON.stringify(full), text].map((part) => base64url.encode(part)).join('.');
  const signature = await signingKey.sign(new TextEncoder().encode(input));
  return new TextEncoder().encode(`${input}.${base64url.encode(signature)}`);
}

describe('a processor’s record', () => {
  it('verifies as what was signed, and names the key', async () => {
    for (const record of [RECORD, { ...RECORD, banks: 'all' as const, apiKeys: [], publicKeys: [] }])
      expect(await verify(await signProcessor(record, signingKey), 'acme')).toEqual({
        ...record,
        keyId: signingKey.keyId,
      });
  });

  it('signs its own members alone', async () => {
    const more = { ...RECORD, secret: 'planted', apiKeys: [{ ...API_KEY, secret: 'planted' }] };
    const token = new TextDecoder().decode(await signProcessor(more, signingKey));
    expect(new TextDecoder().decode(base64url.decode(token.split('.')[1] ?? ''))).not.toContain('planted');
  });

  const key = (changes: Record<string, unknown>) => ({ apiKeys: [{ ...API_KEY, ...changes }] });
  const publicKey = (changes: Record<string, unknown>) => ({ publicKeys: [{ ...PUBLIC_KEY, ...changes }] });
  it.each<[string, Record<string, unknown>]>([
    ['another processor', { processor: 'other' }],
    ['another deployment', { audience: 'other.example' }],
    ['no audience', { audience: '' }],
    ['a processor that is no slug', { processor: '../acme' }],
    ['number zero', { number: 0 }],
    ['no number', { number: '3' }],
    ['no name', { name: '' }],
    ['a name of blanks', { name: ' ' }],
    ['a name that a terminal obeys', { name: 'a\u001b[2J' }],
    ['a name that reads backwards', { name: 'a\u202eb' }],
    ['a name that is too long', { name: 'n'.repeat(MAX_PROCESSOR_NAME_LENGTH + 1) }],
    ['no banks', { banks: undefined }],
    ['another word for all banks', { banks: '*' }],
    ['a bank that is no slug', { banks: ['Icamer'] }],
    ['a bank twice', { banks: ['icamer', 'icamer'] }],
    ['no tier', { tier: undefined }],
    ['a tier that is no name', { tier: 'Standard ' }],
    ['no list of keys', { apiKeys: {} }],
    ['no list of public keys', { publicKeys: null }],
    ['a key that is no object', { apiKeys: [null] }],
    ['two keys of one id', { apiKeys: [API_KEY, API_KEY] }],
    ['two public keys of one id', { publicKeys: [PUBLIC_KEY, PUBLIC_KEY] }],
    ['a key without an id', key({ id: 'K1' })],
    ['a key without a digest', key({ sha256: 'AB'.repeat(32) })],
    ['a key that was never made', key({ createdS: 0 })],
    ['a key whose end is none', key({ notAfterS: null })],
    ['a key with a member of another version', key({ onlyFrom: '10.0.0.0/8' })],
    ['a public key without an id', publicKey({ id: 'short' })],
    ['a public key that is none', publicKey({ x: '' })],
    ['a public key with a member of another version', publicKey({ alg: 'ES256' })],
    ['a member of another version', { onlyFrom: '10.0.0.0/8' }],
    ['no end', { notAfterS: undefined }],
    ['an end before its start', { notAfterS: NOW_S }],
  ])('is refused with %s', async (_, change) => {
    await expect(verify(await forge({ ...RECORD, ...change }), 'acme')).rejects.toThrow(invalid);
  });

  it.each(['', '[]', 'null', '7', '{"a":', '\u0000'])('is not the payload %j', async (payload) => {
    await expect(verify(await forge(payload), 'acme')).rejects.toThrow(invalid);
  });

  it('holds from a minute before its start to the second of its end', async () => {
    const token = await signProcessor(RECORD, signingKey);
    for (const [atS, good] of [
      [NOW_S - CLOCK_SKEW_S - 1, false],
      [NOW_S - CLOCK_SKEW_S, true],
      [NOW_S + 999, true],
      [NOW_S + 1000, false],
    ] as const) {
      const verified = await createProcessorVerifier({ ...trust, clock: () => atS * 1000 })(
        token,
        'acme',
      ).then(
        () => true,
        () => false,
      );
      expect(verified, `at ${atS - NOW_S}`).toBe(good);
    }
  });

  it('is refused below the number that the configuration demands', async () => {
    const token = await signProcessor(RECORD, signingKey);
    for (const [least, good] of [
      [3, true],
      [4, false],
    ] as const) {
      const minimumNumbers = new Map([['acme', least]]);
      const verified = createProcessorVerifier({ ...trust, minimumNumbers })(token, 'acme');
      if (good) expect((await verified).number).toBe(3);
      else await expect(verified).rejects.toThrow(invalid);
    }
  });

  it('is no release, and no release is one', async () => {
    const digest = `sha256:${'a'.repeat(64)}` as const;
    const named = { audience: 'pay.example', bank: 'acme', artifact: digest, component: digest };
    const release = { ...makeRelease(named), notBeforeS: NOW_S };
    const releaseToken = await signRelease({ ...release, notAfterS: NOW_S + 10 }, signingKey);
    await expect(verify(releaseToken, 'acme')).rejects.toThrow('another kind of token');
    const recordToken = await signProcessor(RECORD, signingKey);
    await expect(createReleaseVerifier(trust)(recordToken, 'acme')).rejects.toThrow('another kind of token');
    await expect(verify(await forge(RECORD, { typ: RELEASE_TYP }), 'acme')).rejects.toThrow(invalid);
  });

  it('is refused with one character changed, and from a key that is not trusted', async () => {
    const token = await signProcessor(RECORD, signingKey);
    for (let at = 0; at < token.length - 1; at += 7) {
      const changed = token.slice();
      changed[at] = changed[at] === 0x41 ? 0x42 : 0x41;
      await expect(verify(changed, 'acme'), `character ${at}`).rejects.toThrow(invalid);
    }
    const other = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
    await expect(verify(await signProcessor(RECORD, other), 'acme')).rejects.toThrow(invalid);
  });
});

describe('the limits of a record', () => {
  const banks = (count: number): string[] =>
    Array.from({ length: count }, (_, index) => `b${index}`.padEnd(63, 'x'));
  const keys = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ ...API_KEY, id: `k${index}`.padEnd(8, 'x') }));
  const signs = (changes: Partial<ProcessorRecord>): Promise<boolean> =>
    signProcessor({ ...RECORD, ...changes }, signingKey).then(
      () => true,
      () => false,
    );

  it.each([
    [-1, true],
    [0, true],
    [1, false],
  ])('%i over most banks, keys and characters of a name: %s', async (over, good) => {
    expect(await signs({ banks: banks(MAX_PROCESSOR_BANKS + over) })).toBe(good);
    expect(await signs({ apiKeys: keys(MAX_PROCESSOR_KEYS + over) })).toBe(good);
    expect(await signs({ name: 'n'.repeat(MAX_PROCESSOR_NAME_LENGTH + over) })).toBe(good);
  });

  it('together make a token of the size that a gateway reads', async () => {
    const publicKeys = keys(MAX_PROCESSOR_KEYS).map(({ id }) => ({ ...PUBLIC_KEY, id: id.padEnd(43, 'x') }));
    const token = await signProcessor(
      {
        ...RECORD,
        name: '€'.repeat(MAX_PROCESSOR_NAME_LENGTH),
        banks: banks(MAX_PROCESSOR_BANKS),
        apiKeys: keys(MAX_PROCESSOR_KEYS).map((each) => ({ ...each, notAfterS: NOW_S })),
        publicKeys,
      },
      signingKey,
    );
    expect(token.length).toBeLessThan(MAX_PROCESSOR_BYTES);
    await expect(verify(new Uint8Array(MAX_PROCESSOR_BYTES + 1).fill(0x41), 'acme')).rejects.toThrow(invalid);
  });
});

it('allows all banks or those on its list, and an empty list none', () => {
  expect(mayAskAbout({ banks: 'all' }, 'icamer')).toBe(true);
  expect(mayAskAbout({ banks: ['icamer'] }, 'icamer')).toBe(true);
  expect(mayAskAbout({ banks: ['icamer'] }, 'icame')).toBe(false);
  expect(mayAskAbout({ banks: [] }, 'icamer')).toBe(false);
});
