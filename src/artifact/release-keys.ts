// Keys of the release signature: Ed25519 (RFC 8032) as JSON Web Keys (RFC 8037). A key's id is its RFC 7638
// thumbprint, computed here and never taken from the key's own `kid`.

import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

import { WasmpayError } from '../core/error.ts';

/** What the publisher signs with: a key in this process, or one that somebody else holds. */
export interface SigningKey {
  readonly keyId: string;
  /** The other half of the pair, as a gateway trusts it. */
  readonly publicKey: CryptoKey;
  /** The Ed25519 signature of `bytes`. Not believed until `publicKey` verified it. */
  readonly sign: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;
}

/** What a gateway trusts: keys by id, several at once while one is being rotated. */
export type TrustedKeys = ReadonlyMap<string, CryptoKey>;

/** A new key pair as JSON Web Keys; `private` is a secret. */
export async function generateReleaseKeys(): Promise<{ keyId: string; public: JWK; private: JWK }> {
  for (;;) {
    const pair = await generateKeyPair('Ed25519', { extractable: true });
    const publicKey = await exportJWK(pair.publicKey);
    const keyId = await calculateJwkThumbprint(publicKey);
    // One in 64 begins with a dash, and a command line would take it for an option.
    if (!keyId.startsWith('-'))
      return { keyId, public: publicKey, private: await exportJWK(pair.privateKey) };
  }
}

/** Reads the publisher's private key. Throws `key_invalid`, without the key's text, where it is no Ed25519 one. */
export async function parseSigningKey(json: string): Promise<SigningKey> {
  const jwk = parseJwk(json, 'the signing key');
  if (jwk.d === undefined) throw new WasmpayError('key_invalid', 'the signing key has no private part');
  const { d: _, ...publicJwk } = jwk;
  const name = 'the signing key';
  const [key, publicKey] = await Promise.all([importKey(jwk, name), importKey(publicJwk, name)]);
  return {
    keyId: await calculateJwkThumbprint(publicJwk),
    publicKey,
    // The private key is in this closure alone: nothing that prints the object can print it.
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign('Ed25519', key, bytes)),
  };
}

/**
 * Reads a JSON Web Key Set of public keys. Throws `key_invalid` where it is empty, is no set, holds another kind
 * of key, or holds a private one (which has no business in a gateway).
 */
export async function parseTrustedKeys(json: string): Promise<TrustedKeys> {
  const set = parseObject(json, 'the trusted keys');
  const members = set['keys'];
  if (!Array.isArray(members) || members.length === 0) {
    throw new WasmpayError('key_invalid', 'the trusted keys are no JSON Web Key Set with at least one key');
  }
  const keys = new Map<string, CryptoKey>();
  for (const [index, member] of members.entries()) {
    const name = `trusted key ${index}`;
    const jwk = parseJwk(JSON.stringify(member), name);
    if (jwk.d !== undefined) throw new WasmpayError('key_invalid', `${name} is a private key`);
    keys.set(await calculateJwkThumbprint(jwk), await importKey(jwk, name));
  }
  return keys;
}

/** The keys that are trusted where nobody says: the one that signs. */
export function trustOnly({ keyId, publicKey }: SigningKey): TrustedKeys {
  return new Map([[keyId, publicKey]]);
}

async function importKey(jwk: JWK, name: string): Promise<CryptoKey> {
  try {
    const { kty, crv, x, d } = jwk;
    const key = await importJWK({ kty, crv, x, ...(d !== undefined && { d }) } as JWK, 'Ed25519');
    if (key instanceof Uint8Array) throw new TypeError('symmetric key');
    return key;
  } catch (cause) {
    throw new WasmpayError('key_invalid', `${name} is no usable Ed25519 key`, { cause });
  }
}

function parseJwk(json: string, name: string): JWK {
  const jwk = parseObject(json, name);
  if (jwk['kty'] !== 'OKP' || jwk['crv'] !== 'Ed25519' || typeof jwk['x'] !== 'string') {
    throw new WasmpayError('key_invalid', `${name} is no Ed25519 JSON Web Key`);
  }
  return jwk;
}

function parseObject(json: string, name: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // The parser's message would quote the text, which may be a secret.
    throw new WasmpayError('key_invalid', `${name} is no JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WasmpayError('key_invalid', `${name} is no JSON object`);
  }
  return value as Record<string, unknown>;
}
