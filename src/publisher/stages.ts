// The stages of a publication as people see them: a sentence for each, and how long it took.

import type { Result } from './refusal.ts';

/** What one stage did, for people: a sentence and how long it took. */
export interface StageReport {
  readonly stage: 'inspect' | 'policy' | 'transpile' | 'meter' | 'bundle' | 'trial' | 'store' | 'release';
  readonly summary: string;
  readonly durationMs: number;
}

export interface StageOptions {
  /** Milliseconds from any start: measures the stages. */
  readonly stopwatch: () => number;
  readonly onStage?: (report: StageReport) => void;
}

export type StageRunner = <T>(
  stage: StageReport['stage'],
  work: () => Result<T> | Promise<Result<T>>,
  summarize: (value: T) => string,
) => Promise<Result<T>>;

/** Runs a stage, measures it, and adds its report to `reports`. */
export function createStageRunner(options: StageOptions, reports: StageReport[]): StageRunner {
  return async (stage, work, summarize) => {
    const startMs = options.stopwatch();
    const result = await work();
    const durationMs = options.stopwatch() - startMs;
    const report: StageReport = {
      stage,
      summary: result.ok ? summarize(result.value) : 'refused',
      durationMs,
    };
    reports.push(report);
    options.onStage?.(report);
    return result;
  };
}
