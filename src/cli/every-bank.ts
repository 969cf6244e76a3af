// The ending that `--all` commands share: one line a bank as it comes, a sum at the end, and an exit code that a
// schedule can rely on.

import type { Refusal } from '../publisher/refusal.ts';
import { forEvery, forEveryBank, type Outcome } from '../publisher/releases/every-bank.ts';
import { listProcessors } from '../publisher/processors/read-record.ts';
import type { Result } from '../publisher/refusal.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { describeRefusals, formatCount, printJson, printProgress, printResult } from './terminal.ts';
import { WasmpayError, type ErrorCode } from '../core/error.ts';
import { describeHint } from './hints.ts';

/** An action on banks or processors, and how what came of it is shown. */
export interface EachAction<T> {
  readonly act: (name: string) => Promise<Result<T>>;
  /** What is true now, one line. */
  readonly describe: (value: T) => string;
  readonly toJson: (value: T) => object;
}

export interface RunOptions<T, P> extends EachAction<T> {
  readonly store: ObjectStore;
  readonly asJson: boolean;
  /** The bank; all of them where it is undefined. */
  readonly slug: string | undefined;
  /** What is done with every processor, after all banks. */
  readonly processors?: EachAction<P>;
}

/**
 * Runs `act` for one bank or all of them, and then for processors; prints what came of each, and gives the exit code: 0
 * all done, 1 some were refused, 3 some failed.
 */
export async function runForBanks<T, P = never>(options: RunOptions<T, P>): Promise<number> {
  const { store, asJson, slug, processors } = options;
  const tell =
    <V>(describe: (value: V) => string) =>
    (outcome: Outcome<V>): void => {
      if (!asJson) printProgress(describeOutcome(outcome, describe));
    };
  const banks =
    slug === undefined
      ? await forEveryBank(store, options.act, tell(options.describe))
      : [await actOnOne(slug, options.act)];
  if (slug !== undefined) banks.forEach(tell(options.describe));
  const others =
    slug === undefined && processors !== undefined
      ? await forEvery(await listProcessors(store), processors.act, tell(processors.describe))
      : [];
  if (asJson) {
    printJson({
      banks: banks.map((outcome) => outcomeToJson('bank', outcome, options.toJson)),
      ...(processors !== undefined && {
        processors: others.map((outcome) => outcomeToJson('processor', outcome, processors.toJson)),
      }),
    });
  } else {
    printResult(summarize('bank', banks));
    if (others.length > 0) printResult(summarize('processor', others));
  }
  const all = [...banks, ...others];
  if (countOf(all, 'failed') > 0) return 3;
  return countOf(all, 'refused') > 0 ? 1 : 0;
}

function summarize(noun: string, outcomes: readonly Outcome<unknown>[]): string {
  const count = (kind: Outcome<unknown>['kind']): number => countOf(outcomes, kind);
  return `${formatCount(outcomes.length, noun)}: ${count('done')} done, ${count('refused')} refused, ${count('failed')} failed`;
}

function countOf(outcomes: readonly Outcome<unknown>[], kind: Outcome<unknown>['kind']): number {
  return outcomes.filter((outcome) => outcome.kind === kind).length;
}

/** What is thrown for a single bank is the command's own failure. */
async function actOnOne<T>(slug: string, act: (slug: string) => Promise<Result<T>>): Promise<Outcome<T>> {
  const result = await act(slug);
  return result.ok
    ? { name: slug, kind: 'done', value: result.value }
    : { name: slug, kind: 'refused', refusals: result.refusals };
}

function describeOutcome<T>(outcome: Outcome<T>, describe: (value: T) => string): string {
  if (outcome.kind === 'done') return `${outcome.name.padEnd(24)} ${describe(outcome.value)}`;
  if (outcome.kind === 'failed')
    return `${outcome.name.padEnd(24)} failed: ${outcome.message}\n  code   ${outcome.code}${helpOf(outcome.code)}`;
  return `${outcome.name.padEnd(24)} ${describeRefusals(outcome.refusals)}`;
}

function helpOf(code: ErrorCode): string {
  const hint = describeHint(code, '');
  return hint === undefined ? '' : `\n  help   ${hint}`;
}

function outcomeToJson<T>(
  noun: 'bank' | 'processor',
  outcome: Outcome<T>,
  toJson: (value: T) => object,
): object {
  const { name, kind } = outcome;
  if (kind === 'done') return { [noun]: name, outcome: kind, ...toJson(outcome.value) };
  if (kind === 'failed')
    return { [noun]: name, outcome: kind, error: { code: outcome.code, message: outcome.message } };
  const refusals: readonly Refusal[] = outcome.refusals;
  return { [noun]: name, outcome: kind, refusals };
}

/** The bank that `BANK` or `--all` names; undefined for all. Throws `usage` unless exactly one of them is given. */
export function chooseBanks(bank: string | undefined, all: boolean): string | undefined {
  if ((bank === undefined) === all) return bank;
  throw new WasmpayError('usage', 'name a BANK, or give --all, and not both');
}
