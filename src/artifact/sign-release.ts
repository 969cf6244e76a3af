// Signs a release: a compact JWS (RFC 7515) with `alg` Ed25519 (RFC 9864), a `typ` of its own so that no other
// token of the same key can pass for one (RFC 8725, 3.11), and the key's thumbprint as `kid`. The key may be anywhere:
// it is asked for one signature, and what it answers is checked before anyone can store it.

import { base64url } from 'jose';

import { WasmpayError } from '../core/error.ts';
import { MAX_RELEASE_BYTES } from '../core/limits.ts';
import type { Release } from './release.ts';
import type { SigningKey } from './release-keys.ts';
import { decodeRelease, encodeRelease } from './release-payload.ts';

/** `typ` of a release's JWS header. */
export const RELEASE_TYP = 'wasmpay-release+jws';

/** Bytes of an Ed25519 signature (RFC 8032, 5.1.6). */
const SIGNATURE_BYTES = 64;

/**
 * The token that is stored under `banks/<slug>/current` and `banks/<slug>/releases/<number>`: ASCII bytes. Throws
 * `release_invalid` for what no gateway would take, `key_invalid` where the signature is not the public key's.
 */
export async function signRelease(
  release: Release,
  signingKey: SigningKey,
): Promise<Uint8Array<ArrayBuffer>> {
  const payload = encodeRelease(release);
  decodeRelease(payload);
  const header = { alg: 'Ed25519', typ: RELEASE_TYP, kid: signingKey.keyId };
  const input = `${base64url.encode(JSON.stringify(header))}.${base64url.encode(payload)}`;
  const bytes = new TextEncoder().encode(input);
  const signature = new Uint8Array(await signingKey.sign(bytes));
  const { publicKey } = signingKey;
  const isGood =
    signature.length === SIGNATURE_BYTES &&
    (await crypto.subtle.verify('Ed25519', publicKey, signature, bytes));
  if (!isGood) {
    throw new WasmpayError(
      'key_invalid',
      `the signing key gave no signature that ${signingKey.keyId} verifies; nothing was stored`,
    );
  }
  const token = new TextEncoder().encode(`${input}.${base64url.encode(signature)}`);
  if (token.length > MAX_RELEASE_BYTES) {
    throw new WasmpayError('release_invalid', `release is larger than ${MAX_RELEASE_BYTES} bytes`);
  }
  return token;
}
