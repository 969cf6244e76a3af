// `Idempotency-Key` at the gateway: what is repeated, for whom and for how long, and what is said where the store of kept
// answers fails at any step. Time is in the test's hands.

import { createHash, createHmac } from 'node:crypto';

import { beforeEach, describe, expect, test, vi } from 'vitest';

import { createNodeHmac, nodePrimitives } from '../../src/entry/node-crypto.ts';
import type { Access } from '../../src/gateway/authenticate.ts';
import { startDeadline } from '../../src/gateway/deadline.ts';
import { CLAIM_WAIT_MS, createIdempotency } from '../../src/gateway/idempotency.ts';
import { KEEP_MS } from '../../src/gateway/kept-entry.ts';
import { currentProcessorKey } from '../../src/store/keys.ts';
import type { CallOutcome } from '../../src/sandbox/sandbox.ts';
import {
  APPROVE,
  BARE_URL,
  createGatewayBed,
  makeBody,
  problemOf,
  START_MS,
  START_S,
  type GatewayBed,
  type PostOptions,
} from '../fixtures/gateway-bed.ts';
import { createKeptAnswers, type KeptAnswers, type Step, type StepFault } from '../fixtures/kept-answers.ts';
import { createManualTime, settle, type ManualTime } from '../fixtures/manual-time.ts';
import {
  encodeProcessorPlainly,
  makeApiKey,
  makeProcessor,
  makeRequestKey,
  signRequest,
  verifyProcessorPlainly,
} from '../fixtures/processors.ts';

const DEADLINE_MS = 1_500;
const KEY = '8e03978e-40d5-43e8-bc93-6894a57f9324';
const ACME = makeApiKey('acme');
const OTHER = makeApiKey('other', 'k9z8y7x6', '6');
const SIGNER = makeRequestKey();

const DENY: CallOutcome = {
  kind: 'verdict',
  verdict: { kind: 'deny', denial: { code: 'AM02', message: 'too much' } },
  fuel: 2,
};
const TRAP: CallOutcome = { kind: 'failure', failure: { code: 'trap', detail: '' }, fuel: 3 };

const access: Access = {
  verifyProcessor: verifyProcessorPlainly,
  rateLimiter: { has: () => true, take: () => ({ allowed: true }) },
  primitives: nodePrimitives,
};

let time: ManualTime;
let kept: KeptAnswers;
let bed: GatewayBed;

beforeEach(async () => {
  time = createManualTime(START_MS);
  kept = createKeptAnswers(time.clock);
  bed = createGatewayBed({
    clock: time.clock,
    timer: time.timer,
    callers: access,
    idempotencyStore: kept,
    hmac: createNodeHmac(),
  });
  await bed.publish();
  for (const [processor, entry] of [
    ['acme', ACME.entry],
    ['other', OTHER.entry],
  ] as const) {
    const publicKeys = processor === 'acme' ? [SIGNER.entry] : [];
    await bed.store.force(
      currentProcessorKey(processor),
      encodeProcessorPlainly(makeProcessor({ processor, apiKeys: [entry], publicKeys })),
    );
  }
  // What is read and checked once is read now: then everything but waiting happens at once.
  for (const { text } of [ACME, OTHER])
    expect((await bed.post({ headers: { authorization: `Bearer ${text}` } })).status).toBe(200);
  bed.calls.length = 0;
  bed.events.length = 0;
});

function send(options: PostOptions = {}, apiKey = ACME.text): Promise<Response> {
  const headers = { authorization: `Bearer ${apiKey}`, 'idempotency-key': KEY, ...options.headers };
  return bed.post({ ...options, headers });
}

interface Said {
  readonly status: number;
  /** The body, to the byte. */
  readonly body: string;
  readonly replayed: string | null;
}

async function read(response: Response): Promise<Said> {
  return {
    status: response.status,
    body: await response.text(),
    replayed: response.headers.get('idempotency-replayed'),
  };
}

const ask = async (options?: PostOptions, apiKey?: string): Promise<Said> =>
  read(await send(options, apiKey));

