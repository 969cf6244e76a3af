// Verifies a processor's record before anything in it is believed. The token comes from an untrusted bucket: whoever can
// write there can put an older record back, and nothing else.

import { WasmpayError } from '../core/error.ts';
import type { VerifiedProcessor } from './processor.ts';
import { decodeProcessor } from './processor-payload.ts';
import type { TrustedKeys } from './release-keys.ts';
import { PROCESSOR_TOKEN } from './sign-processor.ts';
import { verifyToken } from './signed-token.ts';
import { CLOCK_SKEW_S, type ReleaseTrust } from './verify-release.ts';

/** Checks a stored token as the record of a processor. Throws `processor_invalid`, naming what does not hold. */
export type ProcessorVerifier = (token: Uint8Array, processor: string) => Promise<VerifiedProcessor>;

/**
 * A verifier that trusts exactly these keys, this audience and this clock. A minimum number ends at once what putting an
 * older record back, with a key that was revoked since, is good for.
 */
export function createProcessorVerifier(trust: ReleaseTrust): ProcessorVerifier {
  return async (token, processor) => {
    const record = await verifyProcessorSignature(token, trust.trustedKeys);
    if (record.audience !== trust.audience) throw invalid('is for another deployment');
    if (record.processor !== processor) throw invalid('is of another processor');
    if (record.number < (trust.minimumNumbers?.get(processor) ?? 0))
      throw invalid('is older than the configuration demands');
    const nowS = trust.clock() / 1000;
    if (record.notBeforeS > nowS + CLOCK_SKEW_S) throw invalid('is not valid yet');
    if (record.notAfterS <= nowS) throw invalid('has expired');
    return record;
  };
}

/** Checks the signature alone and reads the payload. Throws `processor_invalid`. */
export async function verifyProcessorSignature(
  token: Uint8Array,
  trustedKeys: TrustedKeys,
): Promise<VerifiedProcessor> {
  const { payload, keyId } = await verifyToken(PROCESSOR_TOKEN, token, trustedKeys);
  return { ...decodeProcessor(payload), keyId };
}

function invalid(problem: string): WasmpayError {
  return new WasmpayError('processor_invalid', `processor record ${problem}`);
}
