// The gateway's HTTP surface: routes, the order of the checks, the answers and one log event a request. Everything
// with a rule of its own lives beside it.

import { Hono, type Context } from 'hono';

import type { Artifact } from '../artifact/artifact.ts';
import type { Digest } from '../artifact/digest.ts';
import type { VerifiedRelease } from '../artifact/release.ts';
import { slugOf } from '../core/bank.ts';
import type { Clock } from '../core/clock.ts';
import type { DecisionBody } from '../core/decision.ts';
import { WasmpayError } from '../core/error.ts';
import type { Failure } from '../core/failure.ts';
import { parseJson, type JsonFault } from '../core/json.ts';
import { parseTransaction } from '../core/parse-transaction.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { createArtifactCache, type ArtifactMirror } from './artifact-cache.ts';
import { createDoor, openDoor, type Access, type Admission, type Caller } from './authenticate.ts';
import { createBankAddressReader } from './bank-address.ts';
import {
  awaitAtMost,
  DEADLINE_HEADER,
  DEFAULT_DEADLINES,
  LEAST_DEADLINE_MS,
  parseDeadline,
  startDeadline,
  type DeadlineRules,
} from './deadline.ts';
import { createDecider, type Attempt, type DecideResult } from './decide.ts';
import type { GatewayEvent, RequestEvent } from './event.ts';
import { DEFAULT_FRESHNESS, type Freshness } from './freshness.ts';
import { createGovernor, DEFAULT_RATIONS, type Rations } from './governor.ts';
import { respondWithDocument, respondWithPage } from './openapi/answers.ts';
import { RESPONSE_HEADERS, respondWithProblem, type Problem } from './problem.ts';
import { createProcessorCache } from './processor-cache.ts';
import { createReadiness } from './readiness.ts';
import { readBody } from './read-body.ts';
import { createReleaseCache } from './release-cache.ts';
import { createSeeder, type Hmac } from './seed.ts';
import { formatServerTiming, type Stopwatch } from './server-timing.ts';
import { createSingleFlight } from './single-flight.ts';
import { runtimeTimer, type Timer, type WaitUntil } from './timer.ts';

/** Everything that a gateway is made of. */
export interface GatewayDeps {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** Throws `release_invalid`; also where a configured minimum number per bank is enforced. */
  readonly verifyRelease: (token: Uint8Array, slug: string) => Promise<VerifiedRelease>;
  /** Throws `artifact_invalid` or `manifest_invalid`. */
  readonly readArtifact: (bytes: Uint8Array<ArrayBuffer>, digest: Digest) => Promise<Artifact>;
  readonly sandbox: Sandbox;
  /** Who may ask: processors with a record in the store, or anybody, which must be said in so many words. */
  readonly callers: Access | 'open';
  /** Secret, at least 32 bytes: what guests' random numbers come from. */
  readonly seedKey: Uint8Array;
  /** Defaults to Web Crypto's. */
  readonly hmac?: Hmac;
  /** Domains whose subdomains are banks: `pay.example`, `localhost`. */
  readonly baseDomains: readonly string[];
  /** The bytes of a request's body; `env` is what the runtime hands in with it. Defaults to `Request`'s own. */
  readonly readBytes?: (request: Request, env: unknown) => Promise<Uint8Array>;
  /** Takes every event; what it throws is ignored. */
  readonly log: (event: GatewayEvent) => void;
  /** Defaults to {@link DEFAULT_FRESHNESS}. */
  readonly freshness?: Partial<Freshness>;
  /** Where instances share artifacts, if anywhere. */
  readonly artifactMirror?: ArtifactMirror;
  /** Whether this gateway is about to end, and wants no more traffic. Defaults to never. */
  readonly isDraining?: () => boolean;
  /** Defaults to {@link DEFAULT_RATIONS}. */
  readonly rations?: Partial<Rations>;
  /** Defaults to {@link DEFAULT_DEADLINES}. */
  readonly deadlines?: DeadlineRules;
  /** Defaults to the runtime's. */
  readonly timer?: Timer;
  /** Measures what callers are told of. Defaults to the runtime's. */
  readonly stopwatch?: Stopwatch;
}

