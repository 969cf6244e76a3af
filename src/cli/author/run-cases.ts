// Cases on the production sandbox: the component goes through the publisher's own stages, and its artifact answers in a
// confined process under the limits that a release would have.

import type { Case } from '../../authoring/cases.ts';
import type { GuestLimits } from '../../core/guest-limits.ts';
import { longestHoldMs } from '../../core/guest-limits.ts';
import { prepareComponent, type Prepared } from '../../publisher/prepare.ts';
import type { Policy } from '../../publisher/policy.ts';
import type { Refusal } from '../../publisher/refusal.ts';
import type { StageReport } from '../../publisher/stages.ts';
import { tryArtifact, type Trial } from '../../publisher/trial.ts';
import { DEFAULT_BOUNDS, runConfined } from '../../publisher/workshop/confined-process.ts';
import type { Tools } from '../../publisher/workshop/tools.ts';
import { WasmpayError } from '../../core/error.ts';
import { toWireCall, type CaseRun } from '../../sandbox/node/case-calls.ts';
import { TRIAL_SCRIPT } from '../publish.ts';
import { judgeCase, type JudgedCase } from './judge-cases.ts';

const CASES_SCRIPT = new URL('../../sandbox/node/cases-child.ts', import.meta.url);

export interface RunOptions {
  readonly component: Uint8Array<ArrayBuffer>;
  readonly policy: Policy;
  readonly limits: Partial<GuestLimits>;
  readonly tools?: Tools;
  readonly onStage?: (report: StageReport) => void;
}

/** What came of the cases of a component. */
export interface TestReport {
  /** Absent where the publisher takes no such component: then there is nothing that could answer. */
  readonly prepared?: Prepared;
  /** Why it could not be published; empty where it could. */
  readonly refusals: readonly Refusal[];
  readonly trial?: Trial;
  readonly cases: readonly JudgedCase[];
  readonly stages: readonly StageReport[];
}

/** Whether it could be published, and every case passed. */
export function isGood({ refusals, cases }: TestReport): boolean {
  return refusals.length === 0 && cases.every(({ passed }) => passed);
}

/** Prepares a component as publishing does, tries it, and runs the cases. Never throws for what a guest does. */
export async function testComponent(options: RunOptions, cases: readonly Case[]): Promise<TestReport> {
  const stages: StageReport[] = [];
  const prepared = await prepareComponent({ ...options, stopwatch: () => performance.now() }, stages);
  if (!prepared.ok) return { refusals: prepared.refusals, cases: [], stages };
  const { bundle, policy } = prepared.value;
  const startMs = performance.now();
  // At once: each is a process of its own. A validator that fails its trial still has cases that say more.
  const [trial, judged] = await Promise.all([
    tryArtifact(bundle, policy, TRIAL_SCRIPT),
    runCases(prepared.value, cases),
  ]);
  const report: StageReport = {
    stage: 'trial',
    summary: trial.ok ? `${trial.value.probes} probes answered twice the same` : 'refused',
    durationMs: performance.now() - startMs,
  };
  stages.push(report);
  options.onStage?.(report);
  return {
    prepared: prepared.value,
    refusals: trial.ok ? [] : trial.refusals,
    ...(trial.ok && { trial: trial.value }),
    cases: judged,
    stages,
  };
}

/** Longest time for all cases, milliseconds: twice what the worst guest may take for each, and the process's own start. */
function boundMs(prepared: Prepared, count: number): number {
  return DEFAULT_BOUNDS.timeMs + Math.ceil(2 * count * longestHoldMs(prepared.policy.limits));
}

async function runCases(prepared: Prepared, cases: readonly Case[]): Promise<JudgedCase[]> {
  if (cases.length === 0) return [];
  const { bundle, policy } = prepared;
  const input = {
    value: { digest: bundle.digest, policy, calls: cases.map(toWireCall) },
    blobs: [bundle.bytes],
  };
  const bounds = { ...DEFAULT_BOUNDS, timeMs: boundMs(prepared, cases.length) };
  const run = await runConfined(CASES_SCRIPT, input, bounds);
  if (!run.ok) throw new WasmpayError('internal', `the cases could not be run: ${run.reason}`);
  const runs = run.message.value as readonly CaseRun[];
  const decoder = new TextDecoder();
  return cases.flatMap((asked, index) => {
    const caseRun = runs[index];
    return caseRun === undefined ? [] : [judgeCase(asked, caseRun, decoder.decode(run.message.blobs[index]))];
  });
}
