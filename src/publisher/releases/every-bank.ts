// One action over all banks of a bucket: what fails for one does not stop the others, and all of it is told at the end.

import { WasmpayError, type ErrorCode } from '../../core/error.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Refusal, Result } from '../refusal.ts';
import { listBanks } from './read-release.ts';

/** What came of a bank: the action's value, its refusals, or what was thrown. */
export type BankOutcome<T> = { readonly bank: string } & (
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
);

/** Runs `act` for each bank in turn, and tells each outcome as it comes. Throws only where banks cannot be listed. */
export async function forEveryBank<T>(
  store: ObjectStore,
  act: (slug: string) => Promise<Result<T>>,
  onOutcome: (outcome: BankOutcome<T>) => void = () => {},
): Promise<BankOutcome<T>[]> {
  const outcomes: BankOutcome<T>[] = [];
  for (const bank of await listBanks(store)) {
    const outcome = await settle(bank, act);
    outcomes.push(outcome);
    onOutcome(outcome);
  }
  return outcomes;
}

async function settle<T>(bank: string, act: (slug: string) => Promise<Result<T>>): Promise<BankOutcome<T>> {
  try {
    const result = await act(bank);
    return result.ok
      ? { bank, kind: 'done', value: result.value }
      : { bank, kind: 'refused', refusals: result.refusals };
  } catch (error) {
    const code = error instanceof WasmpayError ? error.code : 'internal';
    return { bank, kind: 'failed', code, message: error instanceof Error ? error.message : String(error) };
  }
}
