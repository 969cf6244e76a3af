// Batches: what is answered to the whole and what to an item, in which order, within which bounds; and what a hostile bank
// or a hostile caller gets out of one.

import { describe, expect, test } from 'vitest';

import type { VerifiedRelease } from '../../src/artifact/release.ts';
import {
  MAX_BATCH_BANKS,
  MAX_BATCH_BYTES,
  MAX_BATCH_ITEMS,
  MAX_BODY_BYTES,
  MAX_CALLS_TOGETHER,
} from '../../src/core/limits.ts';
import type { GatewayDeps } from '../../src/gateway/app.ts';
import { createBreath } from '../../src/gateway/breathe.ts';
import { DEFAULT_RATIONS } from '../../src/gateway/governor.ts';
import { createTokenBuckets } from '../../src/gateway/rate-limit.ts';
import type { CallOutcome, GuestCall, Sandbox } from '../../src/sandbox/sandbox.ts';
import { currentProcessorKey, currentReleaseKey } from '../../src/store/keys.ts';
import {
  APPROVE,
  createBankSandbox,
  createGatewayBed,
  makeBody,
  problemOf,
  START_MS,
  type GatewayBed,
  type PostOptions,
} from '../fixtures/gateway-bed.ts';
import {
  encodeProcessorPlainly,
  makeApiKey,
  makeProcessor,
  verifyProcessorPlainly,
} from '../fixtures/processors.ts';

const BATCH_URL = 'http://pay.example/v1/validate/batch';
const NDJSON = { 'content-type': 'application/x-ndjson' };

const FUEL_LIMIT = 50_000_000;
const ENDLESS: CallOutcome = {
  kind: 'failure',
  failure: { code: 'fuel_exhausted', detail: '' },
  fuel: FUEL_LIMIT,
};
const TRAP: CallOutcome = { kind: 'failure', failure: { code: 'trap', detail: '' }, fuel: FUEL_LIMIT };
const denial: CallOutcome = { kind: 'verdict', verdict: { kind: 'deny', denial: { code: 'AM02' } }, fuel: 5 };

const bank = (id: string) => ({ id, name: 'n', country: 'DE', currency: 'EUR' });
const payment = (to: string, id = 'txn_1') => makeBody({ id, destination: bank(to) });

type Line = Record<string, unknown> & { index: number; problem?: Record<string, unknown> };

interface BatchBed extends GatewayBed {
  /** Transactions that each call of the sandbox was asked for, by bank. */
  readonly batchCalls: { readonly bank: string; readonly asked: number; readonly ran: number }[];
  readonly outcomes: Map<string, (call: GuestCall) => CallOutcome | Promise<CallOutcome>>;
}

async function makeBed(
  releases: Record<string, Partial<VerifiedRelease>> = { meridian: {} },
  deps: Partial<GatewayDeps> = {},
): Promise<BatchBed> {
  const batchCalls: { bank: string; asked: number; ran: number }[] = [];
  const outcomes: BatchBed['outcomes'] = new Map();
  const inner = createBankSandbox((slug, call) => outcomes.get(slug)?.(call) ?? APPROVE);
  const sandbox: Sandbox = {
    ...inner,
    async callSeveral(artifact, policy, calls) {
      const entry = { bank: artifact.glue.replace('artifact of ', ''), asked: calls.length, ran: 0 };
      batchCalls.push(entry);
      const answered = await inner.callSeveral(artifact, policy, calls);
      entry.ran = answered.length;
      return answered;
    },
  };
  const bed = createGatewayBed({ sandbox, ...deps });
  for (const [slug, changes] of Object.entries(releases)) await bed.publish({ bank: slug, ...changes });
  return Object.assign(bed, { batchCalls, outcomes });
}

const post = (bed: GatewayBed, options: PostOptions = {}): Promise<Response> =>
  bed.post({ url: BATCH_URL, ...options });
const sendArray = (
  bed: GatewayBed,
  items: readonly unknown[],
  options: PostOptions = {},
): Promise<Response> => post(bed, { body: JSON.stringify(items), ...options });

