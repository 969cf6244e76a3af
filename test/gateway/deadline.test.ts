// A caller's deadline, whatever storage, counters, artifacts and sandboxes do. Time is in the test's hands: "within" means
// that the answer is there once the clock has moved by no more than the deadline.

import { describe, expect, test } from 'vitest';

import type { VerifiedRelease } from '../../src/artifact/release.ts';
import { COUNTER_WAIT_MS, type Access } from '../../src/gateway/authenticate.ts';
import {
  awaitAtMost,
  DEFAULT_DEADLINES,
  LEAST_DEADLINE_MS,
  parseDeadline,
  startDeadline,
} from '../../src/gateway/deadline.ts';
import { USEFUL_CALL_MS } from '../../src/gateway/ask-bank.ts';
import { DEFAULT_FRESHNESS } from '../../src/gateway/freshness.ts';
import { createNodeHmac, nodePrimitives } from '../../src/entry/node-crypto.ts';
import type { RateLimiter } from '../../src/gateway/rate-limit.ts';
import { currentProcessorKey } from '../../src/store/keys.ts';
import type { CallOutcome } from '../../src/sandbox/sandbox.ts';
import type { ReadFault } from '../fixtures/fault-store.ts';
import {
  APPROVE,
  createGatewayBed,
  makeBody,
  problemOf,
  START_MS,
  type GatewayBed,
  type PostOptions,
} from '../fixtures/gateway-bed.ts';
import { createManualTime } from '../fixtures/manual-time.ts';
import {
  encodeProcessorPlainly,
  makeApiKey,
  makeProcessor,
  verifyProcessorPlainly,
} from '../fixtures/processors.ts';
import { PLANTED } from '../fixtures/planted.ts';

const DEADLINE_MS = 200;
const HEADER = { 'wasmpay-deadline-ms': String(DEADLINE_MS) };
const KEY = makeApiKey();

const isRelease = (key: string): boolean => key.startsWith('banks/');
const isArtifact = (key: string): boolean => key.startsWith('artifacts/');
const isProcessor = (key: string): boolean => key === currentProcessorKey('acme');

const unlimited: RateLimiter = { has: () => true, take: () => ({ allowed: true }) };

/** A gateway with a door, behind it `meridian`. */
async function makeBed(
  release: Partial<VerifiedRelease> = {},
  rateLimiter: RateLimiter = unlimited,
): Promise<GatewayBed> {
  const callers: Access = {
    verifyProcessor: verifyProcessorPlainly,
    rateLimiter,
    primitives: nodePrimitives,
  };
  const bed = createGatewayBed({ callers, hmac: createNodeHmac() });
  const record = makeProcessor({ apiKeys: [KEY.entry] });
  await bed.store.force(currentProcessorKey('acme'), encodeProcessorPlainly(record));
  await bed.publish(release);
  return bed;
}

