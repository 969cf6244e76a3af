// `wasmpay dev [DIR]`: at every save the validator is built, tested and, where the publisher would take it, served by a
// gateway of this machine. What does not build or is not taken changes nothing: the last good one goes on.

import { resolve, join } from 'node:path';

import { OUT_FOLDER, readDescriptor } from '../authoring/build-validator.ts';
import { WasmpayError } from '../core/error.ts';
import { slugOf } from '../core/bank.ts';
import { CASE_OPTIONS, readCases, readCaseSettings, type CaseSettings } from './author/author-options.ts';
import { describeFaults } from './author/describe-faults.ts';
import { describeTest } from './author/describe-test.ts';
import { startDevGateway, type DevGateway } from './author/dev-gateway.ts';
import { testComponent } from './author/run-cases.ts';
import { openSubject } from './author/subject.ts';
import { watchFolder } from './author/watch.ts';
import { createWorkbench, type Workbench } from './author/workbench.ts';
import { printLines, printProgressLines, type Line } from './colour.ts';
import { parseOptions } from './options.ts';
import { parsePort } from './port.ts';
import { printJson } from './terminal.ts';

const USAGE = `wasmpay dev [DIR] [--port NUMBER] [--cases FILE] [--limit NAME=NUMBER]... [--out DIR] [--policy FILE] [--json]
  Watches the validator in DIR, the working directory unless told. At every save it is built and tested, and served as
  its bank by a gateway on this machine (loopback only, port 8787 unless told, 0 for any); what does not build, or would not be
  published, leaves the last good one serving. With --json each save is one line of JSON. Ctrl-C ends it.`;

/** The command for main.ts. */
export const devCommand = { usage: USAGE, run: runDev };

async function runDev(args: readonly string[]): Promise<number> {
  const { arguments: positionals, options } = parseOptions(args, ['[DIR]'], {
    ...CASE_OPTIONS,
    port: { type: 'string', default: '8787' },
  });
  const settings = await readCaseSettings(options);
  const port = parsePort(String(options['port']), '--port');
  const directory = resolve(positionals[0] ?? '.');
  const { bank, language } = await readDescriptor(directory);
  const told = untilInterrupted();
  await using gateway = await startDevGateway(port);
  await using bench = await createWorkbench();
  using watching = watchFolder(directory, [resolve(settings.out ?? join(directory, OUT_FOLDER))]);
  const report = settings.asJson ? reportAsJson : reportToPeople;
  report(welcome(gateway, bank));
  const ended = Promise.race([told, gateway.ended.then(() => 'ended' as const)]);
  let serving: number | undefined;
  for (;;) {
    const work = runRound(directory, bank, settings, gateway, bench, serving);
    const round = await Promise.race([work, told]);
    if (round === 'interrupted') {
      // What it started ends by itself; nobody is told any more.
      work.catch(() => undefined);
      return 0;
    }
    serving = round.serving;
    report(round);
    bench.compilers.getReady(language.compilerScripts);
    const what = await Promise.race([watching.next().then(() => 'saved' as const), ended]);
    if (what === 'saved') continue;
    if (what === 'ended') throw new WasmpayError('internal', 'the gateway ended by itself');
    return 0;
  }
}

/** What is told: the start, or what became of a save. */
interface Round {
  readonly event: 'started' | 'released' | 'kept';
  /** The release that gateways answer by; undefined while there is none. */
  readonly serving: number | undefined;
  readonly lines: readonly Line[];
  readonly more: object;
}

/** Builds, tests and releases what is in the folder now. A fault of the author's is told, never thrown. */
async function runRound(
  directory: string,
  bank: string,
  { out, cases: casesPath, limits, policy }: CaseSettings,
  gateway: DevGateway,
  { compilers, ...bench }: Workbench,
  serving: number | undefined,
): Promise<Round> {
  const startMs = performance.now();
  const kept = (lines: readonly Line[], more: object): Round => ({
    event: 'kept',
    serving,
    lines: [...lines, ['', ['yellow', keptText(serving)]]],
    more,
  });
  try {
    const subject = await openSubject(directory, { out, quiet: true, compilers });
    const cases = await readCases(casesPath === undefined ? subject.casesPath : resolve(casesPath));
    const report = await testComponent({ component: subject.component, policy, limits, ...bench }, cases);
    const { prepared, refusals } = report;
    const failed = report.cases.filter(({ passed }) => !passed).map(({ name }) => name);
    if (prepared === undefined || refusals.length > 0)
      return kept(describeTest(report, performance.now() - startMs), { refusals, failed });
    const number = await gateway.release(subject.built?.bank ?? bank, prepared);
    const durationMs = performance.now() - startMs;
    const note = failed.length === 0 ? '' : '; not every case passes';
    return {
      event: 'released',
      serving: number,
      lines: [
        ...describeTest(report, durationMs),
        [['green', 'serving    '], `release ${number} of ${bank}${note}`],
      ],
      more: {
        durationMs: Math.round(durationMs),
        buildMs: Math.round(subject.built?.durationMs ?? 0),
        stages: report.stages,
        artifact: prepared.bundle.digest,
        cases: cases.length,
        failed,
      },
    };
  } catch (error) {
    if (!(error instanceof WasmpayError) || error.code === 'internal') throw error;
    const { code, message } = error;
    return kept([...message.split('\n'), ...describeFaults(error)], { error: { code, message } });
  }
}

function keptText(serving: number | undefined): string {
  return serving === undefined
    ? 'kept       nothing is served yet: mend it and save'
    : `kept       release ${serving} goes on serving: mend it and save`;
}

function welcome({ url }: DevGateway, bank: string): Round {
  const { port } = new URL(url);
  const address = `http://${slugOf(bank) ?? bank}.localhost:${port}/v1/validate`;
  return {
    event: 'started',
    serving: undefined,
    lines: [['serving    ', ['bold', address], '  (loopback only, and open)'], 'building   …'],
    more: { url: address, bank },
  };
}

function reportToPeople({ event, lines }: Round): void {
  (event === 'kept' ? printProgressLines : printLines)([...lines, '']);
}

function reportAsJson({ event, serving, more }: Round): void {
  printJson({ event, serving: serving ?? null, ...more }, 'line');
}

function untilInterrupted(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => resolve('interrupted'));
  });
}
