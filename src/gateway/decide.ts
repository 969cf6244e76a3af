// One good transaction in, one decision out: release, artifact, sandbox call, answer. The only place that can make an
// approval, and it makes one of a validator's verdict and of nothing else.

import type { Artifact } from '../artifact/artifact.ts';
import type { VerifiedRelease } from '../artifact/release.ts';
import type { Clock } from '../core/clock.ts';
import { UNSPECIFIED_DENIAL, type DecisionBody, type Denial, type Verdict } from '../core/decision.ts';
import type { Failure } from '../core/failure.ts';
import type { Transaction } from '../core/transaction.ts';
import type { CallOutcome, Sandbox } from '../sandbox/sandbox.ts';
import type { ArtifactCache } from './artifact-cache.ts';
import type { Governor } from './governor.ts';
import type { ReleaseCache } from './release-cache.ts';
import type { Seeder } from './seed.ts';
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

  const evaluate = async (
    release: VerifiedRelease,
    transaction: Transaction,
    waitUntil: WaitUntil,
  ): Promise<{ readonly outcome: CallOutcome; readonly evaluatedAtMs: number }> => {
    const artifact = await artifacts.get(release.artifact, waitUntil);
    if (artifact === undefined) {
      return { outcome: loadFailed('the artifact could not be loaded'), evaluatedAtMs: clock() };
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
    const { outcome, evaluatedAtMs } = await evaluate(release, transaction, waitUntil);
    const of = (verdict: Verdict, failure?: Failure): DecisionBody =>
      composeBody({ transaction, release, verdict, failure, evaluatedAtMs, fuel: outcome.fuel });
    if (outcome.kind === 'verdict') return { kind: 'decided', body: of(outcome.verdict), release };
    const { failure } = outcome;
    if (release.fallback === 'refuse') return { kind: 'validator_unavailable', release, failure };
    return { kind: 'decided', body: of(DENY, failure), release, failure };
  };
}

/** The seed of a guest that asks for no random numbers: making one takes longer than most decisions. */
const NO_SEED = new Uint8Array(32);

function readsRandomness(artifact: Artifact): boolean {
  return artifact.manifest.imports.some((entry) => entry.interface.startsWith('wasi:random/'));
}

const DENY: Verdict = { kind: 'deny', denial: UNSPECIFIED_DENIAL };

interface BodyParts {
  readonly transaction: Transaction;
  readonly release: VerifiedRelease;
  readonly verdict: Verdict;
  readonly failure: Failure | undefined;
  readonly evaluatedAtMs: number;
  readonly fuel: number;
}

/** The answer, its members in the order of the design. */
function composeBody(parts: BodyParts): DecisionBody {
  const { transaction, release, verdict, failure, evaluatedAtMs, fuel } = parts;
  const isApproved = failure === undefined && verdict.kind === 'approve';
  return {
    decision: isApproved ? 'approve' : 'deny',
    transaction_id: transaction.id,
    bank: release.bank,
    ...(failure === undefined && verdict.kind === 'deny' ? { reason: reasonOf(verdict.denial) } : {}),
    ...(failure === undefined
      ? { decided_by: 'validator' }
      : { decided_by: 'fallback', failure: failure.code }),
    release: release.number,
    artifact: release.artifact,
    evaluated_at: new Date(evaluatedAtMs).toISOString(),
    fuel,
  };
}

/** Only the members that the wire format has. */
function reasonOf(denial: Denial): Denial {
  const { code, message } = denial;
  return message === undefined ? { code } : { code, message };
}

function loadFailed(detail: string): CallOutcome {
  return { kind: 'failure', failure: { code: 'load_failed', detail }, fuel: 0 };
}
