import { base64url, CompactSign, exportJWK, generateKeyPair, importJWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';

import type { Release } from '../../src/artifact/release.ts';
import {
  generateReleaseKeys,
  parseSigningKey,
  parseTrustedKeys,
  type SigningKey,
} from '../../src/artifact/release-keys.ts';
import { RELEASE_TYP, signRelease } from '../../src/artifact/sign-release.ts';
import {
  CLOCK_SKEW_S,
  createReleaseVerifier,
  type ReleaseVerifier,
} from '../../src/artifact/verify-release.ts';
import { DEFAULT_GUEST_LIMITS } from '../../src/core/guest-limits.ts';
import { MAX_RELEASE_BYTES } from '../../src/core/limits.ts';

const NOW_S = 1_800_000_000;

const RELEASE: Release = {
  audience: 'pay.example',
  bank: 'bank-002',
  bankId: 'bank_002',
  number: 7,
  artifact: `sha256:${'a'.repeat(64)}`,
  component: `sha256:${'b'.repeat(64)}`,
  contract: 'wasmpay:platform@0.1.0',
  policy: { grants: ['wasi:io/streams'], limits: DEFAULT_GUEST_LIMITS },
  fallback: 'deny',
  notBeforeS: NOW_S,
  notAfterS: NOW_S + 1000,
};

const invalid = expect.objectContaining({ code: 'release_invalid' }) as Error;

let keys: Awaited<ReturnType<typeof generateReleaseKeys>>;
let signingKey: SigningKey;
let nowS = NOW_S;
let verify: ReleaseVerifier;

beforeAll(async () => {
  keys = await generateReleaseKeys();
  signingKey = await parseSigningKey(JSON.stringify(keys.private));
  const trustedKeys = await parseTrustedKeys(JSON.stringify({ keys: [keys.public] }));
  verify = createReleaseVerifier({ trustedKeys, audience: 'pay.example', clock: () => nowS * 1000 });
});

/** A token with any payload and header, signed by `key`. */
async function forge(payload: unknown, header: Record<string, unknown> = {}, key: SigningKey = signingKey) {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const full = { alg: 'Ed25519', typ: RELEASE_TYP, kid: key.keyId, ...header };
  const input = [JSON.stringify(full), text].map((part) => base64url.encode(part)).join('.');
  const signature = await key.sign(new TextEncoder().encode(input));
  return new TextEncoder().encode(`${input}.${base64url.encode(signature)}`);
}

describe('release', () => {
  it('verifies what was signed, and names the key', async () => {
    expect(await verify(await signRelease(RELEASE, signingKey), 'bank-002')).toEqual({
      ...RELEASE,
      keyId: keys.keyId,
    });
  });

  it.each([
    ['another bank', { bank: 'icamer', bankId: 'icamer' }],
    ['a bank id of another slug', { bankId: 'icamer' }],
    ['another deployment', { audience: 'other.example' }],
    ['number zero', { number: 0 }],
    ['a fractional number', { number: 1.5 }],
    ['no artifact digest', { artifact: 'sha256:12' }],
    ['an unknown contract', { contract: 'wasmpay:platform@9.0.0' }],
    ['a fallback that approves', { fallback: 'approve' }],
    ['no policy', { policy: null }],
    ['grants that are no text', { policy: { grants: [1], limits: DEFAULT_GUEST_LIMITS } }],
    ['no limits', { policy: { grants: [] } }],
    ['limits out of range', { policy: { grants: [], limits: { ...DEFAULT_GUEST_LIMITS, fuel: 2 ** 53 } } }],
    ['no end', { notAfterS: undefined }],
  ])('refuses %s', async (_, change) => {
    await expect(verify(await forge({ ...RELEASE, ...change }), 'bank-002')).rejects.toThrow(invalid);
  });

  it.each(['', '[]', 'null', '7', '{"a":', '\u0000'])('refuses the payload %j', async (payload) => {
    await expect(verify(await forge(payload), 'bank-002')).rejects.toThrow(invalid);
  });

  it('refuses another type of token of the same key', async () => {
    await expect(verify(await forge(RELEASE, { typ: 'JWT' }), 'bank-002')).rejects.toThrow(invalid);
    await expect(verify(await forge(RELEASE, { typ: undefined }), 'bank-002')).rejects.toThrow(invalid);
  });

  it('refuses a key that is not trusted, also under the name of one that is', async () => {
    const other = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
    await expect(verify(await signRelease(RELEASE, other), 'bank-002')).rejects.toThrow(invalid);
    await expect(
      verify(await signRelease(RELEASE, { ...other, keyId: keys.keyId }), 'bank-002'),
    ).rejects.toThrow(invalid);
    await expect(verify(await forge(RELEASE, { kid: undefined }), 'bank-002')).rejects.toThrow(invalid);
  });

  it('refuses a key that the token brings along', async () => {
    const own = await generateReleaseKeys();
    const key = await parseSigningKey(JSON.stringify(own.private));
    await expect(verify(await forge(RELEASE, { jwk: own.public }, key), 'bank-002')).rejects.toThrow(invalid);
  });

  it('refuses `alg: none` and a MAC over the public key', async () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const none = `${encode({ alg: 'none', typ: RELEASE_TYP, kid: keys.keyId })}.${encode(RELEASE)}.`;
    await expect(verify(new TextEncoder().encode(none), 'bank-002')).rejects.toThrow(invalid);
    const mac = await new CompactSign(new TextEncoder().encode(JSON.stringify(RELEASE)))
      .setProtectedHeader({ alg: 'HS256', typ: RELEASE_TYP, kid: keys.keyId })
      .sign(new TextEncoder().encode(String(keys.public.x)));
    await expect(verify(new TextEncoder().encode(mac), 'bank-002')).rejects.toThrow(invalid);
  });

  it('refuses a token with one character changed, wherever it is', async () => {
    const token = await signRelease(RELEASE, signingKey);
    for (let i = 0; i < token.length; i += 3) {
      const changed = token.slice();
      changed[i] = changed[i] === 0x41 ? 0x42 : 0x41;
      // The last character of base64url can carry bits that no byte uses.
      if (i >= token.length - 1) continue;
      await expect(verify(changed, 'bank-002'), `character ${i}`).rejects.toThrow(invalid);
    }
  });

  it('refuses a truncated token and one over the size limit', async () => {
    const token = await signRelease(RELEASE, signingKey);
    await expect(verify(token.subarray(0, token.length - 10), 'bank-002')).rejects.toThrow(invalid);
    await expect(verify(new Uint8Array(0), 'bank-002')).rejects.toThrow(invalid);
    await expect(verify(new Uint8Array(MAX_RELEASE_BYTES + 1).fill(0x41), 'bank-002')).rejects.toThrow(
      invalid,
    );
  });

  it('holds from a minute before its start to the second of its end', async () => {
    const token = await signRelease(RELEASE, signingKey);
    try {
      for (const [atS, good] of [
        [NOW_S - CLOCK_SKEW_S - 1, false],
        [NOW_S - CLOCK_SKEW_S, true],
        [NOW_S + 999, true],
        [NOW_S + 1000, false],
      ] as const) {
        nowS = atS;
        const verified = await verify(token, 'bank-002').then(
          () => true,
          () => false,
        );
        expect(verified, `at ${atS - NOW_S}`).toBe(good);
      }
    } finally {
      nowS = NOW_S;
    }
  });
});

