// Chains: a transaction that several banks have to let pass. All are asked at the same time; one denial denies. A bank
// passes without a validator only where its signed release says that it has none, and only beside a validator that was
// asked: a chain in which none was approves nothing. What a single bank says is ask-bank's.

import type { VerifiedRelease } from '../artifact/release.ts';
import { slugOf } from '../core/bank.ts';
import type { Clock } from '../core/clock.ts';
import type { DecisionBody, StageBody, StageName } from '../core/decision.ts';
import type { Transaction } from '../core/transaction.ts';
import type { Asked, BankAsker } from './ask-bank.ts';
import type { DecideResult, Decider } from './decide.ts';
import type { StageEvent } from './event.ts';
import type { ProblemDetails } from './problem.ts';
import type { ReleaseLookup } from './release-cache.ts';

/** Whose banks a gateway asks. Without the platform's and the origin's, the destination's alone. */
export interface Chain {
  /** In the order of the answer; each once, `destination` among them. */
  readonly stages: readonly StageName[];
  /** Slug of the platform's own bank; there is one where `stages` has `platform`. */
  readonly platformBank?: string;
}

/** One stage of a chain for one transaction. */
export interface Place {
  readonly stage: StageName;
  /** Slug of the bank. */
  readonly bank: string;
}

/** What is said beside `unknown_bank` where it is the origin that has no release: the code alone tells too little. */
export const UNKNOWN_ORIGIN: ProblemDetails = { detail: 'the origin bank, which this gateway asks as well' };

function unknownOrigin(): DecideResult {
  return { kind: 'unknown_bank', details: UNKNOWN_ORIGIN };
}

/** The places of a transaction for `destination`; undefined where its origin can be no bank's id. */
export function placesOf(
  { stages, platformBank }: Chain,
  destination: string,
  transaction: Transaction,
): readonly Place[] | undefined {
  const places: Place[] = [];
  for (const stage of stages) {
    const banks = { platform: platformBank, origin: slugOf(transaction.origin.id), destination };
    const bank = banks[stage];
    if (bank === undefined) return undefined;
    places.push({ stage, bank });
  }
  return places;
}

/** The first of `places` that has no release to be asked by, as what the whole request is answered. */
export function findUnreleased(
  places: readonly Place[],
  lookupOf: (bank: string) => ReleaseLookup | undefined,
): DecideResult | undefined {
  for (const { stage, bank } of places) {
    const kind = lookupOf(bank)?.kind;
    if (kind === 'release') continue;
    // That the platform's own bank is missing is no fault of the caller's, and absence proves nothing.
    if (kind !== 'unknown' || stage === 'platform') return { kind: 'store_unavailable' };
    return stage === 'origin' ? unknownOrigin() : { kind: 'unknown_bank' };
  }
  return undefined;
}

/** A decider that asks every bank of `chain`, each once, whichever stages it stands in. */
export function createChainDecider(asker: BankAsker, chain: Chain, clock: Clock): Decider {
  return async (slug, transaction, waitUntil, attempt) => {
    const { deadline, timing } = attempt;
    const places = placesOf(chain, slug, transaction);
    if (places === undefined) return unknownOrigin();
    const banks = [...new Set(places.map(({ bank }) => bank))];
    const lookups = new Map<string, ReleaseLookup>();
    await Promise.all(
      banks.map(async (bank) => void lookups.set(bank, await asker.find(bank, waitUntil, attempt))),
    );
    const unreleased = findUnreleased(places, (bank) => lookups.get(bank));
    if (unreleased !== undefined) return unreleased;
    const releases = [...lookups].flatMap(([bank, lookup]) =>
      lookup.kind === 'release' ? [[bank, lookup.release] as const] : [],
    );
    // One time for all of them, which the answer gives once.
    const evaluatedAtMs = clock();
    const answers = new Map(
      releases.map(([bank, release]) => [bank, asker.answerLate(release, transaction, evaluatedAtMs)]),
    );
    attempt.giveUp = () => joinAnswers(places, answers);
    await Promise.all(
      releases.map(async ([bank, release]) => {
        const limits = { deadline, timing, evaluatedAtMs };
        answers.set(bank, await asker.ask(release, transaction, waitUntil, limits));
      }),
    );
    return joinAnswers(places, answers);
  };
}