async function linesOf(response: Response): Promise<Line[]> {
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  const text = await response.text();
  expect(text.endsWith('\n')).toBe(true);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  expect(lines.map(({ index }) => index)).toEqual(lines.map((_, index) => index));
  return lines;
}

/** What each line says: the decision and the failure, or the problem's code. */
async function saidOf(response: Response): Promise<string[]> {
  return (await linesOf(response)).map(({ problem, decision, failure }) =>
    [problem?.['code'] ?? decision, failure]
      .filter((part) => part !== undefined)
      .map(String)
      .join(' '),
  );
}

async function detailOf(response: Response): Promise<string> {
  const body = (await response.clone().json()) as { detail?: string };
  return `${response.status} ${await problemOf(response)}: ${body.detail}`;
}

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

describe('a batch', () => {
  test('has for each item what a single request gets, and its index', async () => {
    const bed = await makeBed({ meridian: {}, other: { number: 3 } });
    bed.outcomes.set('other', () => denial);
    const items = [payment('meridian', 'a'), payment('other', 'b')];
    const lines = await linesOf(await sendArray(bed, items));
    for (const [index, item] of items.entries()) {
      const single = (await (await bed.post({ body: JSON.stringify(item) })).json()) as object;
      expect(JSON.stringify(lines[index])).toBe(JSON.stringify({ index, ...single }));
    }
  });

  test.each(['\n', '\r\n', '\n\n \n'])('is read from lines, too (%j between them)', async (feed) => {
    const bed = await makeBed({ meridian: {} });
    const items = many(3, (index) => payment('meridian', `txn_${index}`));
    for (const end of ['', feed]) {
      const body = feed + items.map((item) => JSON.stringify(item)).join(feed) + end;
      const lines = await linesOf(await post(bed, { body, headers: NDJSON }));
      expect(lines.map((line) => line['transaction_id'])).toEqual(['txn_0', 'txn_1', 'txn_2']);
    }
  });

  test('gives each item the seed and the time of a single request', async () => {
    const seen: [string, string, number][] = [];
    const bed = await makeBed();
    bed.outcomes.set('meridian', ({ transaction, seed, evaluatedAtMs }) => {
      seen.push([transaction.id, Buffer.from(seed).toString('hex'), evaluatedAtMs]);
      return APPROVE;
    });
    await linesOf(await sendArray(bed, [payment('meridian', 'a'), payment('meridian', 'b')]));
    for (const id of ['a', 'b']) await bed.post({ body: JSON.stringify(payment('meridian', id)) });
    expect(seen.slice(0, 2)).toEqual(seen.slice(2));
    expect(new Set(seen.map(([, seed]) => seed)).size).toBe(2);
  });

  test('keeps its order, whichever bank is faster', async () => {
    const bed = await makeBed({ slow: {}, fast: {} });
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    bed.outcomes.set('slow', async () => {
      await gate;
      return denial;
    });
    const response = await sendArray(bed, [
      payment('slow'),
      payment('fast'),
      payment('fast'),
      payment('slow'),
    ]);
    await bed.time.advance(20);
    go();
    expect(await saidOf(response)).toEqual(['deny', 'approve', 'approve', 'deny']);
  });

  test('is answered while it is decided', async () => {
    const bed = await makeBed({ slow: {}, fast: {} });
    let go = (): void => {};
    bed.outcomes.set('slow', () => new Promise((resolve) => (go = () => resolve(APPROVE))));
    const response = await sendArray(bed, [payment('fast'), payment('slow')]);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    expect(first).toMatch(/^\{"index":0,[^\n]*\}\n$/);
    await expect.poll(() => bed.batchCalls.length).toBe(2);
    go();
    expect(new TextDecoder().decode((await reader.read()).value)).toMatch(/^\{"index":1,/);
    expect((await reader.read()).done).toBe(true);
  });

  test('takes the same payment as often as it comes', async () => {
    const bed = await makeBed();
    const said = await saidOf(
      await sendArray(
        bed,
        many(10, () => payment('meridian', 'same')),
      ),
    );
    expect(said).toEqual(many(10, () => 'approve'));
  });

  test('is of one bank where the subdomain names one', async () => {
    const bed = await makeBed({ meridian: {}, other: {} });
    const url = 'http://meridian.pay.example/v1/validate/batch';
    const said = await saidOf(await sendArray(bed, [payment('meridian'), payment('other')], { url }));
    expect(said).toEqual(['approve', 'bank_mismatch']);
  });

  test('logs what came of its items, and nothing of them', async () => {
    const bed = await makeBed({ meridian: {}, other: {} });
    bed.outcomes.set('other', () => TRAP);
    await linesOf(
      await sendArray(bed, [payment('meridian', 'planted-1'), payment('other', 'planted-2'), { planted: 3 }]),
    );
    await expect.poll(() => bed.events.length).toBe(2);
    expect(bed.events).toMatchObject([
      { event: 'request', route: '/v1/validate/batch', status: 200 },
      {
        event: 'batch',
        items: 3,
        isComplete: true,
        approved: 1,
        denied: 1,
        failures: { trap: 1 },
        problems: { invalid_transaction: 1 },
        releases: [{ bank: 'meridian', release: 7 }, { bank: 'other' }],
      },
    ]);
    expect(JSON.stringify(bed.events)).not.toContain('planted');
  });
});

describe('an item', () => {
  test('that is no good has its own problem, and harms no other', async () => {
    const bed = await makeBed();
    const bad = [null, 5, 'text', [], {}, { ...payment('meridian'), amount: { amount: 1.5 } }];
    const said = await saidOf(
      await sendArray(bed, [payment('meridian'), ...bad, payment('nobody'), payment('meridian')]),
    );
    expect(said).toEqual(['approve', ...bad.map(() => 'invalid_transaction'), 'unknown_bank', 'approve']);
  });

  test('on a line of its own may be no JSON at all', async () => {
    const bed = await makeBed();
    const good = JSON.stringify(payment('meridian'));
    const lines = [good, '{', '\ufeff{}', `${good} ${good}`, '{"a":1,"a":2}', '['.repeat(17), good];
    const answered = await linesOf(await post(bed, { body: lines.join('\n'), headers: NDJSON }));
    expect(answered.map(({ problem, decision }) => problem?.['code'] ?? decision)).toEqual([
      'approve',
      ...many(5, () => 'malformed_json'),
      'approve',
    ]);
    expect(answered[1]?.problem).toMatchObject({ status: 400, line: 1, column: 2 });
    expect(answered[4]?.problem).toMatchObject({ errors: [{ pointer: '/a', code: 'duplicate_member' }] });
  });

  test('may be as long as a single one, and no longer', async () => {
    const bed = await makeBed();
    const ofLength = (length: number): string => {
      const text = JSON.stringify({ ...payment('meridian'), more: '' });
      return text.replace('"more":""', `"more":"${'x'.repeat(length - text.length)}"`);
    };
    const lines = [MAX_BODY_BYTES - 1, MAX_BODY_BYTES, MAX_BODY_BYTES + 1].map(ofLength);
    const said = await saidOf(await post(bed, { body: lines.join('\n'), headers: NDJSON }));
    expect(said).toEqual(['approve', 'approve', 'body_too_large']);
    expect(await saidOf(await post(bed, { body: `[${lines.slice(0, 2).join(',')}]` }))).toEqual([
      'approve',
      'approve',
    ]);
    expect(await detailOf(await post(bed, { body: `[${lines[2]}]` }))).toBe(
      `413 body_too_large: a transaction is longer than ${MAX_BODY_BYTES} characters`,
    );
  });

  test('about a bank that the processor has not got is forbidden, and harms no other', async () => {
    const key = makeApiKey();
    const bed = await makeBed(
      { meridian: {}, other: {} },
      {
        callers: {
          verifyProcessor: verifyProcessorPlainly,
          rateLimiter: createTokenBuckets(new Map([['standard', { requests: 100, perS: 1 }]]), () => 0),
        },
      },
    );
    const record = makeProcessor({ apiKeys: [key.entry], banks: ['meridian'] });
    await bed.store.force(currentProcessorKey('acme'), encodeProcessorPlainly(record));
    const headers = { authorization: `Bearer ${key.text}` };
    const said = await saidOf(
      await sendArray(bed, [payment('meridian'), payment('other'), payment('nobody')], { headers }),
    );
    expect(said).toEqual(['approve', 'forbidden', 'forbidden']);
    expect(bed.batchCalls.map(({ bank: slug }) => slug)).toEqual(['meridian']);
  });

  test('whose release refuses to have an answer made up has a problem', async () => {
    const bed = await makeBed({ meridian: { fallback: 'refuse' }, other: {} });
    bed.outcomes.set('meridian', () => TRAP);
    expect(await saidOf(await sendArray(bed, [payment('meridian'), payment('other')]))).toEqual([
      'validator_unavailable',
      'approve',
    ]);
  });

  test('whose release cannot be read has a problem, and others wait for nothing', async () => {
    const bed = await makeBed({ meridian: {}, other: {} });
    bed.store.fault = (key) => (key === currentReleaseKey('meridian') ? { kind: 'fail' } : undefined);
    expect(await saidOf(await sendArray(bed, [payment('meridian'), payment('other')]))).toEqual([
      'store_unavailable',
      'approve',
    ]);
  });
});

describe('a whole batch is refused', () => {
  test.each([
    ['that is no JSON', '[', '400 malformed_json: the text ends too early'],
    ['that is a single transaction', JSON.stringify(payment('meridian')), '422 invalid_batch: no JSON array'],
    ['of nothing', '[]', '422 invalid_batch: no transaction'],
    ['that goes on behind its end', '[]]', '400 malformed_json: more text after the value'],
    ['that lacks a comma', `[${JSON.stringify(payment('meridian'))} 1]`, '400 malformed_json: a comma'],
    ['with a comma too many', '[1,]', '400 malformed_json: a value must start here'],
  ])('%s', async (_what, body, said) => {
    const bed = await makeBed();
    expect(await detailOf(await post(bed, { body }))).toContain(said);
    expect(bed.batchCalls).toEqual([]);
  });

  test('with a member that comes twice, and its pointer says in which item', async () => {
    const bed = await makeBed();
    const response = await post(bed, { body: '[1,{"a":{"b":1,"b":2}}]' });
    expect(await response.json()).toMatchObject({ errors: [{ pointer: '/1/a/b' }], offset: 15 });
  });

  test('of lines that are all empty', async () => {
    const bed = await makeBed();
    const detail = '422 invalid_batch: no transaction';
    for (const body of ['', '\n', ' '.repeat(MAX_BATCH_BYTES), '\n'.repeat(MAX_BATCH_BYTES)])
      expect(await detailOf(await post(bed, { body, headers: NDJSON }))).toBe(detail);
  });

  test('over so many bytes, with white space or without', async () => {
    const bed = await makeBed();
    const item = JSON.stringify(payment('meridian'));
    const body = `[${item}${' '.repeat(MAX_BATCH_BYTES - Buffer.byteLength(item) - 2)}]`;
    expect(await saidOf(await post(bed, { body }))).toEqual(['approve']);
    expect(await detailOf(await post(bed, { body: `${body} ` }))).toBe(
      `413 body_too_large: the body is larger than ${MAX_BATCH_BYTES} bytes`,
    );
  });

  test('of bytes that are no UTF-8, in whichever item', async () => {
    const bed = await makeBed();
    const whole = new TextEncoder().encode(`${JSON.stringify(payment('meridian'))}\n{"id":"€`);
    for (const headers of [NDJSON, {}])
      expect(await detailOf(await post(bed, { body: whole.slice(0, -1), headers }))).toContain('UTF-8');
    expect(bed.batchCalls).toEqual([]);
  });

  test.each(['text/plain', 'application/jsonl', 'application/x-ndjson; charset=latin1', ''])(
    'of the media type "%s"',
    async (type) => {
      const bed = await makeBed();
      const response = await post(bed, { body: '[]', headers: { 'content-type': type } });
      expect(await problemOf(response)).toBe('unsupported_media_type');
    },
  );

  test('and lines are no body of a single request', async () => {
    const bed = await makeBed();
    const response = await bed.post({ headers: NDJSON });
    expect(await problemOf(response)).toBe('unsupported_media_type');
  });

  test('with an idempotency key, which stands for one payment', async () => {
    const bed = await makeBed();
    const headers = { 'idempotency-key': '"1"' };
    expect(await detailOf(await sendArray(bed, [payment('meridian')], { headers }))).toBe(
      '422 invalid_batch: Idempotency-Key goes with a single transaction',
    );
  });

  test('with another method', async () => {
    const bed = await makeBed();
    const response = await bed.app.request(BATCH_URL);
    expect([response.headers.get('allow'), await problemOf(response)]).toEqual([
      'POST',
      'method_not_allowed',
    ]);
  });
});

describe('the bounds of a batch', () => {
  test('are so many transactions', async () => {
    const bed = await makeBed();
    const items = many(MAX_BATCH_ITEMS, () => payment('meridian'));
    for (const count of [MAX_BATCH_ITEMS - 1, MAX_BATCH_ITEMS]) {
      const said = await saidOf(await sendArray(bed, items.slice(0, count)));
      expect(said).toEqual(many(count, () => 'approve'));
    }
    const tooMany = [...items, 'whatever'];
    const body = tooMany.map((item) => JSON.stringify(item)).join('\n');
    for (const response of [await sendArray(bed, tooMany), await post(bed, { body, headers: NDJSON })])
      expect(await detailOf(response)).toBe('422 invalid_batch: more than 1000 transactions');
  });

  test('are so many banks', async () => {
    const bed = await makeBed(Object.fromEntries(many(MAX_BATCH_BANKS, (index) => [`bank-${index}`, {}])));
    const items = many(MAX_BATCH_BANKS + 1, (index) => payment(`bank-${index}`));
    for (const count of [MAX_BATCH_BANKS - 1, MAX_BATCH_BANKS])
      expect(await saidOf(await sendArray(bed, [...items.slice(0, count), items[0]]))).toEqual(
        many(count + 1, () => 'approve'),
      );
    expect(await detailOf(await sendArray(bed, items))).toBe('422 invalid_batch: asks more than 50 banks');
  });

  test('count the banks of all stages of a chain', async () => {
    const bed = await makeBed(Object.fromEntries(many(60, (index) => [`bank-${index}`, {}])), {
      chain: { stages: ['platform', 'origin', 'destination'], platformBank: 'bank-0' },
    });
    const items = many(25, (index) => ({
      ...payment(`bank-${2 * index + 1}`),
      origin: bank(`bank-${2 * index + 2}`),
    }));
    // The platform's, and two of each item: 49, then 51.
    expect(await saidOf(await sendArray(bed, items.slice(0, 24)))).toEqual(many(24, () => 'approve'));
    expect(await detailOf(await sendArray(bed, items))).toContain('more than 50 banks');
  });

  test('are four banks at a time', async () => {
    const slugs = many(12, (index) => `bank-${index}`);
    let running = 0;
    let most = 0;
    const sandbox: Sandbox = {
      call: async () => APPROVE,
      async callSeveral(_artifact, _policy, calls) {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 20));
        running -= 1;
        return calls.map(() => APPROVE);
      },
    };
    const bed = await makeBed(Object.fromEntries(slugs.map((slug) => [slug, {}])), { sandbox });
    expect(
      await saidOf(
        await sendArray(
          bed,
          slugs.map((slug) => payment(slug)),
        ),
      ),
    ).toHaveLength(12);
    expect(most).toBe(4);
  });
});

