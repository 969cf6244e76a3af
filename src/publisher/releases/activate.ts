// Activation: a candidate becomes the bank's next release. Nothing in the candidate is believed. The artifact is the one
// that the caller names, its terms are the caller's, and both are derived again from the component; a candidate that
// says otherwise was changed, or was made under other terms, and is refused.

import type { Digest } from '../../artifact/digest.ts';
import { slugOf } from '../../core/bank.ts';
import { DEFAULT_GUEST_LIMITS, GUEST_LIMIT_NAMES } from '../../core/guest-limits.ts';
import { prepareComponent, type Prepared } from '../prepare.ts';
import { releasePrepared, type Publication, type PublishOptions } from '../publish.ts';
import { quote, type Refusal, type Result } from '../refusal.ts';
import { bankIdRefusal } from '../release.ts';
import { storeArtifact } from '../store.ts';
import type { StageReport } from '../stages.ts';
import { dropCandidate, readCandidate, type Candidate } from './candidate.ts';
import { readComponentBytes } from './read-artifact.ts';

export interface ActivateOptions extends Omit<PublishOptions, 'component'> {
  /** What is activated: the digest that its publication gave. */
  readonly artifact: Digest;
}

/**
 * Activates the candidate of `artifact`. Refuses with `candidate_unknown`, `candidate_differs`, `component_missing`, and
 * as `publishComponent` does; throws as that.
 */
export async function activateCandidate(options: ActivateOptions): Promise<Result<Publication>> {
  const { bankId, store, artifact } = options;
  const slug = slugOf(bankId);
  if (slug === undefined) return refuse(bankIdRefusal(bankId));
  const candidate = await readCandidate(store, slug, artifact);
  if (candidate === undefined) return refuse(unknownCandidate(bankId, artifact));
  const asked = compareTerms(candidate, options);
  if (asked.length > 0) return refuse(differs(artifact, asked));
  const component = await readComponentBytes(store, candidate.component);
  if (component === undefined) return refuse(missingComponent(candidate.component));

  const stages: StageReport[] = [];
  const publish: PublishOptions = { ...options, component };
  const prepared = await prepareComponent(publish, stages);
  if (!prepared.ok) return prepared;
  const made = compareArtifact(candidate, artifact, prepared.value);
  if (made.length > 0) return refuse(differs(artifact, made));
  await storeArtifact(store, prepared.value.component, prepared.value.bundle);
  const released = await releasePrepared(publish, prepared.value, stages);
  if (released.ok) await dropCandidate(store, slug, artifact);
  return released;
}

/** What the candidate says against what the caller says. */
function compareTerms(candidate: Candidate, options: ActivateOptions): string[] {
  const limits = { ...DEFAULT_GUEST_LIMITS, ...options.limits };
  const pairs: readonly (readonly [name: string, noted: string, asked: string])[] = [
    ['bank', candidate.bankId, options.bankId],
    ['fallback', candidate.fallback, options.fallback ?? 'deny'],
    ['outage', candidate.outage ?? 'as fallback', options.outage ?? 'as fallback'],
    ...GUEST_LIMIT_NAMES.map(
      (name) => [`limit ${name}`, String(candidate.limits[name]), String(limits[name])] as const,
    ),
  ];
  return describeDifferences(pairs, 'asked for is');
}

/** What the candidate says against what its component gives now. */
function compareArtifact(candidate: Candidate, artifact: Digest, prepared: Prepared): string[] {
  const { bundle, decision, policy } = prepared;
  return describeDifferences(
    [
      ['artifact', artifact, bundle.digest],
      ['contract', candidate.contract, decision.contract],
      ['grants', candidate.grants.join(', '), policy.grants.join(', ')],
    ],
    'its component gives',
  );
}

function describeDifferences(
  pairs: readonly (readonly [name: string, noted: string, actual: string])[],
  verb: string,
): string[] {
  return pairs
    .filter(([, noted, actual]) => noted !== actual)
    .map(([name, noted, actual]) => `${name} is ${quote(noted)}, ${verb} ${quote(actual)}`);
}

function differs(artifact: Digest, differences: readonly string[]): Refusal {
  return {
    code: 'candidate_differs',
    message: `The candidate says otherwise: ${differences.join('; ')}.`,
    where: artifact,
    fix: 'Repeat the options that it was published with; where those are right, or the publisher is another version, publish it again.',
  };
}

/** The refusal of an artifact that nothing waits of. */
export function unknownCandidate(bankId: string, artifact: Digest): Refusal {
  return {
    code: 'candidate_unknown',
    message: `Bank ${quote(bankId)} has no candidate of this artifact that can be read.`,
    where: artifact,
    fix: 'Publish the component with --no-activate, and activate the artifact that this gives.',
  };
}

function missingComponent(component: Digest): Refusal {
  return {
    code: 'component_missing',
    message: 'The component is missing from the store, or other bytes are in its place.',
    where: component,
    fix: 'Publish the component again from its file.',
  };
}

function refuse(refusal: Refusal): Result<never> {
  return { ok: false, refusals: [refusal] };
}
