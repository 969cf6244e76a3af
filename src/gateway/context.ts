// What every route of the gateway does with a request's context: note for the log, refuse, keep work alive.

import type { Context } from 'hono';

import type { VerifiedRelease } from '../artifact/release.ts';
import type { Failure } from '../core/failure.ts';
import type { Caller } from './authenticate.ts';
import type { RequestEvent, StageEvent } from './event.ts';
import { RESPONSE_HEADERS, respondWithProblem, type Problem } from './problem.ts';
import type { WaitUntil } from './timer.ts';

/** What a request's handler adds to its log event. */
export type Trace = { -readonly [K in keyof RequestEvent]?: RequestEvent[K] };

export interface GatewayEnv {
  Variables: { trace: Trace };
}

export type GatewayContext = Context<GatewayEnv>;

export const JSON_HEADERS = { ...RESPONSE_HEADERS, 'content-type': 'application/json' };

export function refuse(c: GatewayContext, problem: Problem): Response {
  c.get('trace').problem = problem.code;
  return respondWithProblem(problem);
}

export function noteCaller(c: GatewayContext, { processor, key, means, rateLimit }: Caller): void {
  const trace = c.get('trace');
  if (processor !== undefined) trace.processor = processor;
  if (key !== undefined) trace.key = key;
  if (means !== undefined) trace.means = means;
  if (rateLimit !== undefined) trace.rateLimit = rateLimit;
}

export function noteRelease(
  c: GatewayContext,
  release: VerifiedRelease,
  failure: Failure | undefined,
  stages: readonly StageEvent[] | undefined,
): void {
  const trace = c.get('trace');
  trace.bank = release.bank;
  trace.release = release.number;
  trace.artifact = release.artifact;
  if (stages !== undefined) trace.stages = stages;
  if (failure !== undefined) {
    trace.failure = failure.code;
    trace.failureDetail = failure.detail;
  }
}

/** The `host` header, or what the URL says where a runtime keeps it there alone. */
export function hostOf(c: GatewayContext): string {
  return c.req.header('host') ?? new URL(c.req.raw.url).host;
}

export function keepAlive(c: GatewayContext, work: Parameters<WaitUntil>[0]): void {
  try {
    c.executionCtx.waitUntil(work);
  } catch {
    // Hono throws where the runtime has no such thing: there, work goes on by itself.
  }
}
