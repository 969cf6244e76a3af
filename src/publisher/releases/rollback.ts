// Rollback: a new release of what an older one ran. It signs anew what a trusted key signed before; the switch stays as
// it is, for going back is no reason to switch a bank on.

import { hexOf } from '../../artifact/digest.ts';
import type { Release, VerifiedRelease } from '../../artifact/release.ts';
import { GUEST_LIMIT_NAMES } from '../../core/guest-limits.ts';
import { artifactKey, componentKey } from '../../store/keys.ts';
import { quote, type Refusal, type Result } from '../refusal.ts';
import { shieldFromCollection } from './collection-marks.ts';
import { makeNextRelease, unknownBank, type Released, type ReleaseDesk } from './next-release.ts';
import { readUsableArtifact } from './read-artifact.ts';
import { predecessorOf, readNumberedRelease, type ReleaseSource } from './read-release.ts';

export interface RollbackOptions {
  /** The release to go back to; the last one that ran something else unless told. */
  readonly to?: number;
  readonly validityDays: number;
}

/**
 * Makes the next release run what release `to` ran. Refuses with `bank_unknown`, `release_unknown`, `artifact_unusable`;
 * throws as {@link makeNextRelease}.
 */
export async function rollbackRelease(
  desk: ReleaseDesk,
  slug: string,
  { to, validityDays }: RollbackOptions,
): Promise<Result<Released>> {
  return makeNextRelease(desk, slug, async (standing) => {
    const current = predecessorOf(standing);
    if (current === undefined) return unknownBank(slug);
    const target =
      to === undefined
        ? await findPrevious(desk, slug, current, standing.numbers)
        : await findNumbered(desk, slug, to);
    if (!target.ok) return target;
    const { artifact, component, validator, contract, policy, fallback, outage } = target.value;
    if (validator !== undefined) {
      const run = { artifact, component, validator, contract, policy, fallback };
      return { ok: true, value: { ...run, bankId: current.bankId, validityDays, switch: 'keep' } };
    }
    // Nothing may have run it for long: the garbage collection must not take it meanwhile.
    await shieldFromCollection(desk.store, [artifactKey(hexOf(artifact)), componentKey(hexOf(component))]);
    const usable = await readUsableArtifact(desk.store, target.value);
    if (!usable.ok) return usable;
    const run = { artifact, component, contract, policy, fallback, ...(outage !== undefined && { outage }) };
    return { ok: true, value: { ...run, bankId: current.bankId, validityDays, switch: 'keep' } };
  });
}

/**
 * The release before `current` that ran something else and was switched on. It follows what each release says it
 * replaced: numbers of publishers that did not finish were never anybody's current release. It reads none but `numbers`,
 * which are ascending: numbers may have gone on far above, and what lay between may be gone.
 */
async function findPrevious(
  source: ReleaseSource,
  slug: string,
  current: VerifiedRelease,
  numbers: readonly number[],
): Promise<Result<VerifiedRelease>> {
  const terms = termsOf(current);
  let next = current.replaces ?? current.number - 1;
  for (const number of numbers.toReversed()) {
    if (number > next) continue;
    const found = await readNumberedRelease(source, slug, number);
    if (found.kind !== 'verified') continue;
    const { release } = found;
    if (release.disabled === undefined && termsOf(release) !== terms) return { ok: true, value: release };
    next = release.replaces ?? number - 1;
  }
  return refuse({
    code: 'release_unknown',
    message: `Bank ${quote(slug)} has run nothing else before release ${current.number}.`,
    where: 'bank',
    fix: `Look at wasmpay history ${slug}; to stop the bank: wasmpay disable ${slug}`,
  });
}

async function findNumbered(
  source: ReleaseSource,
  slug: string,
  number: number,
): Promise<Result<VerifiedRelease>> {
  const found = await readNumberedRelease(source, slug, number);
  if (found.kind === 'verified') return { ok: true, value: found.release };
  return refuse(unknownRelease(slug, number, found.kind === 'invalid' ? found.problem : 'is missing'));
}

/** The refusal of a release that is not there, or not to be believed. */
export function unknownRelease(slug: string, number: number, problem: string): Refusal {
  return {
    code: 'release_unknown',
    message: `Release ${number} of bank ${quote(slug)} cannot be used: ${problem.replace(/^release /, '')}.`,
    where: `release ${number}`,
    fix: `Look at wasmpay history ${slug}.`,
  };
}

/** Everything that a decision depends on, to compare two releases by. */
function termsOf({ artifact, policy, fallback, outage }: Release): string {
  const limits = GUEST_LIMIT_NAMES.map((name) => policy.limits[name]);
  return JSON.stringify([artifact, policy.grants, limits, fallback, outage]);
}

function refuse(refusal: Refusal): Result<never> {
  return { ok: false, refusals: [refusal] };
}
