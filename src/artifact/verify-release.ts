// Verifies a release before anything in it is believed. The token comes from an untrusted bucket.

import type { Clock } from '../core/clock.ts';
import { WasmpayError } from '../core/error.ts';
import type { VerifiedRelease } from './release.ts';
import type { TrustedKeys } from './release-keys.ts';
import { decodeRelease } from './release-payload.ts';
import { RELEASE_TOKEN } from './sign-release.ts';
import { verifyToken } from './signed-token.ts';

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

/**
 * Checks the signature alone and reads the payload: whose release it is and whether it is valid now is not looked
 * at. Throws `release_invalid`.
 */
export async function verifySignature(token: Uint8Array, trustedKeys: TrustedKeys): Promise<VerifiedRelease> {
  const { payload, keyId } = await verifyToken(RELEASE_TOKEN, token, trustedKeys);
  return { ...decodeRelease(payload), keyId };
}

function invalid(problem: string): WasmpayError {
  return new WasmpayError('release_invalid', `release ${problem}`);
}
