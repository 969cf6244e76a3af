// `wasmpay publish BANK FILE`: a component becomes the bank's next release, or waits as a candidate.

import { isDigest, type Digest } from '../artifact/digest.ts';
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
import { parseOptions, readComponentFile, readPolicy } from './options.ts';
import { DESK_OPTIONS, openDesk } from './target.ts';
import { parseTerms, TERM_OPTIONS } from './terms.ts';
import { printJson, printProgress, printResult } from './terminal.ts';

/** The sandbox's trial, which the publisher is handed. */
export const TRIAL_SCRIPT = new URL('../sandbox/node/trial-child.ts', import.meta.url);

const USAGE = `wasmpay publish BANK FILE [TARGET] [--no-activate] [--fallback deny|refuse] [--outage approve]
                          [--valid-days N] [--limit NAME=NUMBER]... [--strict] [--policy FILE] [--accept-imports]
                          [--least-number N] [--json]
  Checks a component, makes an artifact of it and releases it to BANK. With --no-activate it waits, unsigned, for
  "wasmpay activate"; so does one that imports what its predecessor did not, unless --accept-imports. --fallback is what
  a validator that fails is answered by; --outage approve approves while storage gives no answer, and in no other case.
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
  const publish: PublishOptions = {
    ...(await openDesk(options)),
    ...parseTerms(options),
    bankId: String(bankId),
    component: await readComponentFile(String(file)),
    policy: await readPolicy(options['policy'] as string | undefined),
    trialScript: TRIAL_SCRIPT,
    stopwatch: () => performance.now(),
    ...(!asJson && { onStage: printStage }),
  };
  if (options['no-activate'] === true) {
    const waiting = await publishCandidate(publish);
    if (!waiting.ok) return printRefused(asJson, 'published', waiting.refusals);
    return printWaiting(asJson, waiting.value, activationOf(waiting.value.candidate.artifact, args));
  }
  const published = await publishComponent(publish);
  if (!published.ok) {
    const code = printRefused(asJson, 'published', published.refusals);
    if (!asJson) printHeld(published.refusals, args);
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

/** Where refusals hold a version for its imports: that it waits, and the whole command that releases it. */
function printHeld(refusals: readonly Refusal[], args: readonly string[]): void {
  const held = refusals.find(({ code }) => code === 'imports_grew');
  if (held === undefined || !isDigest(held.where)) return;
  printProgress(
    [
      '',
      'waiting    unsigned; gateways go on as before',
      `activate   ${activationOf(held.where, args)} --accept-imports`,
    ].join('\n'),
  );
}

/** The command that activates what was published under `args`: the same options, for a candidate gives none. */
function activationOf(artifact: Digest, args: readonly string[]): string {
  const options = args.filter((arg) => arg !== '--no-activate' && arg !== '--json');
  const words: string[] = [];
  let arguments_ = 0;
  for (let i = 0; i < options.length; i += 1) {
    const word = options[i] ?? '';
    if (!word.startsWith('--')) {
      // BANK and FILE: the artifact stands in the place of the file.
      words.push(arguments_ === 0 ? word : artifact);
      arguments_ += 1;
      continue;
    }
    words.push(word);
    const isFlag = word.includes('=') || FLAGS.has(word);
    if (!isFlag && i + 1 < options.length) words.push(options[(i += 1)] ?? '');
  }
  return ['wasmpay activate', ...words.map(quoteWord)].join(' ');
}

const FLAGS: ReadonlySet<string> = new Set(['--strict', '--accept-imports']);

function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
