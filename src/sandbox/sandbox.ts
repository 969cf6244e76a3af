// What the gateway knows of a sandbox: one call, one outcome. Two hosts implement it, workerd and Node.

import type { Artifact } from '../artifact/artifact.ts';
import type { SandboxPolicy } from '../artifact/release.ts';
import type { Verdict } from '../core/decision.ts';
import type { Failure } from '../core/failure.ts';
import type { Transaction } from '../core/transaction.ts';

/** Everything that a guest call may depend on. The same call of the same artifact gives the same outcome. */
export interface GuestCall {
  readonly transaction: Transaction;
  /** 32 bytes that every random number of the guest comes from. */
  readonly seed: Uint8Array;
  /** What the guest's clocks read: milliseconds since the Unix epoch. */
  readonly evaluatedAtMs: number;
}

/** A verdict, or the reason that there is none, with the fuel that the call used. Never thrown. */
export type CallOutcome = (
  | { readonly kind: 'verdict'; readonly verdict: Verdict; readonly fuel: number }
  | { readonly kind: 'failure'; readonly failure: Failure; readonly fuel: number }
) & {
  /**
   * What a new instance cost, in fuel and beside `fuel`, where the last one had to be thrown away: for those who ration
   * what a bank takes. Says nothing about the decision.
   */
  readonly makingFuel?: number;
};

/** Runs guests. Nothing that a guest does makes `call` throw; it may reject only on a fault of the host itself. */
export interface Sandbox {
  call(artifact: Artifact, policy: SandboxPolicy, call: GuestCall): Promise<CallOutcome>;
  /**
   * Runs the first of `calls`, one after the other, each as `call` would: a pristine instance and fuel of its own. Gives
   * the outcomes of those that were run, at least one. It stops after a failure, and once all of them together have used
   * what the policy lets one use: the thread is never held for longer than by two of the dearest calls.
   */
  callSeveral(
    artifact: Artifact,
    policy: SandboxPolicy,
    calls: readonly GuestCall[],
  ): Promise<readonly CallOutcome[]>;
}
