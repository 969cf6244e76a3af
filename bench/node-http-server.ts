// What bench/node-http measures, in a process of its own: the gateway on Node with the example validators released to it,
// and on another port of the same server code a Hono route that parses the same JSON and answers a constant.

import { join } from 'node:path';

import { Hono } from 'hono';

import { readArtifact } from '../src/artifact/artifact.ts';
import { generateReleaseKeys, parseSigningKey, parseTrustedKeys } from '../src/artifact/release-keys.ts';
import { createReleaseVerifier } from '../src/artifact/verify-release.ts';
import { buildValidator } from '../src/authoring/build-validator.ts';
import { createNodeHmac } from '../src/entry/node-hmac.ts';
import { startNodeServer } from '../src/entry/node-server.ts';
import { createGateway } from '../src/gateway/app.ts';
import { DEFAULT_POLICY } from '../src/publisher/policy.ts';
import { publishComponent } from '../src/publisher/publish.ts';
import { createNodeSandbox } from '../src/sandbox/node/node-sandbox.ts';
import { createMemoryStore } from '../src/store/memory.ts';
import { SHARED_TOOLS } from '../test/fixtures/shared-tools.ts';

const ROOT = join(import.meta.dirname, '..');
const AUDIENCE = 'bench';

const keys = await generateReleaseKeys();
const signingKey = await parseSigningKey(JSON.stringify(keys.private));
const trustedKeys = await parseTrustedKeys(JSON.stringify({ keys: [keys.public] }));
const clock = (): number => Date.now();
const store = createMemoryStore();
for (const name of ['icamer-assemblyscript', 'nordhaven-typescript']) {
  const { bank, component } = await buildValidator({
    directory: join(ROOT, 'examples/validators', name),
    outDirectory: join(ROOT, 'build/validators'),
  });
  const published = await publishComponent({
    bankId: bank,
    component,
    store,
    signingKey,
    audience: AUDIENCE,
    policy: DEFAULT_POLICY,
    tools: SHARED_TOOLS,
    clock,
    stopwatch: () => performance.now(),
  });
  if (!published.ok) throw new Error(JSON.stringify(published.refusals));
}

const gateway = createGateway({
  store,
  clock,
  verifyRelease: createReleaseVerifier({ trustedKeys, audience: AUDIENCE, clock }),
  readArtifact,
  sandbox: createNodeSandbox(),
  authenticator: async () => true,
  seedKey: new Uint8Array(32),
  hmac: createNodeHmac(),
  baseDomains: ['localhost'],
  log: () => {},
});

const baseline = new Hono();
baseline.post('/v1/validate', async (c) => {
  await c.req.json();
  return c.json({ decision: 'approve', transaction_id: 'txn_1', bank: 'icamer', decided_by: 'validator' });
});

const measured = await startNodeServer((request) => gateway.fetch(request), '127.0.0.1', 0);
const constant = await startNodeServer((request) => baseline.fetch(request), '127.0.0.1', 0);
process.on('disconnect', () => process.exit(0));
process.send?.({
  gateway: Number(new URL(measured.url).port),
  baseline: Number(new URL(constant.url).port),
});