/** What is answered once time has moved on by no more than it must, and how far that was. */
async function askInTime(options: PostOptions = {}): Promise<Said & { readonly waitedMs: number }> {
  const answers: Response[] = [];
  void send(options).then((response) => answers.push(response));
  let waitedMs = 0;
  await settle();
  for (; answers.length === 0; waitedMs += 10) {
    if (waitedMs > 10_000) throw new Error('no answer within ten seconds');
    await time.advance(10);
  }
  const [response] = answers;
  if (response === undefined) throw new Error('no answer');
  return { ...(await read(response)), waitedMs };
}

const codeOf = ({ body }: Said): unknown => (JSON.parse(body) as { code?: unknown }).code;

/** A call that is answered by hand, as often as it is made. */
function holdCalls() {
  const waiting: ((outcome: CallOutcome) => void)[] = [];
  bed.outcome = () => new Promise((resolve) => waiting.push(resolve));
  return {
    /** All that wait. */
    answer(outcome: CallOutcome): void {
      for (const resolve of waiting.splice(0)) resolve(outcome);
    },
    /** The one that came last. */
    answerLast(outcome: CallOutcome): void {
      waiting.pop()?.(outcome);
    },
  };
}

describe('a validator’s answer', () => {
  test.each([APPROVE, DENY])('is repeated to the byte, and says so: %j', async (outcome) => {
    bed.outcome = async () => outcome;
    const first = await ask();
    expect(first).toMatchObject({ status: 200, replayed: null });
    await time.advance(5_000);
    bed.outcome = async () => DENY;
    const second = await ask();
    expect(second).toEqual({ ...first, replayed: 'true' });
    expect(bed.calls).toHaveLength(1);
    expect(bed.requests.map(({ idempotency }) => idempotency)).toEqual(['kept', 'replayed']);
  });

  test('has every header of a decision', async () => {
    const first = await send();
    const second = await send();
    const names = (response: Response): string[] => [...response.headers.keys()];
    expect(names(second).filter((name) => name !== 'idempotency-replayed')).toEqual(names(first));
    expect(second.headers.get('content-type')).toBe('application/json');
    expect(second.headers.get('cache-control')).toBe('no-store');
  });

  test('is the old one after a new release, and after the bank was switched off', async () => {
    const first = await ask();
    await bed.publish({ number: 8 });
    await time.advance(60_000);
    bed.outcome = async () => DENY;
    expect(JSON.parse((await ask({ headers: { 'idempotency-key': 'another' } })).body)).toMatchObject({
      release: 8,
      decision: 'deny',
    });
    expect(await ask()).toEqual({ ...first, replayed: 'true' });
    await bed.publish({ number: 9, disabled: { answer: 'deny' } });
    await time.advance(60_000);
    expect(await ask()).toEqual({ ...first, replayed: 'true' });
    expect(bed.calls).toHaveLength(2);
  });

  test.each([
    ['under', KEEP_MS - 1, 'true'],
    ['at', KEEP_MS, null],
    ['over', KEEP_MS + 1, null],
  ])('%s 24 hours: replayed %3$s', async (_, afterMs, replayed) => {
    const first = await ask();
    time.set(START_MS + afterMs);
    const second = await ask();
    expect(second.replayed).toBe(replayed);
    expect(second.body === first.body).toBe(replayed === 'true');
    expect(bed.calls).toHaveLength(replayed === 'true' ? 1 : 2);
  });

  test('is repeated under the same key in quotes, and with another deadline', async () => {
    const first = await ask();
    const headers = { 'idempotency-key': `"${KEY}"`, 'wasmpay-deadline-ms': '900' };
    expect(await ask({ headers })).toEqual({ ...first, replayed: 'true' });
  });

  test('is repeated while storage has no release to read', async () => {
    const first = await ask();
    time.set(START_MS + 60_000);
    bed.store.fault = (key) => (key.startsWith('banks/') ? { kind: 'fail' } : undefined);
    expect(await ask()).toEqual({ ...first, replayed: 'true' });
  });

  test('without the header is made anew each time, and nothing is kept or asked', async () => {
    const headers = { authorization: `Bearer ${ACME.text}` };
    for (let turn = 0; turn < 2; turn += 1)
      expect((await read(await bed.post({ headers }))).replayed).toBeNull();
    expect(bed.calls).toHaveLength(2);
    expect(kept.steps).toEqual([]);
    expect(bed.requests[0]).not.toHaveProperty('idempotency');
  });
});

