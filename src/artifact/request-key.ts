// A processor's public key for signed requests (RFC 9421): an Ed25519 JSON Web Key (RFC 8037), or the PEM that openssl
// writes of one (RFC 8410). Its id is its RFC 7638 thumbprint, computed here and never taken from the key.

import { WasmpayError } from '../core/error.ts';
import { toHex } from './digest.ts';
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
  const [[id] = []] = await parseTrustedKeys(JSON.stringify({ keys: [jwk] })).catch((cause: unknown) => {
    const problem =
      cause instanceof WasmpayError ? cause.message.replace('trusted key 0', 'the public key') : 'none';
    throw new WasmpayError('key_invalid', problem);
  });
  const { x } = jwk as { readonly x?: unknown };
  if (id === undefined || typeof x !== 'string') throw noKey();
  if (isWeak(x)) throw new WasmpayError('key_invalid', 'the public key is weak: anybody can sign for it');
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

/**
 * The points of order 1, 2, 4 and 8 as their `y` (RFC 8032, 5.1.2), in hexadecimal, least byte first; the last two stand
 * for 0 and 1 again, above the field's prime. For such a key anybody finds signatures that hold, where the runtime does
 * not refuse it by itself: Node's does, workerd's may not.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

function isWeak(x: string): boolean {
  const binary = atob(x.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  // The highest bit is the sign of the other coordinate.
  bytes[31] = (bytes[31] ?? 0) & 0x7f;
  return SMALL_ORDER.has(toHex(bytes));
}

function noKey(): WasmpayError {
  return new WasmpayError('key_invalid', 'the public key is no Ed25519 key, as JSON Web Key or PEM');
}
