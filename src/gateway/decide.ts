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
import { reasonOf } from './reason.ts';
import type { ReleaseCache } from './release-cache.ts';
import type { Seeder } from './seed.ts';
import { createTimeFormatter } from './time-format.ts';
import type { WaitUntil } from './timer.ts';

export interface DeciderOptions {
  readonly releases: ReleaseCache;
  readonly artifacts: ArtifactCache;
  readonly sandbox: Sandbox;
  readonly governor: Governor;
  readonly seeder: Seeder;
  readonly clock: Clock;
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

/** Decides about `transaction` for the bank with this slug. Rejects on a bug only. */
export type Decider = (slug: string, transaction: Transaction, waitUntil: WaitUntil) => Promise<DecideResult>;

export function createDecider(options: DeciderOptions): Decider {
  const { releases, artifacts, sandbox, governor, seeder, clock } = options;
  const formatTime = createTimeFormatter();

  const evaluate = async (
    release: VerifiedRelease,
    transaction: Transaction,
    waitUntil: WaitUntil,
  ): Promise<Evaluation> => {
    if (release.disabled !== undefined) return { outcome: SWITCHED_OFF, evaluatedAtMs: clock() };
    const artifact = await artifacts.get(release.artifact, waitUntil);
    if (artifact === undefined) {
      const isOutage = artifacts.isOutage(release.artifact);
      return { outcome: loadFailed('the artifact could not be loaded'), evaluatedAtMs: clock(), isOutage };
    }
    const seed = readsRandomness(artifact) ? await seeder(release.bank, transaction) : NO_SEED;
    const evaluatedAtMs = clock();
    try {
      const outcome = await governor.run(release, () =>
        sandbox.call(artifact, release.policy, { transaction, seed, evaluatedAtMs }),
      );
      return { outcome, evaluatedAtMs };
    } catch {
      // A fault of the host: no caller can provoke it, and it says nothing about the validator.
      return { outcome: loadFailed('the sandbox itself failed'), evaluatedAtMs };
    }
  };

  return async (slug, transaction, waitUntil) => {
    const lookup = await releases.get(slug, waitUntil);
    if (lookup.kind === 'unknown') return { kind: 'unknown_bank' };
    if (lookup.kind === 'unavailable') return { kind: 'store_unavailable' };
    const { release } = lookup;
    const { outcome, evaluatedAtMs, isOutage } = await evaluate(release, transaction, waitUntil);
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
