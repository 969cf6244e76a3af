import { describe, expect, test } from 'vitest';

import { MAX_BODY_BYTES } from '../../src/core/limits.ts';
import { createTokenBuckets, DEFAULT_RATE_TIERS } from '../../src/gateway/rate-limit.ts';
import { currentProcessorKey } from '../../src/store/keys.ts';
import {
  BARE_URL,
  createGatewayBed,
  makeBody,
  problemOf,
  type PostOptions,
} from '../fixtures/gateway-bed.ts';
import {
  encodeProcessorPlainly,
  makeApiKey,
  makeProcessor,
  verifyProcessorPlainly,
} from '../fixtures/processors.ts';

const bodyFor = (destination: string): string =>
  JSON.stringify(makeBody({ destination: { id: destination, name: 'n', country: 'DE', currency: 'EUR' } }));

/** The bank of the decision, or the code of the problem. */
async function ask(options: PostOptions & { readonly destination?: string }): Promise<string> {
  const bed = createGatewayBed();
  await bed.publish();
  await bed.publish({ bank: 'bank-002' });
  const response = await bed.post({ body: bodyFor(options.destination ?? 'meridian'), ...options });
  if (!response.ok) return problemOf(response);
  return ((await response.json()) as { bank: string }).bank;
}

describe('the bank of a request', () => {
  test.each([
    ['http://meridian.pay.example/v1/validate', 'meridian', 'meridian'],
    ['http://meridian.localhost:8787/v1/validate', 'meridian', 'meridian'],
    ['http://bank-002.localhost:8787/v1/validate', 'bank_002', 'bank-002'],
    ['http://bank-002.localhost:8787/v1/validate', 'BANK.002', 'bank-002'],
    ['http://pay.example/v1/banks/meridian/validate', 'meridian', 'meridian'],
    ['http://pay.example/v1/banks/bank_002/validate?x=%5F', 'bank_002', 'bank-002'],
    ['http://pay.example/v1/banks/bank-002/validate', 'bank_002', 'bank-002'],
    ['http://bank-002.pay.example/v1/banks/bank_002/validate', 'bank_002', 'bank-002'],
    ['http://pay.example/v1/validate', 'meridian', 'meridian'],
    ['http://localhost:8787/v1/validate', 'bank_002', 'bank-002'],
    ['http://127.0.0.1:8787/v1/validate', 'meridian', 'meridian'],
    ['http://[::1]:8787/v1/validate', 'meridian', 'meridian'],
    ['http://meridian.pay.example/v1/validate', 'bank_002', 'bank_mismatch'],
    ['http://pay.example/v1/banks/meridian/validate', 'bank_002', 'bank_mismatch'],
    ['http://meridian.pay.example/v1/banks/bank_002/validate', 'bank_002', 'bank_mismatch'],
    ['http://meridian.pay.example/v1/banks/bank_002/validate', 'meridian', 'bank_mismatch'],
    ['http://nobody.pay.example/v1/validate', 'nobody', 'unknown_bank'],
    ['http://pay.example/v1/validate', 'nobody', 'unknown_bank'],
    ['http://pay.example/v1/banks/nobody/validate', 'nobody', 'unknown_bank'],
    ['http://a.meridian.pay.example/v1/validate', 'meridian', 'unknown_bank'],
    ['http://pay.example/v1/banks/bank%5F002/validate', 'bank_002', 'unknown_bank'],
    ['http://pay.example/v1/banks/meridian%00/validate', 'meridian', 'unknown_bank'],
    ['http://pay.example/v1/banks/%2e%2e%2fmeridian/validate', 'meridian', 'unknown_bank'],
    ['http://pay.example/v1/banks/meridian%2fcurrent/validate', 'meridian', 'unknown_bank'],
    ['http://pay.example/v1/banks/%zz/validate', 'meridian', 'unknown_bank'],
    ['http://pay.example/v1/banks/%ff/validate', 'meridian', 'unknown_bank'],
    ['http://pay.example/v1/%62anks/meridian/validate', 'meridian', 'unknown_bank'],
    ['http://pay.example/v1/banks/a/b/validate', 'meridian', 'not_found'],
    ['http://pay.example/v1/banks//validate', 'meridian', 'not_found'],
    ['http://evil.example/v1/validate', 'meridian', 'not_found'],
  ])('%s for %s: %s', async (url, destination, expected) => {
    expect(await ask({ url, destination })).toBe(expected);
  });

  test('the host header goes before the URL', async () => {
    const url = BARE_URL;
    expect(await ask({ url, headers: { host: 'BANK-002.pay.example.:8787' }, destination: 'bank_002' })).toBe(
      'bank-002',
    );
    expect(await ask({ url, headers: { host: 'bank-002.pay.example' } })).toBe('bank_mismatch');
    expect(await ask({ url, headers: { host: 'evil.example' } })).toBe('not_found');
  });

  test('a mismatch points at the destination', async () => {
    const response = await createGatewayBed().post({ url: 'http://icamer.pay.example/v1/validate' });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      code: 'bank_mismatch',
      errors: [{ pointer: '/destination/id' }],
    });
  });
});

