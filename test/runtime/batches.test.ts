// Batches on the real runtimes, with signed releases and real guests. test/gateway/batch.test.ts has every case.

import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { validatorFromCoreWat } from '../fixtures/components.ts';
import { makeBody } from '../fixtures/gateway-bed.ts';
import {
  openTwoRuntimes,
  RUNTIMES,
  type RunningGateway,
  type TwoRuntimes,
} from '../fixtures/two-runtimes.ts';

const ENDLESS = 'loop br 0 end unreachable';
/** Remembers that it was called, and approves the first time only: state that must not be met again. */
const COUNTING = '(i32.eqz (i32.load8_u (i32.const 8))) (i32.store8 (i32.const 8) (i32.const 1))';

/** What storage takes where it is slow: less than it is waited for, much more than the rest. */
const SLOW_MS = 500;

let runtimes: TwoRuntimes;

beforeAll(async () => {
  runtimes = await openTwoRuntimes();
  await runtimes.publish('plain', await validatorFromCoreWat());
  await runtimes.publish('careful', await validatorFromCoreWat({ validateBody: 'i32.const 0' }));
  await runtimes.publish('endless', await validatorFromCoreWat({ validateBody: ENDLESS }));
  await runtimes.publish('counting', await validatorFromCoreWat({ validateBody: COUNTING }));
  await runtimes.publish('trapping', await validatorFromCoreWat({ validateBody: 'unreachable' }), {
    fallback: 'refuse',
  });
}, 120_000);
afterAll(() => runtimes[Symbol.asyncDispose]());

const payment = (to: string, id = 'txn_1') =>
  makeBody({ id, destination: { id: to, name: 'n', country: 'DE', currency: 'EUR' } });

type Line = Record<string, unknown> & { problem?: Record<string, unknown> };

describe.each(RUNTIMES)('on %s', (runtime) => {
  let gateway: RunningGateway;

  beforeAll(async () => {
    // A loaded machine takes its time for the first request.
    gateway = await runtimes.start(runtime, { WASMPAY_DEADLINE_MS: '8000' });
  }, 60_000);

  const post = (items: readonly unknown[], path = '/v1/validate/batch'): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: items.map((item) => JSON.stringify(item)).join('\n'),
    });

  async function ask(items: readonly unknown[]): Promise<Line[]> {
    const response = await post(items);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    const lines = (await response.text()).trimEnd().split('\n');
    expect(lines).toHaveLength(items.length);
    return lines.map((text, index) => {
      const line = JSON.parse(text) as Line;
      expect(line['index']).toBe(index);
      return line;
    });
  }

  const said = (lines: readonly Line[]): unknown[] =>
    lines.map(({ problem, failure, decision }) => problem?.['code'] ?? failure ?? decision);

  it('answers a thousand items of mixed banks in their order, as single requests are', async () => {
    const banks = ['plain', 'careful', 'counting', 'nobody'];
    const answers = ['approve', 'deny', 'approve', 'unknown_bank'];
    const items = Array.from({ length: 1_000 }, (_, index) =>
      payment(banks[index % 4] ?? '', `txn_${index}`),
    );
    const lines = await ask(items);
    expect(said(lines)).toEqual(items.map((_, index) => answers[index % 4]));
    for (const index of [0, 1, 2]) {
      const response = await fetch(`http://127.0.0.1:${gateway.port}/v1/validate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(items[index]),
      });
      const single = (await response.json()) as Line;
      const { evaluated_at } = single;
      expect({ ...lines[index], evaluated_at }).toEqual({ index, ...single });
    }
  });

  it('gives each item a pristine instance, in one call as in many', async () => {
    const lines = await ask(Array.from({ length: 300 }, () => payment('counting')));
    expect(new Set(said(lines))).toEqual(new Set(['approve']));
    expect(new Set(lines.map(({ fuel }) => fuel)).size).toBe(1);
  });

  it('lets a hostile bank end its own items only, and stops running it', async () => {
    const items = Array.from({ length: 400 }, (_, index) =>
      payment(['endless', 'trapping', 'plain', 'careful'][index % 4] ?? ''),
    );
    const answered = said(await ask(items));
    const of = (first: number): unknown[] => answered.filter((_, index) => index % 4 === first);
    // A bank that is dear is rationed beside others, one that has hit its limits three times is left alone.
    const endless = of(0);
    expect(endless.filter((word) => word === 'fuel_exhausted').length).toBeLessThanOrEqual(3);
    expect(new Set(endless.slice(3))).toEqual(new Set([expect.stringMatching(/^(paused|share_exceeded)$/)]));
    expect(new Set(of(1))).toEqual(new Set(['validator_unavailable']));
    expect(new Set(of(2))).toEqual(new Set(['approve']));
    expect(new Set(of(3))).toEqual(new Set(['deny']));
  });

  it('refuses what is too much before it runs anything', async () => {
    const tooMany = await post(Array.from({ length: 1_001 }, () => payment('plain')));
    expect([tooMany.status, await tooMany.json()]).toEqual([
      422,
      expect.objectContaining({ code: 'invalid_batch', detail: 'more than 1000 transactions' }),
    ]);
    const banks = await post(Array.from({ length: 51 }, (_, index) => payment(`bank-${index}`)));
    expect(await banks.json()).toMatchObject({ code: 'invalid_batch' });
  });

  it('ends with a caller that goes away, and goes on for others', async () => {
    runtimes.server.fault = ({ key }) =>
      key.startsWith('banks/late-') ? { kind: 'slow', delayMs: SLOW_MS } : undefined;
    const late = Array.from({ length: 24 }, (_, index) => payment(`late-${index}`));
    const body = [payment('plain'), ...late].map((item) => JSON.stringify(item)).join('\n');
    const sent = request({
      host: '127.0.0.1',
      port: gateway.port,
      path: '/v1/validate/batch',
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', host: 'localhost' },
      agent: false,
    });
    sent.on('error', () => {});
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    // The first line is here before the other banks are, of which six are looked up at a time.
    const [line] = (await once(response, 'data')) as [Buffer];
    expect(line.toString()).toMatch(/^\{"index":0,"decision":"approve"[^\n]*\n$/);
    response.destroy();
    // workerd tells its workers of a caller that left only now and then: there the deadline ends the work.
    const end = runtime === 'node' ? '"isComplete":false,"approved":1' : '"isComplete":';
    await expect.poll(() => gateway.output(), { timeout: 10_000 }).toContain(`"items":25,${end}`);
    runtimes.server.fault = () => undefined;
    expect(said(await ask([payment('plain')]))).toEqual(['approve']);
  });
});