function send(bed: GatewayBed, options: PostOptions = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${KEY.text}`, ...HEADER, ...options.headers };
  return bed.post({ ...options, headers });
}

interface Answer {
  readonly response: Response;
  /** The decision and its failure, or the problem's code. */
  readonly said: string;
  readonly waitedMs: number;
}

/** Sends, and moves time on until the answer is there: by `stepMs`, which divides what is waited for. */
async function ask(bed: GatewayBed, options: PostOptions = {}, stepMs = 50): Promise<Answer> {
  const answers: Response[] = [];
  void send(bed, options).then((response) => answers.push(response));
  await arrive(bed, () => answers.length > 0);
  let waitedMs = 0;
  for (; answers.length === 0; waitedMs += stepMs) {
    if (waitedMs > 10_000) throw new Error('no answer within ten seconds');
    await bed.time.advance(stepMs);
    await arrive(bed, () => answers.length > 0);
  }
  const response = answers[0] as Response;
  return { response, said: await sayingOf(response.clone()), waitedMs };
}

/** Lets a request come as far as it can without time: digests of artifacts are made in other threads. */
async function arrive(bed: GatewayBed, isEnough = (): boolean => false): Promise<void> {
  for (let turn = 0; turn < 6 && !isEnough(); turn += 1) await bed.time.advance(0);
}

async function sayingOf(response: Response): Promise<string> {
  if (!response.ok) return problemOf(response);
  const { decision, failure } = (await response.json()) as { decision: string; failure?: string };
  return failure === undefined ? decision : `${decision} ${failure}`;
}

/** Something that takes `delayMs` of the bed's time. */
function later(bed: GatewayBed, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    bed.time.timer(delayMs, resolve);
  });
}

const slowRead = (bed: GatewayBed, delayMs: number): ReadFault => ({
  kind: 'delay',
  until: later(bed, delayMs),
});

describe('the header', () => {
  const rules = { defaultMs: 1_000, longestMs: 1_500 };

  test.each<[string | null, number | undefined]>([
    [null, 1_000],
    [String(LEAST_DEADLINE_MS - 1), undefined],
    [String(LEAST_DEADLINE_MS), LEAST_DEADLINE_MS],
    [String(LEAST_DEADLINE_MS + 1), LEAST_DEADLINE_MS + 1],
    ['1499', 1_499],
    ['1500', 1_500],
    ['1501', undefined],
    ...[
      '',
      '0',
      '-100',
      '+100',
      '0100',
      '100.0',
      '1e2',
      '100ms',
      '100, 200',
      ' 100',
      '0x64',
      '9'.repeat(400),
    ].map((text): [string, undefined] => [text, undefined]),
  ])('%j is %j', (text, expected) => {
    expect(parseDeadline(text, rules)).toBe(expected);
  });

  test.each(['49', '1501', 'soon', ''])(
    '%j is a 400 that names the range, and reads nothing',
    async (text) => {
      const bed = createGatewayBed();
      await bed.publish();
      const response = await bed.post({ headers: { 'wasmpay-deadline-ms': text } });
      expect(response.status).toBe(400);
      expect(await response.clone().json()).toMatchObject({
        detail: 'Wasmpay-Deadline-Ms is a whole number from 50 to 1500',
      });
      expect(await problemOf(response)).toBe('invalid_deadline');
      expect(bed.store.reads).toEqual([]);
    },
  );

  test('that is bad does not tell a stranger so', async () => {
    const bed = await makeBed();
    const response = await bed.post({ headers: { 'wasmpay-deadline-ms': 'soon' } });
    expect(await problemOf(response)).toBe('unauthenticated');
  });
});

describe('a deadline', () => {
  test('is over at its end, not before it', () => {
    const time = createManualTime(START_MS);
    const deadline = startDeadline(100, time.clock);
    time.set(START_MS + 99);
    expect([deadline.leftMs(), deadline.isOver()]).toEqual([1, false]);
    time.set(START_MS + 100);
    expect([deadline.leftMs(), deadline.isOver()]).toEqual([0, true]);
    time.set(START_MS + 101);
    expect([deadline.leftMs(), deadline.isOver()]).toEqual([0, true]);
    time.set(START_MS - 5_000);
    expect(deadline.leftMs()).toBe(100);
  });

  test('gives up once, leaves no timer, and hears nothing of what comes later', async () => {
    const { timer, ...time } = createManualTime(START_MS);
    let fail = (_error: Error): void => {};
    const hanging = new Promise<string>((_, reject) => (fail = reject));
    const pending = awaitAtMost(hanging, 100, timer, () => 'gave up');
    await time.advance(100);
    expect(await pending).toBe('gave up');
    fail(new Error('too late to matter'));
    expect(await awaitAtMost(Promise.resolve('in time'), 100, timer, () => 'gave up')).toBe('in time');
    await expect(awaitAtMost(Promise.reject(new Error('bug')), 100, timer, () => '')).rejects.toThrow('bug');
    const refused = awaitAtMost(new Promise<string>(() => {}), 100, timer, () => {
      throw new Error('no patience');
    });
    const [settled] = await Promise.all([Promise.allSettled([refused]), time.advance(100)]);
    expect(settled).toMatchObject([{ status: 'rejected' }]);
  });

  test('of a warm request leaves no timer behind', async () => {
    const bed = await makeBed();
    await send(bed);
    expect(bed.time.waiting).toBe(0);
  });
});

describe.each([
  ['under', DEADLINE_MS - 50],
  ['at', DEADLINE_MS],
  ['over', DEADLINE_MS + 50],
])('what takes %s the deadline', (where, delayMs) => {
  const inTime = where === 'under';
  const waitedMs = inTime ? delayMs : DEADLINE_MS;

  test('the processor’s record', async () => {
    const bed = await makeBed();
    bed.store.fault = (key) => (isProcessor(key) ? slowRead(bed, delayMs) : undefined);
    const answer = await ask(bed);
    expect(answer).toMatchObject({ said: inTime ? 'approve' : 'store_unavailable', waitedMs });
    expect(answer.response.headers.get('retry-after')).toBe(inTime ? null : '1');
    expect(answer.response.headers.has('server-timing')).toBe(inTime);
  });

  test('the release', async () => {
    const bed = await makeBed();
    bed.store.fault = (key) => (isRelease(key) ? slowRead(bed, delayMs) : undefined);
    const answer = await ask(bed);
    expect(answer).toMatchObject({ said: inTime ? 'approve' : 'store_unavailable', waitedMs });
    expect(answer.response.headers.get('retry-after')).toBe(inTime ? null : '1');
  });

  test('the artifact', async () => {
    const bed = await makeBed();
    bed.store.fault = (key) => (isArtifact(key) ? slowRead(bed, delayMs) : undefined);
    expect(await ask(bed)).toMatchObject({ said: inTime ? 'approve' : 'deny deadline_exceeded', waitedMs });
    await bed.time.advance(1_000);
    // It went on loading, and was not run for nobody.
    expect(bed.calls.length).toBe(inTime ? 1 : 0);
    bed.store.fault = () => undefined;
    const reads = bed.store.reads.filter(isArtifact).length;
    expect(await ask(bed)).toMatchObject({ said: 'approve', waitedMs: 0 });
    expect(bed.store.reads.filter(isArtifact).length).toBe(reads);
  });

  test('the sandbox', async () => {
    const bed = await makeBed();
    bed.outcome = () => later(bed, delayMs).then(() => APPROVE);
    expect(await ask(bed)).toMatchObject({ said: inTime ? 'approve' : 'deny deadline_exceeded', waitedMs });
    await bed.time.advance(1_000);
    bed.outcome = async () => APPROVE;
    expect(await ask(bed)).toMatchObject({ said: 'approve', waitedMs: 0 });
  });

  test('the body', async () => {
    const bed = await makeBed();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await later(bed, delayMs);
        controller.enqueue(new TextEncoder().encode(JSON.stringify(makeBody())));
        controller.close();
      },
    });
    expect(await ask(bed, { body })).toMatchObject({
      said: inTime ? 'approve' : 'request_timeout',
      waitedMs,
    });
    await bed.time.advance(1_000);
    expect(bed.calls.length).toBe(inTime ? 1 : 0);
  });

  test('door, release, artifact and sandbox together', async () => {
    const bed = await makeBed();
    bed.store.fault = () => slowRead(bed, delayMs / 4);
    bed.outcome = () => later(bed, delayMs / 4).then(() => APPROVE);
    expect(await ask(bed, {}, 12.5)).toMatchObject({
      said: inTime ? 'approve' : 'deny deadline_exceeded',
      waitedMs,
    });
  });
});

describe('what never answers', () => {
  test.each<[string, (key: string) => boolean, string]>([
    ['the processor’s record', isProcessor, 'store_unavailable'],
    ['the release', isRelease, 'store_unavailable'],
    ['the artifact', isArtifact, 'deny deadline_exceeded'],
  ])('%s', async (_what, matches, said) => {
    const bed = await makeBed();
    bed.store.fault = (key) => (matches(key) ? { kind: 'hang' } : undefined);
    expect(await ask(bed)).toMatchObject({ said, waitedMs: DEADLINE_MS });
    expect(bed.calls).toEqual([]);
  });

  test('every read, with the longest deadline', async () => {
    const bed = await makeBed();
    bed.store.fault = () => ({ kind: 'hang' });
    const { waitedMs } = await ask(bed, { headers: { 'wasmpay-deadline-ms': '1500' } });
    expect(waitedMs).toBe(DEFAULT_FRESHNESS.storeWaitMs);
  });

  test('slow reads one after the other, each within its own wait, with no header', async () => {
    const bed = await makeBed();
    bed.store.fault = () => slowRead(bed, DEFAULT_FRESHNESS.storeWaitMs - 50);
    const callers = { authorization: `Bearer ${KEY.text}` };
    const answers: Response[] = [];
    void bed.post({ headers: callers }).then((response) => answers.push(response));
    for (let ms = 0; ms < DEFAULT_DEADLINES.defaultMs; ms += 50) {
      expect(answers).toEqual([]);
      await bed.time.advance(50);
    }
    expect(answers.length).toBe(1);
    expect(await sayingOf(answers[0] as Response)).toBe('deny deadline_exceeded');
  });

  test('the body: nothing is read from storage for it', async () => {
    const bed = await makeBed();
    const body = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    expect(await ask(bed, { body })).toMatchObject({ said: 'request_timeout', waitedMs: DEADLINE_MS });
    expect(bed.store.reads.filter(isRelease)).toEqual([]);
  });

  test('the counter of requests: it is left out, and the log says so', async () => {
    const bed = await makeBed({}, { has: () => true, take: () => new Promise(() => {}) });
    expect(await ask(bed)).toMatchObject({ said: 'approve', waitedMs: COUNTER_WAIT_MS });
    expect(bed.requests).toMatchObject([{ rateLimit: 'failed', processor: 'acme' }]);
    // With half of what is left, where that is less.
    expect(await ask(bed, { headers: { 'wasmpay-deadline-ms': '100' } })).toMatchObject({
      said: 'approve',
      waitedMs: 50,
    });
  });

  test('a counter that is slow still counts within its wait', async () => {
    const bed: GatewayBed = await makeBed(
      {},
      {
        has: () => true,
        take: () => later(bed, COUNTER_WAIT_MS - 50).then(() => ({ allowed: false, retryAfterS: 7 })),
      },
    );
    const { response, said } = await ask(bed);
    expect([said, response.headers.get('retry-after')]).toEqual(['rate_limited', '7']);
  });

  test('a sandbox: its bank is run again once the call counts as lost', async () => {
    const bed = await makeBed();
    bed.outcome = () => new Promise<CallOutcome>(() => {});
    expect(await ask(bed)).toMatchObject({ said: 'deny deadline_exceeded', waitedMs: DEADLINE_MS });
    bed.outcome = async () => APPROVE;
    // Nobody knows yet how dear its calls are.
    expect(await ask(bed)).toMatchObject({ said: 'deny deadline_exceeded', waitedMs: DEADLINE_MS });
    await bed.time.advance(10_000 - 2 * DEADLINE_MS - 1);
    expect(await ask(bed)).toMatchObject({ said: 'deny deadline_exceeded' });
    expect(bed.calls.length).toBe(1);
    expect(await ask(bed)).toMatchObject({ said: 'approve', waitedMs: 0 });
    expect(await ask(bed)).toMatchObject({ said: 'approve', waitedMs: 0 });
  });
});

describe('a deadline that ended', () => {
  test('is refused where the release says so', async () => {
    const bed = await makeBed({ fallback: 'refuse' });
    bed.outcome = () => new Promise<CallOutcome>(() => {});
    const { response, said } = await ask(bed);
    expect([said, response.headers.get('retry-after')]).toEqual(['validator_unavailable', '1']);
    expect(bed.requests).toMatchObject([{ status: 503, failure: 'deadline_exceeded', release: 7 }]);
  });

  test.each(['deny', 'refuse'] as const)(
    'never approves, with fallback %s and a bank that excuses outages: a caller chose it',
    async (fallback) => {
      const bed = await makeBed({ fallback, outage: 'approve' });
      bed.store.fault = (key) => (isArtifact(key) ? { kind: 'hang' } : undefined);
      const said = fallback === 'deny' ? 'deny deadline_exceeded' : 'validator_unavailable';
      expect(await ask(bed)).toMatchObject({ said, waitedMs: DEADLINE_MS });
    },
  );

  test('is a whole answer, and one event', async () => {
    const bed = await makeBed();
    bed.outcome = () => new Promise<CallOutcome>(() => {});
    const { response } = await ask(bed);
    expect(await response.json()).toEqual({
      decision: 'deny',
      transaction_id: `txn_${PLANTED}`,
      bank: 'meridian',
      reason: { code: 'deadline_exceeded', iso20022: 'AB06', de39: '68' },
      decided_by: 'fallback',
      failure: 'deadline_exceeded',
      release: 7,
      artifact: expect.stringMatching(/^sha256:/) as string,
      evaluated_at: new Date(START_MS + DEADLINE_MS).toISOString(),
      fuel: 0,
    });
    expect(bed.requests).toMatchObject([
      {
        status: 200,
        durationMs: DEADLINE_MS,
        decision: 'deny',
        decidedBy: 'fallback',
        failure: 'deadline_exceeded',
      },
    ]);
  });

  test('takes nothing from a switched-off bank’s own answer', async () => {
    const bed = await makeBed({
      disabled: { reason: 'test', answer: 'deny' } as VerifiedRelease['disabled'] & {},
    });
    bed.store.fault = (key) => (isRelease(key) ? slowRead(bed, DEADLINE_MS - 50) : undefined);
    expect(await ask(bed)).toMatchObject({ said: 'deny disabled' });
  });

  test('while a guest ran that nobody could interrupt: its verdict comes too late', async () => {
    const bed = await makeBed();
    bed.outcome = async () => {
      bed.time.set(bed.time.clock() + DEADLINE_MS);
      return APPROVE;
    };
    expect(await ask(bed)).toMatchObject({ said: 'deny deadline_exceeded' });
  });

  test('hands what goes on to the execution context', async () => {
    const bed = await makeBed();
    bed.outcome = () => later(bed, 2 * DEADLINE_MS).then(() => APPROVE);
    const held: Promise<unknown>[] = [];
    const pending = bed.app.fetch(
      new Request('http://pay.example/v1/validate', {
        method: 'POST',
        body: JSON.stringify(makeBody()),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY.text}`, ...HEADER },
      }),
      {},
      { waitUntil: (work: Promise<unknown>) => held.push(work), passThroughOnException() {}, props: {} },
    );
    await arrive(bed);
    await bed.time.advance(DEADLINE_MS);
    expect(await sayingOf(await pending)).toBe('deny deadline_exceeded');
    let isEnded = false;
    void Promise.all(held).then(() => (isEnded = true));
    await bed.time.advance(DEADLINE_MS - 1);
    expect(isEnded).toBe(false);
    await bed.time.advance(1);
    expect(isEnded).toBe(true);
  });
});

