// One bank asked about one good transaction: release, artifact, sandbox call, answer. The only place that can make an
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
import type { Breathe } from './breathe.ts';
import { reasonOf } from './reason.ts';
import type { ReleaseCache, ReleaseLookup } from './release-cache.ts';
import type { Seeder } from './seed.ts';
import type { Stopwatch, Timing } from './server-timing.ts';
import { createTimeFormatter } from './time-format.ts';
import type { WaitUntil } from './timer.ts';

export interface BankAskerOptions {
  readonly releases: ReleaseCache;
  readonly artifacts: ArtifactCache;
  readonly sandbox: Sandbox;
  readonly governor: Governor;
  readonly seeder: Seeder;
  readonly clock: Clock;
  readonly stopwatch: Stopwatch;
  /** Lets others have the thread before a call that is one of many. */
  readonly breathe: Breathe;
}

/** What asking a bank gives: its answer, or that its release refuses to have one made up. */
export type Asked =
  | {
      readonly kind: 'decided';
      readonly body: DecisionBody;
      readonly release: VerifiedRelease;
      readonly failure?: Failure;
    }
  | {
      readonly kind: 'validator_unavailable';
      /** The denial that is not answered, since the release says so. */
      readonly body: DecisionBody;
      readonly release: VerifiedRelease;
      readonly failure: Failure;
    };

/** What asking may take. */
export interface Limits {
  readonly deadline: Deadline;
  readonly timing: Timing;
  /** What the guest's clock is to read; now unless told. */
  readonly evaluatedAtMs?: number;
}

/** Asks banks, one transaction at a time. Starts nothing after the deadline, and may end after it. */
export interface BankAsker {
  /** The bank's verified release. Never rejects. */
  find(slug: string, waitUntil: WaitUntil, limits: Limits): Promise<ReleaseLookup>;
  /** What the bank of `release` says. Rejects on a bug only. */
  ask(
    release: VerifiedRelease,
    transaction: Transaction,
    waitUntil: WaitUntil,
    limits: Limits,
  ): Promise<Asked>;
  /**
   * As `ask`, of the first of `transactions`, at least one, in one call of the sandbox. Others may be answered before it
   * is made.
   */
  askSeveral(
    release: VerifiedRelease,
    transactions: readonly Transaction[],
    waitUntil: WaitUntil,
    limits: Limits,
  ): Promise<readonly Asked[]>;
  /** What the bank's release says where the deadline ended first. */
  answerLate(release: VerifiedRelease, transaction: Transaction, evaluatedAtMs?: number): Asked;
}

/**
 * No guest call starts with less than this left, milliseconds: nearly all calls take less, and an answer has to be
 * written after it. Fuel bounds the others.
 */
export const USEFUL_CALL_MS = 5;

