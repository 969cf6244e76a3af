// The publisher from end to end: inspect → policy → transpile → meter → bundle → trial → store → release. A stage that
// refuses ends it; nothing is stored before every check has passed. What would import more than its predecessor, or is
// meant to wait, ends as a candidate: stored, unsigned, without authority.

import type { Digest } from '../artifact/digest.ts';
import type { Manifest } from '../artifact/manifest.ts';
import type { Fallback, Release, VerifiedRelease } from '../artifact/release.ts';
import { trustOnly, type SigningKey, type TrustedKeys } from '../artifact/release-keys.ts';
import { slugOf } from '../core/bank.ts';
import type { Clock } from '../core/clock.ts';
import { WasmpayError } from '../core/error.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { compareSubjects, describeSubject, subjectOf } from './changes.ts';
import { prepareComponent, type Prepared, type PrepareOptions } from './prepare.ts';
import type { Refusal, Result } from './refusal.ts';
import { bankIdRefusal, DEFAULT_VALIDITY_DAYS, refuseTakenSlug, releaseArtifact } from './release.ts';
import { storeCandidate, type Candidate } from './releases/candidate.ts';
import { refuseNewImports } from './releases/hold-imports.ts';
import { predecessorOf, readStanding } from './releases/read-release.ts';
import { createStageRunner, type StageReport } from './stages.ts';
import { storeArtifact, type Stored } from './store.ts';

export type { StageReport } from './stages.ts';

export interface PublishOptions extends PrepareOptions {
  readonly bankId: string;
  readonly store: ObjectStore;
  readonly signingKey: SigningKey;
  /** Keys whose releases are built on, for a time of rotation; only the signing one unless told. */
  readonly trustedKeys?: TrustedKeys;
  /** The deployment whose gateways may run the release. */
  readonly audience: string;
  readonly fallback?: Fallback;
  /** `approve` answers while storage gives no answer and the artifact is not in memory. */
  readonly outage?: 'approve';
  readonly validityDays?: number;
  /** Release it also where it imports what its predecessor did not. */
  readonly acceptImports?: boolean;
  /** Where a bank goes on whose bucket was lost. */
  readonly leastNumber?: number;
  readonly clock: Clock;
}

/** What a publication that waits needs: no key signs it. */
export interface CandidateOptions extends Omit<PublishOptions, 'signingKey' | 'trustedKeys'> {
  readonly trustedKeys: TrustedKeys;
}

export interface Publication {
  readonly release: Release;
  readonly previous?: VerifiedRelease;
  /** See {@link Released}. */
  readonly passedOver?: VerifiedRelease;
  readonly artifact: Digest;
  readonly manifest: Manifest;
  /** What is different from the previous release, one sentence each; empty where nothing is. */
  readonly changes: readonly string[];
  readonly stages: readonly StageReport[];
}

/** A publication that waits for its activation. */
export interface WaitingPublication {
  readonly candidate: Candidate;
  readonly previous?: VerifiedRelease;
  readonly changes: readonly string[];
  readonly stages: readonly StageReport[];
}

/**
 * Publishes `component` as the bank's next release. Refusals are data; what is thrown is an outage of the store or a
 * release in it that no trusted key signed. One that is refused as `imports_grew` waits as a candidate.
 */
export async function publishComponent(options: PublishOptions): Promise<Result<Publication>> {
  const stages: StageReport[] = [];
  const made = await prepareAndStore(withTrust(options), stages);
  if (!made.ok) return made;
  const released = await releasePrepared(options, made.value, stages);
  if (!released.ok && released.refusals.some(({ code }) => code === 'imports_grew'))
    await keepCandidate(withTrust(options), made.value);
  return released;
}

/** As {@link publishComponent}, up to the release: signs nothing, and changes nothing for any gateway. */
export async function publishCandidate(
  publication: PublishOptions | CandidateOptions,
): Promise<Result<WaitingPublication>> {
  const options = withTrust(publication);
  const stages: StageReport[] = [];
  const made = await prepareAndStore(options, stages);
  if (!made.ok) return made;
  const candidate = await keepCandidate(options, made.value);
  const { store, audience, trustedKeys } = options;
  const source = { store, audience, trustedKeys };
  const previous = predecessorOf(await readStanding(source, slugOf(options.bankId) ?? ''));
  const changes = await describeChanges(options, made.value, previous);
  return {
    ok: true,
    value: { candidate, ...(previous !== undefined && { previous }), changes, stages },
  };
}

