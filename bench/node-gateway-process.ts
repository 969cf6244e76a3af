// The gateway on Node in a process of its own, for benchmarks: started and told what to do by bench/node-gateway.ts. On
// two other ports there is a Hono route that parses the same JSON and answers a constant: on Hono's server for Node as it
// comes, and on the gateway's own.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { serve } from '@hono/node-server';
import { Hono } from 'hono';

import { readArtifact } from '../src/artifact/artifact.ts';
import { hexOf } from '../src/artifact/digest.ts';
import { generateReleaseKeys, parseSigningKey, parseTrustedKeys } from '../src/artifact/release-keys.ts';
import { createProcessorVerifier } from '../src/artifact/verify-processor.ts';
import { createReleaseVerifier } from '../src/artifact/verify-release.ts';
import { readNodeBody } from '../src/entry/node-body.ts';
import { startNodeTimer } from '../src/entry/node-timer.ts';
import { createNodeHmac, nodePrimitives } from '../src/entry/node-crypto.ts';
import { startNodeServer } from '../src/entry/node-server.ts';
import { createGateway, type GatewayDeps } from '../src/gateway/app.ts';
import { createBreath } from '../src/gateway/breathe.ts';
import type { Freshness } from '../src/gateway/freshness.ts';
import { createTokenBuckets } from '../src/gateway/rate-limit.ts';
import { DEFAULT_POLICY } from '../src/publisher/policy.ts';
import { addProcessor } from '../src/publisher/processors/change-keys.ts';
import { publishComponent, type Publication } from '../src/publisher/publish.ts';
import { createNodeSandbox } from '../src/sandbox/node/node-sandbox.ts';
import { artifactKey, currentReleaseKey } from '../src/store/keys.ts';
import { createMemoryStore } from '../src/store/memory.ts';
import type { ObjectStore } from '../src/store/object-store.ts';
import { SHARED_TOOLS } from '../test/fixtures/shared-tools.ts';
import { makeCopy, packCopy, readTemplate, type Template } from './banks-copies.ts';

/** What the process can be told; it answers each of them with `null` or what is said here. */
export type Command =
  /** Releases a component to a bank. */
  | { readonly kind: 'publish'; readonly bank: string; readonly component: Uint8Array }
  /** Gives each of `to` an artifact and a release of its own, copies of the ones last published to `bank`. */
  | { readonly kind: 'copy'; readonly bank: string; readonly to: readonly string[] }
  /** Forgets everything: caches, compiled code, instances. From then on artifacts are kept in this many bytes. */
  | { readonly kind: 'forget'; readonly artifactBudgetBytes?: number }
  /** Answers each read from storage this much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** How many reads storage had since it was last asked. */
  | { readonly kind: 'reads' }
  /** {@link Usage}. */
  | { readonly kind: 'usage' };

/** What the process uses now, and has read since it started. */
export interface Usage {
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Time of the processor since it started, milliseconds. */
  readonly processorMs: number;
  /** Reads of artifacts from storage. */
  readonly artifactReads: number;
}

export type AnswerTo<C extends Command> = C extends { readonly kind: 'usage' } ? Usage : number | null;

const AUDIENCE = 'bench';

const keys = await generateReleaseKeys();
const signingKey = await parseSigningKey(JSON.stringify(keys.private));
const trustedKeys = await parseTrustedKeys(JSON.stringify({ keys: [keys.public] }));
const clock = (): number => Date.now();
const inner = createMemoryStore();
let delayMs = 0;
let reads = 0;
let artifactReads = 0;
const publications = new Map<string, Publication>();
/** Artifacts that are packed when they are read, by their keys: what the process holds is the gateway's. */
const copies = new Map<string, { readonly template: Template; readonly bank: string }>();
const store: ObjectStore = {
  ...inner,
  async get(key, options) {
    reads += 1;
    if (key.startsWith(artifactKey(''))) artifactReads += 1;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const copy = copies.get(key);
    if (copy === undefined) return inner.get(key, options);
    return { kind: 'found', object: { key, bytes: await packCopy(copy.template, copy.bank), etag: key } };
  },
};

