// The door, as an attacker without a key meets it, and as a processor with one does: API keys, the record behind them,
// rates, banks. Signatures have suites of their own.

import { describe, expect, test } from 'vitest';

import type { VerifiedProcessor } from '../../src/artifact/processor.ts';
import { formatApiKey } from '../../src/core/api-key.ts';
import type { Access } from '../../src/gateway/authenticate.ts';
import { DEFAULT_FRESHNESS } from '../../src/gateway/freshness.ts';
import { UNKNOWN_READS } from '../../src/gateway/processor-cache.ts';
import { createTokenBuckets, type RateLimiter } from '../../src/gateway/rate-limit.ts';
import { currentProcessorKey } from '../../src/store/keys.ts';
import {
  BARE_URL,
  createGatewayBed,
  makeBody,
  problemOf,
  START_MS,
  START_S,
  type GatewayBed,
  type PostOptions,
} from '../fixtures/gateway-bed.ts';
import {
  encodeProcessorPlainly,
  makeApiKey,
  makeProcessor,
  verifyProcessorPlainly,
} from '../fixtures/processors.ts';

const FIRST = makeApiKey();
const SECOND = makeApiKey('acme', 'zzzzzzzz', '7');

const unlimited: RateLimiter = { has: () => true, take: () => ({ allowed: true }) };

/** A gateway with `acme`, whose record has the first key unless told otherwise. */
async function makeBed(
  record: Partial<VerifiedProcessor> = {},
  access: Partial<Access> = {},
): Promise<GatewayBed & { enroll(changes?: Partial<VerifiedProcessor>): Promise<void> }> {
  const callers: Access = { verifyProcessor: verifyProcessorPlainly, rateLimiter: unlimited, ...access };
  const bed = createGatewayBed({ callers });
  const enroll = (changes: Partial<VerifiedProcessor> = {}): Promise<void> => {
    const full = makeProcessor({ apiKeys: [FIRST.entry], ...changes });
    return bed.store.force(currentProcessorKey(full.processor), encodeProcessorPlainly(full));
  };
  await enroll(record);
  await bed.publish();
  return Object.assign(bed, { enroll });
}

const bearer = (key: { readonly text: string }): Record<string, string> => ({
  authorization: `Bearer ${key.text}`,
});

/** Status of a good request with these headers. */
const statusOf = async (bed: GatewayBed, headers: Record<string, string>): Promise<number> =>
  (await bed.post({ headers })).status;