export function createBankAsker(options: BankAskerOptions): BankAsker {
  const { releases, artifacts, sandbox, governor, seeder, clock, stopwatch, breathe } = options;
  const formatTime = createTimeFormatter();

  /** The artifact of a release that can be called now, or what is answered without a call. */
  const obtain = async (
    release: VerifiedRelease,
    waitUntil: WaitUntil,
    { deadline, timing }: Limits,
  ): Promise<{ readonly artifact: Artifact } | Omit<Evaluation, 'evaluatedAtMs'>> => {
    const unasked = answerUnasked(release);
    if (unasked !== undefined) return { outcome: unasked };
    if (deadline.isOver()) return { outcome: LATE };
    const askedAtMs = stopwatch();
    const artifact = await artifacts.get(release.artifact, waitUntil);
    timing.artifact = Math.max(timing.artifact ?? 0, stopwatch() - askedAtMs);
    if (deadline.isOver()) return { outcome: LATE };
    if (artifact !== undefined) return { artifact };
    const isOutage = artifacts.isOutage(release.artifact);
    return { outcome: loadFailed('the artifact could not be loaded'), isOutage };
  };

  const evaluate = async (
    release: VerifiedRelease,
    transaction: Transaction,
    waitUntil: WaitUntil,
    limits: Limits,
  ): Promise<Evaluation> => {
    const { deadline, timing, evaluatedAtMs: chosenMs } = limits;
    const obtained = await obtain(release, waitUntil, limits);
    if ('outcome' in obtained) return { ...obtained, evaluatedAtMs: chosenMs ?? clock() };
    const { artifact } = obtained;
    const calledAtMs = stopwatch();
    const seed = readsRandomness(artifact) ? await seeder(release.bank, transaction) : NO_SEED;
    const evaluatedAtMs = chosenMs ?? clock();
    try {
      const outcome = await governor.run(
        release,
        () => sandbox.call(artifact, release.policy, { transaction, seed, evaluatedAtMs }),
        () => refuseLate(deadline),
      );
      timing.sandbox = Math.max(timing.sandbox ?? 0, stopwatch() - calledAtMs);
      return { outcome: deadline.isOver() ? lateAfter(outcome) : outcome, evaluatedAtMs };
    } catch {
      return { outcome: SANDBOX_FAILED, evaluatedAtMs };
    }
  };

  const evaluateSeveral = async (
    release: VerifiedRelease,
    transactions: readonly Transaction[],
    waitUntil: WaitUntil,
    limits: Limits,
  ): Promise<Omit<Evaluation, 'outcome'> & { readonly outcomes: readonly CallOutcome[] }> => {
    const { deadline, evaluatedAtMs = clock() } = limits;
    const all = (outcome: CallOutcome): readonly CallOutcome[] => transactions.map(() => outcome);
    const obtained = await obtain(release, waitUntil, limits);
    if ('outcome' in obtained) {
      const { outcome, ...rest } = obtained;
      return { ...rest, outcomes: all(outcome), evaluatedAtMs };
    }
    const { artifact } = obtained;
    const seeds = readsRandomness(artifact)
      ? await Promise.all(transactions.map((transaction) => seeder(release.bank, transaction)))
      : [];
    const calls = transactions.map((transaction, index) => ({
      transaction,
      seed: seeds[index] ?? NO_SEED,
      evaluatedAtMs,
    }));
    await breathe();
    try {
      const outcomes = await governor.runSeveral(
        release,
        calls.length,
        () => sandbox.callSeveral(artifact, release.policy, calls),
        () => refuseLate(deadline),
      );
      if (outcomes.length === 0) return { outcomes: all(SANDBOX_FAILED), evaluatedAtMs };
      return { outcomes: deadline.isOver() ? outcomes.map(lateAfter) : outcomes, evaluatedAtMs };
    } catch {
      return { outcomes: all(SANDBOX_FAILED), evaluatedAtMs };
    }
  };

  const answer = (
    release: VerifiedRelease,
    transaction: Transaction,
    { outcome, evaluatedAtMs, isOutage }: Evaluation,
  ): Asked => {
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
    const verdict = isExcused ? APPROVE : DENY;
    const body = composeBody({ transaction, release, verdict, failure, isExcused, evaluatedAt, fuel });
    if (fallback === 'refuse' && !isExcused) return { kind: 'validator_unavailable', body, release, failure };
    return { kind: 'decided', body, release, failure };
  };

  return {
    async find(slug, waitUntil, { deadline, timing }) {
      const askedAtMs = stopwatch();
      const lookup = await releases.get(slug, waitUntil, deadline.leftMs());
      timing.release = Math.max(timing.release ?? 0, stopwatch() - askedAtMs);
      return lookup;
    },
    ask: async (release, transaction, waitUntil, limits) =>
      answer(release, transaction, await evaluate(release, transaction, waitUntil, limits)),
    async askSeveral(release, transactions, waitUntil, limits) {
      const { outcomes, ...rest } = await evaluateSeveral(release, transactions, waitUntil, limits);
      return outcomes.flatMap((outcome, index) => {
        const transaction = transactions[index];
        return transaction === undefined ? [] : [answer(release, transaction, { outcome, ...rest })];
      });
    },
    answerLate(release, transaction, evaluatedAtMs = clock()) {
      const outcome = answerUnasked(release) ?? LATE;
      return answer(release, transaction, { outcome, evaluatedAtMs });
    },
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

const NO_VALIDATOR: CallOutcome = {
  kind: 'failure',
  failure: { code: 'no_validator', detail: 'its release says that it has none' },
  fuel: 0,
};

/** The outcome of a release that runs nothing. */
function answerUnasked({ disabled, validator }: VerifiedRelease): CallOutcome | undefined {
  if (disabled !== undefined) return SWITCHED_OFF;
  return validator === undefined ? undefined : NO_VALIDATOR;
}

const TOO_LATE: Failure = { code: 'deadline_exceeded', detail: 'the deadline is over' };

const LATE: CallOutcome = { kind: 'failure', failure: TOO_LATE, fuel: 0 };

/** Why no call starts any more. */
function refuseLate(deadline: Deadline): Failure | undefined {
  return deadline.leftMs() < USEFUL_CALL_MS ? TOO_LATE : undefined;
}

/** What nobody waits for any more is not said, whichever of two timers came first. */
function lateAfter({ fuel }: CallOutcome): CallOutcome {
  return { ...LATE, fuel };
}

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

/** A fault of the host: no caller can provoke it, and it says nothing about the validator. */
const SANDBOX_FAILED = loadFailed('the sandbox itself failed');