function createFreshGateway(callers: GatewayDeps['callers'], freshness: Partial<Freshness> = {}) {
  return createGateway({
    store,
    clock,
    verifyRelease: createReleaseVerifier({ trustedKeys, audience: AUDIENCE, clock }),
    readArtifact,
    sandbox: createNodeSandbox(),
    callers,
    seedKey: new Uint8Array(32),
    hmac: createNodeHmac(),
    baseDomains: ['localhost'],
    readBytes: readNodeBody,
    timer: startNodeTimer,
    breathe: createBreath(setImmediate),
    log: () => {},
    freshness,
  });
}

async function obey(command: Command): Promise<AnswerTo<Command>> {
  switch (command.kind) {
    case 'publish':
      await publish(command.bank, command.component);
      return null;
    case 'copy':
      await copy(command.bank, command.to);
      return null;
    case 'forget': {
      const { artifactBudgetBytes } = command;
      gateway = createFreshGateway('open', artifactBudgetBytes === undefined ? {} : { artifactBudgetBytes });
      return null;
    }
    case 'delay':
      delayMs = command.ms;
      return null;
    case 'reads': {
      const counted = reads;
      reads = 0;
      return counted;
    }
    case 'usage':
      break;
  }
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    residentBytes: rss,
    heapBytes: heapUsed,
    processorMs: (user + system) / 1_000,
    artifactReads,
  };
}

async function copy(from: string, to: readonly string[]): Promise<void> {
  const publication = publications.get(from);
  if (publication === undefined) throw new Error(`nothing was published to ${from}`);
  const template = await readTemplate(inner, publication);
  for (const bank of to) {
    const { slug, release, token } = await makeCopy(template, bank, signingKey);
    copies.set(artifactKey(hexOf(release.artifact)), { template, bank });
    await inner.put(currentReleaseKey(slug), token, { kind: 'absent' });
  }
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
  publications.set(bankId, published.value);
}

let gateway = createFreshGateway('open');
const guarded = createFreshGateway({
  verifyProcessor: createProcessorVerifier({ trustedKeys, audience: AUDIENCE, clock }),
  // The limit itself is not what is measured, its counting is.
  rateLimiter: createTokenBuckets(new Map([['standard', { requests: 1_000_000, perS: 1 }]]), clock),
  primitives: nodePrimitives,
});
const desk = { store: inner, signingKey, trustedKeys, audience: AUDIENCE, clock };
const added = await addProcessor(desk, 'bench', {
  name: 'Bench',
  banks: 'all',
  tier: 'standard',
  apiKey: true,
  publicKeys: [],
  random: randomBytes,
});
if (!added.ok) throw new Error(JSON.stringify(added.refusals));
const baseline = new Hono();
baseline.post('/v1/validate', async (c) => {
  await c.req.json();
  return c.json({ decision: 'approve', transaction_id: 'txn_1', bank: 'icamer', decided_by: 'validator' });
});

const measured = await startNodeServer((request, env) => gateway.fetch(request, env), '127.0.0.1', 0);
const measuredGuarded = await startNodeServer((request, env) => guarded.fetch(request, env), '127.0.0.1', 0);
const constant = await startNodeServer((request) => baseline.fetch(request), '127.0.0.1', 0);
const plain = serve({ fetch: baseline.fetch, hostname: '127.0.0.1', port: 0 });
if (!plain.listening) await once(plain, 'listening');
process.on('disconnect', () => process.exit(0));
process.on('message', (command: Command) => {
  void obey(command).then((answer) => process.send?.({ answer }));
});
process.send?.({
  gateway: Number(new URL(measured.url).port),
  guarded: Number(new URL(measuredGuarded.url).port),
  apiKey: added.value.apiKey?.text,
  baseline: (plain.address() as AddressInfo).port,
  ownBaseline: Number(new URL(constant.url).port),
});