describe('an API key', () => {
  test.each([`Bearer ${FIRST.text}`, `bearer ${FIRST.text}`, `BEARER   ${FIRST.text}`])(
    'lets in with %j',
    async (authorization) => {
      expect(await statusOf(await makeBed(), { authorization })).toBe(200);
    },
  );

  const other = makeApiKey('acme', 'k1a2b3c4', '6').text;
  test.each<[string, string]>([
    ['nothing', ''],
    ['the scheme alone', 'Bearer'],
    ['no scheme', FIRST.text],
    ['another scheme', `Basic ${FIRST.text}`],
    ['a tab', `Bearer\t${FIRST.text}`],
    ['more behind it', `Bearer ${FIRST.text} x`],
    ['it twice', `Bearer ${FIRST.text}, Bearer ${FIRST.text}`],
    ['ten thousand characters', `Bearer ${'a'.repeat(10_000)}`],
    ['one character less', `Bearer ${FIRST.text.slice(1)}`],
    ['another secret', `Bearer ${other}`],
    ['another key id', `Bearer ${makeApiKey('acme', 'nokey123').text}`],
    ['another processor', `Bearer ${makeApiKey('nobody').text}`],
    ['its digest', `Bearer ${FIRST.entry.sha256}`],
    ['its digest as the secret', `Bearer ${formatApiKey('acme', 'k1a2b3c4', FIRST.entry.sha256)}`],
  ])('is refused with %s, always in the same words', async (_, authorization) => {
    const bed = await makeBed();
    const response = await bed.post({ headers: { authorization } });
    const nothing = await bed.post();
    expect(await response.clone().text()).toBe(await nothing.text());
    expect([...response.headers]).toEqual([...nothing.headers]);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await problemOf(response)).toBe('unauthenticated');
    expect(bed.calls).toEqual([]);
  });

  test('is refused without a read from storage where its check does not hold', async () => {
    const bed = await makeBed();
    const wrong = FIRST.text.slice(0, -1) + (FIRST.text.endsWith('0') ? '1' : '0');
    for (const text of [wrong, 'x', `${FIRST.text}0`, 'wpk_acme_k1a2b3c4'])
      expect(await statusOf(bed, { authorization: `Bearer ${text}` })).toBe(401);
    expect(bed.store.reads).toEqual([]);
    expect(await statusOf(bed, { authorization: `Bearer ${makeApiKey('acme', 'nokey123').text}` })).toBe(401);
    expect(bed.store.reads).toEqual([currentProcessorKey('acme')]);
  });

  test('is refused before the body is read, and before a host or bank is judged', async () => {
    const bed = await makeBed();
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({ pull: () => void (pulled += 1) }, { highWaterMark: 0 });
    const ask = (options: PostOptions): Promise<Response> =>
      bed.post({ ...options, headers: { authorization: `Bearer ${other}` } });
    expect((await ask({ body })).status).toBe(401);
    expect(pulled).toBe(0);
    expect((await ask({ url: 'http://evil.example/v1/validate' })).status).toBe(401);
    expect((await ask({ url: 'http://pay.example/v1/banks/nobody/validate' })).status).toBe(401);
  });

  test('is one of several, so that keys change without a gap', async () => {
    const bed = await makeBed({ apiKeys: [FIRST.entry, SECOND.entry] });
    expect(await statusOf(bed, bearer(FIRST))).toBe(200);
    expect(await statusOf(bed, bearer(SECOND))).toBe(200);
    await bed.enroll({ number: 4, apiKeys: [SECOND.entry] });
    await bed.time.advance(DEFAULT_FRESHNESS.refreshMs + 1);
    expect(await statusOf(bed, bearer(FIRST))).toBe(401);
    expect(await statusOf(bed, bearer(SECOND))).toBe(200);
  });

  test.each([
    ['under', 9_999, 200],
    ['at', 10_000, 401],
    ['over', 10_001, 401],
  ])('%s its own end', async (_where, ageMs, status) => {
    const notAfterS = Math.floor(START_MS / 1000) + 10;
    const bed = await makeBed({ apiKeys: [{ ...FIRST.entry, notAfterS }] });
    bed.time.set(START_S * 1000 + ageMs);
    expect(await statusOf(bed, bearer(FIRST))).toBe(status);
  });

  test('of one processor does not open another one’s door, though the record holds its digest', async () => {
    const bed = await makeBed();
    await bed.enroll({ processor: 'zeta' });
    const zeta = makeApiKey('zeta');
    expect(zeta.entry.id).toBe(FIRST.entry.id);
    expect(await statusOf(bed, bearer(zeta))).toBe(401);
  });

  test('beside a signature is refused: it would not be told who asks', async () => {
    const bed = await makeBed();
    for (const name of ['signature', 'signature-input'])
      expect(await statusOf(bed, { ...bearer(FIRST), [name]: 'x' })).toBe(401);
  });

  test('is not asked for to see that the gateway lives', async () => {
    const bed = await makeBed();
    expect((await bed.app.request('http://anything.example/healthz')).status).toBe(200);
  });
});

