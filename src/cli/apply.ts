// `wasmpay apply -f releases.yaml`: brings the banks of a deployment to what a file says of them. Only what differs is
// released, by the functions that the other commands call; a file that is applied twice makes no release the second time.

import { WasmpayError } from '../core/error.ts';
import type { GuestLimits } from '../core/guest-limits.ts';
import type { Policy } from '../publisher/policy.ts';
import type { Refusal } from '../publisher/refusal.ts';
import type { Wish } from '../publisher/releases/compare-wish.ts';
import { listBanks, type ReleaseSource } from '../publisher/releases/read-release.ts';
import {
  compareBank,
  reconcileBank,
  rehearseBank,
  type ReconcileOptions,
  type Reconciliation,
} from '../publisher/releases/reconcile.ts';
import { describeRun, exitCodeOf, printOutcome, runToJson } from './apply/describe-run.ts';
import { openReleasesFile, type OpenedFile } from './apply/open-files.ts';
import type { FileBank } from './apply/releases-file.ts';
import { runWishes } from './apply/run-wishes.ts';
import { isGood, testComponent } from './author/run-cases.ts';
import type { Case } from '../authoring/cases.ts';
import { parseOptions, readPolicy } from './options.ts';
import { TRIAL_SCRIPT } from './publish.ts';
import { DESK_OPTIONS, openDesk, openSource } from './target.ts';
import { formatCount, printJson, printProgress, printResult } from './terminal.ts';

/** Comparing is told about so often, banks: a line every few seconds. */
const PROGRESS_BANKS = 1_000;

const USAGE = `wasmpay apply -f FILE [TARGET] [--dry-run] [--strict] [--policy FILE] [--json]
  Makes the releases that bring every bank of FILE to what it says, and none for a bank that is there already. With
  --dry-run it shows what would change, with every gate, writes nothing and needs no key (--trusted-keys FILE will do);
  then exit code 4 says that there would be changes. Banks that FILE does not name go on as they are, and are listed. It
  goes on after a bank that fails; exits with 1 where one was refused, with 3 where one failed. Run it again to go on.`;

/** The command for main.ts. */
export const applyCommand = { usage: USAGE, run: runApply };

async function runApply(args: readonly string[]): Promise<number> {
  const { options } = parseOptions(args, [], {
    ...DESK_OPTIONS,
    file: { type: 'string', short: 'f' },
    'dry-run': { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    policy: { type: 'string' },
  });
  const path = options['file'] as string | undefined;
  if (path === undefined) throw new WasmpayError('usage', 'it takes -f FILE');
  const asJson = options['json'] === true;
  const dryRun = options['dry-run'] === true;
  const policy = await readPolicy(options['policy'] as string | undefined);
  // Nothing is asked of the store for a file that has a fault.
  const file = await openReleasesFile(path);
  const desk = dryRun ? undefined : await openDesk(options);
  const source: ReleaseSource = desk ?? (await openSource(options));
  requireAudience(file, source);

  const nowS = Math.floor(Date.now() / 1000);
  const act = async (bank: FileBank, wish: Wish): Promise<Reconciliation> => {
    const reconcile = reconcileOptionsOf(bank, file, policy, options['strict'] === true);
    if (!asJson) printProgress(`${wish.slug} …`);
    const done = await (desk === undefined
      ? rehearseBank(source, wish, nowS, reconcile)
      : reconcileBank(desk, wish, reconcile));
    return done.ok ? done : { ...done, refusals: done.refusals.map(completeFix) };
  };
  const outcomes = await runWishes(file.banks, file.digests, {
    compare: (wish) => compareBank(source, wish, nowS),
    act,
    onCompared(count) {
      if (!asJson && count % PROGRESS_BANKS === 0)
        printProgress(`compared   ${count} of ${formatCount(file.banks.length, 'bank')}`);
    },
    onOutcome(outcome) {
      if (!asJson) printOutcome(outcome);
    },
  });
  const named = new Set(file.banks.map(({ slug }) => slug));
  const others = (await listBanks(source.store)).filter((slug) => !named.has(slug));
  if (asJson) printJson(runToJson(outcomes, others, dryRun));
  else printResult(describeRun(outcomes, others, dryRun));
  return exitCodeOf(outcomes);
}

/** The way out that belongs in the file. */
function completeFix(refusal: Refusal): Refusal {
  if (refusal.code !== 'imports_grew') return refusal;
  return {
    ...refusal,
    fix: `Look at it; if that is meant, add to this bank: accept_imports: ${refusal.where}`,
  };
}

function requireAudience({ audience }: OpenedFile, source: ReleaseSource): void {
  if (audience === undefined || audience === source.audience) return;
  throw new WasmpayError(
    'usage',
    `the file is for deployment ${JSON.stringify(audience)}, and the target is ${JSON.stringify(source.audience)}`,
  );
}

function reconcileOptionsOf(
  bank: FileBank,
  file: OpenedFile,
  policy: Policy,
  strict: boolean,
): ReconcileOptions {
  const { runs, limits, acceptImports } = bank;
  const cases = bank.cases === undefined ? undefined : file.cases.get(bank.cases.path);
  return {
    policy,
    strict,
    trialScript: TRIAL_SCRIPT,
    stopwatch: () => performance.now(),
    ...(typeof runs === 'object' &&
      'file' in runs && { readComponent: () => file.readComponent(runs.file.path) }),
    ...(cases !== undefined && {
      judge: (component) => judgeByCases(component, cases, { policy, limits, name: bank.cases?.path ?? '' }),
    }),
    ...(acceptImports !== undefined && { acceptImports }),
  };
}

/** Why a component may not be released by its cases; the publisher's own refusals where it would take no such one. */
async function judgeByCases(
  component: Uint8Array<ArrayBuffer>,
  cases: readonly Case[],
  { policy, limits, name }: { policy: Policy; limits: Partial<GuestLimits>; name: string },
): Promise<readonly Refusal[]> {
  const report = await testComponent({ component, policy, limits }, cases);
  if (isGood(report)) return [];
  const failing = report.cases.filter(({ passed }) => !passed);
  const [first] = failing;
  if (first === undefined) return report.refusals;
  const difference = first.differences[0];
  const detail =
    difference === undefined
      ? ''
      : `, ${difference.what}: ${difference.got} instead of ${difference.expected}`;
  return [
    ...report.refusals,
    {
      code: 'cases_failed',
      message: `${failing.length} of ${formatCount(cases.length, 'case')} failed, the first of them ${JSON.stringify(first.name)}${detail}.`,
      where: name,
      fix: 'Run "wasmpay test" with this component and these cases; mend the one that is wrong.',
    },
  ];
}
