// Rebuild: an artifact anew from its component, and a release of it where that gives other bytes: after the host ABI,
// the cost table or the policy changed. The same guard as for a renewal holds: it runs over all banks.

import type { Release, VerifiedRelease } from '../../artifact/release.ts';
import { prepareComponent, type Prepared, type PrepareOptions } from '../prepare.ts';
import { quote, type Result } from '../refusal.ts';
import type { StageReport } from '../stages.ts';
import { storeArtifact } from '../store.ts';
import { makeNextRelease, unknownBank, type Released, type ReleaseDesk } from './next-release.ts';
import { readComponentBytes } from './read-artifact.ts';
import { predecessorOf, readNumberedRelease, readStanding } from './read-release.ts';
import { unattendedRelease } from './renew.ts';
import { unknownRelease } from './rollback.ts';

export interface RebuildOptions extends Omit<PrepareOptions, 'component' | 'limits'> {
  /** Rebuild what this release ran, and go back to that; the current one unless told. */
  readonly release?: number;
  readonly validityDays: number;
  /** Also where the release has ended: for a person who has looked at it. */
  readonly expired?: boolean;
}

export type Rebuild =
  | { readonly kind: 'rebuilt'; readonly released: Released; readonly stages: readonly StageReport[] }
  /** The component gives the bytes that are released: they were stored again where they were missing. */
  | { readonly kind: 'unchanged'; readonly release: VerifiedRelease; readonly restored: boolean };

/**
 * Rebuilds the bank's artifact under today's policy and the release's own limits. Refuses with `bank_unknown`,
 * `release_unknown`, `release_superseded`, `release_expired`, `component_missing`, and as the stages do.
 */
export async function rebuildRelease(
  desk: ReleaseDesk,
  slug: string,
  options: RebuildOptions,
): Promise<Result<Rebuild>> {
  const chosen = await choose(desk, slug, options);
  if (!chosen.ok) return chosen;
  const origin = chosen.value;
  if (origin.validator !== undefined && options.release === undefined)
    return { ok: true, value: { kind: 'unchanged', release: origin, restored: false } };
  const component = await readComponentBytes(desk.store, origin.component);
  if (component === undefined) return missingComponent(origin);
  const stages: StageReport[] = [];
  const { limits } = origin.policy;
  const prepared = await prepareComponent({ ...options, component, limits }, stages);
  if (!prepared.ok) return prepared;
  const { bundle } = prepared.value;
  const stored = await storeArtifact(desk.store, prepared.value.component, bundle);
  if (options.release === undefined && bundle.digest === origin.artifact)
    return { ok: true, value: { kind: 'unchanged', release: origin, restored: stored.artifact } };
  const made = await makeNextRelease(desk, slug, (standing) => {
    const current = predecessorOf(standing);
    if (current === undefined) return unknownBank(slug);
    if (options.release === undefined && current.artifact !== origin.artifact)
      return overtaken(slug, current);
    const next = nextOf(origin, prepared.value, current.bankId);
    return { ok: true, value: { ...next, validityDays: options.validityDays, switch: 'keep' } };
  });
  return made.ok ? { ok: true, value: { kind: 'rebuilt', released: made.value, stages } } : made;
}

async function choose(
  desk: ReleaseDesk,
  slug: string,
  { release: number, expired = false }: RebuildOptions,
): Promise<Result<VerifiedRelease>> {
  if (number === undefined) return unattendedRelease(desk, slug, await readStanding(desk, slug), expired);
  const found = await readNumberedRelease(desk, slug, number);
  if (found.kind === 'verified') return { ok: true, value: found.release };
  const problem = found.kind === 'invalid' ? found.problem : 'is missing';
  return { ok: false, refusals: [unknownRelease(slug, number, problem)] };
}

function nextOf(
  { fallback, outage }: Release,
  { bundle, component, decision, policy }: Prepared,
  bankId: string,
) {
  return {
    bankId,
    artifact: bundle.digest,
    component: component.digest,
    contract: decision.contract,
    policy,
    fallback,
    ...(outage !== undefined && { outage }),
  };
}

function missingComponent({ component, number }: Release): Result<never> {
  const refusal = {
    code: 'component_missing',
    message: `The component of release ${number} is missing from the store, or other bytes are in its place.`,
    where: component,
    fix: 'Publish the component again from its file.',
  } as const;
  return { ok: false, refusals: [refusal] };
}

function overtaken(slug: string, { number }: Release): Result<never> {
  const refusal = {
    code: 'release_superseded',
    message: `Bank ${quote(slug)} got release ${number} while its artifact was rebuilt.`,
    where: 'bank',
    fix: `Rebuild again if that is still needed: wasmpay rebuild ${slug}`,
  } as const;
  return { ok: false, refusals: [refusal] };
}
