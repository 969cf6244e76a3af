// Deadlines on the real runtimes: a gateway's process on Node and one in workerd, over a store that is slow on command,
// asked over sockets. test/gateway/deadline.test.ts has every case, with time in the test's hands.

import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { validatorFromCoreWat } from '../fixtures/components.ts';
import { makeBody } from '../fixtures/gateway-bed.ts';
import { openTwoRuntimes, RUNTIMES } from '../fixtures/two-runtimes.ts';

const DEADLINE_MS = 300;
/** What storage takes where it is slow: far more than the deadline and what a loaded machine adds to it. */
const SLOW_MS = 1_500;

const runtimes = await openTwoRuntimes();
const { server } = runtimes;

afterAll(() => runtimes[Symbol.asyncDispose]());

beforeAll(async () => {
  const component = await validatorFromCoreWat();
  for (const bankId of ['meridian', 'other']) {
    // An artifact of its own for each bank: a custom section makes another component.
    await runtimes.publish(bankId, new Uint8Array([...component, 0, 2, 1, bankId.length]));
  }
});

interface Answer {
  readonly said: string;
  readonly timing: string;
  readonly waitedMs: number;
}

function open(port: number, bank: string, headers: Record<string, string> = {}): ClientRequest {
  return request({
    host: '127.0.0.1',
    port,
    path: '/v1/validate',
    method: 'POST',
    headers: {
      host: `localhost:${port}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(bodyFor(bank)),
      ...headers,
    },
    agent: false,
  });
}

const bodyFor = (bank: string): string =>
  JSON.stringify(makeBody({ destination: { id: bank, name: 'n', country: 'DE', currency: 'EUR' } }));

async function hear(sent: ClientRequest): Promise<Answer> {
  const startedAtMs = performance.now();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const body = JSON.parse(await text(response)) as { decision?: string; failure?: string; code?: string };
  return {
    said: [response.statusCode, body.decision ?? body.code, body.failure].filter(Boolean).join(' '),
    timing: String(response.headers['server-timing']),
    waitedMs: performance.now() - startedAtMs,
  };
}

function ask(port: number, bank: string, headers?: Record<string, string>): Promise<Answer> {
  return hear(open(port, bank, headers).end(bodyFor(bank)));
}

const deadline = (ms: number): Record<string, string> => ({ 'wasmpay-deadline-ms': String(ms) });

describe.each(RUNTIMES)('on %s', (runtime) => {
  let port = 0;

  beforeAll(async () => {
    ({ port } = await runtimes.start(runtime));
  });

  it('an artifact that is slow costs a fallback in time, and is there for a later request', async () => {
    server.fault = ({ key }) =>
      key.startsWith('artifacts/') ? { kind: 'slow', delayMs: SLOW_MS } : undefined;
    const answer = await ask(port, 'meridian', deadline(DEADLINE_MS));
    server.fault = () => undefined;
    expect(answer.said).toBe('200 deny deadline_exceeded');
    // Clocks of two processes: each may round.
    expect(answer.waitedMs).toBeGreaterThanOrEqual(DEADLINE_MS - 5);
    expect(answer.waitedMs).toBeLessThan(SLOW_MS - 200);
    const reads = server.requests.filter(({ key }) => key.startsWith('artifacts/')).length;
    await expect
      .poll(async () => (await ask(port, 'meridian')).said, { timeout: 4 * SLOW_MS, interval: 200 })
      .toBe('200 approve');
    expect(server.requests.filter(({ key }) => key.startsWith('artifacts/')).length).toBe(reads);
  });

  it('a release that is slow is a 503 in time', async () => {
    server.fault = ({ key }) => (key.startsWith('banks/') ? { kind: 'slow', delayMs: SLOW_MS } : undefined);
    const answer = await ask(port, 'other', deadline(DEADLINE_MS));
    server.fault = () => undefined;
    expect(answer.said).toBe('503 store_unavailable');
    expect(answer.waitedMs).toBeGreaterThanOrEqual(DEADLINE_MS - 5);
    expect(answer.waitedMs).toBeLessThan(SLOW_MS - 200);
  });

  it('a body that does not end is a 408 in time, and others are answered meanwhile', async () => {
    const sent = open(port, 'meridian', deadline(DEADLINE_MS));
    sent.write(bodyFor('meridian').slice(0, 20));
    const [late, other] = await Promise.all([hear(sent), ask(port, 'meridian')]);
    sent.destroy();
    expect(late.said).toBe('408 request_timeout');
    expect(late.waitedMs).toBeGreaterThanOrEqual(DEADLINE_MS - 5);
    expect(late.waitedMs).toBeLessThan(SLOW_MS - 200);
    expect(other.said).toBe('200 approve');
    await sleep(50);
    expect((await ask(port, 'meridian')).said).toBe('200 approve');
  });

  it('the header is held to its range', async () => {
    expect((await ask(port, 'meridian', deadline(49))).said).toBe('400 invalid_deadline');
    expect((await ask(port, 'meridian', deadline(1_501))).said).toBe('400 invalid_deadline');
    expect((await ask(port, 'meridian', deadline(1_500))).said).toBe('200 approve');
  });

  it('Server-Timing has every stage', async () => {
    const ms = String.raw`\d+(?:\.\d)?`;
    expect((await ask(port, 'meridian')).timing).toMatch(
      new RegExp(
        `^auth;dur=${ms}, release;dur=${ms}, artifact;dur=${ms}, sandbox;dur=${ms}, total;dur=${ms}$`,
      ),
    );
  });
});
