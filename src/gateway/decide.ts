// One good transaction in, one decision out, by the one bank that is its destination. What a bank answers is ask-bank's;
// gateways that ask several banks have chain.ts in this place.

import type { VerifiedRelease } from '../artifact/release.ts';
import type { DecisionBody } from '../core/decision.ts';
import type { Failure } from '../core/failure.ts';
import type { Transaction } from '../core/transaction.ts';
import type { BankAsker, Limits } from './ask-bank.ts';
import type { StageEvent } from './event.ts';
import type { Problem, ProblemDetails } from './problem.ts';
import type { Refused } from './reception.ts';
import type { WaitUntil } from './timer.ts';

/** A decision, or why there is none. `release`, `failure` and `stages` are for the log. */
export type DecideResult =
  | { readonly kind: 'unknown_bank'; readonly details?: ProblemDetails }
  | { readonly kind: 'store_unavailable' }
  | {
      readonly kind: 'validator_unavailable';
      readonly release: VerifiedRelease;
      readonly failure: Failure;
      readonly stages?: readonly StageEvent[];
    }
  | {
      readonly kind: 'decided';
      readonly body: DecisionBody;
      readonly release: VerifiedRelease;
      readonly failure?: Failure;
      readonly stages?: readonly StageEvent[];
    };

/** The problem that stands in the place of a decision. */
export function problemOf(result: Exclude<DecideResult, { kind: 'decided' }> | Refused): Problem {
  if (result.kind === 'problem') return result.problem;
  const details = result.kind === 'unknown_bank' ? result.details : undefined;
  return { code: result.kind, ...(details !== undefined && { details }) };
}

/** What a decision may take, and what it leaves behind while it is being made. */
export interface Attempt extends Limits {
  /** What is answered where the deadline ends first: there from when every verified release is at hand. */
  giveUp?: () => DecideResult;
}

/**
 * Decides about `transaction` for the bank with this slug. Rejects on a bug only. It starts nothing after the deadline,
 * but may end after it: a guest call cannot be interrupted, and storage answers when it likes.
 */
export type Decider = (
  slug: string,
  transaction: Transaction,
  waitUntil: WaitUntil,
  attempt: Attempt,
) => Promise<DecideResult>;

/** A decider that asks the destination alone. */
export function createDecider(asker: BankAsker): Decider {
  return async (slug, transaction, waitUntil, attempt) => {
    const lookup = await asker.find(slug, waitUntil, attempt);
    if (lookup.kind === 'unknown') return { kind: 'unknown_bank' };
    if (lookup.kind === 'unavailable') return { kind: 'store_unavailable' };
    const { release } = lookup;
    attempt.giveUp = () => asker.answerLate(release, transaction);
    return asker.ask(release, transaction, waitUntil, attempt);
  };
}
