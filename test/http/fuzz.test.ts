// Random requests through HTTP to both gateways: no 5xx, no hang, and no amount but the one that was sent reaches a
// validator. Prints how many of them were answered how. WASMPAY_FUZZ_RUNS asks for more of each kind.

import { Agent, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';

import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAX_AMOUNT, MIN_AMOUNT } from '../../src/core/transaction.ts';
import { PLANTED } from '../fixtures/planted.ts';
import { RUNTIMES } from '../fixtures/two-runtimes.ts';
import { bodyWith, GOOD_BODY, startTwoGateways, type TwoGateways } from './two-gateways.ts';

const RUNS = Number(process.env['WASMPAY_FUZZ_RUNS'] ?? 400);
/** No answer takes longer than a gateway's own deadline and what a busy machine adds, milliseconds. */
const HANG_MS = 10_000;

let both: TwoGateways;
const agent = new Agent({ keepAlive: true });
/** How often each status was answered, by kind of request. */
const counts = new Map<string, Map<string, number>>();

beforeAll(async () => {
  both = await startTwoGateways();
});

afterAll(async () => {
  agent.destroy();
  for (const [kind, statuses] of counts) {
    const total = [...statuses.values()].reduce((sum, each) => sum + each, 0);
    const each = [...statuses].map(([status, count]) => `${status} ${count}`).toSorted();
    console.info(`${kind}: ${total} requests, ${each.join(', ')}`);
  }
  await both[Symbol.asyncDispose]();
});

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: { readonly decision?: string; readonly bank?: string; readonly transaction_id?: string };
}

/** Sends a request and holds its answer against what all answers are: in time, no 5xx, and of a known form. */
async function ask(
  kind: string,
  port: number,
  { path = '/v1/validate', method = 'POST', headers = {}, body = '' }: Sent,
): Promise<Answer> {
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    method,
    agent,
    signal: AbortSignal.timeout(HANG_MS),
    headers: {
      'content-type': 'application/json',
      host: 'localhost',
      // Node's client announces no length where a method has usually no body, and sends the body nevertheless.
      ...(method !== 'GET' && method !== 'HEAD' && { 'content-length': Buffer.byteLength(body) }),
      ...headers,
    },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const bytes = await buffer(response);
  const status = response.statusCode ?? 0;
  const statuses = counts.get(kind) ?? new Map<string, number>();
  counts.set(kind, statuses);
  const type = response.headers['content-type'] ?? '';
  // A parser of HTTP may have answered before there was a request.
  const answered =
    /json/.test(type) && bytes.length > 0 ? (JSON.parse(bytes.toString()) as Answer['body']) : {};
  const label = status === 200 ? (answered.decision ?? 'read') : String(status);
  statuses.set(label, (statuses.get(label) ?? 0) + 1);
  expect(status, bytes.toString()).toBeLessThan(500);
  if (status >= 400 && type !== '') expect(type).toMatch(/^application\/problem\+json|^text\/plain/);
  expect(bytes.toString(), 'what was planted').not.toContain(PLANTED);
  return { status, type, body: answered };
}

/** JSON numbers, and what looks like some, as text. */
const numberText = fc.oneof(
  fc.bigInt({ min: MIN_AMOUNT, max: MAX_AMOUNT }).map(String),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc
    .constantFrom(MAX_AMOUNT, MIN_AMOUNT, MAX_AMOUNT + 1n, MIN_AMOUNT - 1n, 2n ** 53n, 2n ** 53n + 1n)
    .map(String),
  fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -3, max: 400 })).map(([a, b]) => `${a}e${b}`),
  fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 64n }), fc.nat(999)).map(([a, b]) => `${a}.${b}`),
  fc.double().map(String),
  fc.nat().map((value) => `0${value}`),
  fc.nat().map((value) => `+${value}`),
  fc.constantFrom('-0', '1E0', '0x10', '1_000', '1,000', '١٢', 'NaN', '-', '1e', '"5"', 'null', '[5]', '5 5'),
);

