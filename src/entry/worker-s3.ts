// The gateway in workerd over an S3 store other than R2: reads the environment, assembles, and nothing else. It only
// reads the store, so its key needs no other right. A gateway whose configuration has a fault throws here, at start.

import type { CacheStorage, WorkerLoader } from '@cloudflare/workers-types';
import { env, waitUntil } from 'cloudflare:workers';
import childSource from 'wasmpay:child';

import { readArtifact } from '../artifact/artifact.ts';
import { parseTrustedKeys } from '../artifact/release-keys.ts';
import { createReleaseVerifier } from '../artifact/verify-release.ts';
import { createGateway } from '../gateway/app.ts';
import { createAuthenticator } from '../gateway/authenticate.ts';
import { createWorkerdSandbox } from '../sandbox/workerd/loader.ts';
import { createS3Store } from '../store/s3.ts';
import { createWorkerMirror } from './worker-mirror.ts';
import { parseS3WorkerConfig } from './worker-s3-config.ts';

const config = parseS3WorkerConfig(env);
const clock = (): number => Date.now();
const trustedKeys = await parseTrustedKeys(config.trustedKeys);

const gateway = createGateway({
  store: createS3Store({ location: config.location, credentials: config.credentials }),
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