describe('the same key', () => {
  test('with another amount is a conflict, and runs nothing', async () => {
    const first = await ask();
    const changed = makeBody({ amount: { name: 'Euro', symbol: '€', amount: 125_001 } });
    const second = await ask({ body: JSON.stringify(changed) });
    expect(second).toMatchObject({ status: 409, replayed: null });
    expect(codeOf(second)).toBe('idempotency_conflict');
    expect(bed.calls).toHaveLength(1);
    expect(await ask()).toEqual({ ...first, replayed: 'true' });
  });

  test('with the same transaction in other bytes is a conflict', async () => {
    await ask();
    expect(codeOf(await ask({ body: JSON.stringify(makeBody(), null, 1) }))).toBe('idempotency_conflict');
  });

  test('with another address of the bank is a conflict; the same bank by path and subdomain is one', async () => {
    await ask();
    const byPath = { url: 'http://pay.example/v1/banks/meridian/validate' };
    expect(codeOf(await ask(byPath))).toBe('idempotency_conflict');
    const headers = { 'idempotency-key': 'by-bank' };
    const first = await ask({ ...byPath, headers });
    expect(await ask({ url: 'http://meridian.pay.example/v1/validate', headers })).toEqual({
      ...first,
      replayed: 'true',
    });
  });

  test('at a bank that the body does not name is refused as ever', async () => {
    await ask();
    expect(codeOf(await ask({ url: 'http://pay.example/v1/banks/nordhaven/validate' }))).toBe(
      'bank_mismatch',
    );
  });

  test('of another processor is another key', async () => {
    const first = await ask();
    bed.outcome = async () => DENY;
    const theirs = await ask({}, OTHER.text);
    expect(theirs.replayed).toBeNull();
    expect(theirs.body).toContain('"decision":"deny"');
    expect(await ask()).toEqual({ ...first, replayed: 'true' });
    const changed = JSON.stringify(makeBody({ id: 'txn_2' }));
    expect(codeOf(await ask({ body: changed }, OTHER.text))).toBe('idempotency_conflict');
  });

  test('without a good API key gets nothing, and asks the store for nothing', async () => {
    await ask();
    kept.steps.length = 0;
    const wrong = makeApiKey('acme', 'k1a2b3c4', '7');
    expect(codeOf(await ask({}, wrong.text))).toBe('unauthenticated');
    expect(kept.steps).toEqual([]);
  });

  test('with a signature over another body gets nothing', async () => {
    const body = JSON.stringify(makeBody());
    const sign = (over: string): Record<string, string> => ({
      ...signRequest(
        { url: BARE_URL, body: over },
        { privateKey: SIGNER.privateKey, keyid: `acme/${SIGNER.entry.id}`, createdS: START_S },
      ),
      'idempotency-key': KEY,
    });
    const signed = makeSignedBed();
    const first = await read(await signed.post({ headers: sign(body) }));
    expect(first.status).toBe(200);
    kept.steps.length = 0;
    const forged = await read(await signed.post({ headers: sign(JSON.stringify(makeBody({ id: 'x' }))) }));
    expect(codeOf(forged)).toBe('unauthenticated');
    expect(kept.steps).toEqual([]);
    expect(await read(await signed.post({ headers: sign(body) }))).toEqual({ ...first, replayed: 'true' });
  });

  test('of a processor that may not ask about the bank any more gets nothing', async () => {
    await ask();
    await bed.store.force(
      currentProcessorKey('acme'),
      encodeProcessorPlainly(makeProcessor({ number: 4, apiKeys: [ACME.entry], banks: ['nordhaven'] })),
    );
    await time.advance(60_000);
    expect(codeOf(await ask())).toBe('forbidden');
  });

  test('on an open gateway is one for all', async () => {
    const open = createGatewayBed({ clock: time.clock, timer: time.timer, idempotencyStore: kept });
    await open.publish();
    const headers = { 'idempotency-key': KEY };
    const first = await read(await open.post({ headers }));
    expect(await read(await open.post({ headers }))).toEqual({ ...first, replayed: 'true' });
    // And none of a processor's.
    expect((await ask()).replayed).toBeNull();
  });

  test('fifty times at once is answered by one call', async () => {
    const calls = holdCalls();
    const answers = Array.from({ length: 50 }, () => send());
    for (let turn = 0; turn < 4; turn += 1) await time.advance(20);
    expect(bed.calls).toHaveLength(1);
    calls.answer(APPROVE);
    for (let turn = 0; turn < 4; turn += 1) await time.advance(20);
    const said = await Promise.all(answers.map(async (answer) => read(await answer)));
    expect(new Set(said.map(({ body }) => body)).size).toBe(1);
    expect(said.filter(({ replayed }) => replayed === 'true')).toHaveLength(49);
    expect(bed.calls).toHaveLength(1);
  });

  test('at once with another body is a conflict at once', async () => {
    const calls = holdCalls();
    const first = send();
    await settle();
    expect(codeOf(await ask({ body: JSON.stringify(makeBody({ id: 'txn_2' })) }))).toBe(
      'idempotency_conflict',
    );
    calls.answer(APPROVE);
    expect((await first).status).toBe(200);
  });
});

