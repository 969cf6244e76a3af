// API keys: who may ask at all. The configuration holds SHA-256 hashes, so that reading it gives nobody a key. Keys
// are random and long, which is why one round of a fast hash is enough.

import { bytesOfHex } from '../artifact/digest.ts';
import { WasmpayError } from '../core/error.ts';

/** Whether the request with this `authorization` header may go on. It never says what was wrong with it. */
export type Authenticator = (authorization: string | undefined) => Promise<boolean>;

/**
 * `open` asks nobody for a key, and must be said in so many words. `keyHashes` are 64 hexadecimal digits each; with
 * two, keys can be changed without a gap.
 */
export type AuthenticatorOptions = 'open' | { readonly keyHashes: readonly string[] };

const HASH = /^[0-9a-f]{64}$/i;

// RFC 6750, 2.1: b64token. Two headers arrive joined by a comma, which it does not have. The length bounds the hashing.
const BEARER = /^bearer +([A-Za-z0-9._~+/-]{1,512}=*)$/i;

/** An authenticator for these keys. Throws `config_invalid` where there is none, or a hash is none. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  if (options === 'open') return () => Promise.resolve(true);
  const hashes = options.keyHashes.map(parseHash);
  if (hashes.length === 0) {
    throw new WasmpayError(
      'config_invalid',
      'no API key is configured, and the gateway is not said to be open',
    );
  }
  return async (authorization) => {
    const token = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
    if (token === undefined) return false;
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)));
    // Every byte of every hash is compared: the time tells neither which key was near nor how near.
    let isKnown = 0;
    for (const known of hashes) isKnown |= Number(differenceOf(hash, known) === 0);
    return isKnown === 1;
  };
}

function differenceOf(a: Uint8Array, b: Uint8Array): number {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index += 1) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference;
}

function parseHash(hex: string): Uint8Array {
  if (!HASH.test(hex))
    throw new WasmpayError('config_invalid', 'an API key hash is not 64 hexadecimal digits');
  return bytesOfHex(hex.toLowerCase());
}
