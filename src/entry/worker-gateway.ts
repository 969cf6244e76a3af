// What the gateways in workerd have in common: everything but their store.

import type { CacheStorage, WorkerLoader } from '@cloudflare/workers-types';
import { env, waitUntil } from 'cloudflare:workers';
import childSource from 'wasmpay:child';

import { readArtifact } from '../artifact/artifact.ts';
import { parseTrustedKeys } from '../artifact/release-keys.ts';
import { createProcessorVerifier } from '../artifact/verify-processor.ts';
import { createReleaseVerifier } from '../artifact/verify-release.ts';
import { createGateway } from '../gateway/app.ts';
import type { Access } from '../gateway/authenticate.ts';
import { createWorkerdSandbox } from '../sandbox/workerd/loader.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { WorkerConfig } from './worker-config.ts';
import { createKeptAnswerStore } from './worker-kept-answer-store.ts';
import { createWorkerMirror } from './worker-mirror.ts';
import { createBindingLimiter } from './worker-rate-limit.ts';

/** The gateway over `store`. Throws `config_invalid` or `key_invalid` where a value of the configuration is no good. */
export async function createWorkerGateway(
  config: WorkerConfig,
  store: ObjectStore,
): Promise<{ fetch(request: Request, env?: unknown, context?: unknown): Response | Promise<Response> }> {
  const { audience, callers, maxIsolates, baseDomains, freshness, rations, deadlines, chain } = config;
  const clock = (): number => Date.now();
  const trustedKeys = await parseTrustedKeys(config.trustedKeys);
  const access: Access = {
    verifyProcessor: createProcessorVerifier({
      trustedKeys,
      audience,
      clock,
      minimumNumbers: config.minimumProcessors,
    }),
    rateLimiter: createBindingLimiter(config.rateTiers),
    signatureWindowS: config.signatureWindowS,
  };
  const gateway = createGateway({
    store,
    clock,
    verifyRelease: createReleaseVerifier({
      trustedKeys,
      audience,
      clock,
      minimumNumbers: config.minimumReleases,
    }),
    readArtifact,
    sandbox: createWorkerdSandbox({
      loader: env['LOADER'] as WorkerLoader,
      childSource,
      clock,
      waitUntil,
      ...(maxIsolates !== undefined && { maxIsolates }),
    }),
    artifactMirror: createWorkerMirror((caches as unknown as CacheStorage).default),
    freshness,
    rations,
    deadlines,
    // Not a queue of all requests: in Workers a promise belongs to the request that made it.
    breathe: () => new Promise((resolve) => setTimeout(resolve, 0)),
    ...(chain !== undefined && { chain }),
    callers: callers === 'open' ? 'open' : access,
    seedKey: new TextEncoder().encode(config.seedKey),
    baseDomains,
    log: (event) => console.log(JSON.stringify(event)),
    ...(config.keptAnswers !== undefined && {
      idempotencyStore: createKeptAnswerStore(config.keptAnswers),
    }),
  });
  return { fetch: gateway.fetch };
}
