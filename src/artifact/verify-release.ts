// Verifies a release before anything in it is believed. The token comes from an untrusted bucket.

import { compactVerify, type CompactJWSHeaderParameters } from 'jose';

import type { Clock } from '../core/clock.ts';
import { WasmpayError } from '../core/error.ts';
import { MAX_RELEASE_BYTES } from '../core/limits.ts';
import type { VerifiedRelease } from './release.ts';
import type { TrustedKeys } from './release-keys.ts';
import { decodeRelease } from './release-payload.ts';
import { RELEASE_TYP } from './sign-release.ts';

/** How far the publisher's clock may run ahead of the gateway's, seconds. NTP keeps both within one. */
export const CLOCK_SKEW_S = 60;

export interface ReleaseTrust {
  readonly trustedKeys: TrustedKeys;
  /** The deployment that this gateway is. */
  readonly audience: string;
  readonly clock: Clock;
  /**
   * The least number that a bank's release must have, by slug: ends at once what replaying an older one, valid still, is
   * good for. Also of use where no memory of newer ones is left.
   */
  readonly minimumNumbers?: ReadonlyMap<string, number>;
}

/** Checks a stored token as the release of bank `slug`. Throws `release_invalid`, naming what does not hold. */
export type ReleaseVerifier = (token: Uint8Array, slug: string) => Promise<VerifiedRelease>;

/** A verifier that trusts exactly these keys, this audience and this clock. */
export function createReleaseVerifier(trust: ReleaseTrust): ReleaseVerifier {
  return async (token, slug) => {
    const release = await verifySignature(token, trust.trustedKeys);
    if (release.audience !== trust.audience) throw invalid('is for another deployment');
    if (release.bank !== slug) throw invalid('is of another bank');
    if (release.number < (trust.minimumNumbers?.get(slug) ?? 0))
      throw invalid('is older than the configuration demands');
    const nowS = trust.clock() / 1000;
    if (release.notBeforeS > nowS + CLOCK_SKEW_S) throw invalid('is not valid yet');
    if (release.notAfterS <= nowS) throw invalid('has expired');
    return release;
  };
}

/** RFC 7515, 3.1 and 2: three parts in base64url without padding. */
const COMPACT_FORM = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/**
 * Checks the signature alone and reads the payload: whose release it is and whether it is valid now is not looked
 * at. Throws `release_invalid`.
 */
export async function verifySignature(token: Uint8Array, trustedKeys: TrustedKeys): Promise<VerifiedRelease> {
  if (token.length > MAX_RELEASE_BYTES) throw invalid(`is larger than ${MAX_RELEASE_BYTES} bytes`);
  // The library takes padding and other alphabets as well: a token has one form.
  if (!COMPACT_FORM.test(new TextDecoder('latin1').decode(token)))
    throw invalid('is no compact token of three parts');
  const { payload, protectedHeader } = await compactVerify(token, (header) => keyFor(header, trustedKeys), {
    algorithms: ['Ed25519'],
  }).catch((cause: unknown) => {
    throw cause instanceof WasmpayError ? cause : invalid('has no valid signature', cause);
  });
  return { ...decodeRelease(payload), keyId: String(protectedHeader.kid) };
}

function keyFor(header: CompactJWSHeaderParameters, trustedKeys: TrustedKeys): CryptoKey {
  if (header.typ !== RELEASE_TYP) throw invalid('is another kind of token');
  const key = header.kid === undefined ? undefined : trustedKeys.get(header.kid);
  if (key === undefined) throw invalid('is signed by a key that is not trusted');
  return key;
}

function invalid(problem: string, cause?: unknown): WasmpayError {
  return new WasmpayError('release_invalid', `release ${problem}`, { cause });
}
