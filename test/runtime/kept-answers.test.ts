// `Idempotency-Key` on the real parts: the production worker in workerd with its Durable Objects, and their storage on disk
// while workerd ends and starts again.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { bundleWorker } from '../../src/entry/bundle-worker.ts';
import {
  createKeptAnswerStore,
  type KeptAnswerNamespace,
  type KeptAnswerStub,
} from '../../src/entry/worker-kept-answer-store.ts';
import { KEEP_MS } from '../../src/gateway/kept-entry.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { makeBody } from '../fixtures/gateway-bed.ts';
import { describeIdempotencyStore } from '../fixtures/idempotency-contract.ts';
import type { ProbeStub } from '../fixtures/kept-answer-worker.ts';
import { startLiveGateway, type LiveGateway } from '../fixtures/live-gateway.ts';

const PROBE = fileURLToPath(new URL('../fixtures/kept-answer-worker.ts', import.meta.url));

const URL_OF_BANK = 'http://localhost/v1/banks/meridian/validate';

let directory = '';
let gateway: LiveGateway;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wasmpay-objects-'));
  gateway = await startLiveGateway({}, { durableObjectsPersist: directory });
  await gateway.publish('meridian', new Uint8Array(await validatorFromCoreWat()));
  await gateway.publish(
    'trapping',
    new Uint8Array(await validatorFromCoreWat({ validateBody: 'unreachable' })),
  );
}, 300_000);
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

interface Said {
  readonly status: number;
  readonly body: string;
  readonly replayed: string | null;
}

async function ask(key: string, changes: Record<string, unknown> = {}, url = URL_OF_BANK): Promise<Said> {
  const response = await gateway.request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(makeBody(changes)),
  });
  return {
    status: response.status,
    body: await response.text(),
    replayed: response.headers.get('idempotency-replayed'),
  };
}

const codeOf = ({ body }: Said): unknown => (JSON.parse(body) as { code?: unknown }).code;

const namespace = async (): Promise<KeptAnswerNamespace> =>
  (await gateway.miniflare.getDurableObjectNamespace('KEPT_ANSWERS')) as unknown as KeptAnswerNamespace;

describe('a Durable Object', () => {
  let objects: KeptAnswerNamespace;
  beforeAll(async () => {
    objects = await namespace();
  });
  describeIdempotencyStore(() => createKeptAnswerStore(objects), sleep);
});

describe('an object’s alarm', () => {
  const KEPT = { fingerprint: 'f', claim: 'a', body: 'x' };
  let worker: Miniflare;
  /** The object of a name, with what the fixture adds. */
  let open: (name: string) => KeptAnswerStub & ProbeStub;

  beforeAll(async () => {
    const { source } = await bundleWorker(PROBE);
    worker = new Miniflare({
      cf: false,
      modules: [{ type: 'ESModule', path: 'worker.js', contents: source }],
      compatibilityDate: '2026-07-01',
      durableObjects: { PROBES: { className: 'ProbedKeptAnswer', useSQLite: true } },
    });
    const probes = await worker.getDurableObjectNamespace('PROBES');
    open = (name) => probes.get(probes.idFromName(name)) as unknown as KeptAnswerStub & ProbeStub;
  });
  afterAll(() => worker.dispose());

  it('is set once, for when the answer has ended', async () => {
    const object = open('once');
    await object.claim({ fingerprint: 'f', claim: 'a', leaseMs: 1_500 });
    const { alarmAtMs } = await object.look();
    expect(Number(alarmAtMs) - Date.now()).toBeGreaterThan(KEEP_MS - 60_000);
    expect(Number(alarmAtMs) - Date.now()).toBeLessThanOrEqual(KEEP_MS + 1_500);
    await object.keep(KEPT);
    expect((await object.look()).alarmAtMs).toBe(alarmAtMs);
  });

  it('is set where an answer comes without a claim, and is gone with a claim that is given back', async () => {
    const object = open('unclaimed');
    await object.keep(KEPT);
    expect((await object.look()).alarmAtMs).not.toBeNull();
    const released = open('released');
    await released.claim({ fingerprint: 'f', claim: 'a', leaseMs: 1_500 });
    await released.release('a');
    expect(await released.look()).toEqual({ entries: 0, alarmAtMs: null });
  });

  it.each([
    ['under', KEEP_MS - 60_000, 1],
    ['over', KEEP_MS, 0],
  ])('that rings %s a day (after %i ms) leaves %i entries', async (name, byMs, entries) => {
    const object = open(name);
    await object.keep(KEPT);
    await object.age(byMs);
    await vi.waitFor(
      async () => {
        const { alarmAtMs } = await object.look();
        // It rang: there is none any more, or the next one.
        expect(alarmAtMs === null || alarmAtMs > Date.now() + 30_000).toBe(true);
      },
      { timeout: 10_000, interval: 50 },
    );
    const found = await object.look();
    expect(found.entries).toBe(entries);
    expect(found.alarmAtMs === null).toBe(entries === 0);
  });

  it('empties an object whose claim was never finished', async () => {
    const object = open('abandoned');
    await object.claim({ fingerprint: 'f', claim: 'crashed', leaseMs: 1_500 });
    await object.age(KEEP_MS);
    await vi.waitFor(async () => expect(await object.look()).toEqual({ entries: 0, alarmAtMs: null }), {
      timeout: 10_000,
      interval: 50,
    });
  });
});

describe('the gateway in workerd', () => {
  it('repeats a validator’s answer, to the byte', async () => {
    const first = await ask('repeat');
    expect(first).toMatchObject({ status: 200, replayed: null });
    expect(JSON.parse(first.body)).toMatchObject({
      decided_by: 'validator',
      transaction_id: makeBody()['id'],
    });
    await sleep(20);
    expect(await ask('repeat')).toEqual({ ...first, replayed: 'true' });
    expect((await ask('another')).body).not.toBe(first.body);
  });

  it('refuses the same key with another amount, and a key that is none', async () => {
    await ask('conflict');
    const changed = await ask('conflict', { amount: { name: 'Euro', symbol: '€', amount: 125_001 } });
    expect([changed.status, codeOf(changed)]).toEqual([409, 'idempotency_conflict']);
    const malformed = await ask('"unended');
    expect([malformed.status, codeOf(malformed)]).toEqual([400, 'invalid_idempotency_key']);
  });

  it('answers fifty at once with one answer', async () => {
    const said = await Promise.all(Array.from({ length: 50 }, () => ask('race')));
    expect(new Set(said.map(({ body }) => body)).size).toBe(1);
    expect(said.filter(({ replayed }) => replayed === 'true')).toHaveLength(49);
  });

  it('keeps no fallback’s answer', async () => {
    const destination = { ...(makeBody()['destination'] as object), id: 'trapping' };
    const url = 'http://localhost/v1/banks/trapping/validate';
    for (let turn = 0; turn < 2; turn += 1) {
      const answer = await ask('fallback', { destination }, url);
      expect(answer).toMatchObject({ status: 200, replayed: null });
      expect(answer.body).toContain('"decided_by":"fallback"');
    }
  });

  it('repeats the old answer after a new release, and after workerd was started anew', async () => {
    const first = await ask('restart');
    await gateway.publish(
      'meridian',
      new Uint8Array(await validatorFromCoreWat({ validateBody: 'i32.const 0' })),
    );
    await gateway.restart();
    const second = await ask('restart');
    expect(second).toEqual({ ...first, replayed: 'true' });
    expect(JSON.parse((await ask('after-restart')).body)).toMatchObject({
      release: 2,
      decision: 'deny',
    });
  });
});
