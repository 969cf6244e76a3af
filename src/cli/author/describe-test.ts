// What `wasmpay test` says: a line for each case, and for one that failed what was asked for, what came and what it printed.

import type { Line, Piece } from '../colour.ts';
import { describeRefusals, formatBytes, formatCount } from '../terminal.ts';
import type { Difference, JudgedCase } from './judge-cases.ts';
import type { TestReport } from './run-cases.ts';

/** The report for people. `durationMs` is of all of it, the build as well. */
export function describeTest(report: TestReport, durationMs: number): Line[] {
  const { cases, refusals } = report;
  const width = Math.min(60, Math.max(0, ...cases.map(({ name }) => name.length)));
  const answerWidth = Math.min(40, Math.max(0, ...cases.map((judged) => answerOf(judged).length)));
  const lines = cases.flatMap((judged) => describeCase(judged, width, answerWidth));
  if (refusals.length > 0) lines.push('', ...describeRefusals(refusals).split('\n'));
  return [...lines, '', summarize(report, durationMs)];
}

function summarize({ cases, refusals, trial }: TestReport, durationMs: number): Line {
  const failed = cases.filter(({ passed }) => !passed).length;
  const seconds = `${(durationMs / 1000).toFixed(1)} s`;
  const pieces: Piece[] = [`${formatCount(cases.length, 'case')}: `];
  if (failed === 0) pieces.push(['green', `${cases.length} passed`]);
  else pieces.push(`${cases.length - failed} passed, `, ['red', `${failed} failed`]);
  if (refusals.length > 0) pieces.push('; ', ['red', 'it would not be published']);
  if (trial !== undefined) pieces.push(`; trial: ${formatCount(trial.probes, 'probe')} answered`);
  pieces.push(`; ${seconds}`);
  return pieces;
}

function describeCase(judged: JudgedCase, width: number, answerWidth: number): Line[] {
  const { name, passed, fuel, memoryBytes, output, differences } = judged;
  const mark: Piece = passed ? ['green', 'pass'] : ['red', 'FAIL'];
  const cost = `${fuel.toLocaleString('en')} fuel  ${formatBytes(memoryBytes)}`;
  return [
    [mark, `  ${name.padEnd(width)}  ${answerOf(judged).padEnd(answerWidth)}  `, ['dim', cost]],
    ...differences.flatMap(describeDifference),
    ...output
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Line => [['dim', '      | '], line]),
  ];
}

function describeDifference({ what, expected, got }: Difference): Line[] {
  const label = what === 'decision' ? '' : `${what} `;
  return [
    ['      ', ['green', `- ${label}${expected}`]],
    ['      ', ['red', `+ ${label}${got}`]],
  ];
}

function answerOf({ decision, reason, failure }: JudgedCase): string {
  if (failure !== undefined) return `failure ${failure.code}`;
  if (reason === undefined) return decision;
  const message = (reason.message ?? '') === '' ? '' : ` ${JSON.stringify(reason.message)}`;
  return `${decision} ${reason.code}${message}`;
}
