// The handler of the routes that decide about one transaction.

import { JSON_HEADERS, keepAlive, noteRelease, refuse, type GatewayContext } from './context.ts';
import type { Decider, DecideResult } from './decide.ts';
import { readTransaction } from './read-transaction.ts';
import { refuseLate, type Inquiry, type Reception, type Refused } from './reception.ts';
import { formatServerTiming, type Stopwatch } from './server-timing.ts';

/** What a request is answered with. */
type Answer = DecideResult | Refused;

/** Answers a request whose bank the path names, or not. Rejects on a bug only. */
export type Validate = (c: GatewayContext, pathBank?: string) => Promise<Response>;

/** How far a decision came: what is answered where the deadline ends. */
type Decision = Inquiry & { giveUp?: () => DecideResult };

export function createValidate(reception: Reception, decide: Decider, stopwatch: Stopwatch): Validate {
  const inquire = async (
    c: GatewayContext,
    inquiry: Decision,
    pathBank: string | undefined,
  ): Promise<Answer> => {
    const received = await reception.receive(c, inquiry, pathBank);
    if (received.kind === 'problem') return received;
    const read = readTransaction(received.text, received.bank, received.caller);
    if (!read.ok) return { kind: 'problem', problem: read.problem };
    return decide(read.destination, read.transaction, (work) => keepAlive(c, work), inquiry);
  };

  return async (c, pathBank) => {
    const inquiry: Decision = reception.begin(c);
    const work = inquire(c, inquiry, pathBank);
    const answer = await reception.awaitInTime(c, inquiry, work, () => answerLate(inquiry));
    const timing = inquiry.isProven === true ? formatServerTiming(inquiry.timing, stopwatch()) : undefined;
    if ('release' in answer) noteRelease(c, answer.release, answer.failure);
    if (answer.kind === 'decided') {
      c.get('trace').decision = answer.body.decision;
      c.get('trace').decidedBy = answer.body.decided_by;
      // Nobody gets a decision without the proof that the timing needs.
      const headers = { ...JSON_HEADERS, 'server-timing': timing ?? '' };
      return new Response(JSON.stringify(answer.body), { headers });
    }
    const { headers, ...said } = answer.kind === 'problem' ? answer.problem : { code: answer.kind };
    return refuse(c, {
      ...said,
      headers: { ...headers, ...(timing !== undefined && { 'server-timing': timing }) },
    });
  };
}

/** A fallback where a release says which one; else whatever kept us from a release. */
function answerLate(inquiry: Decision): Answer {
  return inquiry.giveUp === undefined ? refuseLate(inquiry) : inquiry.giveUp();
}
