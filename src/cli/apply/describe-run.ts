// What `wasmpay apply` says: a block for each bank that was not as the file says, and a sum; or all of it as JSON.

import { describeHint } from '../hints.ts';
import { describeRefusals, formatCount, printProgress, printResult } from '../terminal.ts';
import type { BankOutcome } from './run-wishes.ts';

/** Names of others that are printed; `--json` has all of them. */
const MOST_OTHERS = 20;

/** Exit code of `--dry-run` where a run would make a release, and nothing else is wrong. */
export const EXIT_WOULD_CHANGE = 4;

/** 3 where one failed, 1 where one was refused, {@link EXIT_WOULD_CHANGE}, or 0. */
export function exitCodeOf(outcomes: readonly BankOutcome[]): number {
  if (countOf(outcomes, 'failed') > 0) return 3;
  if (countOf(outcomes, 'refused') > 0) return 1;
  return countOf(outcomes, 'would_change') > 0 ? EXIT_WOULD_CHANGE : 0;
}

/** Prints what came of one bank, where there is something to say. */
export function printOutcome(outcome: BankOutcome): void {
  const text = describeOutcome(outcome);
  if (text === undefined) return;
  if (outcome.kind === 'refused' || outcome.kind === 'failed') printProgress(text);
  else printResult(text);
}

function describeOutcome(outcome: BankOutcome): string | undefined {
  const { bank } = outcome;
  if (outcome.kind === 'failed') {
    const help = describeHint(outcome.code, '');
    return [
      `${bank}: failed: ${outcome.message}`,
      `  code   ${outcome.code}`,
      ...(help === undefined ? [] : [`  help   ${help}`]),
    ].join('\n');
  }
  const { differences, numbers, kind } = outcome;
  const lines = differences.map(({ what, before, after }) => `  ${what} ${before} → ${after}`);
  const made = numbers.length === 0 ? '' : `, ${formatReleases(numbers)}`;
  if (kind === 'refused')
    return [`${bank}: refused${made}`, ...lines, describeRefusals(outcome.refusals)].join('\n');
  const note =
    outcome.off === undefined ? [] : [`  note: switched off, and stays so until: wasmpay enable ${bank}`];
  if (kind === 'unchanged') return note.length === 0 ? undefined : [`${bank}: unchanged`, ...note].join('\n');
  const title = kind === 'changed' ? `${bank}: changed${made}` : `${bank}: would change`;
  return [title, ...lines, ...note].join('\n');
}

function formatReleases(numbers: readonly number[]): string {
  return `${numbers.length === 1 ? 'release' : 'releases'} ${numbers.join(', ')}`;
}

/** The last lines: banks that the file does not name, and a sum. */
export function describeRun(
  outcomes: readonly BankOutcome[],
  others: readonly string[],
  dryRun: boolean,
): string {
  const count = (kind: BankOutcome['kind']): number => countOf(outcomes, kind);
  const changed = dryRun ? `${count('would_change')} would change` : `${count('changed')} changed`;
  const shown = others.slice(0, MOST_OTHERS).join(', ');
  const more = others.length > MOST_OTHERS ? `, and ${others.length - MOST_OTHERS} more` : '';
  return [
    ...(others.length === 0
      ? []
      : [`not in the file, and left as they are: ${shown}${more}; to stop one: wasmpay disable BANK`]),
    `${formatCount(outcomes.length, 'bank')}: ${count('unchanged')} unchanged, ${changed}, ${count('refused')} refused, ${count('failed')} failed`,
  ].join('\n');
}

/** The same for programs. */
export function runToJson(
  outcomes: readonly BankOutcome[],
  others: readonly string[],
  dryRun: boolean,
): object {
  return {
    dryRun,
    banks: outcomes.map((outcome) => {
      const { bank, kind } = outcome;
      if (kind === 'failed')
        return { bank, outcome: kind, error: { code: outcome.code, message: outcome.message } };
      return {
        bank,
        outcome: kind,
        changes: outcome.differences,
        releases: outcome.numbers,
        ...(kind === 'refused' && { refusals: outcome.refusals }),
        ...(kind !== 'refused' && outcome.off !== undefined && { off: outcome.off }),
      };
    }),
    others,
  };
}

function countOf(outcomes: readonly BankOutcome[], kind: BankOutcome['kind']): number {
  return outcomes.filter((outcome) => outcome.kind === kind).length;
}
