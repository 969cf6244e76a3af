// `wasmpay deploy`: from a page with code in it to a release. Finds the source, builds it, tests it, has it wait, shows what
// would change and releases it once somebody said yes; or stops at the first gate that does not open.

import { resolve } from 'node:path';

import { buildSource } from '../authoring/build-source.ts';
import { parseCases, type Case } from '../authoring/cases.ts';
import { findSource, type FoundSource } from '../authoring/find-source.ts';
import { describeLanguages, findLanguage } from '../authoring/languages/registry.ts';
import { readSourceText } from '../authoring/read-source.ts';
import { WasmpayError } from '../core/error.ts';
import { publishCandidate, type PublishOptions } from '../publisher/publish.ts';
import { activateCandidate } from '../publisher/releases/activate.ts';
import { readCases } from './author/author-options.ts';
import { confirm } from './author/confirm.ts';
import { describeFaults } from './author/describe-faults.ts';
import { describeTest } from './author/describe-test.ts';
import { isGood, testComponent } from './author/run-cases.ts';
import { printProgressLines } from './colour.ts';
import { describeChanges, printRefused, printStage } from './describe-release.ts';
import { activationFor } from './next-command.ts';
import { parseOptions, readPolicy } from './options.ts';
import { printPublication, TRIAL_SCRIPT } from './publish.ts';
import { DESK_OPTIONS, openDesk, parseBank } from './target.ts';
import { parseCount, parseTerms, TERM_OPTIONS } from './terms.ts';
import { formatBytes, printJson, printProgress } from './terminal.ts';

const USAGE = `wasmpay deploy --from URL|FILE|- --bank BANK [TARGET] [--lang LANGUAGE] [--contract VERSION] [--block N]
               [--cases FILE] [--yes] [the options of publish] [--json]
  Finds a validator's source in a page, a Markdown text or a source file, builds, inspects and tests it, shows the report and
  what would change, and releases it to BANK after a yes, or at once with --yes. Cases are those of --cases, or of a JSON
  block in the same text. Stops at the first gate with exit code 1; what was not released waits for "wasmpay activate".
  Languages are ${describeLanguages()}.`;

/** The command for main.ts. */
export const deployCommand = { usage: USAGE, run: runDeploy };

async function runDeploy(args: readonly string[]): Promise<number> {
  const { options } = parseOptions(args, [], {
    ...DESK_OPTIONS,
    ...TERM_OPTIONS,
    from: { type: 'string' },
    bank: { type: 'string' },
    lang: { type: 'string' },
    contract: { type: 'string' },
    block: { type: 'string' },
    cases: { type: 'string' },
    yes: { type: 'boolean', default: false },
  });
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const bankId = text('bank');
  const from = text('from');
  if (bankId === undefined || from === undefined)
    throw new WasmpayError('usage', 'it takes --from and --bank');
  parseBank(bankId);
  const asJson = options['json'] === true;
  const say = (line: string): void => {
    if (!asJson) printProgress(line);
  };
  // All that needs no source first: who mistypes a key should not wait for a build.
  const policy = await readPolicy(text('policy'));
  const terms = parseTerms(options);
  const language = text('lang') === undefined ? undefined : findLanguage(String(text('lang')));
  const block = parseCount(text('block'), '--block');
  const desk = await openDesk(options);

  const { text: page, origin } = await readSourceText(from, process.stdin);
  const found = findSource(page, origin, { language, block });
  const cases = await readCasesOf(found, text('cases'));
  say(`found      ${found.language.title}, ${found.place}; ${describeCases(cases)}`);

  const built = await buildSource(
    { ...found, bank: bankId, contract: text('contract') },
    // While the source is still there to be shown.
    (error) => asJson || printProgressLines(describeFaults(error)),
  );
  const { component } = built;
  say(
    `built      ${formatBytes(component.byteLength)} in ${(built.durationMs / 1000).toFixed(1)} s with ${built.toolchain.join(', ')}`,
  );

  for (const line of built.log) say(`           ${line}`);

  const startMs = performance.now();
  const report = await testComponent({ component, policy, limits: terms.limits }, cases);
  if (!asJson) printProgressLines(describeTest(report, performance.now() - startMs));
  if (!isGood(report)) {
    if (asJson) printJson({ deployed: false, gate: 'test', refusals: report.refusals, cases: report.cases });
    else say('\nstopped    at the test: nothing was stored, and nothing is different from before');
    return 1;
  }

  const publish: PublishOptions = {
    ...desk,
    ...terms,
    bankId,
    component,
    policy,
    trialScript: TRIAL_SCRIPT,
    stopwatch: () => performance.now(),
    ...(!asJson && { onStage: printStage }),
  };
  const waiting = await publishCandidate(publish);
  if (!waiting.ok) return printRefused(asJson, 'deployed', waiting.refusals);
  const { candidate, changes, previous } = waiting.value;
  const activation = activationFor(bankId, candidate.artifact, args);
  if (!asJson) {
    const before = previous === undefined ? 'nothing' : `release ${previous.number}`;
    printProgressLines([
      '',
      `artifact   ${candidate.artifact}`,
      `instead of ${before}`,
      ...describeChanges(changes),
    ]);
  }
  const isAgreed = options['yes'] === true || (!asJson && (await confirm(`Release it to ${bankId}?`)));
  if (isAgreed !== true) {
    if (asJson) printJson({ deployed: false, gate: 'confirm', candidate, changes, activate: activation });
    else
      printProgressLines([
        `waiting    unsigned, and gateways go on as before; to release it:`,
        `           ${activation}`,
      ]);
    return 1;
  }
  const { component: _, ...activate } = publish;
  const released = await activateCandidate({ ...activate, artifact: candidate.artifact });
  if (released.ok) return printPublication(asJson, 'deployed', released.value);
  const refusals = released.refusals.map((refusal) =>
    refusal.code === 'imports_grew'
      ? { ...refusal, fix: `if that is meant: ${activation} --accept-imports` }
      : refusal,
  );
  return printRefused(asJson, 'deployed', refusals);
}

async function readCasesOf(found: FoundSource, path: string | undefined): Promise<Case[]> {
  if (path !== undefined) return readCases(resolve(path));
  return found.cases === undefined ? [] : parseCases(found.cases, 'the JSON block with cases');
}

function describeCases(cases: readonly Case[]): string {
  if (cases.length === 0) return "no cases: the publisher's probes alone will test it";
  return `${cases.length} cases`;
}
