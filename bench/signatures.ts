// `npm run bench:signatures`: what it costs to know who asks. The same request to the gateway in this process, without
// sockets: open, with an API key, and signed (RFC 9421, Ed25519), interleaved in one run, so that each is compared with
// the others on the same machine at the same time. The sandbox answers at once: all else is the gateway's. Beside them
// one Ed25519 verification alone, of Node's and of Web Crypto's, as the unit that another machine can compare. Exits with 1 where a signature adds more
// than the target.

import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';

import { parseRequestKey } from '../src/artifact/request-key.ts';
import { generateReleaseKeys, parseSigningKey, trustOnly } from '../src/artifact/release-keys.ts';
import { createProcessorVerifier } from '../src/artifact/verify-processor.ts';
import { createNodeHmac, nodePrimitives } from '../src/entry/node-crypto.ts';
import { createGateway, type GatewayDeps } from '../src/gateway/app.ts';
import { addProcessor } from '../src/publisher/processors/change-keys.ts';
import { createMemoryStore } from '../src/store/memory.ts';
import {
  APPROVE,
  encodeRelease,
  makeBody,
  makeRelease,
  readPlain,
  verifyUnsigned,
} from '../test/fixtures/gateway-parts.ts';
import { signRequest } from '../test/fixtures/processors.ts';
import { hexOf, sha256 } from '../src/artifact/digest.ts';
import { artifactKey, currentReleaseKey } from '../src/store/keys.ts';
import { percentile, table } from './statistics.ts';

const ROUNDS = Number(process.argv[2] ?? 100);
const WARM_UP_ROUNDS = 10;
/** Requests a sample: the clock of the processor's time is too coarse for one. */
const BLOCK = 50;
/** Most that a signature may add to a request, milliseconds. */
const TARGET_MS = 0.3;

const URL = 'http://pay.example/v1/validate';
const BODY = JSON.stringify(makeBody());
const HEADERS = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(BODY)) };
const clock = (): number => Date.now();

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const requestKey = await parseRequestKey(JSON.stringify(publicKey.export({ format: 'jwk' })));
const signingKey = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
const trustedKeys = trustOnly(signingKey);
const store = createMemoryStore();
const desk = { store, audience: 'test', trustedKeys, signingKey, clock };
const added = await addProcessor(desk, 'acme', {
  name: 'Acme',
  banks: ['meridian'],
  tier: 'standard',
  apiKey: true,
  publicKeys: [requestKey],
  random: randomBytes,
});
if (!added.ok) throw new Error(JSON.stringify(added.refusals));
const artifactBytes = new TextEncoder().encode('artifact of meridian');
const artifact = await sha256(artifactBytes);
const nowS = Math.floor(clock() / 1000);
const release = makeRelease({ artifact, notBeforeS: nowS, notAfterS: nowS + 86_400 });
await store.put(artifactKey(hexOf(artifact)), artifactBytes, { kind: 'absent' });
await store.put(currentReleaseKey('meridian'), encodeRelease(release), { kind: 'absent' });

function makeGateway(callers: GatewayDeps['callers']) {
  return createGateway({
    store,
    clock,
    verifyRelease: verifyUnsigned,
    readArtifact: readPlain,
    sandbox: { call: async () => APPROVE, callSeveral: async () => [APPROVE] },
    callers,
    seedKey: new Uint8Array(32),
    hmac: createNodeHmac(),
    baseDomains: ['pay.example'],
    log: () => {},
  });
}

const open = makeGateway('open');
const guarded = makeGateway({
  verifyProcessor: createProcessorVerifier({ trustedKeys, audience: 'test', clock }),
  rateLimiter: { has: () => true, take: () => ({ allowed: true }) },
  primitives: nodePrimitives,
});

async function ask(gateway: typeof open, request: Request): Promise<void> {
  const response = await gateway.fetch(request);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
}

/** What client and server do is not counted: each request is signed and made before its time begins. */
function signNow(components: readonly string[]): Record<string, string> {
  const keyid = `acme/${requestKey.id}`;
  const createdS = Math.floor(clock() / 1000);
  return signRequest({ url: URL, body: BODY, headers: HEADERS }, { privateKey, keyid, createdS, components });
}

const apiKey = { authorization: `Bearer ${added.value.apiKey?.text}` };
const FEWEST = ['@method', '@target-uri', 'content-digest'];
const MANY = ['@method', '@authority', '@path', '@query', 'content-digest', 'content-type', 'content-length'];
const message = randomBytes(300);
const signature = sign(null, message, privateKey);
const verifyKey = await crypto.subtle.importKey(
  'jwk',
  { kty: 'OKP', crv: 'Ed25519', x: requestKey.x },
  'Ed25519',
  false,
  ['verify'],
);

interface Subject {
  readonly title: string;
  readonly headers?: () => Record<string, string>;
  readonly work: (request: Request) => Promise<unknown>;
}

const SUBJECTS: readonly Subject[] = [
  { title: 'open', work: (request) => ask(open, request) },
  { title: 'API key', headers: () => apiKey, work: (request) => ask(guarded, request) },
  { title: 'signed, 3 components', headers: () => signNow(FEWEST), work: (request) => ask(guarded, request) },
  { title: 'signed, 7 components', headers: () => signNow(MANY), work: (request) => ask(guarded, request) },
  {
    title: 'one verification alone, Node',
    work: async () => verify(null, message, publicKey, signature),
  },
  {
    title: 'one verification alone, Web Crypto',
    work: () => crypto.subtle.verify('Ed25519', verifyKey, signature, message),
  },
];

function makeRequest({ headers = () => ({}) }: Subject): Request {
  return new Request(URL, { method: 'POST', headers: { ...HEADERS, ...headers() }, body: BODY });
}

/** Milliseconds of the processor's time, in all threads: what a busy machine does besides is not in it. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const samples = SUBJECTS.map(() => [] as number[]);
for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
  // Each is first in turn: what ran before leaves its mark on what comes after.
  for (const offset of SUBJECTS.keys()) {
    const index = (round + WARM_UP_ROUNDS + offset) % SUBJECTS.length;
    const subject = SUBJECTS[index];
    if (subject === undefined) continue;
    const requests = Array.from({ length: BLOCK }, () => makeRequest(subject));
    const startedAt = processorMs();
    for (const request of requests) await subject.work(request);
    if (round >= 0) samples[index]?.push((processorMs() - startedAt) / BLOCK);
  }
}

// The fastest tenth of the blocks: what neighbours on the machine add is not the gateway's.
const costs = samples.map((each) => percentile(each, 0.1));
const [base = Number.NaN, , fewest = Number.NaN, many = Number.NaN] = costs;
const unit = costs[4] ?? Number.NaN;
console.log(
  table(
    ['Node, processor time, one at a time, p10', 'ms', 'more than open, ms', '/ open', '/ verification'],
    SUBJECTS.map(({ title }, index) => {
      const ms = costs[index] ?? Number.NaN;
      const isRequest = index < 4;
      return [
        title,
        ms.toFixed(3),
        isRequest ? (ms - base).toFixed(3) : '',
        isRequest ? (ms / base).toFixed(2) : '',
        (ms / unit).toFixed(2),
      ];
    }),
  ),
);
const most = Math.max(fewest, many) - base;
const isWithin = most <= TARGET_MS;
console.log(
  `\nTarget: a signature adds at most ${TARGET_MS} ms: ${isWithin ? 'met' : 'missed'} (${most.toFixed(3)} ms).`,
);
if (!isWithin) process.exitCode = 1;
