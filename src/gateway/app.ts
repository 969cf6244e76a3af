// The gateway's HTTP surface: routes, the order of the checks, the answers and one log event a request. Everything
// with a rule of its own lives beside it.

import { Hono } from 'hono';

import type { Artifact } from '../artifact/artifact.ts';
import type { Digest } from '../artifact/digest.ts';
import type { VerifiedRelease } from '../artifact/release.ts';
import type { Clock } from '../core/clock.ts';
import { WasmpayError } from '../core/error.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { createArtifactCache, type ArtifactMirror } from './artifact-cache.ts';
import { createDoor, openDoor, type Access } from './authenticate.ts';
import { createBankAsker } from './ask-bank.ts';
import { createValidateBatch } from './batch/validate-batch.ts';
import { createBreath, type Breathe } from './breathe.ts';
import { createBankAddressReader } from './bank-address.ts';
import { createChainDecider, type Chain } from './chain.ts';
import { DEFAULT_DEADLINES, type DeadlineRules } from './deadline.ts';
import {
  JSON_HEADERS,
  keepAlive,
  refuse,
  type GatewayContext,
  type GatewayEnv,
  type Trace,
} from './context.ts';
import { createDecider } from './decide.ts';
import type { GatewayEvent } from './event.ts';
import { DEFAULT_FRESHNESS, type Freshness } from './freshness.ts';
import { createGovernor, DEFAULT_RATIONS, type Rations } from './governor.ts';
import { respondWithDocument, respondWithPage } from './openapi/answers.ts';
import { createIdempotency, type IdempotencyStore } from './idempotency.ts';
import { createIdempotentAnswers } from './idempotent-answers.ts';
import type { Problem } from './problem.ts';
import { createProcessorCache } from './processor-cache.ts';
import { createReadiness } from './readiness.ts';
import { createReception } from './reception.ts';
import { createReleaseCache } from './release-cache.ts';
import { createSeeder, type Hmac } from './seed.ts';
import type { Stopwatch } from './server-timing.ts';
import { createSingleFlight } from './single-flight.ts';
import { runtimeTimer, type Timer } from './timer.ts';
import { createValidate } from './validate.ts';

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
  /** Where answers are kept for requests with an `Idempotency-Key`; without one, those are refused. */
  readonly idempotencyStore?: IdempotencyStore;
  /** Whether this gateway is about to end, and wants no more traffic. Defaults to never. */
  readonly isDraining?: () => boolean;
  /** Defaults to {@link DEFAULT_RATIONS}. */
  readonly rations?: Partial<Rations>;
  /** Whose banks are asked. Defaults to the destination's alone. */
  readonly chain?: Chain;
  /** Defaults to {@link DEFAULT_DEADLINES}. */
  readonly deadlines?: DeadlineRules;
  /** Defaults to the runtime's. */
  readonly timer?: Timer;
  /** Defaults to a turn of the runtime's timers. */
  readonly breathe?: Breathe;
  /** Measures what callers are told of. Defaults to the runtime's. */
  readonly stopwatch?: Stopwatch;
}

/** The gateway. Throws `config_invalid` on base domains or a seed key that are none. */
export function createGateway(deps: GatewayDeps): Hono<GatewayEnv> {
  const { store, clock, callers } = deps;
  const freshness = { ...DEFAULT_FRESHNESS, ...deps.freshness };
  const timer = deps.timer ?? runtimeTimer;
  const stopwatch = deps.stopwatch ?? ((): number => performance.now());
  const breathe = deps.breathe ?? createBreath((go) => setTimeout(go, 0));
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
  const reception = createReception({
    door,
    readAddress: createBankAddressReader(deps.baseDomains),
    deadlines: deps.deadlines ?? DEFAULT_DEADLINES,
    readBytes: deps.readBytes,
    clock,
    stopwatch,
    timer,
  });
  const asker = createBankAsker({
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
    breathe,
  });

  const { chain } = deps;
  const decide = chain === undefined ? createDecider(asker) : createChainDecider(asker, chain, clock);

  const probes = createSingleFlight<void>({
    clock,
    timer,
    waitMs: freshness.storeWaitMs,
    lifetimeMs: freshness.readLifetimeMs,
  });
  const readiness = createReadiness(store, probes, deps.isDraining ?? (() => false));

  const validateBatch = createValidateBatch({ reception, asker, chain, clock, timer, breathe, onEvent: log });
  const idempotentAnswers = createIdempotentAnswers(
    deps.idempotencyStore === undefined
      ? undefined
      : createIdempotency({
          store: deps.idempotencyStore,
          seedKey: deps.seedKey,
          hmac: deps.hmac,
          timer,
          onEvent: log,
        }),
  );
  const validate = createValidate(reception, decide, idempotentAnswers, stopwatch, chain);

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
  app.all('/v1/validate/batch', (c) => {
    c.get('trace').route = '/v1/validate/batch';
    return c.req.method === 'POST' ? validateBatch(c) : refuse(c, notAllowed('POST'));
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

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function isRead(c: GatewayContext): boolean {
  return c.req.method === 'GET' || c.req.method === 'HEAD';
}

function notAllowed(allow: string): Problem {
  return { code: 'method_not_allowed', headers: { allow } };
}

function hasEscapes(url: string): boolean {
  const query = url.indexOf('?');
  return (query === -1 ? url : url.slice(0, query)).includes('%');
}

/** The frames of a trace without its first lines, which hold the message. */
function framesOf(error: Error): string {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at \S/.test(line))
    .slice(0, 8)
    .join('\n');
}
