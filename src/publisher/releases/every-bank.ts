// One action over all banks, or all processors, of a bucket: what fails for one does not stop the others, and all of it
// is told at the end.

import { WasmpayError, type ErrorCode } from '../../core/error.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Refusal, Result } from '../refusal.ts';
import { listBanks } from './read-release.ts';

/** What came of a bank or a processor: the action's value, its refusals, or what was thrown. */
export type Outcome<T> = { readonly name: string } & (
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
);

/** Runs `act` for each bank in turn, and tells each outcome as it comes. Throws only where banks cannot be listed. */
export async function forEveryBank<T>(
  store: ObjectStore,
  act: (slug: string) => Promise<Result<T>>,
  onOutcome?: (outcome: Outcome<T>) => void,
): Promise<Outcome<T>[]> {
  return forEvery(await listBanks(store), act, onOutcome);
}

/** Runs `act` for each of `names` in turn, and tells each outcome as it comes. */
export async function forEvery<T>(
  names: readonly string[],
  act: (name: string) => Promise<Result<T>>,
  onOutcome: (outcome: Outcome<T>) => void = () => {},
): Promise<Outcome<T>[]> {
  const outcomes: Outcome<T>[] = [];
  for (const name of names) {
    const outcome = await settle(name, act);
    outcomes.push(outcome);
    onOutcome(outcome);
  }
  return outcomes;
}

async function settle<T>(name: string, act: (name: string) => Promise<Result<T>>): Promise<Outcome<T>> {
  try {
    const result = await act(name);
    return result.ok
      ? { name, kind: 'done', value: result.value }
      : { name, kind: 'refused', refusals: result.refusals };
  } catch (error) {
    const code = error instanceof WasmpayError ? error.code : 'internal';
    return { name, kind: 'failed', code, message: error instanceof Error ? error.message : String(error) };
  }
}