/** The amount that a number or a string spells where the contract can carry it. A negative zero is no integer. */
function amountOf(text: string): bigint | undefined {
  const digits = /^("?)(0|-?[1-9]\d*)\1$/.exec(text)?.[2];
  if (digits === undefined) return undefined;
  const amount = BigInt(digits);
  return amount >= MIN_AMOUNT && amount <= MAX_AMOUNT ? amount : undefined;
}

describe.each(RUNTIMES)('%s', (name) => {
  const gateway = () => both[name];
  const send = (kind: string, sent: Sent) => ask(`${name}, ${kind}`, gateway().port, sent);

  test('whatever spells an amount, its validator is given that amount, or it is refused', async () => {
    await fc.assert(
      fc.asyncProperty(numberText, fc.bigInt({ min: 1n, max: 9n }), async (text, off) => {
        const amount = amountOf(text);
        const { status, body } = await send('amounts', { body: bodyWith(text, String(amount ?? 0n)) });
        if (amount === undefined) {
          expect([400, 422]).toContain(status);
          return;
        }
        expect(body.decision).toBe('approve');
        const wrong = await send('amounts', { body: bodyWith(text, String(amount + off)) });
        expect(wrong.body.decision).toBe('deny');
      }),
      { numRuns: RUNS },
    );
  });

  test('a good body with bytes changed, lost, doubled or moved', async () => {
    const good = Buffer.from(GOOD_BODY);
    const place = fc.nat(good.length - 1);
    const change = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), at: place, byte: fc.nat(255) }),
      fc.record({ kind: fc.constant('cut' as const), at: place, length: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ kind: fc.constant('double' as const), at: place, length: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ kind: fc.constant('end' as const), at: place }),
      fc.record({
        kind: fc.constant('digit' as const),
        at: place,
        byte: fc.integer({ min: 0x30, max: 0x39 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let bytes = good;
        for (const each of changes) {
          const head = bytes.subarray(0, each.at);
          if (each.kind === 'set' || each.kind === 'digit')
            bytes = Buffer.concat([head, Uint8Array.of(each.byte), bytes.subarray(each.at + 1)]);
          else if (each.kind === 'cut') bytes = Buffer.concat([head, bytes.subarray(each.at + each.length)]);
          else if (each.kind === 'double')
            bytes = Buffer.concat([bytes.subarray(0, each.at + each.length), bytes.subarray(each.at)]);
          else bytes = head;
        }
        const { status, body } = await send('changed bodies', { body: new Uint8Array(bytes) });
        if (status !== 200) return;
        // What was read as a transaction is JSON that says what was decided about.
        const said = readTransaction(bytes.toString());
        expect(body.transaction_id).toBe(said.id);
        if (/^-?\d{1,18}$/.test(said.id))
          expect(body.decision).toBe(BigInt(said.id) === said.amount ? 'approve' : 'deny');
      }),
      { numRuns: RUNS },
    );
  });

  test('any JSON in any place of a good transaction', async () => {
    const paths = [
      'id',
      'origin',
      'origin.id',
      'destination',
      'destination.id',
      'amount',
      'amount.amount',
      'more',
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.json({ maxDepth: 6 }), async (path, value) => {
        const { status } = await send('changed members', { body: replaceMember(path, value) });
        expect([200, 400, 404, 413, 422]).toContain(status);
      }),
      { numRuns: RUNS },
    );
  });

  test('any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
        const { status } = await send('bytes', { body: new Uint8Array(bytes) });
        expect([400, 422]).toContain(status);
      }),
      { numRuns: RUNS },
    );
  });

  test('any headers and paths', async () => {
    const token = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}$/);
    const known = fc.constantFrom(
      'authorization',
      'wasmpay-deadline-ms',
      'signature',
      'signature-input',
      'content-digest',
      'content-type',
      'content-encoding',
      'accept',
      'cookie',
      'x-forwarded-for',
      'x-forwarded-host',
      'forwarded',
      'if-none-match',
      'range',
      '__proto__',
      'constructor',
    );
    const value = fc.stringMatching(
      /^[\x21-\x7e\xa1-\xff]([\x20-\x7e\xa1-\xff]{0,60}[\x21-\x7e\xa1-\xff])?$/,
    );
    const hopByHop =
      /^(?:connection|content-length|transfer-encoding|expect|upgrade|te|trailer|keep-alive|proxy-.*)$/i;
    const name = fc.oneof(known, token).filter((each) => !hopByHop.test(each));
    const path = fc.oneof(
      fc.constant('/v1/validate'),
      fc.constantFrom('/v1/banks/meridian/validate', '/healthz', '/readyz', '/openapi.json', '/docs', '/'),
      fc.stringMatching(/^\/[\x21-\x7e]{0,80}$/),
      fc.stringMatching(/^\/v1\/banks\/[\x21-\x7e]{0,40}\/validate$/),
    );
    const method = fc.constantFrom(
      'POST',
      'POST',
      'POST',
      'GET',
      'HEAD',
      'PUT',
      'DELETE',
      'OPTIONS',
      'PATCH',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, value), { maxLength: 8 }),
        path,
        method,
        async (headers, path, method) => {
          const { status, body } = await send('headers and paths', {
            path,
            method,
            headers: Object.fromEntries(headers),
            ...(method === 'GET' || method === 'HEAD' ? {} : { body: GOOD_BODY }),
          });
          // Whatever a request says of itself, a decision is the witness's about what the body says.
          if (status === 200 && method === 'POST')
            expect(body).toMatchObject({ decision: 'approve', bank: 'meridian' });
        },
      ),
      { numRuns: RUNS },
    );
  });
});

/** Id and amount of a body that a gateway has read. Throws where it is no JSON. */
function readTransaction(text: string): { id: string; amount: bigint } {
  const read = JSON.parse(text, function keepDigits(
    key: string,
    value: unknown,
    context?: { source?: string },
  ) {
    return key === 'amount' && typeof value === 'number' ? BigInt(context?.source ?? '') : value;
  } as (key: string, value: unknown) => unknown) as { id: string; amount: { amount: bigint } };
  return { id: read.id, amount: read.amount.amount };
}

/** The good body with the JSON text `value` at `path`, or as a member that there is not. */
function replaceMember(path: string, value: string): string {
  const body = JSON.parse(GOOD_BODY) as Record<string, unknown>;
  const [first = '', second] = path.split('.');
  body[first] = second === undefined ? 'HERE' : { ...(body[first] as object), [second]: 'HERE' };
  return JSON.stringify(body).replace('"HERE"', () => value);
}
