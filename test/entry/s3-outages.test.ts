// The whole gateway on Node over an S3 server that misbehaves on command, with a real validator: what callers get, and that
// they get it within their deadline. test/gateway/outages.test.ts has the same with a clock in the test's hands.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { readArtifact } from '../../src/artifact/artifact.ts';
import { generateReleaseKeys, parseSigningKey, parseTrustedKeys } from '../../src/artifact/release-keys.ts';
import { createReleaseVerifier } from '../../src/artifact/verify-release.ts';
import { createGateway } from '../../src/gateway/app.ts';
import { DEFAULT_POLICY } from '../../src/publisher/policy.ts';
import { publishComponent } from '../../src/publisher/publish.ts';
import { createNodeSandbox } from '../../src/sandbox/node/node-sandbox.ts';
import { createS3Store } from '../../src/store/s3.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { makeBody } from '../fixtures/gateway-bed.ts';
import { startS3Server, type S3Fault } from '../fixtures/s3-server.ts';
import { SHARED_TOOLS } from '../fixtures/shared-tools.ts';

const AUDIENCE = 'test.example';
const DEADLINE_MS = 1_500;
/** What a loaded machine may add. */
const TOLERANCE_MS = 1_000;

const server = await startS3Server();
afterAll(() => server[Symbol.asyncDispose]());

let keys: Awaited<ReturnType<typeof generateReleaseKeys>>;

beforeAll(async () => {
  keys = await generateReleaseKeys();
  const published = await publishComponent({
    bankId: 'meridian',
    component: new Uint8Array(await validatorFromCoreWat()),
    store: createS3Store(server.options),
    signingKey: await parseSigningKey(JSON.stringify(keys.private)),
    audience: AUDIENCE,
    policy: DEFAULT_POLICY,
    tools: SHARED_TOOLS,
    clock: () => Date.now(),
    stopwatch: () => performance.now(),
  });
  expect(published.ok).toBe(true);
});

beforeEach(() => {
  server.fault = () => undefined;
});

/** A gateway that has cached nothing, and a way to let time pass. */
async function startGateway() {
  let offsetMs = 0;
  const clock = (): number => Date.now() + offsetMs;
  const trustedKeys = await parseTrustedKeys(JSON.stringify({ keys: [keys.public] }));
  const gateway = createGateway({
    store: createS3Store(server.options),
    clock,
    verifyRelease: createReleaseVerifier({ trustedKeys, audience: AUDIENCE, clock }),
    readArtifact,
    sandbox: createNodeSandbox(),
    callers: 'open',
    seedKey: new Uint8Array(32),
    baseDomains: ['localhost'],
    log: () => {},
  });
  return {
    pass: (ms: number) => {
      offsetMs += ms;
    },
    async ask(): Promise<{ said: string; retryAfter: string | null; waitedMs: number }> {
      const startedAt = performance.now();
      const response = await gateway.request('http://localhost/v1/validate', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(makeBody()),
      });
      const body = (await response.json()) as { decision?: string; failure?: string; code?: string };
      return {
        said: [response.status, body.decision ?? body.code, body.failure].filter(Boolean).join(' '),
        retryAfter: response.headers.get('retry-after'),
        waitedMs: performance.now() - startedAt,
      };
    },
  };
}

const otherRelease = (): Uint8Array =>
  server.objects.get([...server.objects.keys()].find((key) => key.startsWith('components/')) ?? '')?.bytes ??
  new Uint8Array();

const FAULTS: readonly (readonly [name: string, fault: () => S3Fault])[] = [
  ['answers 500', () => ({ kind: 'error', status: 500, code: 'InternalError' })],
  ['answers 503', () => ({ kind: 'error', status: 503, code: 'SlowDown' })],
  ['answers 403', () => ({ kind: 'error', status: 403, code: 'AccessDenied' })],
  ['breaks the connection', () => ({ kind: 'reset' })],
  ['sends half a body and breaks off', () => ({ kind: 'half', end: 'reset' })],
  ['sends half a body and falls silent', () => ({ kind: 'half', end: 'silence' })],
  ['never answers', () => ({ kind: 'hang' })],
  ['takes five seconds', () => ({ kind: 'slow', delayMs: 5_000 })],
  [
    'sends another object',
    () => ({ kind: 'answer', status: 200, headers: { etag: '"other"' }, body: otherRelease() }),
  ],
];

describe('a store that', () => {
  it.each(FAULTS)(
    '%s, with nothing cached: 503, in time, and a decision as soon as it is well',
    async (_, fault) => {
      const gateway = await startGateway();
      server.fault = fault;
      const answer = await gateway.ask();
      expect(answer).toMatchObject({ said: '503 store_unavailable', retryAfter: '1' });
      expect(answer.waitedMs).toBeLessThan(DEADLINE_MS + TOLERANCE_MS);
      server.fault = () => undefined;
      // A read that hangs is given up after ten seconds, and failed ones are not tried again for one.
      gateway.pass(11_000);
      expect((await gateway.ask()).said).toBe('200 approve');
    },
  );

  it.each(FAULTS)(
    '%s, when the release is half a minute old: the last good one decides',
    async (_, fault) => {
      const gateway = await startGateway();
      expect((await gateway.ask()).said).toBe('200 approve');
      gateway.pass(31_000);
      server.fault = fault;
      const answer = await gateway.ask();
      expect(answer.said).toBe('200 approve');
      expect(answer.waitedMs).toBeLessThan(DEADLINE_MS + TOLERANCE_MS);
    },
  );

  it.each(FAULTS)('%s for the artifact alone: the fallback, in time', async (_, fault) => {
    const gateway = await startGateway();
    server.fault = ({ key }) => (key.startsWith('artifacts/') ? fault() : undefined);
    const answer = await gateway.ask();
    expect(answer.said).toBe('200 deny load_failed');
    expect(answer.waitedMs).toBeLessThan(DEADLINE_MS + TOLERANCE_MS);
  });
});
