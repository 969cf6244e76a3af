// Calls and their outcomes between the author's tools and the confined processes that make them: in JSON, which has no
// integers of 64 bits.

import type { CallOutcome, GuestCall } from '../sandbox.ts';

type WireTransaction = Omit<GuestCall['transaction'], 'amount'> & {
  readonly amount: Omit<GuestCall['transaction']['amount'], 'amount'> & { readonly amount: string };
};

/** A call as JSON has it. */
export interface WireCall {
  readonly transaction: WireTransaction;
  readonly evaluatedAtMs: number;
}

/** What every call's random numbers come from: the trial's seed. A gateway gives each transaction another. */
const SEED = 1;

export function toWireCall({ transaction, evaluatedAtMs }: Omit<GuestCall, 'seed'>): WireCall {
  const amount = { ...transaction.amount, amount: String(transaction.amount.amount) };
  return { transaction: { ...transaction, amount }, evaluatedAtMs };
}

export function fromWireCall({ transaction, evaluatedAtMs }: WireCall): GuestCall {
  const amount = { ...transaction.amount, amount: BigInt(transaction.amount.amount) };
  return { transaction: { ...transaction, amount }, seed: new Uint8Array(32).fill(SEED), evaluatedAtMs };
}

/** One call, as the production sandbox answered it. What the guest printed is a blob beside it. */
export interface CaseRun {
  readonly outcome: CallOutcome;
  /** Pages of 64 KiB of the guest's memories at its end. */
  readonly pages: number;
}

/** What a bench found. Times are of this machine, at this moment. */
export interface BenchRun {
  /** Compiling, making the first instance and answering the first call, in a new process. */
  readonly coldStartMs: number;
  /** Microseconds of each measured call, ascending; empty where only the cold start was asked for. */
  readonly callUs: readonly number[];
  readonly fuel: readonly number[];
  readonly pages: number;
  /** The first call that was not answered: its index, and why. */
  readonly failed?: { readonly index: number; readonly code: string; readonly detail: string };
}
