// Verifies a release before anything in it is believed. The token comes from an untrusted bucket.

import { compactVerify, type CompactJWSHeaderParameters } from 'jose';

import { isSlug, slugOf } from '../core/bank.ts';
import type { Clock } from '../core/clock.ts';
import { WasmpayError } from '../core/error.ts';
import { parseGuestLimits } from '../core/guest-limits.ts';
import { MAX_RELEASE_BYTES } from '../core/limits.ts';
import { isDigest } from './digest.ts';
import { CONTRACTS } from './manifest.ts';
import type { Release, VerifiedRelease } from './release.ts';
import type { TrustedKeys } from './release-keys.ts';
import { RELEASE_TYP } from './sign-release.ts';

/** How far the publisher's clock may run ahead of the gateway's, seconds. NTP keeps both within one. */
export const CLOCK_SKEW_S = 60;

export interface ReleaseTrust {
  readonly trustedKeys: TrustedKeys;
  /** The deployment that this gateway is. */
  readonly audience: string;
  readonly clock: Clock;
}

/** Checks a stored token as the release of bank `slug`. Throws `release_invalid`, naming what does not hold. */
export type ReleaseVerifier = (token: Uint8Array, slug: string) => Promise<VerifiedRelease>;

/** A verifier that trusts exactly these keys, this audience and this clock. */
export function createReleaseVerifier(trust: ReleaseTrust): ReleaseVerifier {
  return async (token, slug) => {
    const release = await verifySignature(token, trust.trustedKeys);
    if (release.audience !== trust.audience) throw invalid('is for another deployment');
    if (release.bank !== slug) throw invalid('is of another bank');
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
  if (token.length > MAX_RELEASE_BYTES) throw invalid(`is larger than ${MAX_RELEASE_BYTES} bytes`);
  const { payload, protectedHeader } = await compactVerify(token, (header) => keyFor(header, trustedKeys), {
    algorithms: ['Ed25519'],
  }).catch((cause: unknown) => {
    throw cause instanceof WasmpayError ? cause : invalid('has no valid signature', cause);
  });
  return { ...parseRelease(payload), keyId: String(protectedHeader.kid) };
}

function keyFor(header: CompactJWSHeaderParameters, trustedKeys: TrustedKeys): CryptoKey {
  if (header.typ !== RELEASE_TYP) throw invalid('is another kind of token');
  const key = header.kid === undefined ? undefined : trustedKeys.get(header.kid);
  if (key === undefined) throw invalid('is signed by a key that is not trusted');
  return key;
}

function parseRelease(payload: Uint8Array): Release {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (cause) {
    throw invalid('has a payload that is no JSON', cause);
  }
  if (typeof json !== 'object' || json === null) throw invalid('has a payload that is no object');
  const {
    audience,
    bank,
    bankId,
    number,
    artifact,
    component,
    contract,
    policy,
    fallback,
    notBeforeS,
    notAfterS,
  } = json as Record<string, unknown>;
  if (typeof audience !== 'string') throw invalid('has no audience');
  if (typeof bank !== 'string' || !isSlug(bank)) throw invalid('has no bank');
  if (typeof bankId !== 'string' || slugOf(bankId) !== bank) throw invalid('has a bank id of another slug');
  if (!isPositiveInteger(number)) throw invalid('has no number');
  if (!isDigest(artifact) || !isDigest(component)) throw invalid('has no digests');
  const known = CONTRACTS.find((name) => name === contract);
  if (known === undefined) throw invalid('is of an unknown contract');
  if (fallback !== 'deny' && fallback !== 'refuse') throw invalid('has no fallback');
  if (!isPositiveInteger(notBeforeS) || !isPositiveInteger(notAfterS)) throw invalid('has no validity');
  const grants = (policy as { grants?: unknown } | null | undefined)?.grants;
  if (!Array.isArray(grants) || !grants.every((name) => typeof name === 'string'))
    throw invalid('has no policy');
  const limits = parseGuestLimits((policy as { limits?: unknown } | null | undefined)?.limits);
  if (limits === undefined) throw invalid('has no limits, or ones that are out of range');
  const digests = { artifact, component, contract: known, policy: { grants, limits } };
  return { audience, bank, bankId, number, ...digests, fallback, notBeforeS, notAfterS };
}

function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function invalid(problem: string, cause?: unknown): WasmpayError {
  return new WasmpayError('release_invalid', `release ${problem}`, { cause });
}
