// What comes before any decision, for every route that makes some: the deadline, the door, the address, the body. In this
// order: nothing is read for who may not ask.

import { keepAlive, hostOf, noteCaller, type GatewayContext } from './context.ts';
import type { Admission, Caller, Door } from './authenticate.ts';
import type { BankAddressReader } from './bank-address.ts';
import {
  awaitAtMost,
  DEADLINE_HEADER,
  LEAST_DEADLINE_MS,
  parseDeadline,
  startDeadline,
  type Deadline,
  type DeadlineRules,
} from './deadline.ts';
import type { Clock } from '../core/clock.ts';
import type { Problem } from './problem.ts';
import { readBody, type BodyRules, type MediaType } from './read-body.ts';
import type { Stopwatch, Timing } from './server-timing.ts';
import type { Timer } from './timer.ts';

export interface ReceptionOptions {
  readonly door: Door;
  readonly readAddress: BankAddressReader;
  readonly deadlines: DeadlineRules;
  /** The bytes of a body of an announced length. Defaults to `Request`'s own. */
  readonly readBytes?: ((request: Request, env: unknown) => Promise<Uint8Array>) | undefined;
  readonly clock: Clock;
  readonly stopwatch: Stopwatch;
  readonly timer: Timer;
}

/** A request on its way: how far it came decides what is answered where its deadline ends. */
export interface Inquiry {
  readonly deadline: Deadline;
  readonly timing: Timing;
  readonly isDeadlineGood: boolean;
  /** Whether it is proven who asks, by the body that came too where that is signed. */
  isProven?: boolean;
  isReadingBody?: boolean;
  /** What is answered where the deadline ends now, whatever else would be. */
  late?: Problem | undefined;
}

/** A request of somebody who may ask. */
export interface Received {
  readonly kind: 'received';
  readonly caller: Caller;
  /** Slug of the bank that the address names; undefined where the transaction alone does. */
  readonly bank: string | undefined;
  /** The body. */
  readonly text: string;
  readonly mediaType: MediaType;
}

export interface Refused {
  readonly kind: 'problem';
  readonly problem: Problem;
}

export interface Reception {
  begin(c: GatewayContext): Inquiry;
  /** The request whose bank the path names, or not; or what is wrong with it. Rejects on a bug only. */
  receive(
    c: GatewayContext,
    inquiry: Inquiry,
    pathBank: string | undefined,
    body?: BodyRules,
  ): Promise<Received | Refused>;
  /** What `work` gives within the inquiry's deadline, else what `answerLate` says. */
  awaitInTime<T>(c: GatewayContext, inquiry: Inquiry, work: Promise<T>, answerLate: () => T): Promise<T>;
}

export function createReception(options: ReceptionOptions): Reception {
  const { door, readAddress, deadlines, readBytes, clock, stopwatch, timer } = options;
  const badDeadline = problem({
    code: 'invalid_deadline',
    details: {
      detail: `Wasmpay-Deadline-Ms is a whole number from ${LEAST_DEADLINE_MS} to ${deadlines.longestMs}`,
    },
  });

  return {
    begin(c) {
      const deadlineMs = parseDeadline(c.req.raw.headers.get(DEADLINE_HEADER), deadlines);
      return {
        deadline: startDeadline(deadlineMs ?? deadlines.defaultMs, clock),
        timing: { startedAtMs: stopwatch() },
        isDeadlineGood: deadlineMs !== undefined,
      };
    },
    async receive(c, inquiry, pathBank, bodyRules) {
      const { deadline, timing } = inquiry;
      const host = hostOf(c);
      const { method, url, headers } = c.req.raw;
      const admission = await door({ method, url, host, headers }, (work) => keepAlive(c, work), deadline);
      timing.auth = stopwatch() - timing.startedAtMs;
      if ('caller' in admission) {
        inquiry.isProven = admission.caller.means !== 'signature';
        noteCaller(c, admission.caller);
      }
      if (admission.kind !== 'admitted') return problem(describeRefusal(admission));
      if (!inquiry.isDeadlineGood) return badDeadline;
      const { caller } = admission;
      const address = readAddress(host, pathBank);
      if (address.kind !== 'named' && address.kind !== 'unnamed') return problem({ code: address.kind });
      const bank = address.kind === 'named' ? address.slug : undefined;
      if (bank !== undefined && !caller.mayAskAbout(bank)) return problem({ code: 'forbidden' });
      if (deadline.isOver()) return refuseLate(inquiry);
      inquiry.isReadingBody = true;
      const body = await readBody(
        c.req.raw,
        readBytes === undefined ? undefined : (request) => readBytes(request, c.env),
        bodyRules,
      );
      if (!body.ok) return problem(body.problem);
      if (deadline.isOver()) return refuseLate(inquiry);
      inquiry.isReadingBody = false;
      if (!(await caller.sentBody(body.text))) return problem(UNAUTHENTICATED);
      inquiry.isProven = true;
      return { kind: 'received', caller, bank, text: body.text, mediaType: body.mediaType };
    },
    awaitInTime: (c, { deadline }, work, answerLate) =>
      awaitAtMost(work, deadline.totalMs, timer, () => {
        // Its ends are to be tied up: who waits for the same bank's call must hear of its end.
        keepAlive(c, work.catch(ignore));
        return answerLate();
      }),
  };
}

/** What is said where the deadline ends before there is a release: the caller's own slowness, or the storage's. */
export function refuseLate({ isReadingBody }: Inquiry): Refused {
  return problem({ code: isReadingBody === true ? 'request_timeout' : 'store_unavailable' });
}

const UNAUTHENTICATED: Problem = { code: 'unauthenticated', headers: { 'www-authenticate': 'Bearer' } };

export function describeRefusal(admission: Exclude<Admission, { kind: 'admitted' }>): Problem {
  if (admission.kind === 'unauthenticated') return UNAUTHENTICATED;
  if (admission.kind === 'store_unavailable') return { code: 'store_unavailable' };
  return { code: 'rate_limited', headers: { 'retry-after': String(admission.retryAfterS) } };
}

function problem(problem: Problem): Refused {
  return { kind: 'problem', problem };
}

function ignore(): void {}
