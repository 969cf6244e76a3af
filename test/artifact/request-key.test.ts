// Public keys that requests are signed with, as processors hand them over.

import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { parseRequestKey } from '../../src/artifact/request-key.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const jwk = publicKey.export({ format: 'jwk' });
const invalid = expect.objectContaining({ code: 'key_invalid' }) as Error;

describe('a public key', () => {
  it('is a JSON Web Key or PEM, and is called by its thumbprint', async () => {
    const fromJwk = await parseRequestKey(JSON.stringify({ ...jwk, kid: 'a name of its own' }));
    expect(fromJwk).toEqual({ id: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) as string, x: jwk.x });
    const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    for (const text of [pem, `\n${pem}\n`, pem.replaceAll('\n', '\r\n')])
      expect(await parseRequestKey(text)).toEqual(fromJwk);
  });

  it('has the thumbprint of RFC 8037, A.3', async () => {
    const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
    const { id } = await parseRequestKey(JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x }));
    expect(id).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
  const x25519 = generateKeyPairSync('x25519').publicKey;
  it.each([
    ['nothing', ''],
    ['no JSON', 'x'],
    ['no key', '{}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a private key', JSON.stringify(privateKey.export({ format: 'jwk' }))],
    ['a private key in PEM', privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
    ['an RSA key', JSON.stringify(rsa.export({ format: 'jwk' }))],
    ['an RSA key in PEM', rsa.export({ format: 'pem', type: 'spki' }).toString()],
    ['a P-256 key', JSON.stringify(ec.export({ format: 'jwk' }))],
    ['an X25519 key', x25519.export({ format: 'pem', type: 'spki' }).toString()],
    ['a key that is too short', JSON.stringify({ ...jwk, x: jwk.x?.slice(4) })],
    ['a key that is too long', JSON.stringify({ ...jwk, x: `${jwk.x}AAAA` })],
    ['PEM of half a key', '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----'],
  ])('is not %s, and no error repeats it', async (_, text) => {
    await expect(parseRequestKey(text)).rejects.toThrow(invalid);
    const error = (await parseRequestKey(text).catch((thrown: unknown) => thrown)) as Error;
    const { d = 'none' } = privateKey.export({ format: 'jwk' });
    expect(`${error.message}${String(error.cause)}${JSON.stringify(error)}`).not.toContain(d);
  });

  // The eight points of small order, and forms above the field's prime (RFC 8032, 5.1.2).
  it.each([
    '0100000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  ])('is none that anybody can sign for: %s', async (hex) => {
    const x = Buffer.from(hex, 'hex').toString('base64url');
    await expect(parseRequestKey(JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x }))).rejects.toThrow(invalid);
  });
});