describe('a body', () => {
  test.each<[string, PostOptions, string]>([
    ['that is no JSON', { body: '{' }, 'malformed_json'],
    ['that is empty', { body: '' }, 'malformed_json'],
    ['that is not there', { body: null }, 'malformed_json'],
    ['with a byte order mark', { body: `\ufeff${bodyFor('meridian')}` }, 'malformed_json'],
    ['that is not UTF-8', { body: Uint8Array.of(0x22, 0xff, 0x22) }, 'malformed_json'],
    ['with a duplicate member', { body: bodyFor('meridian').replace('{', '{"id":"x",') }, 'malformed_json'],
    ['nested too deeply', { body: '['.repeat(60_000) }, 'malformed_json'],
    ['of two texts', { body: '{}{}' }, 'malformed_json'],
    ['that is no transaction', { body: '{}' }, 'invalid_transaction'],
    ['that is another media type', { headers: { 'content-type': 'text/plain' } }, 'unsupported_media_type'],
    ['that is compressed', { headers: { 'content-encoding': 'gzip' } }, 'unsupported_media_type'],
    ['that is too large', { body: ' '.repeat(MAX_BODY_BYTES + 1) }, 'body_too_large'],
    ['at the limit', { body: bodyFor('meridian').padEnd(MAX_BODY_BYTES) }, 'meridian'],
  ])('%s', async (_what, options, expected) => {
    // `€` is not in the padded text: its length is its size.
    const body = typeof options.body === 'string' ? options.body.replace('€', 'E') : options.body;
    expect(await ask(options.body === undefined ? options : { ...options, body: body ?? null })).toBe(
      expected,
    );
  });

  test('a duplicate member is named', async () => {
    const response = await createGatewayBed().post({ body: '{"origin":{"id":"a","id":"b"}}' });
    expect(await response.json()).toMatchObject({
      code: 'malformed_json',
      offset: 20,
      line: 1,
      column: 21,
      errors: [{ pointer: '/origin/id', code: 'duplicate_member' }],
    });
  });

  test('a duplicate member with a very long name is not echoed', async () => {
    const name = 'planted'.repeat(1_000);
    const response = await createGatewayBed().post({ body: `{"${name}":1,"${name}":2}` });
    expect(await response.text()).not.toContain('planted');
  });

  test('every fault of a transaction comes at once', async () => {
    const response = await createGatewayBed().post({ body: '{"id":"","amount":{"amount":1.5}}' });
    expect(response.status).toBe(422);
    const { errors } = (await response.json()) as { errors: { pointer: string; code: string }[] };
    expect(errors.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
      '/id empty',
      '/origin required',
      '/destination required',
      '/amount/name required',
      '/amount/symbol required',
      '/amount/amount not_an_integer',
      '/status required',
    ]);
  });

  test('a caller that goes away half-way gets no 5xx', async () => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error('aborted'));
      },
    });
    expect(await ask({ body })).toBe('malformed_json');
  });
});

