// Cases on the production sandbox: the component goes through the publisher's own stages, and its artifact answers under
// the limits that a release would have.

import type { Case } from '../../authoring/cases.ts';
import type { GuestLimits } from '../../core/guest-limits.ts';
import type { Memory } from '../../publisher/memory.ts';
import type { Policy } from '../../publisher/policy.ts';
import { prepareComponent, type Prepared } from '../../publisher/prepare.ts';
import type { Refusal } from '../../publisher/refusal.ts';
import type { StageReport } from '../../publisher/stages.ts';
import type { Trial } from '../../publisher/trial.ts';
import { createEagerTools } from '../../publisher/workshop/eager-tools.ts';
import type { Tools } from '../../publisher/workshop/tools.ts';
import { toWireCall } from '../../sandbox/node/case-calls.ts';
import { judgeCase, type JudgedCase } from './judge-cases.ts';
import { createConfinedRunner, type RunArtifact } from './run-artifact.ts';

export interface RunOptions {
  readonly component: Uint8Array<ArrayBuffer>;
  readonly policy: Policy;
  readonly limits: Partial<GuestLimits>;
  readonly tools?: Tools;
  readonly memory?: Memory;
  /** In confined processes unless told. */
  readonly runArtifact?: RunArtifact;
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
  if (options.runArtifact !== undefined) return await runCases(options, options.runArtifact, cases);
  using runner = createConfinedRunner();
  return await runCases(options, runner.run, cases);
}

async function runCases(
  options: RunOptions,
  runArtifact: RunArtifact,
  cases: readonly Case[],
): Promise<TestReport> {
  const stages: StageReport[] = [];
  const prepared = await prepareComponent(
    { ...options, tools: options.tools ?? createEagerTools(), stopwatch: () => performance.now() },
    stages,
  );
  if (!prepared.ok) return { refusals: prepared.refusals, cases: [], stages };
  const startMs = performance.now();
  const { trial, runs, outputs } = await runArtifact(prepared.value, cases.map(toWireCall));
  const report: StageReport = {
    stage: 'trial',
    summary: trial.ok ? `${trial.value.probes} probes answered twice the same` : 'refused',
    durationMs: performance.now() - startMs,
  };
  stages.push(report);
  options.onStage?.(report);
  const decoder = new TextDecoder();
  return {
    prepared: prepared.value,
    // A validator that fails its trial still has cases that say more.
    refusals: trial.ok ? [] : trial.refusals,
    ...(trial.ok && { trial: trial.value }),
    cases: cases.flatMap((asked, index) => {
      const run = runs[index];
      return run === undefined ? [] : [judgeCase(asked, run, decoder.decode(outputs[index]))];
    }),
    stages,
  };
}