/** What a request's handler adds to its log event. */
type Trace = { -readonly [K in keyof RequestEvent]?: RequestEvent[K] };

export interface GatewayEnv {
  Variables: { trace: Trace };
}

type GatewayContext = Context<GatewayEnv>;

/** What a request is answered with. */
type Answer = DecideResult | { readonly kind: 'problem'; readonly problem: Problem };

/** A request on its way: how far it came decides what is answered where its deadline ends. */
interface Inquiry extends Attempt {
  /** Whether it is proven who asks, by the body that came too where that is signed. */
  isProven?: boolean;
  isReadingBody?: boolean;
}

/** The gateway. Throws `config_invalid` on base domains or a seed key that are none. */
export function createGateway(deps: GatewayDeps): Hono<GatewayEnv> {
  const { store, clock, callers, readBytes, deadlines = DEFAULT_DEADLINES } = deps;
  const freshness = { ...DEFAULT_FRESHNESS, ...deps.freshness };
  const timer = deps.timer ?? runtimeTimer;
  const stopwatch = deps.stopwatch ?? ((): number => performance.now());
  const log = (event: GatewayEvent): void => {
    try {
      deps.log(event);
    } catch {
      // A log that fails must not fail a payment.
    }
  };
  const shared = { store, clock, timer, freshness, onEvent: log };
  const door =
    callers === 'open'
      ? openDoor
      : createDoor(
          createProcessorCache({ ...shared, verify: callers.verifyProcessor }),
          callers,
          clock,
          timer,
        );
  const readAddress = createBankAddressReader(deps.baseDomains);
  const decide = createDecider({
    releases: createReleaseCache({ ...shared, verify: deps.verifyRelease }),
    artifacts: createArtifactCache({
      ...shared,
      readArtifact: deps.readArtifact,
      ...(deps.artifactMirror !== undefined && { mirror: deps.artifactMirror }),
    }),
    sandbox: deps.sandbox,
    governor: createGovernor(clock, { ...DEFAULT_RATIONS, ...deps.rations }),
    seeder: createSeeder(deps.seedKey, deps.hmac),
    clock,
    stopwatch,
  });

  const probes = createSingleFlight<void>({
    clock,
    timer,
    waitMs: freshness.storeWaitMs,
    lifetimeMs: freshness.readLifetimeMs,
  });
  const readiness = createReadiness(store, probes, deps.isDraining ?? (() => false));

  const badDeadline = problem({
    code: 'invalid_deadline',
    details: {
      detail: `Wasmpay-Deadline-Ms is a whole number from ${LEAST_DEADLINE_MS} to ${deadlines.longestMs}`,
    },
  });

  const inquire = async (
    c: GatewayContext,
    inquiry: Inquiry,
    isDeadlineGood: boolean,
    pathBank: string | undefined,
  ): Promise<Answer> => {
    const { deadline, timing } = inquiry;
    const waitUntil: WaitUntil = (work) => keepAlive(c, work);
    const host = hostOf(c);
    const { method, url, headers } = c.req.raw;
    const admission = await door({ method, url, host, headers }, waitUntil, deadline);
    timing.auth = stopwatch() - timing.startedAtMs;
    if ('caller' in admission) {
      inquiry.isProven = admission.caller.means !== 'signature';
      noteCaller(c, admission.caller);
    }
    if (admission.kind !== 'admitted') return problem(describeRefusal(admission));
    if (!isDeadlineGood) return badDeadline;
    const { caller } = admission;
    const address = readAddress(host, pathBank);
    if (address.kind !== 'named' && address.kind !== 'unnamed') return problem({ code: address.kind });
    if (address.kind === 'named' && !caller.mayAskAbout(address.slug)) return problem({ code: 'forbidden' });
    if (deadline.isOver()) return answerLate(inquiry);
    inquiry.isReadingBody = true;
    const body = await readBody(
      c.req.raw,
      readBytes === undefined ? undefined : (request) => readBytes(request, c.env),
    );
    if (!body.ok) return problem(body.problem);
    if (deadline.isOver()) return answerLate(inquiry);
    inquiry.isReadingBody = false;
    if (!(await caller.sentBody(body.text))) return problem(UNAUTHENTICATED);
    inquiry.isProven = true;
    const json = parseJson(body.text);
    if (!json.ok) return problem(describeMalformed(json.fault));
    const parsed = parseTransaction(json.value);
    if (!parsed.ok) return problem({ code: 'invalid_transaction', details: { errors: parsed.faults } });
    const { transaction } = parsed;
    const destination = slugOf(transaction.destination.id);
    if (destination === undefined || (address.kind === 'named' && address.slug !== destination)) {
      return problem(BANK_MISMATCH);
    }
    if (!caller.mayAskAbout(destination)) return problem({ code: 'forbidden' });
    return decide(destination, transaction, waitUntil, inquiry);
  };

  const validate = async (c: GatewayContext, pathBank?: string): Promise<Response> => {
    const deadlineMs = parseDeadline(c.req.raw.headers.get(DEADLINE_HEADER), deadlines);
    const deadline = startDeadline(deadlineMs ?? deadlines.defaultMs, clock);
    const inquiry: Inquiry = { deadline, timing: { startedAtMs: stopwatch() } };
    const work = inquire(c, inquiry, deadlineMs !== undefined, pathBank);
    const answer = await awaitAtMost(work, deadline.totalMs, timer, () => {
      // Its ends are to be tied up: who waits for the same bank's call must hear of its end.
      keepAlive(c, work.catch(ignore));
      return answerLate(inquiry);
    });
    const timing = inquiry.isProven === true ? formatServerTiming(inquiry.timing, stopwatch()) : undefined;
    if ('release' in answer) noteRelease(c, answer.release, answer.failure);
    // Nobody gets a decision without that proof.
    if (answer.kind === 'decided') return respondWithDecision(c, answer.body, timing ?? '');
    const { headers, ...said } = answer.kind === 'problem' ? answer.problem : { code: answer.kind };
    return refuse(c, {
      ...said,
      headers: { ...headers, ...(timing !== undefined && { 'server-timing': timing }) },
    });
  };

  const app = new Hono<GatewayEnv>();
  app.use(async (c, next) => {
    const startedAtMs = clock();
    const trace: Trace = {};
    c.set('trace', trace);
    await next();
    log({
      event: 'request',
      method: METHODS.has(c.req.method) ? c.req.method : 'other',
      route: 'unmatched',
      status: c.res.status,
      durationMs: clock() - startedAtMs,
      ...trace,
    });
  });
  app.all('/v1/validate', (c) => {
    c.get('trace').route = '/v1/validate';
    return c.req.method === 'POST' ? validate(c) : refuse(c, notAllowed('POST'));
  });
  app.all('/v1/banks/:bank/validate', (c) => {
    c.get('trace').route = '/v1/banks/:bank/validate';
    if (c.req.method !== 'POST') return refuse(c, notAllowed('POST'));
    // No id needs escaping: who escapes one tries something. The empty name is no bank's.
    return validate(c, hasEscapes(c.req.raw.url) ? '' : c.req.param('bank'));
  });
  app.all('/healthz', (c) => {
    c.get('trace').route = '/healthz';
    if (!isRead(c)) return refuse(c, notAllowed('GET, HEAD'));
    return new Response('{"status":"ok"}', { headers: JSON_HEADERS });
  });
  app.all('/readyz', async (c) => {
    c.get('trace').route = '/readyz';
    if (!isRead(c)) return refuse(c, notAllowed('GET, HEAD'));
    if (!(await readiness.isReady((work) => keepAlive(c, work)))) return refuse(c, { code: 'not_ready' });
    return new Response('{"status":"ready"}', { headers: JSON_HEADERS });
  });
  app.all('/openapi.json', (c) => {
    c.get('trace').route = '/openapi.json';
    return isRead(c) ? respondWithDocument() : refuse(c, notAllowed('GET, HEAD'));
  });
  app.all('/docs', (c) => {
    c.get('trace').route = '/docs';
    return isRead(c) ? respondWithPage() : refuse(c, notAllowed('GET, HEAD'));
  });
  app.notFound((c) => refuse(c, { code: 'not_found' }));
  app.onError((error, c) => {
    c.get('trace').error = error instanceof WasmpayError ? error.code : 'internal';
    c.get('trace').trace = framesOf(error);
    return refuse(c, { code: 'internal' });
  });
  return app;
}