describe('a processor’s record', () => {
  test('without keys shuts the processor out', async () => {
    expect(await statusOf(await makeBed({ apiKeys: [] }), bearer(FIRST))).toBe(401);
  });

  test('that storage does not give makes a 503 that says when to ask again, within the wait for storage', async () => {
    const bed = await makeBed();
    bed.store.fault = () => ({ kind: 'hang' });
    const pending = bed.post({ headers: bearer(FIRST) });
    await bed.time.advance(DEFAULT_FRESHNESS.storeWaitMs);
    const response = await pending;
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await problemOf(response)).toBe('store_unavailable');
  });

  test('that is known outlives an outage for a day, and a deletion', async () => {
    const bed = await makeBed();
    expect(await statusOf(bed, bearer(FIRST))).toBe(200);
    bed.store.fault = (key) => (key === currentProcessorKey('acme') ? { kind: 'missing' } : undefined);
    await bed.time.advance(DEFAULT_FRESHNESS.refreshMs + 1);
    expect(await statusOf(bed, bearer(FIRST))).toBe(200);
    expect(bed.cacheEvents).toContainEqual(
      expect.objectContaining({ code: 'processor_vanished', processor: 'acme' }),
    );
    bed.store.fault = (key) => (key === currentProcessorKey('acme') ? { kind: 'fail' } : undefined);
    await bed.time.advance(DEFAULT_FRESHNESS.staleMs - DEFAULT_FRESHNESS.refreshMs - 1);
    expect(await statusOf(bed, bearer(FIRST))).toBe(200);
    await bed.time.advance(2);
    expect(await problemOf(await bed.post({ headers: bearer(FIRST) }))).toBe('store_unavailable');
  });

  test('of a smaller number than one seen does not bring a revoked key back', async () => {
    const bed = await makeBed({ number: 4, apiKeys: [SECOND.entry] });
    expect(await statusOf(bed, bearer(SECOND))).toBe(200);
    await bed.enroll({ number: 3, apiKeys: [FIRST.entry] });
    await bed.time.advance(DEFAULT_FRESHNESS.refreshMs + 1);
    expect(await statusOf(bed, bearer(FIRST))).toBe(401);
    expect(await statusOf(bed, bearer(SECOND))).toBe(200);
    expect(bed.cacheEvents).toContainEqual(
      expect.objectContaining({ code: 'processor_rolled_back', processor: 'acme' }),
    );
  });

  test('is read once, for all who ask at once', async () => {
    const bed = await makeBed();
    const answers = await Promise.all(Array.from({ length: 30 }, () => statusOf(bed, bearer(FIRST))));
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(bed.store.reads.filter((key) => key === currentProcessorKey('acme')).length).toBe(1);
  });

  test('that there is none of is remembered, and reading for such names is rationed', async () => {
    const bed = await makeBed();
    expect(await statusOf(bed, bearer(FIRST))).toBe(200);
    const before = bed.store.reads.length;
    const names = Array.from({ length: UNKNOWN_READS.requests + 50 }, (_, index) => `x${index}`);
    const statuses: number[] = [];
    for (const name of names) statuses.push(await statusOf(bed, bearer(makeApiKey(name))));
    for (const name of names.slice(0, 50)) expect(await statusOf(bed, bearer(makeApiKey(name)))).toBe(401);
    // One of them was for the processor above.
    expect(bed.store.reads.length - before).toBe(UNKNOWN_READS.requests - 1);
    expect(statuses.filter((status) => status === 401).length).toBe(UNKNOWN_READS.requests - 1);
    expect(new Set(statuses)).toEqual(new Set([401, 503]));
    // Who is known does not feel it, also when its record is read again.
    await bed.time.advance(DEFAULT_FRESHNESS.refreshMs + 1);
    expect(await statusOf(bed, bearer(FIRST))).toBe(200);
    expect(JSON.stringify(bed.events)).not.toContain('x1');
  });
});

describe('the banks that a processor may ask about', () => {
  const ask = async (banks: 'all' | string[], options: PostOptions = {}): Promise<string> => {
    const bed = await makeBed({ banks });
    const response = await bed.post({ ...options, headers: bearer(FIRST) });
    if (response.status === 200) return 'decided';
    const code = await problemOf(response);
    // Whether there is such a bank is not looked at.
    if (code === 'forbidden') expect(bed.store.reads).toEqual([currentProcessorKey('acme')]);
    return code;
  };

  test('are all, or those on its list', async () => {
    expect(await ask('all')).toBe('decided');
    expect(await ask(['meridian'])).toBe('decided');
    expect(await ask(['other'])).toBe('forbidden');
    expect(await ask([])).toBe('forbidden');
  });

  test('are meant however a bank is named, and before the body is read where the address names it', async () => {
    for (const url of [
      'http://meridian.pay.example/v1/validate',
      'http://pay.example/v1/banks/MERIDIAN/validate',
    ])
      expect(await ask(['other'], { url, body: '{' })).toBe('forbidden');
    expect(await ask(['meridian'], { url: 'http://other.pay.example/v1/validate' })).toBe('forbidden');
    expect(await ask(['meridian'], { url: 'http://pay.example/v1/banks/nobody/validate' })).toBe('forbidden');
    expect(await ask(['meridian'], { body: '{' })).toBe('malformed_json');
  });
});

