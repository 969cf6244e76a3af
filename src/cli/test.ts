// `wasmpay test [DIR|COMPONENT]`: cases.json on the production sandbox, under the limits that a release has.

import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { OUT_FOLDER } from '../authoring/build-validator.ts';
import { WasmpayError } from '../core/error.ts';
import { createEagerTools } from '../publisher/workshop/eager-tools.ts';
import { openAuthorMemory } from './author/author-memory.ts';
import { CASE_OPTIONS, readCases, readCaseSettings, type CaseSettings } from './author/author-options.ts';
import { describeFaults } from './author/describe-faults.ts';
import { describeTest } from './author/describe-test.ts';
import { writeJunit } from './author/junit.ts';
import { isGood, testComponent, type TestReport } from './author/run-cases.ts';
import { openSubject, type Subject } from './author/subject.ts';
import { watchFolder } from './author/watch.ts';
import { createWorkbench, type Workbench } from './author/workbench.ts';
import { printLines, printProgressLines } from './colour.ts';
import { parseOptions } from './options.ts';
import { printJson, printProgress } from './terminal.ts';

const USAGE = `wasmpay test [DIR|COMPONENT] [--cases FILE] [--junit FILE] [--watch] [--limit NAME=NUMBER]... [--out DIR]
                                [--policy FILE] [--json]
  Builds the validator in DIR, the working directory unless told, takes the component through the publisher's stages and
  runs cases.json on the production sandbox. Prints each case's decision, reason, fuel, memory and output, and what was
  asked for where that is another. --junit writes a report for continuous integration as well; --watch goes on at each
  save. Exits with 1 where a case fails or the component would not be published.`;

/** The command for main.ts. */
export const testCommand = { usage: USAGE, run: runTest };

async function runTest(args: readonly string[]): Promise<number> {
  const { arguments: positionals, options } = parseOptions(args, ['[DIR|COMPONENT]'], {
    ...CASE_OPTIONS,
    junit: { type: 'string' },
    watch: { type: 'boolean', default: false },
  });
  const settings = await readCaseSettings(options);
  const junit = options['junit'] as string | undefined;
  const once = (bench?: Workbench): Promise<number> => testOnce(positionals[0], settings, junit, bench);
  if (options['watch'] !== true) return once();
  if (settings.asJson)
    throw new WasmpayError('usage', '--watch has no end, and so no JSON: leave one of them out');
  return watchTests(positionals[0], settings, once);
}

async function testOnce(
  argument: string | undefined,
  settings: CaseSettings,
  junit: string | undefined,
  workbench?: Workbench,
): Promise<number> {
  const startMs = performance.now();
  const { compilers, ...bench } = workbench ?? (await openTools());
  const { asJson, limits, policy } = settings;
  const subject = await openSubject(argument, {
    out: settings.out,
    quiet: asJson,
    ...(compilers !== undefined && { compilers }),
  });
  const cases = await readCases(settings.cases === undefined ? subject.casesPath : resolve(settings.cases));
  if (!asJson) printProgress(`testing    ${subject.name} in the production sandbox …`);
  const report = await testComponent({ component: subject.component, policy, limits, ...bench }, cases);
  const durationMs = performance.now() - startMs;
  if (junit !== undefined) await writeReport(junit, writeJunit(subject.name, report, durationMs));
  if (asJson) printJson(toJson(subject, report, durationMs));
  else printLines(describeTest(report, durationMs));
  return isGood(report) ? 0 : 1;
}

/** For one run. */
async function openTools(): Promise<Pick<Workbench, 'tools' | 'memory'> & Partial<Workbench>> {
  const { memory, tools } = await openAuthorMemory();
  return { memory, tools: createEagerTools(tools) };
}

/** What `--json` prints. */
function toJson({ name, componentPath }: Subject, report: TestReport, durationMs: number): object {
  const { prepared, cases, refusals, trial, stages } = report;
  return {
    passed: isGood(report),
    name,
    component: componentPath,
    ...(prepared !== undefined && {
      digest: prepared.component.digest,
      artifact: prepared.bundle.digest,
      contract: prepared.decision.contract,
      limits: prepared.policy.limits,
    }),
    publishable: refusals.length === 0,
    refusals,
    ...(trial !== undefined && { trial }),
    counts: { cases: cases.length, failed: cases.filter(({ passed }) => !passed).length },
    cases,
    stages,
    durationMs: Math.round(durationMs),
  };
}

async function writeReport(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new WasmpayError('usage', `--junit: ${path} cannot be written: ${code}`, { cause });
  }
}

/** Tests at every save until the process is interrupted. A save that does not build ends nothing. */
async function watchTests(
  argument: string | undefined,
  settings: CaseSettings,
  once: (bench: Workbench) => Promise<number>,
): Promise<never> {
  const path = resolve(argument ?? '.');
  const folder = path.endsWith('.wasm') ? dirname(path) : path;
  const ignored = path.endsWith('.wasm') ? [] : [resolve(settings.out ?? join(path, OUT_FOLDER))];
  await using bench = await createWorkbench();
  using watching = watchFolder(folder, ignored);
  for (;;) {
    try {
      await once(bench);
    } catch (error) {
      // An outage or a bug would be there the next time as well.
      if (!(error instanceof WasmpayError)) throw error;
      printProgress(`wasmpay test: ${error.message}`);
      printProgressLines(describeFaults(error));
    }
    printProgress('\nwaiting    for a save; Ctrl-C ends it');
    bench.compilers.getReady();
    await watching.next();
  }
}