/** Makes one answer of what the banks of `places` said. Every bank of them is in `answers`. */
export function joinAnswers(
  places: readonly Place[],
  answers: ReadonlyMap<string, Asked>,
): Exclude<DecideResult, { kind: 'unknown_bank' | 'store_unavailable' }> {
  const asked = places.map((place) => ({ ...place, answer: answers.get(place.bank) as Asked }));
  const isJudged = asked.some(({ answer }) => answer.body.decided_by === 'validator');
  const said = asked.map(({ stage, bank, answer }) => {
    const isPassed = isJudged && stage !== 'platform' && hasNoValidator(answer.release);
    return {
      bank,
      answer,
      isPassed,
      body: isPassed ? composePass(stage, answer.body) : stageOf(stage, answer.body),
    };
  });
  const stages = said.map(({ body, answer, isPassed }) => eventOf(body, isPassed ? undefined : answer));
  // A bank's own denial is final. Without one, a stage that must not be answered for leaves the whole unanswered.
  const isDenied = said.some(({ body }) => body.decision === 'deny' && body.decided_by === 'validator');
  const refusing = asked.find(({ answer }) => answer.kind === 'validator_unavailable')?.answer;
  if (!isDenied && refusing?.kind === 'validator_unavailable') {
    const { release, failure } = refusing;
    return { kind: 'validator_unavailable', release, failure, stages };
  }
  const destination = (said.find(({ body }) => body.stage === 'destination') ?? said[0])?.answer as Asked;
  // Who decided: the first that denies, else the first that nobody asked and that its release excuses.
  const deciding =
    said.find(({ body }) => body.decision === 'deny') ??
    said.find(({ body }) => body.decided_by === 'fallback');
  const failure = deciding?.answer.failure;
  return {
    kind: 'decided',
    body: composeChainBody(
      destination.body,
      deciding?.body,
      said.map(({ body }) => body),
    ),
    release: destination.release,
    ...(failure !== undefined && { failure }),
    stages,
  };
}

/** The answer's members in the order of the design, then the stages. */
function composeChainBody(
  destination: DecisionBody,
  deciding: StageBody | undefined,
  stages: readonly StageBody[],
): DecisionBody {
  const fuels = new Map(stages.map(({ bank, fuel }) => [bank, fuel]));
  return {
    decision: deciding?.decision ?? 'approve',
    transaction_id: destination.transaction_id,
    bank: destination.bank,
    ...(deciding?.reason !== undefined && { reason: deciding.reason }),
    decided_by: deciding?.decided_by === 'fallback' ? 'fallback' : 'validator',
    ...(deciding?.failure !== undefined && { failure: deciding.failure }),
    release: destination.release,
    artifact: destination.artifact,
    evaluated_at: destination.evaluated_at,
    fuel: [...fuels.values()].reduce((sum, fuel) => sum + fuel, 0),
    stages,
  };
}

function hasNoValidator({ validator, disabled }: VerifiedRelease): boolean {
  return validator !== undefined && disabled === undefined;
}

function stageOf(stage: StageName, body: DecisionBody): StageBody {
  const { bank, decision, reason, decided_by, failure, release, artifact, fuel } = body;
  return {
    stage,
    bank,
    decision,
    ...(reason !== undefined && { reason }),
    decided_by,
    ...(failure !== undefined && { failure }),
    release,
    artifact,
    fuel,
  };
}

function composePass(stage: StageName, { bank, release, artifact, fuel }: DecisionBody): StageBody {
  return { stage, bank, decision: 'approve', decided_by: 'release', release, artifact, fuel };
}

/** What the log gets of a stage: no reason, for its words are the bank's. */
function eventOf(body: StageBody, answer: Asked | undefined): StageEvent {
  const { stage, bank, release, artifact, decision, decided_by: decidedBy } = body;
  const failure = answer?.failure;
  return {
    stage,
    bank,
    release,
    artifact,
    decision,
    decidedBy,
    ...(failure !== undefined && { failure: failure.code, failureDetail: failure.detail }),
  };
}
