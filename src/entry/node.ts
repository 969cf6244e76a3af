// The gateway on Node: reads the environment, assembles, serves until it is told to end. A gateway whose configuration
// has a fault does not start, and says every fault at once.

import { stat } from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';

import { readArtifact } from '../artifact/artifact.ts';
import { parseTrustedKeys } from '../artifact/release-keys.ts';
import { createProcessorVerifier } from '../artifact/verify-processor.ts';
import { createReleaseVerifier } from '../artifact/verify-release.ts';
import { WasmpayError } from '../core/error.ts';
import { createGateway } from '../gateway/app.ts';
import type { Access } from '../gateway/authenticate.ts';
import { createBreath } from '../gateway/breathe.ts';
import type { IdempotencyStore } from '../gateway/idempotency.ts';
import { createTokenBuckets } from '../gateway/rate-limit.ts';
import { createNodeSandbox } from '../sandbox/node/node-sandbox.ts';
import { openStore, parseStoreAddress } from '../store/store-address.ts';
import { openKeptAnswers } from './kept-answers.ts';
import { serveKeptAnswers } from './kept-answers-thread.ts';
import { createLineLog } from './line-log.ts';
import { readNodeBody } from './node-body.ts';
import { createNodeHmac, nodePrimitives } from './node-crypto.ts';
import { parseNodeConfig, type NodeConfig } from './node-config.ts';
import { startNodeServer } from './node-server.ts';
import { startNodeTimer } from './node-timer.ts';

try {
  // One file is all of a deployment: the thread that keeps answers runs it too.
  await (isMainThread ? serve() : serveKeptAnswers());
} catch (error) {
  if (!(error instanceof WasmpayError)) throw error;
  console.error(`wasmpay: ${error.message}`);
  process.exitCode = 2;
}

async function serve(): Promise<void> {
  const config = parseNodeConfig(process.env);
  await requireDirectory(config.store);
  const clock = (): number => Date.now();
  const trustedKeys = await parseTrustedKeys(config.trustedKeys);
  const { audience } = config;
  const access: Access = {
    verifyProcessor: createProcessorVerifier({
      trustedKeys,
      audience,
      clock,
      minimumNumbers: config.minimumProcessors,
    }),
    rateLimiter: createTokenBuckets(config.rateTiers, clock),
    primitives: nodePrimitives,
    signatureWindowS: config.signatureWindowS,
    publicScheme: config.publicScheme,
  };
  // Whoever reads the log may go away; unheard, the error of the next write would end the process.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const log = createLineLog((lines) => console.log(lines));
  process.on('exit', () => log.flush());
  const idempotencyStore = await openIdempotencyStore(config);
  let isDraining = false;
  const gateway = createGateway({
    store: openStore(config.store),
    clock,
    verifyRelease: createReleaseVerifier({
      trustedKeys,
      audience,
      clock,
      minimumNumbers: config.minimumReleases,
    }),
    readArtifact,
    sandbox: createNodeSandbox(),
    callers: config.callers === 'open' ? 'open' : access,
    seedKey: new TextEncoder().encode(config.seedKey),
    hmac: createNodeHmac(),
    baseDomains: config.baseDomains,
    freshness: config.freshness,
    rations: config.rations,
    deadlines: config.deadlines,
    ...(config.chain !== undefined && { chain: config.chain }),
    timer: startNodeTimer,
    breathe: createBreath(setImmediate),
    isDraining: () => isDraining,
    readBytes: readNodeBody,
    log: (event) => log.write(JSON.stringify(event)),
    ...(idempotencyStore !== undefined && { idempotencyStore }),
  });
  // Before anyone can know that it runs: a signal without a handler ends the process.
  const told = untilSignal();
  const server = await startNodeServer(
    (request, env) => gateway.fetch(request, env),
    config.host,
    config.port,
  );
  const who = config.callers === 'open' ? '; open: anyone on this machine may ask' : '';
  console.error(`wasmpay gateway  ${server.url}${who}`);
  const signal = await told;
  isDraining = true;
  // Told twice means now.
  void untilSignal().then(() => process.exit(1));
  console.error(`wasmpay gateway  ends on ${signal}: answers what came`);
  await server.end(config.drainMs);
  process.exit(0);
}

/** Where answers are kept, and on standard error what that promises. Throws `config_invalid`. */
async function openIdempotencyStore({ keptAnswers }: NodeConfig): Promise<IdempotencyStore | undefined> {
  if (keptAnswers === undefined) return undefined;
  const store = await openKeptAnswers({
    ...keptAnswers,
    script: new URL(import.meta.url),
    onFault: (message) => console.error(`wasmpay gateway  kept answers: ${message}`),
  });
  console.error(
    `wasmpay gateway  answers are kept in ${keptAnswers.file}: Idempotency-Key holds for this host alone`,
  );
  return store;
}

/** A folder that is not there would read as one without banks. Throws `config_invalid`. */
async function requireDirectory(address: string): Promise<void> {
  const store = parseStoreAddress(address);
  if (store.kind !== 'file') return;
  const found = await stat(store.directory).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new WasmpayError('config_invalid', `WASMPAY_STORE: ${store.directory} is no folder`);
}

function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
}