describe('what is no validator’s answer is not kept', () => {
  test('a fallback’s: who asks again, asks the validator', async () => {
    bed.outcome = async () => TRAP;
    expect((await ask()).body).toContain('"decided_by":"fallback"');
    await settle();
    expect(kept.entries.size).toBe(0);
    bed.outcome = async () => APPROVE;
    const second = await ask();
    expect(second.body).toContain('"decided_by":"validator"');
    expect(second.replayed).toBeNull();
    expect(kept.steps).toEqual(['claim', 'release', 'claim', 'keep']);
  });

  test('not even an approval that a release excuses', async () => {
    const cold = createGatewayBed({ clock: time.clock, timer: time.timer, idempotencyStore: kept });
    await cold.publish({ outage: 'approve' });
    cold.store.fault = (key) => (key.startsWith('artifacts/') ? { kind: 'fail' } : undefined);
    const answer = await cold.post({ headers: { 'idempotency-key': KEY } });
    expect(await answer.text()).toMatch(/"decision":"approve".*"decided_by":"fallback"/);
    await settle();
    expect(kept.entries.size).toBe(0);
  });

  test.each<[string, PostOptions]>([
    ['unknown_bank', { body: JSON.stringify(makeBody({ destination: { ...DESTINATION, id: 'none' } })) }],
    ['malformed_json', { body: '{' }],
    ['invalid_transaction', { body: '{}' }],
  ])('%s, nor is the key taken by it', async (code, options) => {
    expect(codeOf(await ask(options))).toBe(code);
    await settle();
    expect(kept.entries.size).toBe(0);
    expect(await ask()).toMatchObject({ status: 200, replayed: null });
  });

  test('a verdict that comes after the deadline', async () => {
    const calls = holdCalls();
    const late = askInTime();
    expect((await late).body).toContain('"failure":"deadline_exceeded"');
    calls.answer(APPROVE);
    await settle();
    expect(kept.entries.size).toBe(0);
  });

  test('a bug’s answer', async () => {
    const broken = createGatewayBed({
      clock: time.clock,
      timer: time.timer,
      idempotencyStore: kept,
      seedKey: new Uint8Array(32).fill(7),
      // The seed alone cannot be made.
      hmac: async (key, message) => {
        if (new TextDecoder().decode(message).includes('wasmpay-seed')) throw new Error('a bug');
        return createHmac('sha256', key).update(message).digest();
      },
    });
    await broken.publish();
    expect(await problemOf(await broken.post({ headers: { 'idempotency-key': KEY } }))).toBe('internal');
    await settle();
    expect(kept.entries.size).toBe(0);
  });
});