/** Signs and swaps in what was prepared and stored. */
export async function releasePrepared(
  options: PublishOptions,
  prepared: Prepared,
  stages: StageReport[],
): Promise<Result<Publication>> {
  const { bankId, store, signingKey, clock, tools } = options;
  const { trustedKeys } = withTrust(options);
  const { manifest, digest } = prepared.bundle;
  const run = createStageRunner(options, stages);
  const terms = { ...termsOf(withTrust(options), prepared), audience: options.audience, bankId };
  const released = await run(
    'release',
    () =>
      releaseArtifact(store, terms, signingKey, clock, {
        trustedKeys,
        ...(options.leastNumber !== undefined && { leastNumber: options.leastNumber }),
        check: async (standing) =>
          options.acceptImports === true
            ? []
            : refuseNewImports(store, bankId, digest, manifest, standing, tools),
      }),
    ({ release }) => `release ${release.number} of ${release.bank}`,
  );
  if (!released.ok) return released;
  const { release, previous } = released.value;
  const changes = await describeChanges(withTrust(options), prepared, previous, release);
  return { ok: true, value: { ...released.value, artifact: digest, manifest, changes, stages } };
}

async function prepareAndStore(options: CandidateOptions, stages: StageReport[]): Promise<Result<Prepared>> {
  const { bankId, store, audience, trustedKeys } = options;
  if (slugOf(bankId) === undefined) return refused([bankIdRefusal(bankId)]);
  const prepared = await prepareComponent(options, stages);
  if (!prepared.ok) return prepared;
  const { component, bundle } = prepared.value;
  const stored = await createStageRunner(options, stages)(
    'store',
    async (): Promise<Result<Stored>> => {
      const taken = await refuseTakenSlug({ store, audience, trustedKeys }, bankId);
      if (taken !== undefined) return refused([taken]);
      return { ok: true, value: await storeArtifact(store, component, bundle) };
    },
    ({ artifact }) => (artifact ? 'new artifact' : 'artifact was there already'),
  );
  return stored.ok ? prepared : stored;
}

async function keepCandidate(options: CandidateOptions, prepared: Prepared): Promise<Candidate> {
  const { bankId, store, clock } = options;
  const { artifact, component, contract, policy, fallback, outage } = termsOf(options, prepared);
  const candidate: Candidate = {
    bankId,
    component,
    artifact,
    contract,
    ...policy,
    fallback,
    ...(outage !== undefined && { outage }),
    toolchain: prepared.inspection.toolchain,
    ...(prepared.trial !== undefined && { trial: prepared.trial }),
    madeAtS: Math.floor(clock() / 1000),
  };
  await storeCandidate(store, slugOf(bankId) ?? '', candidate);
  return candidate;
}

/** What the release of `prepared` says besides audience, bank and number. */
function termsOf(options: CandidateOptions, { bundle, component, decision, policy }: Prepared) {
  return {
    artifact: bundle.digest,
    component: component.digest,
    contract: decision.contract,
    policy,
    fallback: options.fallback ?? 'deny',
    ...(options.outage !== undefined && { outage: options.outage }),
    validityDays: options.validityDays ?? DEFAULT_VALIDITY_DAYS,
  };
}

async function describeChanges(
  options: CandidateOptions,
  prepared: Prepared,
  previous: VerifiedRelease | undefined,
  release?: Release,
): Promise<string[]> {
  if (previous === undefined) return ['first release of this bank'];
  const { disabled } = release ?? previous;
  const terms = { ...termsOf(options, prepared), ...(disabled !== undefined && { disabled }) };
  const after = subjectOf(terms, prepared);
  // The same artifact is of the same component: there is nothing to inspect or to try.
  if (previous.artifact === terms.artifact) return compareSubjects({ ...after, release: previous }, after);
  try {
    return compareSubjects(await describeSubject(options.store, previous, options), after);
  } catch (error) {
    if (!(error instanceof WasmpayError)) throw error;
    // The release is made: that nobody can say now what it changes is no failure of it.
    return [`release ${previous.number} cannot be read now: nothing is compared`];
  }
}

/** The same options, with the keys that releases are built on. */
function withTrust(options: PublishOptions | CandidateOptions): CandidateOptions {
  if (!('signingKey' in options)) return options;
  return { ...options, trustedKeys: options.trustedKeys ?? trustOnly(options.signingKey) };
}

function refused(refusals: readonly Refusal[]): Result<never> {
  return { ok: false, refusals };
}
