// The handler of the routes that decide about one transaction.

import { JSON_HEADERS, keepAlive, noteRelease, refuse, type GatewayContext } from './context.ts';
import type { Chain } from './chain.ts';
import { problemOf, type Decider, type DecideResult } from './decide.ts';
import { REPLAYED_HEADER, type IdempotentAnswers } from './idempotent-answers.ts';
import { readTransaction } from './read-transaction.ts';
import { refuseLate, type Inquiry, type Reception, type Refused } from './reception.ts';
import { formatServerTiming, type Stopwatch } from './server-timing.ts';

/** What a request is answered with. */
type Answer = DecideResult | Refused | { readonly kind: 'replayed'; readonly body: string };

/** Answers a request whose bank the path names, or not. Rejects on a bug only. */
export type Validate = (c: GatewayContext, pathBank?: string) => Promise<Response>;

/** How far a decision came: what is answered where the deadline ends. */
type Decision = Inquiry & { giveUp?: () => DecideResult };

export function createValidate(
  reception: Reception,
  decide: Decider,
  idempotentAnswers: IdempotentAnswers,
  stopwatch: Stopwatch,
  chain: Chain | undefined,
): Validate {
  const inquire = async (
    c: GatewayContext,
    inquiry: Decision,
    pathBank: string | undefined,
  ): Promise<Answer> => {
    const received = await reception.receive(c, inquiry, pathBank);
    if (received.kind === 'problem') return received;
    const reading = idempotentAnswers.readKey(c);
    if (reading.kind === 'problem') return reading;
    const read = readTransaction(received.text, received.bank, received.caller, chain);
    if (!read.ok) return { kind: 'problem', problem: read.problem };
    const { destination, transaction } = read;
    const run = (): Promise<DecideResult> =>
      decide(destination, transaction, (work) => keepAlive(c, work), inquiry);
    const { key } = reading;
    if (key === undefined) return run();
    const answered = await idempotentAnswers.answer(c, inquiry, received, key, 'validate', run, bodyToKeep);
    return answered.kind === 'own' ? answered.answer : answered;
  };

  return async (c, pathBank) => {
    const inquiry: Decision = reception.begin(c);
    const work = inquire(c, inquiry, pathBank);
    const answer = await reception.awaitInTime(c, inquiry, work, () => answerLate(inquiry));
    const timing = inquiry.isProven === true ? formatServerTiming(inquiry.timing, stopwatch()) : undefined;
    // Nobody gets a decision without the proof that the timing needs.
    const headers = { ...JSON_HEADERS, 'server-timing': timing ?? '' };
    if (answer.kind === 'replayed')
      return new Response(answer.body, { headers: { ...headers, [REPLAYED_HEADER]: 'true' } });
    if ('release' in answer) noteRelease(c, answer.release, answer.failure, answer.stages);
    if (answer.kind === 'decided') {
      c.get('trace').decision = answer.body.decision;
      c.get('trace').decidedBy = answer.body.decided_by;
      return new Response(JSON.stringify(answer.body), { headers });
    }
    const problem = problemOf(answer);
    return refuse(c, {
      ...problem,
      headers: { ...problem.headers, ...(timing !== undefined && { 'server-timing': timing }) },
    });
  };
}

/** A fallback where a release says which one; else whatever kept us from a release. */
function answerLate(inquiry: Decision): Answer {
  if (inquiry.late !== undefined) return { kind: 'problem', problem: inquiry.late };
  return inquiry.giveUp === undefined ? refuseLate(inquiry) : inquiry.giveUp();
}

/** A validator's answer alone: a fallback's is worth asking again. As it is sent. */
function bodyToKeep(answer: DecideResult): string | undefined {
  return answer.kind === 'decided' && answer.body.decided_by === 'validator'
    ? JSON.stringify(answer.body)
    : undefined;
}
