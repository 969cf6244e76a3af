// One good transaction in, one decision out: release, artifact, sandbox call, answer. The only place that can make an
// approval, and it makes one of a validator's verdict and of nothing else; but for an outage of storage where the
// signed release says so.

import type { Artifact } from '../artifact/artifact.ts';
import type { VerifiedRelease } from '../artifact/release.ts';
import type { Clock } from '../core/clock.ts';
import { UNSPECIFIED_DENIAL, type DecisionBody, type Verdict } from '../core/decision.ts';
import type { Failure } from '../core/failure.ts';
import type { Transaction } from '../core/transaction.ts';
import type { CallOutcome, Sandbox } from '../sandbox/sandbox.ts';
import type { ArtifactCache } from './artifact-cache.ts';
import type { Governor } from './governor.ts';
import type { Deadline } from './deadline.ts';
import { reasonOf } from './reason.ts';
import type { ReleaseCache } from './release-cache.ts';
import type { Seeder } from './seed.ts';
import type { Stopwatch, Timing } from './server-timing.ts';
import { createTimeFormatter } from './time-format.ts';
import type { WaitUntil } from './timer.ts';

export interface DeciderOptions {
  readonly releases: ReleaseCache;
  readonly artifacts: ArtifactCache;
  readonly sandbox: Sandbox;
  readonly governor: Governor;
  readonly seeder: Seeder;
  readonly clock: Clock;
  readonly stopwatch: Stopwatch;
}

/** A decision, or why there is none. `release` and `failure` are for the log. */
export type DecideResult =
  | { readonly kind: 'unknown_bank' }
  | { readonly kind: 'store_unavailable' }
  | { readonly kind: 'validator_unavailable'; readonly release: VerifiedRelease; readonly failure: Failure }
  | {
      readonly kind: 'decided';
      readonly body: DecisionBody;
      readonly release: VerifiedRelease;
      readonly failure?: Failure;
    };