describe('routes', () => {
  const { app } = createGatewayBed();

  test.each(['/v1/validate', '/v1/banks/meridian/validate'])('%s takes POST alone', async (path) => {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'PROPFIND']) {
      const response = await app.request(path, { method });
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'POST']);
      if (method === 'HEAD') expect(await response.text()).toBe('');
      else expect(await problemOf(response)).toBe('method_not_allowed');
    }
  });

  test('/healthz takes GET and HEAD', async () => {
    const response = await app.request('/healthz');
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
    const head = await app.request('/healthz', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const post = await app.request('/healthz', { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test.each([
    '/',
    '/v1',
    '/v1/validate/',
    '/V1/validate',
    '/v1/banks',
    '/v2/validate',
    '/healthz/x',
    '/%',
    '/__proto__',
  ])('%s is not there', async (path) => {
    for (const method of ['GET', 'POST']) {
      expect(await problemOf(await app.request(`http://pay.example${path}`, { method }))).toBe('not_found');
    }
  });

  test('every answer says that nobody may keep it or guess its type', async () => {
    const bed = createGatewayBed();
    await bed.publish();
    const responses = [
      await bed.post(),
      await bed.post({ body: '{' }),
      await bed.app.request('/healthz'),
      await bed.app.request('/nothing'),
      await bed.app.request('/v1/validate'),
    ];
    for (const response of responses) {
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-type')).toMatch(/^application\/(problem\+)?json$/);
    }
  });
});

describe('storage', () => {
  test('50 concurrent cold requests read one release and one artifact', async () => {
    const bed = createGatewayBed();
    await bed.publish();
    const responses = await Promise.all(Array.from({ length: 50 }, () => bed.post()));
    expect(new Set(responses.map((response) => response.status))).toEqual(new Set([200]));
    expect(bed.store.reads.map((key) => key.split('/')[0])).toEqual(['banks', 'artifacts']);
    expect(bed.calls.length).toBe(50);
  });

  test('that fails before a release was seen is 503 with Retry-After', async () => {
    const bed = createGatewayBed();
    await bed.publish();
    bed.store.fault = () => ({ kind: 'fail' });
    const response = await bed.post();
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await problemOf(response)).toBe('store_unavailable');
    expect(bed.requests).toEqual([expect.objectContaining({ status: 503, problem: 'store_unavailable' })]);
  });

  test('that flaps is noticed by nobody whose bank is known', async () => {
    const bed = createGatewayBed();
    await bed.publish();
    await bed.post();
    for (let round = 0; round < 20; round += 1) {
      bed.store.fault = () => (round % 3 === 0 ? undefined : { kind: 'fail' });
      await bed.time.advance(20_000);
      expect((await bed.post()).status).toBe(200);
    }
  });

  test('is handed background work through the execution context', async () => {
    const bed = createGatewayBed();
    await bed.publish();
    const held: Promise<unknown>[] = [];
    const context = {
      waitUntil: (work: Promise<unknown>) => held.push(work),
      passThroughOnException() {},
      props: {},
    };
    const request = new Request(BARE_URL, {
      method: 'POST',
      body: JSON.stringify(makeBody()),
      headers: { 'content-type': 'application/json' },
    });
    expect((await bed.app.fetch(request, {}, context)).status).toBe(200);
    expect(held.length).toBe(2);
    await Promise.all(held);
  });
});

describe('the log', () => {
  test('has one event a request, with what operators ask for', async () => {
    const bed = createGatewayBed();
    const release = await bed.publish();
    bed.outcome = async () => {
      bed.time.set(bed.time.clock() + 12);
      return { kind: 'verdict', verdict: { kind: 'deny', denial: { code: 'AM02' } }, fuel: 1 };
    };
    await bed.post();
    expect(bed.events).toEqual([
      {
        event: 'request',
        method: 'POST',
        route: '/v1/validate',
        status: 200,
        durationMs: 12,
        bank: 'meridian',
        release: 7,
        artifact: release.artifact,
        decision: 'deny',
        decidedBy: 'validator',
      },
    ]);
  });

  test('names routes by their pattern and strange methods not at all', async () => {
    const { app, post, events } = createGatewayBed();
    await post({ url: 'http://pay.example/v1/banks/planted/validate' });
    await app.request('/planted', { method: 'PLANTED' });
    await app.request('/healthz', { method: 'HEAD' });
    expect(events.length).toBe(3);
    expect(events).toMatchObject([
      { method: 'POST', route: '/v1/banks/:bank/validate', status: 422, problem: 'bank_mismatch' },
      { method: 'other', route: 'unmatched', status: 404, problem: 'not_found' },
      { method: 'HEAD', route: '/healthz', status: 200 },
    ]);
  });

  test('and problems hold nothing that was planted in a request', async () => {
    const key = makeApiKey('acme', 'k1a2b3c4', '9');
    const bed = createGatewayBed({
      callers: {
        verifyProcessor: verifyProcessorPlainly,
        rateLimiter: createTokenBuckets(DEFAULT_RATE_TIERS, Date.now),
      },
    });
    const record = makeProcessor({ name: 'planted', apiKeys: [key.entry] });
    await bed.store.force(currentProcessorKey('acme'), encodeProcessorPlainly(record));
    await bed.publish();
    const bank = { id: 'planted', name: 'planted', country: 'planted', currency: 'planted' };
    const amount = { name: 'planted', symbol: 'planted', amount: 271_828 };
    const planted = { id: 'planted', origin: bank, destination: bank, amount, status: 'planted' };
    const good = { ...planted, destination: { ...bank, id: 'meridian' } };
    const bodies = [
      JSON.stringify(planted),
      JSON.stringify(good),
      JSON.stringify({ ...good, status: 'planted\ud800' }),
      JSON.stringify({ ...good, id: 'planted'.repeat(500) }),
      JSON.stringify({ ...good, amount: { ...amount, amount: 'planted' } }),
      JSON.stringify({ ...good, destination: { ...good.destination, id: 'planted planted' } }),
      '{"planted": planted}',
    ];
    const urls = [BARE_URL, 'http://planted.pay.example/v1/validate', 'http://planted.example/planted'];
    let problems = '';
    for (const body of bodies) {
      for (const url of urls) {
        for (const authorization of [`Bearer ${key.text}`, 'Bearer planted']) {
          for (const outcome of ['verdict', 'failure', 'throws'] as const) {
            bed.outcome = async () => {
              if (outcome === 'throws') throw new Error('planted');
              return outcome === 'verdict'
                ? {
                    kind: 'verdict',
                    verdict: { kind: 'deny', denial: { code: 'planted', message: 'planted' } },
                    fuel: 1,
                  }
                : { kind: 'failure', failure: { code: 'trap', detail: 'unreachable' }, fuel: 1 };
            };
            const response = await bed.post({
              url,
              body,
              headers: { authorization, 'user-agent': 'planted' },
            });
            expect(response.status).toBeLessThan(500);
            if (!response.ok) problems += await response.text();
          }
        }
      }
    }
    for (const secret of ['planted', '271828', '9'.repeat(64)]) {
      expect(problems).not.toContain(secret);
      expect(JSON.stringify(bed.events)).not.toContain(secret);
    }
  });

  test('that throws fails no payment', async () => {
    const bed = createGatewayBed({
      log: () => {
        throw new Error('disk full');
      },
    });
    await bed.publish();
    expect((await bed.post()).status).toBe(200);
  });

  test('of a bug says where, and its answer says nothing', async () => {
    const bed = createGatewayBed({ hmac: () => Promise.reject(new Error('planted')) });
    await bed.publish();
    const response = await bed.post();
    expect(await problemOf(response.clone())).toBe('internal');
    expect((await response.text()) + JSON.stringify(bed.events)).not.toContain('planted');
    expect(bed.requests).toEqual([
      expect.objectContaining({
        status: 500,
        error: 'internal',
        trace: expect.stringContaining('app.test.ts') as string,
      }),
    ]);
  });
});

test.each([{ baseDomains: ['*.pay.example'] }, { seedKey: new Uint8Array(16) }])(
  '%j is refused',
  (changes) => {
    expect(() => createGatewayBed(changes)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  },
);
