// A case's outcome against what the case asks for: pure, so that every difference can be shown.

import type { Case } from '../../authoring/cases.ts';
import type { CaseRun } from '../../sandbox/node/case-calls.ts';

/** What a validator did with a case. */
export interface JudgedCase {
  readonly name: string;
  readonly passed: boolean;
  /** `approve`, `deny` or, where there is no answer, `failure`. */
  readonly decision: 'approve' | 'deny' | 'failure';
  readonly reason?: { readonly code: string; readonly message?: string };
  readonly failure?: { readonly code: string; readonly detail: string };
  readonly fuel: number;
  readonly memoryBytes: number;
  /** What the guest printed. */
  readonly output: string;
  /** What was asked for and what came, one line each; empty where it passed. */
  readonly differences: readonly Difference[];
}

export interface Difference {
  readonly what: 'decision' | 'code' | 'message' | 'fuel';
  readonly expected: string;
  readonly got: string;
}

const PAGE_BYTES = 65_536;

/** Holds what the sandbox answered against the case. */
export function judgeCase(asked: Case, { outcome, pages }: CaseRun, output: string): JudgedCase {
  const { fuel } = outcome;
  const known = { name: asked.name, fuel, memoryBytes: pages * PAGE_BYTES, output };
  const differences: Difference[] = [];
  const compare = (what: Difference['what'], expected: string, got: string): void => {
    if (expected !== got) differences.push({ what, expected, got });
  };
  if (asked.mostFuel !== undefined && fuel > asked.mostFuel)
    differences.push({ what: 'fuel', expected: `at most ${asked.mostFuel}`, got: String(fuel) });
  if (outcome.kind === 'failure') {
    const { failure } = outcome;
    compare('decision', asked.expect, `no answer: ${failure.code}, ${failure.detail}`);
    return { ...known, passed: false, decision: 'failure', failure, differences };
  }
  const { verdict } = outcome;
  compare('decision', asked.expect, verdict.kind);
  const reason = verdict.kind === 'deny' ? verdict.denial : undefined;
  if (asked.reason !== undefined && verdict.kind === 'deny') {
    compare('code', asked.reason.code, verdict.denial.code);
    if (asked.reason.message !== undefined)
      compare('message', JSON.stringify(asked.reason.message), JSON.stringify(verdict.denial.message ?? ''));
  }
  return {
    ...known,
    passed: differences.length === 0,
    decision: verdict.kind,
    ...(reason !== undefined && { reason }),
    differences,
  };
}