/** What a decision may take, and what it leaves behind while it is being made. */
export interface Attempt {
  readonly deadline: Deadline;
  readonly timing: Timing;
  /** What is answered where the deadline ends first: there from when a verified release is at hand. */
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

/**
 * No guest call starts with less than this left, milliseconds: nearly all calls take less, and an answer has to be
 * written after it. Fuel bounds the others.
 */
export const USEFUL_CALL_MS = 5;

export function createDecider(options: DeciderOptions): Decider {
  const { releases, artifacts, sandbox, governor, seeder, clock, stopwatch } = options;
  const formatTime = createTimeFormatter();

  const evaluate = async (
    release: VerifiedRelease,
    transaction: Transaction,
    waitUntil: WaitUntil,
    { deadline, timing }: Attempt,
  ): Promise<Evaluation> => {
    if (release.disabled !== undefined) return { outcome: SWITCHED_OFF, evaluatedAtMs: clock() };
    if (deadline.isOver()) return { outcome: LATE, evaluatedAtMs: clock() };
    const askedAtMs = stopwatch();
    const artifact = await artifacts.get(release.artifact, waitUntil);
    const calledAtMs = stopwatch();
    timing.artifact = calledAtMs - askedAtMs;
    if (deadline.isOver()) return { outcome: LATE, evaluatedAtMs: clock() };
    if (artifact === undefined) {
      const isOutage = artifacts.isOutage(release.artifact);
      return { outcome: loadFailed('the artifact could not be loaded'), evaluatedAtMs: clock(), isOutage };
    }
    const seed = readsRandomness(artifact) ? await seeder(release.bank, transaction) : NO_SEED;
    const evaluatedAtMs = clock();
    try {
      const outcome = await governor.run(
        release,
        () => sandbox.call(artifact, release.policy, { transaction, seed, evaluatedAtMs }),
        () => (deadline.leftMs() < USEFUL_CALL_MS ? TOO_LATE : undefined),
      );
      timing.sandbox = stopwatch() - calledAtMs;
      // What nobody waits for any more is not said, whichever of two timers came first.
      return { outcome: deadline.isOver() ? { ...LATE, fuel: outcome.fuel } : outcome, evaluatedAtMs };
    } catch {
      // A fault of the host: no caller can provoke it, and it says nothing about the validator.
      return { outcome: loadFailed('the sandbox itself failed'), evaluatedAtMs };
    }
  };

  const answer = (
    release: VerifiedRelease,
    transaction: Transaction,
    { outcome, evaluatedAtMs, isOutage }: Evaluation,
  ): DecideResult => {
    const { fuel } = outcome;
    const evaluatedAt = formatTime(evaluatedAtMs);
    if (outcome.kind === 'verdict') {
      const { verdict } = outcome;
      const body = composeBody({ transaction, release, verdict, failure: undefined, evaluatedAt, fuel });
      return { kind: 'decided', body, release };
    }
    const { failure } = outcome;
    const isExcused = isOutage === true && release.outage === 'approve';
    const fallback = release.disabled?.answer ?? release.fallback;
    if (fallback === 'refuse' && !isExcused) return { kind: 'validator_unavailable', release, failure };
    const verdict = isExcused ? APPROVE : DENY;
    const body = composeBody({ transaction, release, verdict, failure, isExcused, evaluatedAt, fuel });
    return { kind: 'decided', body, release, failure };
  };

  return async (slug, transaction, waitUntil, attempt) => {
    const { deadline, timing } = attempt;
    const askedAtMs = stopwatch();
    const lookup = await releases.get(slug, waitUntil, deadline.leftMs());
    timing.release = stopwatch() - askedAtMs;
    if (lookup.kind === 'unknown') return { kind: 'unknown_bank' };
    if (lookup.kind === 'unavailable') return { kind: 'store_unavailable' };
    const { release } = lookup;
    attempt.giveUp = () => answer(release, transaction, { outcome: LATE, evaluatedAtMs: clock() });
    return answer(release, transaction, await evaluate(release, transaction, waitUntil, attempt));
  };
}

interface Evaluation {
  readonly outcome: CallOutcome;
  readonly evaluatedAtMs: number;
  /** There is no artifact since storage gave no answer: nothing that a caller has done. */
  readonly isOutage?: boolean;
}

/** The seed of a guest that asks for no random numbers: making one takes longer than most decisions. */
const NO_SEED = new Uint8Array(32);

function readsRandomness(artifact: Artifact): boolean {
  return artifact.manifest.imports.some((entry) => entry.interface.startsWith('wasi:random/'));
}

const SWITCHED_OFF: CallOutcome = {
  kind: 'failure',
  failure: { code: 'disabled', detail: 'the bank is switched off' },
  fuel: 0,
};

const TOO_LATE: Failure = { code: 'deadline_exceeded', detail: 'the deadline is over' };

const LATE: CallOutcome = { kind: 'failure', failure: TOO_LATE, fuel: 0 };

const APPROVE: Verdict = { kind: 'approve' };
const DENY: Verdict = { kind: 'deny', denial: UNSPECIFIED_DENIAL };

interface BodyParts {
  readonly transaction: Transaction;
  readonly release: VerifiedRelease;
  readonly verdict: Verdict;
  readonly failure: Failure | undefined;
  /** The one failure that is answered by an approval, where the release says so. */
  readonly isExcused?: boolean;
  readonly evaluatedAt: string;
  readonly fuel: number;
}

/** The answer, its members in the order of the design. */
function composeBody(parts: BodyParts): DecisionBody {
  const { transaction, release, verdict, failure, evaluatedAt, fuel } = parts;
  const isApproved = (failure === undefined || parts.isExcused === true) && verdict.kind === 'approve';
  return {
    decision: isApproved ? 'approve' : 'deny',
    transaction_id: transaction.id,
    bank: release.bank,
    ...(!isApproved && { reason: reasonOf(verdict, failure) }),
    ...(failure === undefined
      ? { decided_by: 'validator' }
      : { decided_by: 'fallback', failure: failure.code }),
    release: release.number,
    artifact: release.artifact,
    evaluated_at: evaluatedAt,
    fuel,
  };
}

function loadFailed(detail: string): CallOutcome {
  return { kind: 'failure', failure: { code: 'load_failed', detail }, fuel: 0 };
}
