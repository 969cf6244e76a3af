// The trial: an artifact answers a set of probe transactions in the production sandbox before anyone can release it.
// It must stay within its limits, say the same twice with the same fuel, and say on an instance that was put back what
// it says on a new one. Probes prove nothing about other transactions; they find what is broken.

import { isDeepStrictEqual } from 'node:util';

import type { Artifact } from '../../artifact/artifact.ts';
import type { SandboxPolicy } from '../../artifact/release.ts';
import { MAX_AMOUNT, MIN_AMOUNT, type Transaction } from '../../core/transaction.ts';
import type { CallOutcome, GuestCall } from '../sandbox.ts';
import { createNodeSandbox } from './node-sandbox.ts';

/** What the trial found. */
export type TrialVerdict =
  | {
      readonly ok: true;
      readonly probes: number;
      readonly leastFuel: number;
      readonly mostFuel: number;
      /** Pages of 64 KiB of all memories after the largest probe. */
      readonly mostPages: number;
    }
  | { readonly ok: false; readonly probe: string; readonly problem: string };

const TIME_MS = Date.UTC(2026, 0, 1, 12);

const PLAIN: Transaction = {
  id: 'txn_probe',
  origin: { id: 'bank_001', name: 'First National Bank', country: 'USA', currency: 'USD' },
  destination: { id: 'bank_002', name: 'Global Trust', country: 'GBR', currency: 'GBP' },
  amount: { name: 'US Dollar', symbol: '$', amount: 10_000n },
  status: 'pending',
};

const withAmount = (amount: bigint): Transaction => ({ ...PLAIN, amount: { ...PLAIN.amount, amount } });
const withNames = (name: string): Transaction => ({
  ...PLAIN,
  origin: { ...PLAIN.origin, name },
  destination: { ...PLAIN.destination, name },
});

/** Plain, and at the ends of what a transaction can hold. */
const PROBES: Readonly<Record<string, Transaction>> = {
  plain: PLAIN,
  'no amount': withAmount(0n),
  'smallest amount': withAmount(MIN_AMOUNT),
  'largest amount': withAmount(MAX_AMOUNT),
  'empty texts': {
    id: 'x',
    origin: { id: 'x', name: '', country: '', currency: '' },
    destination: { id: 'x', name: '', country: '', currency: '' },
    amount: { name: '', symbol: '', amount: 1n },
    status: '',
  },
  'long texts': withNames('x'.repeat(1024)),
  'texts beyond ASCII': withNames('Zürich 銀行 🏦\u0000"\\'),
};

/** Runs every probe on `artifact`. What a guest does makes it fail, never throw. */
export function runTrial(artifact: Artifact, policy: SandboxPolicy): TrialVerdict {
  const kept = createNodeSandbox();
  let leastFuel = Number.POSITIVE_INFINITY;
  let mostFuel = 0;
  let mostPages = 0;
  for (const [probe, transaction] of Object.entries(PROBES)) {
    const call: GuestCall = { transaction, seed: new Uint8Array(32).fill(1), evaluatedAtMs: TIME_MS };
    const fresh = createNodeSandbox();
    const pristine = fresh.readState(artifact, policy);
    const { outcome: first, pages } = fresh.run(artifact, policy, call);
    if (first.kind === 'failure') {
      return {
        ok: false,
        probe,
        problem: `it gave no answer: ${first.failure.code}, ${first.failure.detail}`,
      };
    }
    // The kept sandbox has answered the probes before this one on the same instance, put back each time.
    for (const outcome of [
      kept.run(artifact, policy, call).outcome,
      kept.run(artifact, policy, call).outcome,
    ]) {
      if (!isSame(first, outcome))
        return { ok: false, probe, problem: 'it did not answer the same, or with the same fuel, twice' };
    }
    if (!isDeepStrictEqual(pristine, kept.readState(artifact, policy)))
      return { ok: false, probe, problem: 'its state was not put back as it is in a new instance' };
    leastFuel = Math.min(leastFuel, first.fuel);
    mostFuel = Math.max(mostFuel, first.fuel);
    mostPages = Math.max(mostPages, pages);
  }
  return { ok: true, probes: Object.keys(PROBES).length, leastFuel, mostFuel, mostPages };
}

function isSame(a: CallOutcome, b: CallOutcome): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