describe('items of one bank', () => {
  test('share calls of so many', async () => {
    const bed = await makeBed();
    await linesOf(
      await sendArray(
        bed,
        many(2 * MAX_CALLS_TOGETHER + 1, () => payment('meridian')),
      ),
    );
    expect(bed.batchCalls.map(({ asked }) => asked)).toEqual([MAX_CALLS_TOGETHER, MAX_CALLS_TOGETHER, 1]);
  });

  test('share a call until they have used what one may, and not one more', async () => {
    const bed = await makeBed();
    const half: CallOutcome = { ...APPROVE, fuel: FUEL_LIMIT / 2 };
    bed.outcomes.set('meridian', () => half);
    await linesOf(
      await sendArray(
        bed,
        many(5, () => payment('meridian')),
      ),
    );
    expect(bed.batchCalls.map(({ ran }) => ran)).toEqual([2, 2, 1]);
  });

  test('take turns with those of other banks', async () => {
    const bed = await makeBed({ dear: {}, cheap: {} });
    bed.outcomes.set('dear', () => ({ ...APPROVE, fuel: FUEL_LIMIT }));
    const items = [...many(4, () => payment('dear')), payment('cheap')];
    await linesOf(await sendArray(bed, items));
    expect(bed.batchCalls.map(({ bank: slug }) => slug).indexOf('cheap')).toBeLessThan(2);
  });
});

