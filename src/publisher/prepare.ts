// From a component's bytes to an artifact that was tried: inspect → policy → transpile → meter → bundle → trial. A
// stage that refuses ends it. Nothing is stored and nothing is signed here.

import type { SandboxPolicy } from '../artifact/release.ts';
import { DEFAULT_GUEST_LIMITS, type GuestLimits } from '../core/guest-limits.ts';
import { bundleArtifact, type Bundle } from './bundle.ts';
import { inspectComponent, type Inspection } from './inspect.ts';
import type { Memory } from './memory.ts';
import { meterModules } from './meter.ts';
import { applyPolicy, type Policy, type PolicyDecision } from './policy.ts';
import type { Result } from './refusal.ts';
import { createStageRunner, type StageOptions, type StageReport } from './stages.ts';
import { transpileComponent } from './transpile.ts';
import { tryOnce, type Trial } from './trial.ts';
import type { Tools } from './workshop/tools.ts';

export interface PrepareOptions extends StageOptions {
  readonly component: Uint8Array<ArrayBuffer>;
  readonly policy: Policy;
  /** Refuse the inert tier as well. */
  readonly strict?: boolean;
  /** What differs from the default limits. */
  readonly limits?: Partial<GuestLimits>;
  /** The sandbox's trial, a script; nothing is tried without it. */
  readonly trialScript?: URL;
  /** wasm-tools and jco; each run is a confined process unless told otherwise. */
  readonly tools?: Tools;
  /** Nothing is remembered unless told. */
  readonly memory?: Memory;
}

/** An artifact, and everything that a release of it says about what it may do. */
export interface Prepared {
  readonly component: { readonly digest: Inspection['digest']; readonly bytes: Uint8Array<ArrayBuffer> };
  readonly inspection: Inspection;
  readonly decision: PolicyDecision;
  readonly bundle: Bundle;
  readonly policy: SandboxPolicy;
  /** Absent where nothing was tried. */
  readonly trial?: Trial;
}

/** Prepares `options.component`; adds a report of each stage to `reports`. Refusals are data. */
export async function prepareComponent(
  options: PrepareOptions,
  reports: StageReport[],
): Promise<Result<Prepared>> {
  const { component } = options;
  const run = createStageRunner(options, reports);

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
    () => transpileComponent(component, inspection.names, options.tools, options.memory),
    (output) => `${output.glue.length} bytes of glue, checked; ${output.coreModules.length} core modules`,
  );
  if (!transpiled.ok) return transpiled;
  const { glue, coreModules } = transpiled.value;

  const limits: GuestLimits = { ...DEFAULT_GUEST_LIMITS, ...options.limits };
  const metered = await run(
    'meter',
    () => meterModules(coreModules, limits, inspection.makesHandles, options.memory),
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
  const prepared = {
    component: { digest: inspection.digest, bytes: component },
    inspection,
    decision,
    bundle,
    policy,
  };

  const { trialScript } = options;
  if (trialScript === undefined) return { ok: true, value: prepared };
  const tried = await run(
    'trial',
    () => tryOnce(bundle, policy, trialScript),
    ({ probes, leastFuel, mostFuel, mostPages }) =>
      `${probes} probes answered twice the same, ${leastFuel} to ${mostFuel} fuel, ${mostPages} pages of memory at most`,
  );
  return tried.ok ? { ok: true, value: { ...prepared, trial: tried.value } } : tried;
}
