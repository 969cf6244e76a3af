// The publisher from end to end: inspect → policy → transpile → meter → bundle → trial → store → release. A stage that refuses ends
// it; nothing is stored before every check has passed.

import type { Digest } from '../artifact/digest.ts';
import type { Manifest } from '../artifact/manifest.ts';
import type { Fallback, Release, VerifiedRelease } from '../artifact/release.ts';
import type { SigningKey } from '../artifact/release-keys.ts';
import { slugOf } from '../core/bank.ts';
import { DEFAULT_GUEST_LIMITS, type GuestLimits } from '../core/guest-limits.ts';
import type { Clock } from '../core/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { bundleArtifact } from './bundle.ts';
import { describeChanges } from './changes.ts';
import { inspectComponent } from './inspect.ts';
import { meterModules } from './meter.ts';
import { applyPolicy, type Policy } from './policy.ts';
import type { Refusal, Result } from './refusal.ts';
import { bankIdRefusal, DEFAULT_VALIDITY_DAYS, refuseTakenSlug, releaseArtifact } from './release.ts';
import { storeArtifact } from './store.ts';
import { transpileComponent } from './transpile.ts';
import { tryArtifact } from './trial.ts';
import type { Tools } from './workshop/tools.ts';

/** What one stage did, for people: a sentence and how long it took. */
export interface StageReport {
  readonly stage: 'inspect' | 'policy' | 'transpile' | 'meter' | 'bundle' | 'trial' | 'store' | 'release';
  readonly summary: string;
  readonly durationMs: number;
}

export interface PublishOptions {
  readonly bankId: string;
  readonly component: Uint8Array<ArrayBuffer>;
  readonly store: ObjectStore;
  readonly signingKey: SigningKey;
  /** The deployment whose gateways may run the release. */
  readonly audience: string;
  readonly policy: Policy;
  /** Refuse the inert tier as well. */
  readonly strict?: boolean;
  readonly fallback?: Fallback;
  /** What differs from the default limits. */
  readonly limits?: Partial<GuestLimits>;
  readonly validityDays?: number;
  readonly clock: Clock;
  /** The sandbox's trial, a script; nothing is tried without it. */
  readonly trialScript?: URL;
  /** wasm-tools and jco; each run is a confined process unless told otherwise. */
  readonly tools?: Tools;
  /** Milliseconds from any start: measures the stages. */
  readonly stopwatch: () => number;
  readonly onStage?: (report: StageReport) => void;
}

export interface Publication {
  readonly release: Release;
  readonly previous?: VerifiedRelease;
  readonly artifact: Digest;
  readonly manifest: Manifest;
  /** What is different from the previous release, one sentence each; empty where nothing is. */
  readonly changes: readonly string[];
  readonly stages: readonly StageReport[];
}

/**
 * Publishes `component` as the bank's next release. Refusals are data; what is thrown is an outage of the store or a
 * release in it that the signing key did not sign.
 */
export async function publishComponent(options: PublishOptions): Promise<Result<Publication>> {
  const { bankId, component, store, signingKey, clock } = options;
  if (slugOf(bankId) === undefined) return refused([bankIdRefusal(bankId)]);
  const stages: StageReport[] = [];
  const run = createStageRunner(options, stages);

  const inspected = await run(
    'inspect',
    () => inspectComponent(component, options.tools),
    (inspection) =>
      `${inspection.sizeBytes} bytes, ${inspection.coreModules.length} core modules, made by ${inspection.toolchain}`,
  );
  if (!inspected.ok) return inspected;
  const inspection = inspected.value;

  const decided = await run(
    'policy',
    () => applyPolicy(inspection, options.policy, { strict: options.strict ?? false }),
    (decision) =>
      `${decision.contract}, ${decision.imports.length} imports, ${decision.grants.length} of them granted`,
  );
  if (!decided.ok) return decided;
  const decision = decided.value;

  const transpiled = await run(
    'transpile',
    () => transpileComponent(component, inspection.names, options.tools),
    (output) => `${output.glue.length} bytes of glue, checked; ${output.coreModules.length} core modules`,
  );
  if (!transpiled.ok) return transpiled;

  const { glue, coreModules } = transpiled.value;

  const limits: GuestLimits = { ...DEFAULT_GUEST_LIMITS, ...options.limits };
  const metered = await run(
    'meter',
    () => meterModules(coreModules, limits, inspection.makesHandles),
    ({ metering, unrestorable }) =>
      `${metering.initialPages} pages of memory; ${unrestorable[0] ?? 'restored after each call'}`,
  );
  if (!metered.ok) return metered;

  const bundled = await run(
    'bundle',
    () => bundleArtifact(inspection.digest, decision, glue, metered.value),
    (bundle) => `${bundle.digest}, ${bundle.bytes.length} bytes`,
  );
  if (!bundled.ok) return bundled;
  const bundle = bundled.value;
  const policy = { grants: decision.grants, limits };

  const { trialScript } = options;
  if (trialScript !== undefined) {
    const tried = await run(
      'trial',
      () => tryArtifact(bundle, policy, trialScript),
      ({ probes, leastFuel, mostFuel }) =>
        `${probes} probes answered twice the same, ${leastFuel} to ${mostFuel} fuel`,
    );
    if (!tried.ok) return tried;
  }

  const stored = await run(
    'store',
    async () => {
      const taken = await refuseTakenSlug(store, bankId, signingKey);
      if (taken !== undefined) return refused([taken]);
      return succeeded(await storeArtifact(store, { digest: inspection.digest, bytes: component }, bundle));
    },
    ({ artifact }) => (artifact ? 'new artifact' : 'artifact was there already'),
  );
  if (!stored.ok) return stored;

  const terms = {
    audience: options.audience,
    bankId,
    artifact: bundle.digest,
    component: inspection.digest,
    contract: decision.contract,
    policy,
    fallback: options.fallback ?? 'deny',
    validityDays: options.validityDays ?? DEFAULT_VALIDITY_DAYS,
  } as const;
  const released = await run(
    'release',
    () => releaseArtifact(store, terms, signingKey, clock),
    ({ release }) => `release ${release.number} of ${release.bank}`,
  );
  if (!released.ok) return released;

  const { release, previous } = released.value;
  const changes = await describeChanges(store, release, bundle, previous);
  return succeeded({
    release,
    ...(previous !== undefined && { previous }),
    artifact: bundle.digest,
    manifest: bundle.manifest,
    changes,
    stages,
  });
}

function createStageRunner(options: PublishOptions, stages: StageReport[]) {
  return async <T>(
    stage: StageReport['stage'],
    work: () => Result<T> | Promise<Result<T>>,
    summarize: (value: T) => string,
  ): Promise<Result<T>> => {
    const startMs = options.stopwatch();
    const result = await work();
    const durationMs = options.stopwatch() - startMs;
    const summary = result.ok ? summarize(result.value) : 'refused';
    const report: StageReport = { stage, summary, durationMs };
    stages.push(report);
    options.onStage?.(report);
    return result;
  };
}

function succeeded<T>(value: T): Result<T> {
  return { ok: true, value };
}

function refused(refusals: readonly Refusal[]): Result<never> {
  return { ok: false, refusals };
}
