// Signs a release: the token that is stored under `banks/<slug>/current` and `banks/<slug>/releases/<number>`.

import { MAX_RELEASE_BYTES } from '../core/limits.ts';
import type { Release } from './release.ts';
import type { SigningKey } from './release-keys.ts';
import { decodeRelease, encodeRelease } from './release-payload.ts';
import { signToken, type TokenKind } from './signed-token.ts';

/** `typ` of a release's JWS header. */
export const RELEASE_TYP = 'wasmpay-release+jws';

/** Releases among the signed tokens. */
export const RELEASE_TOKEN: TokenKind = {
  typ: RELEASE_TYP,
  noun: 'release',
  errorCode: 'release_invalid',
  maxBytes: MAX_RELEASE_BYTES,
};

/**
 * The token of `release`: ASCII bytes. Throws `release_invalid` for what no gateway would take, `key_invalid` where the
 * signature is not the public key's.
 */
export async function signRelease(
  release: Release,
  signingKey: SigningKey,
): Promise<Uint8Array<ArrayBuffer>> {
  const payload = encodeRelease(release);
  decodeRelease(payload);
  return signToken(RELEASE_TOKEN, payload, signingKey);
}