const DESTINATION = makeBody()['destination'] as object;

/** A gateway at the address that its callers see, with the same store and processors. */
function makeSignedBed(): GatewayBed {
  const signed = createGatewayBed({
    clock: time.clock,
    timer: time.timer,
    callers: { ...access, publicScheme: 'http' },
    idempotencyStore: kept,
    store: bed.store,
  });
  signed.outcome = async () => APPROVE;
  return signed;
}

describe('a second request waits for the first', () => {
  test('and runs itself where that ends with nothing to keep', async () => {
    const calls = holdCalls();
    const first = send();
    await settle();
    const second = send();
    await time.advance(10);
    expect(bed.calls).toHaveLength(1);
    calls.answer(TRAP);
    expect((await read(await first)).body).toContain('"decided_by":"fallback"');
    await time.advance(50);
    expect(bed.calls).toHaveLength(2);
    calls.answer(APPROVE);
    expect(await read(await second)).toMatchObject({ status: 200, replayed: null });
  });

  test('within its own deadline', async () => {
    holdCalls();
    void send();
    await settle();
    const second = await askInTime({ headers: { 'wasmpay-deadline-ms': '200' } });
    expect(second.status).toBe(409);
    expect(codeOf(second)).toBe('idempotency_in_progress');
    expect(second.waitedMs).toBeLessThanOrEqual(200);
    expect(bed.calls).toHaveLength(1);
  });

  test('for no longer than the first can last, where that crashed', async () => {
    // The claim of a gateway that is gone: it neither keeps nor releases.
    const gone = createGatewayBed({
      clock: time.clock,
      timer: time.timer,
      callers: access,
      idempotencyStore: kept,
      store: bed.store,
    });
    gone.outcome = () => new Promise(() => {});
    void gone.post({ headers: { authorization: `Bearer ${ACME.text}`, 'idempotency-key': KEY } });
    await vi.waitUntil(() => gone.calls.length === 1);
    expect(kept.entries.size).toBe(1);
    await time.advance(DEADLINE_MS - 100);
    const waiting = await askInTime();
    expect(waiting).toMatchObject({ status: 200, replayed: null });
    expect(waiting.waitedMs).toBeGreaterThanOrEqual(100);
    expect(waiting.waitedMs).toBeLessThanOrEqual(160);
    expect(bed.calls).toHaveLength(1);
  });
});