describe('a hostile bank', () => {
  test('ends its own items, and no others', async () => {
    const bed = await makeBed({ meridian: {}, hostile: {} });
    bed.outcomes.set('hostile', () => TRAP);
    const items = many(40, (index) => payment(index % 2 === 0 ? 'meridian' : 'hostile'));
    expect(await saidOf(await sendArray(bed, items))).toEqual(
      many(40, (index) => (index % 2 === 0 ? 'approve' : 'deny trap')),
    );
  });

  test('whose validator never ends is left alone after three, whatever is left of the batch', async () => {
    const bed = await makeBed();
    bed.outcomes.set('meridian', () => ENDLESS);
    const said = await saidOf(
      await sendArray(
        bed,
        many(MAX_BATCH_ITEMS, () => payment('meridian')),
      ),
    );
    const { limitsBeforePause } = DEFAULT_RATIONS;
    expect(bed.batchCalls.map(({ ran }) => ran)).toEqual(many(limitsBeforePause, () => 1));
    expect(said.slice(0, limitsBeforePause)).toEqual(many(limitsBeforePause, () => 'deny fuel_exhausted'));
    expect(said.slice(limitsBeforePause)).toEqual(
      many(MAX_BATCH_ITEMS - limitsBeforePause, () => 'deny paused'),
    );
    // And so are single requests.
    expect(await (await bed.post()).json()).toMatchObject({ failure: 'paused' });
  });

  test('gets no more than its ration out of a batch, while others ask', async () => {
    const bed = await makeBed({ meridian: {}, other: {} });
    const dear: CallOutcome = { ...APPROVE, fuel: 5_000_000 };
    bed.outcomes.set('meridian', () => dear);
    await bed.post({ body: JSON.stringify(payment('other')) });
    const said = await saidOf(
      await sendArray(
        bed,
        many(100, () => payment('meridian')),
      ),
    );
    // Two calls of singles: they would stop at the ration, a call of several at one budget.
    const ran = said.filter((word) => word === 'approve').length;
    expect(ran * dear.fuel).toBeLessThanOrEqual(DEFAULT_RATIONS.dearBurstFuel + FUEL_LIMIT);
    expect(said.at(-1)).toBe('deny share_exceeded');
  });

  test('lets others have the thread between its calls', async () => {
    const turns: string[] = [];
    const bed = await makeBed(
      { a: {}, b: {}, c: {}, d: {} },
      {
        rations: { dearBurstFuel: 1e12, fuelPerSecond: 1e12 },
        breathe: createBreath((go) =>
          setImmediate(() => {
            turns.push('|');
            go();
          }),
        ),
      },
    );
    for (const slug of ['a', 'b', 'c', 'd'])
      bed.outcomes.set(slug, () => {
        turns.push(slug);
        return { ...APPROVE, fuel: FUEL_LIMIT };
      });
    await linesOf(
      await sendArray(
        bed,
        many(20, (index) => payment(['a', 'b', 'c', 'd'][index % 4] ?? '')),
      ),
    );
    expect(turns.filter((turn) => turn !== '|')).toHaveLength(20);
    expect(turns.join('')).not.toMatch(/[abcd]{2}/);
  });

  test('that breaks the host itself ends its own items', async () => {
    const inner = createBankSandbox(() => APPROVE);
    const bed = await makeBed(
      { meridian: {}, hostile: {} },
      {
        sandbox: {
          ...inner,
          async callSeveral(artifact, policy, calls) {
            if (artifact.glue.endsWith('hostile')) throw new Error('the host failed');
            return inner.callSeveral(artifact, policy, calls);
          },
        },
      },
    );
    expect(await saidOf(await sendArray(bed, [payment('hostile'), payment('meridian')]))).toEqual([
      'deny load_failed',
      'approve',
    ]);
  });
});