describe('rates', () => {
  const tiers = new Map([
    ['standard', { requests: 2, perS: 10 }],
    ['high', { requests: 5, perS: 10 }],
  ]);

  /** How many of ten requests at once are decided, and what the last refusal was. */
  async function flood(record: Partial<VerifiedProcessor>, access: Partial<Access> = {}) {
    // The bed's clock stands still at this time.
    const bed = await makeBed(record, { rateLimiter: createTokenBuckets(tiers, () => START_MS), ...access });
    const responses: Response[] = [];
    for (let turn = 0; turn < 10; turn += 1) responses.push(await bed.post({ headers: bearer(FIRST) }));
    const decided = responses.filter(({ status }) => status === 200).length;
    return { bed, decided, last: responses.at(-1) ?? Response.error() };
  }

  test('are counted by tier; beyond it is 429 with the seconds to wait', async () => {
    const { decided, last } = await flood({});
    expect(decided).toBe(2);
    expect([last.status, last.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await problemOf(last)).toBe('rate_limited');
    expect((await flood({ tier: 'high' })).decided).toBe(5);
  });

  test('of a tier that is not known here are the standard ones, and the log says so', async () => {
    const { bed, decided } = await flood({ tier: 'gold' });
    expect(decided).toBe(2);
    expect(bed.requests[0]).toMatchObject({ rateLimit: 'unknown_tier', processor: 'acme' });
  });

  test('are not spent by who has no key', async () => {
    const rateLimiter = createTokenBuckets(tiers, () => START_MS);
    const bed = await makeBed({}, { rateLimiter });
    for (let turn = 0; turn < 10; turn += 1)
      expect(await statusOf(bed, bearer(makeApiKey('acme', 'k1a2b3c4', '6')))).toBe(401);
    expect(await statusOf(bed, bearer(FIRST))).toBe(200);
  });

  test('that cannot be counted stop nobody, and the log says so', async () => {
    const rateLimiter: RateLimiter = { has: () => true, take: () => Promise.reject(new Error('planted')) };
    const { bed, decided } = await flood({}, { rateLimiter });
    expect(decided).toBe(10);
    expect(bed.requests[0]).toMatchObject({ rateLimit: 'failed' });
    expect(JSON.stringify(bed.events)).not.toContain('planted');
  });
});

describe('the log', () => {
  test('names the processor and the key that proved it, and no secret', async () => {
    const bed = await makeBed();
    await bed.post({ headers: bearer(FIRST) });
    expect(bed.requests).toMatchObject([
      { processor: 'acme', key: 'k1a2b3c4', means: 'api_key', status: 200 },
    ]);
    for (const secret of [FIRST.text, '5'.repeat(64), FIRST.entry.sha256, 'Acme Payments'])
      expect(JSON.stringify(bed.events)).not.toContain(secret);
  });

  test('names nobody who has not proven it', async () => {
    const bed = await makeBed();
    for (const key of [
      makeApiKey('acme', 'k1a2b3c4', '6'),
      makeApiKey('acme', 'nokey123'),
      makeApiKey('nobody'),
    ])
      await bed.post({ headers: bearer(key) });
    for (const name of ['acme', 'nobody', 'k1a2b3c4', 'nokey123'])
      expect(JSON.stringify(bed.requests)).not.toContain(name);
    expect(bed.requests.map(({ problem }) => problem)).toEqual(Array(3).fill('unauthenticated'));
  });
});

test('an open gateway asks nobody, and must be said to be open', async () => {
  const bed = createGatewayBed({ callers: 'open' });
  await bed.publish();
  expect(await statusOf(bed, {})).toBe(200);
  expect(await statusOf(bed, { authorization: 'Bearer anything' })).toBe(200);
  expect(bed.requests[0]).not.toHaveProperty('processor');
});

test('a body is sent to the validator only by who may', async () => {
  const bed = await makeBed();
  await bed.app.request(BARE_URL, { method: 'POST', body: JSON.stringify(makeBody()) });
  expect(bed.calls).toEqual([]);
});