describe('a guest call', () => {
  test.each([
    ['more than', USEFUL_CALL_MS + 1, 1],
    ['exactly', USEFUL_CALL_MS, 1],
    ['less than', USEFUL_CALL_MS - 1, 0],
  ])('with %s what is useful left: %d ms', async (_what, leftMs, calls) => {
    const bed = await makeBed();
    bed.store.fault = (key) => (isRelease(key) ? slowRead(bed, DEADLINE_MS - leftMs) : undefined);
    const pending = send(bed);
    await arrive(bed);
    await bed.time.advance(DEADLINE_MS - leftMs);
    await bed.time.advance(calls === 1 ? 0 : leftMs);
    expect(await sayingOf(await pending)).toBe(calls === 1 ? 'approve' : 'deny deadline_exceeded');
    expect(bed.calls.length).toBe(calls);
  });
});

describe('an older release', () => {
  test('is used within half of the time that is left, where storage hangs', async () => {
    const bed = await makeBed();
    await ask(bed);
    await bed.time.advance(DEFAULT_FRESHNESS.refreshMs + 1);
    bed.store.fault = () => ({ kind: 'hang' });
    // Half of it for the processor's record, half of the rest for the release.
    expect(await ask(bed)).toMatchObject({ said: 'approve', waitedMs: DEADLINE_MS * 0.75 });
  });
});

