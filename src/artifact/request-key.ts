// A processor's public key for signed requests (RFC 9421): an Ed25519 JSON Web Key (RFC 8037), or the PEM that openssl
// writes of one (RFC 8410). Its id is its RFC 7638 thumbprint, computed here and never taken from the key.

import { WasmpayError } from '../core/error.ts';
import { parseTrustedKeys } from './release-keys.ts';

export interface RequestKey {
  /** RFC 7638 thumbprint. */
  readonly id: string;
  /** The key in base64url. */
  readonly x: string;
}

/**
 * Reads a public key. Throws `key_invalid`, without the key's text, where it is none: a private key, another kind, or a
 * weak one that verifies signatures which nobody has made.
 */
export async function parseRequestKey(text: string): Promise<RequestKey> {
  const jwk = text.trimStart().startsWith('-----BEGIN')
    ? { kty: 'OKP', crv: 'Ed25519', x: readPem(text) }
    : parse(text);
  const [[id, key] = []] = await parseTrustedKeys(JSON.stringify({ keys: [jwk] })).catch((cause: unknown) => {
    const problem =
      cause instanceof WasmpayError ? cause.message.replace('trusted key 0', 'the public key') : 'none';
    throw new WasmpayError('key_invalid', problem);
  });
  const { x } = jwk as { readonly x?: unknown };
  if (id === undefined || key === undefined || typeof x !== 'string') throw noKey();
  if (await isWeak(key))
    throw new WasmpayError('key_invalid', 'the public key is weak: anybody can sign for it');
  return { id, x };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message would quote the text, which may be a private key.
    throw noKey();
  }
}

const PEM = /^-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----$/;

/** RFC 8410, 10.1: the DER of an Ed25519 SubjectPublicKeyInfo in front of the key's 32 bytes, in base64. */
const DER_PREFIX = 'MCowBQYDK2VwAyEA';

function readPem(text: string): string {
  const base64 = PEM.exec(text.trim())?.[1]?.replace(/\s/g, '');
  // The prefix is 12 bytes, so that base64 goes on where it ends.
  if (base64?.startsWith(DER_PREFIX) !== true) throw noKey();
  return base64.slice(DER_PREFIX.length).replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_');
}

/** How many messages a weak key is tried with: one of small order accepts one in eight at least. */
const WEAK_KEY_TRIALS = 128;

/**
 * Whether the key is one of the few of small order. With S = 0 and the neutral element for R (RFC 8032, 5.1.7), a
 * signature holds where the key times the message's hash is the neutral element: for other keys never.
 */
async function isWeak(key: CryptoKey): Promise<boolean> {
  const signature = new Uint8Array(64);
  signature[0] = 1;
  for (let trial = 0; trial < WEAK_KEY_TRIALS; trial += 1)
    if (await crypto.subtle.verify('Ed25519', key, signature, Uint8Array.of(trial))) return true;
  return false;
}

function noKey(): WasmpayError {
  return new WasmpayError('key_invalid', 'the public key is no Ed25519 key, as JSON Web Key or PEM');
}