describe('the store of kept answers', () => {
  const setFault = (step: Step, fault: StepFault): void => {
    kept.fault = (name) => (name === step ? fault : undefined);
  };
  const codes = (): unknown[] =>
    bed.events.flatMap((event) => (event.event === 'idempotency' ? [event.code] : []));

  test.each<[StepFault['kind'], number]>([
    ['fail', 0],
    ['lost', 0],
    ['hang', CLAIM_WAIT_MS],
  ])('that cannot be claimed from (%s) runs nothing', async (kind, afterMs) => {
    setFault('claim', { kind } as StepFault);
    const answer = await askInTime();
    expect(answer.status).toBe(503);
    expect(codeOf(answer)).toBe('store_unavailable');
    expect(answer.waitedMs).toBe(afterMs);
    expect(bed.calls).toHaveLength(0);
    expect(codes()).toEqual(['claim_failed']);
    // And nothing is left that would keep the same request from being sent again.
    kept.fault = () => undefined;
    expect(await ask()).toMatchObject({ status: 200, replayed: null });
  });

  test('is waited for within the deadline', async () => {
    setFault('claim', { kind: 'hang' });
    const answer = await askInTime({ headers: { 'wasmpay-deadline-ms': '100' } });
    expect(codeOf(answer)).toBe('store_unavailable');
    expect(answer.waitedMs).toBe(100);
    expect(bed.calls).toHaveLength(0);
  });

  test('that claims too late gives the claim back', async () => {
    let go = (): void => {};
    setFault('claim', { kind: 'delay', until: new Promise((resolve) => (go = resolve)) });
    expect(codeOf(await askInTime())).toBe('store_unavailable');
    go();
    await settle();
    expect(kept.steps).toEqual(['claim', 'release']);
    expect(kept.entries.size).toBe(0);
    expect(bed.calls).toHaveLength(0);
  });

  test.each<StepFault['kind']>(['fail', 'lost', 'hang'])(
    'that cannot keep an answer (%s) keeps it from being told',
    async (kind) => {
      setFault('keep', { kind } as StepFault);
      const answer = await askInTime();
      expect(answer.status).toBe(503);
      expect(codeOf(answer)).toBe('store_unavailable');
      expect(answer.body).not.toContain('approve');
      expect(answer.waitedMs).toBe(kind === 'hang' ? DEADLINE_MS : 0);
      expect(codes()).toEqual(kind === 'hang' ? [] : ['keep_failed']);
      // Asked again, it is answered: by what was kept after all, or anew.
      kept.fault = () => undefined;
      const again = await askInTime();
      expect(again).toMatchObject({ status: 200, replayed: kind === 'lost' ? 'true' : null });
      expect(bed.calls).toHaveLength(kind === 'lost' ? 1 : 2);
    },
  );

  test('that keeps too late repeats what it kept, and nobody was told anything else', async () => {
    let go = (): void => {};
    setFault('keep', { kind: 'delay', until: new Promise((resolve) => (go = resolve)) });
    expect(codeOf(await askInTime())).toBe('store_unavailable');
    go();
    await settle();
    bed.outcome = async () => DENY;
    const again = await ask();
    expect(again.replayed).toBe('true');
    expect(again.body).toContain('"decision":"approve"');
  });

  test.each<StepFault['kind']>(['fail', 'lost', 'hang'])(
    'that takes no claim back (%s) holds the key until its lease ends',
    async (kind) => {
      setFault('release', { kind } as StepFault);
      bed.outcome = async () => TRAP;
      const first = await askInTime();
      expect(first).toMatchObject({ status: 200, waitedMs: 0 });
      expect(codes()).toEqual(kind === 'hang' ? [] : ['release_failed']);
      bed.outcome = async () => APPROVE;
      const second = await askInTime({ headers: { 'wasmpay-deadline-ms': '1000' } });
      if (kind === 'lost') expect(second.status).toBe(200);
      else expect(codeOf(second)).toBe('idempotency_in_progress');
      await time.advance(DEADLINE_MS);
      expect((await askInTime()).status).toBe(200);
    },
  );

  test('that gives two requests the key at once still tells both the same', async () => {
    const calls = holdCalls();
    const first = send();
    await settle();
    // The lease ends too early: a clock that jumps.
    kept.entries.clear();
    const second = send();
    await settle();
    expect(bed.calls).toHaveLength(2);
    calls.answerLast(APPROVE);
    const told = await read(await second);
    expect(told).toMatchObject({ status: 200, replayed: null });
    expect(told.body).toContain('"decision":"approve"');
    calls.answer(DENY);
    expect(await read(await first)).toEqual({ ...told, replayed: 'true' });
    expect(await ask()).toEqual({ ...told, replayed: 'true' });
  });

  test('whose key went to another request meanwhile keeps that one’s answer alone', async () => {
    const calls = holdCalls();
    const first = send();
    await settle();
    kept.entries.clear();
    const second = send({ body: JSON.stringify(makeBody({ id: 'txn_2' })) });
    await settle();
    calls.answer(APPROVE);
    const said = [await read(await first), await read(await second)];
    expect(said.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 409]);
  });

  test('that claims at the very end starts nothing, and gives the claim back', async () => {
    const idempotency = createIdempotency({
      store: kept,
      timer: time.timer,
      seedKey: new Uint8Array(32),
      onEvent: () => {},
    });
    let go = (): void => {};
    setFault('claim', { kind: 'delay', until: new Promise((resolve) => (go = resolve)) });
    let runs = 0;
    const answering = idempotency.answer(
      { processor: 'acme', key: KEY, operation: 'any', address: '', body: '' },
      { deadline: startDeadline(100, time.clock), waitUntil: () => {}, setLate: () => {} },
      async () => (runs += 1),
      () => 'x',
    );
    await vi.waitUntil(() => kept.steps.length === 1);
    // Its timer has not been seen to yet.
    time.set(START_MS + 100);
    go();
    expect(await answering).toEqual({ kind: 'problem', problem: { code: 'store_unavailable' } });
    expect(runs).toBe(0);
    await settle();
    expect(kept.steps).toEqual(['claim', 'release']);
    expect(kept.entries.size).toBe(0);
  });

  test('is told digests under a key of its own, and the answer', async () => {
    await ask();
    const [[name, entry] = ['', undefined]] = [...kept.entries];
    const seedKey = Buffer.alloc(32, 7);
    const derived = createHmac('sha256', seedKey).update('wasmpay-idempotency/1').digest();
    const digest = (...texts: string[]): string =>
      createHmac('sha256', derived)
        .update(texts.map((text) => `${text.length}:${text}`).join(''))
        .digest('hex');
    const body = JSON.stringify(makeBody());
    expect(name).toBe(digest('wasmpay-idempotency/1', 'key', 'acme', KEY));
    expect(entry?.fingerprint).toBe(digest('wasmpay-idempotency/1', 'request', 'validate', '', body));
    const written = JSON.stringify([name, entry]);
    const { origin, destination, amount } = makeBody() as Record<string, Record<string, unknown>>;
    const contents = [origin?.['id'], origin?.['name'], destination?.['name'], amount?.['amount']];
    for (const secret of [KEY, 'acme', ...contents.map(String)]) expect(written).not.toContain(secret);
    expect(written).not.toContain(createHash('sha256').update(body).digest('hex'));
  });
});