const JSON_HEADERS = { ...RESPONSE_HEADERS, 'content-type': 'application/json' };

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

const UNAUTHENTICATED: Problem = { code: 'unauthenticated', headers: { 'www-authenticate': 'Bearer' } };

const BANK_MISMATCH: Problem = {
  code: 'bank_mismatch',
  details: {
    errors: [
      { pointer: '/destination/id', code: 'bank_mismatch', message: 'names another bank than the address' },
    ],
  },
};

function refuse(c: GatewayContext, problem: Problem): Response {
  c.get('trace').problem = problem.code;
  return respondWithProblem(problem);
}

function problem(problem: Problem): Answer {
  return { kind: 'problem', problem };
}

/** A fallback where a release says which one; else the caller's own slowness, or whatever kept us from a release. */
function answerLate({ giveUp, isReadingBody }: Inquiry): Answer {
  if (giveUp !== undefined) return giveUp();
  return problem({ code: isReadingBody === true ? 'request_timeout' : 'store_unavailable' });
}

function describeRefusal(admission: Exclude<Admission, { kind: 'admitted' }>): Problem {
  if (admission.kind === 'unauthenticated') return UNAUTHENTICATED;
  if (admission.kind === 'store_unavailable') return { code: 'store_unavailable' };
  return { code: 'rate_limited', headers: { 'retry-after': String(admission.retryAfterS) } };
}