describe('the deadline of a batch', () => {
  const headers = { 'wasmpay-deadline-ms': '200' };

  test('ends it with fallbacks, and with outages where no release is at hand', async () => {
    const bed = await makeBed({ fast: {}, slow: {}, refusing: { fallback: 'refuse' }, unread: {} });
    bed.outcomes.set('slow', () => new Promise(() => {}));
    bed.outcomes.set('refusing', () => new Promise(() => {}));
    bed.store.fault = (key) => (key === currentReleaseKey('unread') ? { kind: 'hang' } : undefined);
    const items = ['fast', 'slow', 'fast', 'refusing', 'unread', 'slow'].map((slug) => payment(slug));
    const response = await sendArray(bed, items, { headers });
    await bed.time.advance(199);
    expect(bed.events.filter(({ event }) => event === 'batch')).toEqual([]);
    await bed.time.advance(1);
    expect(await saidOf(response)).toEqual([
      'approve',
      'deny deadline_exceeded',
      'approve',
      'validator_unavailable',
      'store_unavailable',
      'deny deadline_exceeded',
    ]);
  });

  test('is for all of it: what has not been started is not', async () => {
    const bed = await makeBed();
    bed.outcomes.set('meridian', () => {
      bed.time.set(bed.time.clock() + 60);
      return { ...APPROVE, fuel: FUEL_LIMIT };
    });
    const response = await sendArray(
      bed,
      many(10, () => payment('meridian')),
      { headers },
    );
    const said = await saidOf(response);
    expect(said.slice(0, 3)).toEqual(['approve', 'approve', 'approve']);
    expect(said.slice(3)).toEqual(many(7, () => 'deny deadline_exceeded'));
    expect(bed.batchCalls).toHaveLength(4);
  });

  test('is over for a body that does not come', async () => {
    const bed = await makeBed();
    const body = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(new TextEncoder().encode('[')) });
    const pending = post(bed, { body, headers });
    await bed.time.advance(200);
    expect(await problemOf(await pending)).toBe('request_timeout');
  });
});