describe('the timing that callers are told', () => {
  const timed = async (): Promise<GatewayBed> => {
    const bed: GatewayBed = createGatewayBed({
      callers: {
        verifyProcessor: verifyProcessorPlainly,
        rateLimiter: unlimited,
        primitives: nodePrimitives,
      },
      hmac: createNodeHmac(),
      stopwatch: () => bed.time.clock(),
    });
    const record = makeProcessor({ apiKeys: [KEY.entry] });
    await bed.store.force(currentProcessorKey('acme'), encodeProcessorPlainly(record));
    await bed.publish();
    return bed;
  };

  test('has every stage and the total', async () => {
    const bed = await timed();
    bed.store.fault = (key) => slowRead(bed, isProcessor(key) ? 10 : isRelease(key) ? 20 : 30);
    bed.outcome = () => later(bed, 40.26).then(() => APPROVE);
    const pending = send(bed);
    await arrive(bed);
    for (const ms of [10, 20, 30, 40.26]) await bed.time.advance(ms);
    const response = await pending;
    expect(response.headers.get('server-timing')).toBe(
      'auth;dur=10, release;dur=20, artifact;dur=30, sandbox;dur=40.3, total;dur=100.3',
    );
  });

  test('leaves out what did not run, or did not end', async () => {
    const bed = await timed();
    bed.store.fault = (key) => (isArtifact(key) ? { kind: 'hang' } : undefined);
    const { response } = await ask(bed);
    expect(response.headers.get('server-timing')).toBe('auth;dur=0, release;dur=0, total;dur=200');
  });

  test('is on problems too, and never for who has not proven who it is', async () => {
    const bed = await timed();
    const good = await send(bed, { body: '{' });
    expect(good.headers.get('server-timing')).toBe('auth;dur=0, total;dur=0');
    for (const authorization of ['', 'Bearer x', `Bearer ${makeApiKey('acme', 'k1a2b3c4', '6').text}`]) {
      const refused = await send(bed, { headers: { authorization } });
      expect([refused.status, refused.headers.has('server-timing')]).toEqual([401, false]);
    }
  });
});
