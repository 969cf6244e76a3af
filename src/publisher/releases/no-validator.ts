// "This bank has no validator": a release like any other, since nothing that is absent may ever approve. What it means is
// the gateways' to say: such a bank lets a transaction pass that another stage of the chain approves, and nothing else.

import { CONTRACTS } from '../../artifact/manifest.ts';
import { NO_ARTIFACT } from '../../artifact/release-payload.ts';
import { slugOf } from '../../core/bank.ts';
import { DEFAULT_GUEST_LIMITS } from '../../core/guest-limits.ts';
import { bankIdRefusal, refuseOtherHolder } from '../release.ts';
import type { Result } from '../refusal.ts';
import { makeNextRelease, type Released, type ReleaseDesk } from './next-release.ts';

export interface NoValidatorOptions {
  readonly validityDays: number;
  /** Where a bank goes on whose bucket was lost. */
  readonly leastNumber?: number;
}

/**
 * Releases that the bank has no validator, in place of what it ran; a bank that is switched off stays so. Refuses with
 * `bank_id_invalid`, `slug_taken`; throws as {@link makeNextRelease}.
 */
export async function releaseNoValidator(
  desk: ReleaseDesk,
  bankId: string,
  { validityDays, leastNumber = 1 }: NoValidatorOptions,
): Promise<Result<Released>> {
  const slug = slugOf(bankId);
  if (slug === undefined) return { ok: false, refusals: [bankIdRefusal(bankId)] };
  return makeNextRelease(
    desk,
    slug,
    (standing) => {
      const taken = refuseOtherHolder(standing, bankId, slug);
      if (taken !== undefined) return { ok: false, refusals: [taken] };
      return {
        ok: true,
        value: {
          bankId,
          artifact: NO_ARTIFACT,
          component: NO_ARTIFACT,
          validator: 'none',
          contract: CONTRACTS[0],
          policy: { grants: [], limits: DEFAULT_GUEST_LIMITS },
          fallback: 'deny',
          validityDays,
          switch: 'keep',
        },
      };
    },
    { leastNumber },
  );
}