test('a bug ends it without an end, and is logged', async () => {
  const bed = await makeBed({ meridian: {} }, { hmac: () => Promise.reject(new Error('planted')) });
  const response = await sendArray(bed, [payment('meridian'), payment('meridian')]);
  await expect(response.text()).rejects.toThrow();
  await expect
    .poll(() => bed.events.at(-1))
    .toMatchObject({ event: 'batch', isComplete: false, error: 'internal' });
  expect(JSON.stringify(bed.events)).not.toContain('planted');
  expect(bed.time.waiting).toBe(0);
});

test('a caller that goes away ends the work', async () => {
  const bed = await makeBed();
  let go = (): void => {};
  bed.outcomes.set(
    'meridian',
    () => new Promise((resolve) => (go = () => resolve({ ...APPROVE, fuel: FUEL_LIMIT }))),
  );
  const response = await sendArray(
    bed,
    many(50, () => payment('meridian')),
  );
  await expect.poll(() => bed.batchCalls.length).toBe(1);
  await response.body?.cancel();
  go();
  await bed.time.advance(2_000);
  expect(bed.batchCalls).toHaveLength(1);
  expect(bed.events.filter(({ event }) => event === 'batch')).toMatchObject([
    { isComplete: false, items: 50 },
  ]);
  expect(bed.time.waiting).toBe(0);
});