describe('release keys', () => {
  const keyInvalid = expect.objectContaining({ code: 'key_invalid' }) as Error;

  it('trusts several keys at once', async () => {
    const second = await generateReleaseKeys();
    const trusted = await parseTrustedKeys(JSON.stringify({ keys: [keys.public, second.public] }));
    expect([...trusted.keys()].sort()).toEqual([keys.keyId, second.keyId].sort());
  });

  it('refuses a private key in the trusted set', async () => {
    await expect(parseTrustedKeys(JSON.stringify({ keys: [keys.private] }))).rejects.toThrow(keyInvalid);
  });

  it.each(['', '{}', '{"keys":[]}', '{"keys":[{}]}', '[]', 'null'])('refuses the set %j', async (text) => {
    await expect(parseTrustedKeys(text)).rejects.toThrow(keyInvalid);
  });

  it('refuses another kind of key', async () => {
    const { publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    await expect(parseTrustedKeys(JSON.stringify({ keys: [jwk] }))).rejects.toThrow(keyInvalid);
    await expect(importJWK(jwk, 'ES256')).resolves.toBeDefined();
  });

  it('does not repeat a secret in its error', async () => {
    const secret = `not json ${String(keys.private.d)}`;
    const error: unknown = await parseSigningKey(secret).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'key_invalid' });
    expect(JSON.stringify(error) + String(error) + String((error as Error).cause)).not.toContain(
      String(keys.private.d),
    );
  });
});
