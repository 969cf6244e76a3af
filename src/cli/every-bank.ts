// The ending that `--all` commands share: one line a bank as it comes, a sum at the end, and an exit code that a
// schedule can rely on.

import type { Refusal } from '../publisher/refusal.ts';
import { forEveryBank, type BankOutcome } from '../publisher/releases/every-bank.ts';
import type { Result } from '../publisher/refusal.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { describeRefusals, formatCount, printJson, printProgress, printResult } from './terminal.ts';
import { WasmpayError, type ErrorCode } from '../core/error.ts';
import { describeHint } from './hints.ts';

/**
 * Runs `act` for one bank or all of them, prints what came of each, and gives the exit code: 0 all done, 1 some were
 * refused, 3 some failed.
 */
export async function runForBanks<T>(options: {
  readonly store: ObjectStore;
  readonly asJson: boolean;
  /** The bank; all of them where it is undefined. */
  readonly slug: string | undefined;
  readonly act: (slug: string) => Promise<Result<T>>;
  /** What is true now of a bank, one line. */
  readonly describe: (value: T) => string;
  readonly toJson: (value: T) => object;
}): Promise<number> {
  const { asJson, slug } = options;
  const tell = (outcome: BankOutcome<T>): void => {
    if (!asJson) printProgress(describeOutcome(outcome, options.describe));
  };
  const outcomes =
    slug === undefined
      ? await forEveryBank(options.store, options.act, tell)
      : [await actOnOne(slug, options.act)];
  if (slug !== undefined) outcomes.forEach(tell);
  const count = (kind: BankOutcome<T>['kind']): number =>
    outcomes.filter((outcome) => outcome.kind === kind).length;
  if (asJson) printJson({ banks: outcomes.map((outcome) => outcomeToJson(outcome, options.toJson)) });
  else
    printResult(
      `${formatCount(outcomes.length, 'bank')}: ${count('done')} done, ${count('refused')} refused, ${count('failed')} failed`,
    );
  if (count('failed') > 0) return 3;
  return count('refused') > 0 ? 1 : 0;
}

/** What is thrown for a single bank is the command's own failure. */
async function actOnOne<T>(slug: string, act: (slug: string) => Promise<Result<T>>): Promise<BankOutcome<T>> {
  const result = await act(slug);
  return result.ok
    ? { bank: slug, kind: 'done', value: result.value }
    : { bank: slug, kind: 'refused', refusals: result.refusals };
}

function describeOutcome<T>(outcome: BankOutcome<T>, describe: (value: T) => string): string {
  if (outcome.kind === 'done') return `${outcome.bank.padEnd(24)} ${describe(outcome.value)}`;
  if (outcome.kind === 'failed')
    return `${outcome.bank.padEnd(24)} failed: ${outcome.message}\n  code   ${outcome.code}${helpOf(outcome.code)}`;
  return `${outcome.bank.padEnd(24)} ${describeRefusals(outcome.refusals)}`;
}

function helpOf(code: ErrorCode): string {
  const hint = describeHint(code, '');
  return hint === undefined ? '' : `\n  help   ${hint}`;
}

function outcomeToJson<T>(outcome: BankOutcome<T>, toJson: (value: T) => object): object {
  const { bank, kind } = outcome;
  if (kind === 'done') return { bank, outcome: kind, ...toJson(outcome.value) };
  if (kind === 'failed')
    return { bank, outcome: kind, error: { code: outcome.code, message: outcome.message } };
  const refusals: readonly Refusal[] = outcome.refusals;
  return { bank, outcome: kind, refusals };
}

/** The bank that `BANK` or `--all` names; undefined for all. Throws `usage` unless exactly one of them is given. */
export function chooseBanks(bank: string | undefined, all: boolean): string | undefined {
  if ((bank === undefined) === all) return bank;
  throw new WasmpayError('usage', 'name a BANK, or give --all, and not both');
}
