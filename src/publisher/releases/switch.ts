// The kill switch: a bank is switched off, and on again, by a release like any other. While it is off nothing is run;
// what it would run stays named, so that switching on changes nothing else.

import type { Fallback } from '../../artifact/release.ts';
import { quote, type Result } from '../refusal.ts';
import {
  makeNextRelease,
  unknownBank,
  type NextRelease,
  type Released,
  type ReleaseDesk,
} from './next-release.ts';
import { predecessorOf, type Standing } from './read-release.ts';

export interface DisableOptions {
  /** What every transaction gets meanwhile. */
  readonly answer: Fallback;
  readonly validityDays: number;
  /** Where numbers go on that are not in the bucket any more, though gateways remember them. */
  readonly leastNumber?: number;
}

/**
 * Switches the bank off, also over a current release that cannot be believed: who spoils that object must not keep a
 * bank running. Refuses with `bank_unknown`; throws as {@link makeNextRelease}, `release_invalid` only where nothing
 * signed is left that says what is switched off.
 */
export async function disableBank(
  desk: ReleaseDesk,
  slug: string,
  { answer, validityDays, leastNumber = 1 }: DisableOptions,
): Promise<Result<Released>> {
  const compose = (standing: Standing): Result<NextRelease> => {
    const current = predecessorOf(standing);
    if (current !== undefined) return { ok: true, value: { ...current, validityDays, switch: { answer } } };
    if (standing.spoilt !== undefined) throw standing.spoilt.fault;
    return unknownBank(slug);
  };
  return makeNextRelease(desk, slug, compose, { leastNumber, overSpoilt: true });
}

/** Switches the bank on again. Refuses with `bank_unknown`, `not_disabled`; throws as {@link makeNextRelease}. */
export async function enableBank(
  desk: ReleaseDesk,
  slug: string,
  { validityDays }: Pick<DisableOptions, 'validityDays'>,
): Promise<Result<Released>> {
  return makeNextRelease(desk, slug, (standing) => {
    const current = predecessorOf(standing);
    if (current === undefined) return unknownBank(slug);
    if (current.disabled === undefined && standing.newer?.disabled === undefined) {
      const refusal = {
        code: 'not_disabled',
        message: `Bank ${quote(slug)} is on: release ${current.number} runs.`,
        where: 'bank',
        fix: 'Nothing is to be done.',
      } as const;
      return { ok: false, refusals: [refusal] };
    }
    return { ok: true, value: { ...current, validityDays, switch: 'enable' } };
  });
}