describe('a rate tier', () => {
  const key = makeApiKey();
  const headers = { authorization: `Bearer ${key.text}` };

  async function makeGuardedBed(requests: number): Promise<BatchBed> {
    const tiers = new Map([['standard', { requests, perS: 10 }]]);
    let nowMs = START_MS;
    const bed = await makeBed(
      { meridian: {} },
      {
        callers: {
          verifyProcessor: verifyProcessorPlainly,
          rateLimiter: createTokenBuckets(tiers, () => nowMs),
        },
      },
    );
    await bed.store.force(
      currentProcessorKey('acme'),
      encodeProcessorPlainly(makeProcessor({ apiKeys: [key.entry] })),
    );
    return Object.assign(bed, { pass: (ms: number) => (nowMs += ms) });
  }

  const send = (bed: GatewayBed, count: number): Promise<Response> =>
    sendArray(
      bed,
      many(count, () => payment('meridian')),
      { headers },
    );

  test('counts every item of a batch', async () => {
    const bed = await makeGuardedBed(100);
    expect(await linesOf(await send(bed, 60))).toHaveLength(60);
    const refused = await send(bed, 60);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(2);
    expect(await problemOf(refused)).toBe('rate_limited');
    expect(await linesOf(await send(bed, 39))).toHaveLength(39);
    expect(await problemOf(await bed.post({ headers }))).toBe('rate_limited');
  });

  test('lets a batch pass that is larger than itself, and is paid back', async () => {
    const bed = (await makeGuardedBed(10)) as BatchBed & { pass(ms: number): void };
    expect(await linesOf(await send(bed, 50))).toHaveLength(50);
    bed.pass(40_000);
    expect(await problemOf(await bed.post({ headers }))).toBe('rate_limited');
    bed.pass(1_000);
    expect((await bed.post({ headers })).status).toBe(200);
  });
});

