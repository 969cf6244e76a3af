// All banks of a file, compared side by side and then brought to their wishes one after the other, in the file's order:
// comparing waits for the store, and releasing takes the machine. What fails for one bank stops no other.

import { DEFAULT_GUEST_LIMITS } from '../../core/guest-limits.ts';
import { WasmpayError, type ErrorCode } from '../../core/error.ts';
import {
  isSettled,
  type Comparison,
  type Difference,
  type Wish,
} from '../../publisher/releases/compare-wish.ts';
import { unchangedBank, type Reconciled, type Reconciliation } from '../../publisher/releases/reconcile.ts';
import type { Refusal } from '../../publisher/refusal.ts';
import type { Digest } from '../../artifact/digest.ts';
import type { FileBank } from './releases-file.ts';

/** Banks that are compared at the same time: each waits for two answers of the store. */
const COMPARED_TOGETHER = 16;

/** What came of a bank. */
export type BankOutcome = { readonly bank: string } & (
  | Reconciled
  | {
      readonly kind: 'refused';
      readonly refusals: readonly Refusal[];
      readonly differences: readonly Difference[];
      readonly numbers: readonly number[];
    }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
);

export interface RunActions {
  readonly compare: (wish: Wish) => Promise<Comparison>;
  readonly act: (bank: FileBank, wish: Wish) => Promise<Reconciliation>;
  /** Told of each bank that is compared, by their number so far. */
  readonly onCompared?: (count: number) => void;
  /** Told of each bank as it comes, in the file's order; of those that need nothing as well. */
  readonly onOutcome?: (outcome: BankOutcome) => void;
}

/** Runs the actions over `banks`. Never throws for what happens to one of them. */
export async function runWishes(
  banks: readonly FileBank[],
  digests: ReadonlyMap<string, Digest>,
  { compare, act, onCompared = () => {}, onOutcome = () => {} }: RunActions,
): Promise<BankOutcome[]> {
  const wishes = banks.map((bank) => wishOf(bank, digests));
  const compared: (Comparison | BankOutcome)[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < wishes.length; index = next++) {
      const wish = wishes[index];
      if (wish === undefined) return;
      compared[index] = await compare(wish).catch((error: unknown) => failed(wish.slug, error));
      done += 1;
      onCompared(done);
    }
  };
  await Promise.all(Array.from({ length: COMPARED_TOGETHER }, work));

  const outcomes: BankOutcome[] = [];
  for (const [index, bank] of banks.entries()) {
    const [comparison, wish] = [compared[index], wishes[index]];
    if (comparison === undefined || wish === undefined) continue;
    const outcome = 'kind' in comparison ? comparison : await bring(bank, wish, comparison, act);
    outcomes.push(outcome);
    onOutcome(outcome);
  }
  return outcomes;
}

async function bring(
  bank: FileBank,
  wish: Wish,
  comparison: Comparison,
  act: RunActions['act'],
): Promise<BankOutcome> {
  const { slug } = wish;
  if (isSettled(comparison)) return { bank: slug, ...unchangedBank(comparison, wish) };
  try {
    // It compares once more: another publisher may have been quicker.
    const reconciled = await act(bank, wish);
    if (reconciled.ok) return { bank: slug, ...reconciled.value };
    const { refusals, differences, numbers } = reconciled;
    return { bank: slug, kind: 'refused', refusals, differences, numbers };
  } catch (error) {
    return failed(slug, error);
  }
}

function failed(bank: string, error: unknown): BankOutcome {
  const code = error instanceof WasmpayError ? error.code : 'internal';
  return { bank, kind: 'failed', code, message: error instanceof Error ? error.message : String(error) };
}

/** What the file says of a bank, as the publisher is asked for it. */
export function wishOf(bank: FileBank, digests: ReadonlyMap<string, Digest>): Wish {
  const { bankId, slug, runs, limits, fallback, outage, validityDays, disabled } = bank;
  return {
    bankId,
    slug,
    runs:
      runs === 'none'
        ? 'none'
        : {
            component: digestOf(runs, digests),
            limits: { ...DEFAULT_GUEST_LIMITS, ...limits },
            fallback,
            ...(outage !== undefined && { outage }),
          },
    ...(validityDays !== undefined && { validityDays }),
    switch: switchOf(disabled),
  };
}

function switchOf(disabled: FileBank['disabled']): Wish['switch'] {
  if (disabled === undefined) return 'keep';
  return disabled === false ? 'on' : { answer: disabled };
}

function digestOf(runs: Exclude<FileBank['runs'], 'none'>, digests: ReadonlyMap<string, Digest>): Digest {
  const digest = 'digest' in runs ? runs.digest : digests.get(runs.file.path);
  if (digest === undefined) throw new WasmpayError('internal', 'a component was not read');
  return digest;
}