describe('the header', () => {
  test.each(['', '""', 'a b', '"a", "b"', `"${'k'.repeat(256)}"`, 'k'.repeat(256)])(
    '%j is refused once it is known who asks',
    async (value) => {
      const headers = { 'idempotency-key': value };
      expect(codeOf(await ask({ headers }))).toBe('invalid_idempotency_key');
      const wrong = makeApiKey('acme', 'k1a2b3c4', '7');
      expect(codeOf(await ask({ headers }, wrong.text))).toBe('unauthenticated');
      expect(kept.steps).toEqual([]);
      expect(bed.calls).toHaveLength(0);
    },
  );

  test('of the longest key is taken', async () => {
    const headers = { 'idempotency-key': 'k'.repeat(255) };
    const first = await ask({ headers });
    expect(await ask({ headers })).toEqual({ ...first, replayed: 'true' });
  });

  test('is refused where nothing is kept: nobody relies on what is not there', async () => {
    const forgetful = createGatewayBed();
    await forgetful.publish();
    const answer = await forgetful.post({ headers: { 'idempotency-key': KEY } });
    expect([answer.status, await problemOf(answer)]).toEqual([400, 'idempotency_unsupported']);
    // Before anything else is said of the request.
    for (const options of [{ headers: { 'idempotency-key': '' } }, { body: '{' }]) {
      const headers = { 'idempotency-key': KEY, ...options.headers };
      expect(await problemOf(await forgetful.post({ ...options, headers }))).toBe('idempotency_unsupported');
    }
    expect(forgetful.calls).toHaveLength(0);
    expect((await forgetful.post()).status).toBe(200);
  });

  test('is in no event', async () => {
    const key = 'a-key-that-was-planted';
    kept.fault = (step) => (step === 'keep' ? { kind: 'fail' } : undefined);
    await ask({ headers: { 'idempotency-key': key } });
    expect(bed.events.length).toBeGreaterThan(1);
    expect(JSON.stringify(bed.events)).not.toContain(key);
  });
});