describe('a chain', () => {
  const chain = { stages: ['platform', 'origin', 'destination'], platformBank: 'wasmpay' } as const;

  test('is asked for every item, each bank in calls that its items share', async () => {
    const bed = await makeBed({ wasmpay: {}, a: {}, b: {} }, { chain });
    bed.outcomes.set('b', ({ transaction }) => (transaction.id === 'txn_3' ? denial : APPROVE));
    const items = many(6, (index) => ({
      ...payment(index % 2 === 0 ? 'a' : 'b', `txn_${index}`),
      origin: bank(index % 2 === 0 ? 'b' : 'a'),
    }));
    const lines = await linesOf(await sendArray(bed, items));
    expect(lines.map(({ decision }) => decision)).toEqual(
      many(6, (index) => (index === 3 ? 'deny' : 'approve')),
    );
    expect(bed.batchCalls.map(({ bank: slug, ran }) => `${slug} ${ran}`).toSorted()).toEqual([
      'a 6',
      'b 6',
      'wasmpay 6',
    ]);
    const single = (await (await bed.post({ body: JSON.stringify(items[3]) })).json()) as object;
    expect(JSON.stringify(lines[3])).toBe(JSON.stringify({ index: 3, ...single }));
  });

  test('that misses a release is each item’s own problem', async () => {
    const bed = await makeBed({ wasmpay: {}, a: {} }, { chain });
    const to = (origin: string, destination: string) => ({ ...payment(destination), origin: bank(origin) });
    expect(
      await saidOf(await sendArray(bed, [to('a', 'a'), to('nobody', 'a'), to('a', 'nobody'), to('!', 'a')])),
    ).toEqual(['approve', 'unknown_bank', 'unknown_bank', 'unknown_bank']);
    const down = await makeBed({ a: {} }, { chain });
    expect(await saidOf(await sendArray(down, [to('a', 'a')]))).toEqual(['store_unavailable']);
    expect(down.batchCalls).toEqual([]);
  });

  test('that is late has each stage’s fallback', async () => {
    const bed = await makeBed({ wasmpay: {}, a: {} }, { chain });
    bed.outcomes.set('a', () => new Promise(() => {}));
    const item = { ...payment('a'), origin: bank('a') };
    const response = await sendArray(bed, [item], { headers: { 'wasmpay-deadline-ms': '200' } });
    await bed.time.advance(200);
    const [line] = await linesOf(response);
    expect(line).toMatchObject({
      decision: 'deny',
      failure: 'deadline_exceeded',
      stages: [
        { stage: 'platform', decision: 'approve' },
        { stage: 'origin', failure: 'deadline_exceeded' },
        { stage: 'destination', failure: 'deadline_exceeded' },
      ],
    });
  });
});
