// `wasmpay publish BANK FILE`: a component becomes the bank's next release, or waits as a candidate.

import { publishCandidate, publishComponent, type PublishOptions } from '../publisher/publish.ts';
import type { Publication, WaitingPublication } from '../publisher/publish.ts';
import type { Refusal } from '../publisher/refusal.ts';
import {
  describeChanges,
  describeRelease,
  describeWarnings,
  printRefused,
  printStage,
} from './describe-release.ts';
import { activationOf, completeFixes } from './next-command.ts';
import { parseOptions, readComponentFile, readPolicy } from './options.ts';
import { DESK_OPTIONS, openDesk, openSource } from './target.ts';
import { parseTerms, TERM_OPTIONS } from './terms.ts';
import { printJson, printProgress, printResult } from './terminal.ts';

/** The sandbox's trial, which the publisher is handed. */
export const TRIAL_SCRIPT = new URL('../sandbox/node/trial-child.ts', import.meta.url);

const USAGE = `wasmpay publish BANK FILE [TARGET] [--no-activate] [--fallback deny|refuse] [--outage approve]
                          [--valid-days N] [--limit NAME=NUMBER]... [--strict] [--policy FILE] [--accept-imports]
                          [--least-number N] [--json]
  Checks a component, makes an artifact of it and releases it to BANK. With --no-activate it waits, unsigned, for
  "wasmpay activate", and no key is needed (--trusted-keys FILE will do); so does one that imports what its predecessor
  did not, unless --accept-imports. --fallback is what a validator that fails is answered by; --outage approve approves
  while storage gives no answer, and in no other case.
  Limits are fuel, stackBytes, memoryPages and tableElements.`;

/** The command for main.ts. */
export const publishCommand = { usage: USAGE, run: runPublish };

async function runPublish(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['BANK', 'FILE'], {
    ...DESK_OPTIONS,
    ...TERM_OPTIONS,
    'no-activate': { type: 'boolean', default: false },
  });
  const [bankId, file] = parsed.arguments.map(String);
  const { options } = parsed;
  const asJson = options['json'] === true;
  const terms = {
    ...parseTerms(options),
    bankId: String(bankId),
    component: await readComponentFile(String(file)),
    policy: await readPolicy(options['policy'] as string | undefined),
    trialScript: TRIAL_SCRIPT,
    stopwatch: () => performance.now(),
    ...(!asJson && { onStage: printStage }),
  };
  if (options['no-activate'] === true) {
    // What waits is unsigned: a job that proposes a version need not hold the key that releases it.
    const waiting = await publishCandidate({
      ...(await openSource(options)),
      ...terms,
      clock: () => Date.now(),
    });
    if (!waiting.ok) return printRefused(asJson, 'published', waiting.refusals);
    return printWaiting(asJson, waiting.value, activationOf(waiting.value.candidate.artifact, args));
  }
  const publish: PublishOptions = { ...(await openDesk(options)), ...terms };
  const published = await publishComponent(publish);
  if (!published.ok) {
    const code = printRefused(asJson, 'published', completeFixes(published.refusals, args));
    if (!asJson) printHeld(published.refusals);
    return code;
  }
  return printPublication(asJson, 'published', published.value);
}

/** Prints what `publish` and `activate` made; gives the exit code. */
export function printPublication(asJson: boolean, action: string, publication: Publication): number {
  const { release, previous, passedOver, changes, stages } = publication;
  if (asJson) {
    printJson({
      [action]: true,
      release,
      previous: previous?.number ?? null,
      passedOver: passedOver?.number ?? null,
      changes,
      stages,
    });
    return 0;
  }
  const lines = [...describeRelease(release), ...describeChanges(changes), ...describeWarnings(publication)];
  printResult(lines.join('\n'));
  return 0;
}

function printWaiting(asJson: boolean, waiting: WaitingPublication, activation: string): number {
  const { candidate, previous, changes, stages } = waiting;
  if (asJson) {
    printJson({
      published: true,
      activated: false,
      candidate,
      previous: previous?.number ?? null,
      changes,
      stages,
    });
    return 0;
  }
  printResult(
    [
      `waiting    unsigned; gateways go on with ${previous === undefined ? 'nothing' : `release ${previous.number}`}`,
      `artifact   ${candidate.artifact}`,
      `component  ${candidate.component}`,
      ...describeChanges(changes),
      `activate   ${activation}`,
    ].join('\n'),
  );
  return 0;
}

/** Where refusals hold a version for its imports: that it waits. What releases it, their fix says. */
function printHeld(refusals: readonly Refusal[]): void {
  if (refusals.some(({ code }) => code === 'imports_grew'))
    printProgress('\nwaiting    unsigned; gateways go on as before');
}
