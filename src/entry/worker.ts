// The gateway in workerd: reads the environment, assembles, and nothing else. A gateway whose configuration has a fault
// throws here, at start, so that a deployment of it fails.

import type { CacheStorage, R2Bucket, WorkerLoader } from '@cloudflare/workers-types';
import { env, waitUntil } from 'cloudflare:workers';
import childSource from 'wasmpay:child';

import { readArtifact } from '../artifact/artifact.ts';
import { parseTrustedKeys } from '../artifact/release-keys.ts';
import { createReleaseVerifier } from '../artifact/verify-release.ts';
import { createGateway } from '../gateway/app.ts';
import { createAuthenticator } from '../gateway/authenticate.ts';
import { createWorkerdSandbox } from '../sandbox/workerd/loader.ts';
import { createR2Store } from '../store/r2.ts';
import { parseWorkerConfig } from './worker-config.ts';
import { createWorkerMirror } from './worker-mirror.ts';

const config = parseWorkerConfig(env);
const clock = (): number => Date.now();
const trustedKeys = await parseTrustedKeys(config.trustedKeys);

const gateway = createGateway({
  store: createR2Store(env['BUCKET'] as R2Bucket),
  clock,
  verifyRelease: createReleaseVerifier({ trustedKeys, audience: config.audience, clock }),
  readArtifact,
  sandbox: createWorkerdSandbox({ loader: env['LOADER'] as WorkerLoader, childSource, clock, waitUntil }),
  artifactMirror: createWorkerMirror((caches as unknown as CacheStorage).default),
  freshness: config.freshness,
  authenticator: createAuthenticator(config.callers === 'open' ? 'open' : { keyHashes: config.callers }),
  seedKey: new TextEncoder().encode(config.seedKey),
  baseDomains: config.baseDomains,
  log: (event) => console.log(JSON.stringify(event)),
});

export default { fetch: gateway.fetch };
