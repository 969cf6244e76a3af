// The gateway on Node in a process of its own, for benchmarks: started and told what to do by bench/node-gateway.ts. On
// another port the same server code has a Hono route that parses the same JSON and answers a constant.

import { Hono } from 'hono';

import { readArtifact } from '../src/artifact/artifact.ts';
import { generateReleaseKeys, parseSigningKey, parseTrustedKeys } from '../src/artifact/release-keys.ts';
import { createReleaseVerifier } from '../src/artifact/verify-release.ts';
import { createNodeHmac } from '../src/entry/node-hmac.ts';
import { startNodeServer } from '../src/entry/node-server.ts';
import { createGateway } from '../src/gateway/app.ts';
import { DEFAULT_POLICY } from '../src/publisher/policy.ts';
import { publishComponent } from '../src/publisher/publish.ts';
import { createNodeSandbox } from '../src/sandbox/node/node-sandbox.ts';
import { createMemoryStore } from '../src/store/memory.ts';
import type { ObjectStore } from '../src/store/object-store.ts';
import { SHARED_TOOLS } from '../test/fixtures/shared-tools.ts';

/** What the process can be told; it answers each of them with `null` or what is said here. */
export type Command =
  /** Releases a component to a bank. */
  | { readonly kind: 'publish'; readonly bank: string; readonly component: Uint8Array }
  /** Forgets everything: caches, compiled code, instances. */
  | { readonly kind: 'forget' }
  /** Answers each read from storage this much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** How many reads storage had since it was last asked. */
  | { readonly kind: 'reads' };

const AUDIENCE = 'bench';

const keys = await generateReleaseKeys();
const signingKey = await parseSigningKey(JSON.stringify(keys.private));
const trustedKeys = await parseTrustedKeys(JSON.stringify({ keys: [keys.public] }));
const clock = (): number => Date.now();
const inner = createMemoryStore();
let delayMs = 0;
let reads = 0;
const store: ObjectStore = {
  ...inner,
  async get(key, options) {
    reads += 1;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    return inner.get(key, options);
  },
};

function createFreshGateway() {
  return createGateway({
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
}

async function obey(command: Command): Promise<number | null> {
  if (command.kind === 'publish') await publish(command.bank, command.component);
  if (command.kind === 'forget') gateway = createFreshGateway();
  if (command.kind === 'delay') delayMs = command.ms;
  if (command.kind !== 'reads') return null;
  const counted = reads;
  reads = 0;
  return counted;
}

async function publish(bankId: string, component: Uint8Array): Promise<void> {
  const published = await publishComponent({
    bankId,
    component: new Uint8Array(component),
    store: inner,
    signingKey,
    audience: AUDIENCE,
    policy: DEFAULT_POLICY,
    tools: SHARED_TOOLS,
    clock,
    stopwatch: () => performance.now(),
  });
  if (!published.ok) throw new Error(JSON.stringify(published.refusals));
}

let gateway = createFreshGateway();
const baseline = new Hono();
baseline.post('/v1/validate', async (c) => {
  await c.req.json();
  return c.json({ decision: 'approve', transaction_id: 'txn_1', bank: 'icamer', decided_by: 'validator' });
});

const measured = await startNodeServer((request) => gateway.fetch(request), '127.0.0.1', 0);
const constant = await startNodeServer((request) => baseline.fetch(request), '127.0.0.1', 0);
process.on('disconnect', () => process.exit(0));
process.on('message', (command: Command) => {
  void obey(command).then((answer) => process.send?.({ answer }));
});
process.send?.({
  gateway: Number(new URL(measured.url).port),
  baseline: Number(new URL(constant.url).port),
});
