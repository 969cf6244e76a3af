// Signs a release: a compact JWS (RFC 7515) with `alg` Ed25519 (RFC 9864), a `typ` of its own so that no other
// token of the same key can pass for one (RFC 8725, 3.11), and the key's thumbprint as `kid`.

import { CompactSign } from 'jose';

import type { Release } from './release.ts';
import type { SigningKey } from './release-keys.ts';

/** `typ` of a release's JWS header. */
export const RELEASE_TYP = 'wasmpay-release+jws';

/** The token that is stored under `banks/<slug>/current` and `banks/<slug>/releases/<number>`: ASCII bytes. */
export async function signRelease(
  release: Release,
  signingKey: SigningKey,
): Promise<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const token = await new CompactSign(encoder.encode(JSON.stringify(release)))
    .setProtectedHeader({ alg: 'Ed25519', typ: RELEASE_TYP, kid: signingKey.keyId })
    .sign(signingKey.key);
  return encoder.encode(token);
}
