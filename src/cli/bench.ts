// `wasmpay bench [DIR|COMPONENT]`: what a call costs, in microseconds of this machine and in fuel, and what a cold start does.

import type { Case } from '../authoring/cases.ts';
import { WasmpayError } from '../core/error.ts';
import { prepareComponent, type Prepared } from '../publisher/prepare.ts';
import type { StageReport } from '../publisher/stages.ts';
import { DEFAULT_BOUNDS, runConfined } from '../publisher/workshop/confined-process.ts';
import { createEagerTools } from '../publisher/workshop/eager-tools.ts';
import { toWireCall, type BenchRun } from '../sandbox/node/case-calls.ts';
import { CASE_OPTIONS, readCases, readCaseSettings } from './author/author-options.ts';
import { openAuthorMemory } from './author/author-memory.ts';
import { openSubject } from './author/subject.ts';
import { printLines, type Line } from './colour.ts';
import { printRefused } from './describe-release.ts';
import { parseOptions } from './options.ts';
import { formatBytes, formatCount, printJson, printProgress } from './terminal.ts';
import { resolve } from 'node:path';

const USAGE = `wasmpay bench [DIR|COMPONENT] [--cases FILE] [--seconds N] [--limit NAME=NUMBER]... [--out DIR]
                                 [--policy FILE] [--json]
  Measures calls of the validator with the transactions of its cases, in the production sandbox on this machine: median
  and 99th percentile in microseconds, fuel, and how long a cold start takes. --seconds is how long to measure, 1 to 60.
  Fuel is the same everywhere; times are not.`;

/** The command for main.ts. */
export const benchCommand = { usage: USAGE, run: runBench };

const BENCH_SCRIPT = new URL('../sandbox/node/bench-child.ts', import.meta.url);

/** New processes whose first call is timed: one has what the system does at that moment in it. */
const COLD_STARTS = 5;

/** V8 has compiled anew what runs often after this time, milliseconds. */
const WARM_UP_MS = 500;

/** Enough for a 99th percentile, and no more memory than that takes. */
const MOST_CALLS = 100_000;

const DEFAULT_SECONDS = 2;

async function runBench(args: readonly string[]): Promise<number> {
  const { arguments: positionals, options } = parseOptions(args, ['[DIR|COMPONENT]'], {
    ...CASE_OPTIONS,
    seconds: { type: 'string' },
  });
  const { out, cases: casesOption, limits, policy, asJson } = await readCaseSettings(options);
  const measureMs = parseSeconds(options['seconds'] as string | undefined) * 1000;
  const subject = await openSubject(positionals[0], { out, quiet: asJson });
  const cases = await readCases(casesOption === undefined ? subject.casesPath : resolve(casesOption));
  if (!asJson) printProgress(`measuring  ${subject.name}, ${formatCount(cases.length, 'transaction')} …`);
  const { component } = subject;
  const { memory, tools } = await openAuthorMemory();
  const stages: StageReport[] = [];
  const prepared = await prepareComponent(
    { component, policy, limits, memory, tools: createEagerTools(tools), stopwatch: () => performance.now() },
    stages,
  );
  if (!prepared.ok) return printRefused(asJson, 'measured', prepared.refusals);

  const coldStartsMs: number[] = [];
  for (let i = 0; i < COLD_STARTS; i += 1) {
    const { coldStartMs } = await bench(prepared.value, cases, { warmUpMs: 0, measureMs: 0 });
    coldStartsMs.push(coldStartMs);
  }
  const run = await bench(prepared.value, cases, { warmUpMs: WARM_UP_MS, measureMs });
  if (run.failed !== undefined) {
    const name = cases[run.failed.index]?.name ?? '';
    const { code, detail } = run.failed;
    const message = `case ${JSON.stringify(name)} has no answer: ${code}, ${detail}`;
    if (asJson) printJson({ measured: false, failure: { case: name, code, detail } });
    printProgress(`wasmpay bench: ${message}\n  help  wasmpay test shows each case`);
    return 1;
  }
  const figures = figuresOf(subject.name, prepared.value, coldStartsMs, run);
  if (asJson)
    printJson({
      measured: true,
      ...figures,
      cases: cases.map(({ name }, i) => ({ name, fuel: run.fuel[i] })),
    });
  else printLines(describeFigures(figures));
  return 0;
}

function parseSeconds(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SECONDS;
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= 60) return Number(text);
  throw new WasmpayError('usage', '--seconds is a whole number from 1 to 60');
}

async function bench(
  { bundle, policy }: Prepared,
  cases: readonly Case[],
  times: { warmUpMs: number; measureMs: number },
): Promise<BenchRun> {
  const calls = cases.map(toWireCall);
  const input = {
    value: { digest: bundle.digest, policy, calls, ...times, mostCalls: MOST_CALLS },
    blobs: [bundle.bytes],
  };
  const bounds = { ...DEFAULT_BOUNDS, timeMs: DEFAULT_BOUNDS.timeMs + times.warmUpMs + times.measureMs };
  const run = await runConfined(BENCH_SCRIPT, input, bounds);
  if (!run.ok) throw new WasmpayError('internal', `nothing could be measured: ${run.reason}`);
  return run.message.value as BenchRun;
}

interface Figures {
  readonly name: string;
  readonly sizeBytes: number;
  readonly artifactBytes: number;
  readonly coldStartMs: { readonly median: number; readonly least: number; readonly most: number };
  readonly callUs: { readonly median: number; readonly p99: number };
  readonly calls: number;
  readonly fuel: { readonly least: number; readonly median: number; readonly most: number };
  readonly memoryBytes: number;
}

function figuresOf(
  name: string,
  { component, bundle }: Prepared,
  coldStartsMs: readonly number[],
  run: BenchRun,
): Figures {
  const cold = coldStartsMs.toSorted((a, b) => a - b);
  const fuel = run.fuel.toSorted((a, b) => a - b);
  return {
    name,
    sizeBytes: component.bytes.length,
    artifactBytes: bundle.bytes.length,
    coldStartMs: { median: quantile(cold, 0.5), least: quantile(cold, 0), most: quantile(cold, 1) },
    callUs: { median: quantile(run.callUs, 0.5), p99: quantile(run.callUs, 0.99) },
    calls: run.callUs.length,
    fuel: { least: quantile(fuel, 0), median: quantile(fuel, 0.5), most: quantile(fuel, 1) },
    memoryBytes: run.pages * 65_536,
  };
}

/** Nearest rank, of ascending numbers. */
function quantile(numbers: readonly number[], q: number): number {
  return numbers[Math.min(numbers.length - 1, Math.max(0, Math.ceil(q * numbers.length) - 1))] ?? 0;
}

function describeFigures({ coldStartMs, callUs, calls, fuel, ...figures }: Figures): Line[] {
  const count = (number: number): string => Math.round(number).toLocaleString('en');
  const microseconds = (number: number): string => `${number < 100 ? number.toFixed(1) : count(number)} µs`;
  return [
    `call       ${microseconds(callUs.median)} median, ${microseconds(callUs.p99)} 99th percentile, of ${count(calls)} calls`,
    `fuel       ${count(fuel.median)} median, ${count(fuel.least)} to ${count(fuel.most)}`,
    `cold       ${coldStartMs.median.toFixed(1)} ms median, ${coldStartMs.least.toFixed(1)} to ${coldStartMs.most.toFixed(1)}`,
    `memory     ${formatBytes(figures.memoryBytes)}`,
    `size       ${formatBytes(figures.sizeBytes)}, as an artifact ${formatBytes(figures.artifactBytes)}`,
  ];
}