function isRead(c: GatewayContext): boolean {
  return c.req.method === 'GET' || c.req.method === 'HEAD';
}

function notAllowed(allow: string): Problem {
  return { code: 'method_not_allowed', headers: { allow } };
}

/** A longer pointer is left out: it is made of names that the caller chose, and would only echo them. */
const MAX_POINTER_LENGTH = 256;

function describeMalformed(fault: JsonFault): Problem {
  const { message, offset, line, column, pointer } = fault;
  const errors =
    pointer === undefined || pointer.length > MAX_POINTER_LENGTH
      ? {}
      : { errors: [{ pointer, code: 'duplicate_member', message }] };
  return { code: 'malformed_json', details: { detail: message, offset, line, column, ...errors } };
}

function respondWithDecision(c: GatewayContext, body: DecisionBody, timing: string): Response {
  c.get('trace').decision = body.decision;
  c.get('trace').decidedBy = body.decided_by;
  return new Response(JSON.stringify(body), { headers: { ...JSON_HEADERS, 'server-timing': timing } });
}

function noteCaller(c: GatewayContext, { processor, key, means, rateLimit }: Caller): void {
  const trace = c.get('trace');
  if (processor !== undefined) trace.processor = processor;
  if (key !== undefined) trace.key = key;
  if (means !== undefined) trace.means = means;
  if (rateLimit !== undefined) trace.rateLimit = rateLimit;
}

function noteRelease(c: GatewayContext, release: VerifiedRelease, failure: Failure | undefined): void {
  const trace = c.get('trace');
  trace.bank = release.bank;
  trace.release = release.number;
  trace.artifact = release.artifact;
  if (failure !== undefined) {
    trace.failure = failure.code;
    trace.failureDetail = failure.detail;
  }
}

/** The `host` header, or what the URL says where a runtime keeps it there alone. */
function hostOf(c: GatewayContext): string {
  return c.req.header('host') ?? new URL(c.req.raw.url).host;
}

function hasEscapes(url: string): boolean {
  const query = url.indexOf('?');
  return (query === -1 ? url : url.slice(0, query)).includes('%');
}

function keepAlive(c: GatewayContext, work: Parameters<WaitUntil>[0]): void {
  try {
    c.executionCtx.waitUntil(work);
  } catch {
    // Hono throws where the runtime has no such thing: there, work goes on by itself.
  }
}

function ignore(): void {}

/** The frames of a trace without its first lines, which hold the message. */
function framesOf(error: Error): string {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at \S/.test(line))
    .slice(0, 8)
    .join('\n');
}
