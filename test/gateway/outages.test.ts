// Faults of storage, and what callers see of them: the whole gateway, with time and store in the test's hands. Each row
// says what was injected, into which object, with what in the cache; what the caller got, and after how long.

import { describe, expect, test } from 'vitest';

import type { VerifiedRelease } from '../../src/artifact/release.ts';
import { DEFAULT_FRESHNESS } from '../../src/gateway/freshness.ts';
import type { ReadFault } from '../fixtures/fault-store.ts';
import { createGatewayBed, encodeRelease, makeRelease, type GatewayBed } from '../fixtures/gateway-bed.ts';

/** The default deadline of a request, milliseconds. */
const DEADLINE_MS = 1_500;
const STEP_MS = 50;

type Injected =
  | 'slow, 300 ms'
  | 'slow, 5 s'
  | 'hangs'
  | 'refuses (500, 403, reset)'
  | 'half a body'
  | "another object's bytes"
  | 'nothing there';

interface Answer {
  readonly status: number;
  readonly said: string;
  readonly waitedMs: number;
  readonly retryAfter: string | null;
}

/** Asks, and moves time on until the answer is there. */
async function ask(bed: GatewayBed): Promise<Answer> {
  const answers: Response[] = [];
  void bed.post().then((response) => answers.push(response));
  await bed.time.advance(0);
  let waitedMs = 0;
  while (answers.length === 0 && waitedMs < 60_000) {
    await bed.time.advance(STEP_MS);
    waitedMs += STEP_MS;
  }
  const [answer] = answers;
  if (answer === undefined) throw new Error('no answer within a minute');
  const json = (await answer.json()) as { decision?: string; failure?: string; code?: string };
  return {
    status: answer.status,
    said:
      json.decision === undefined ? String(json.code) : [json.decision, json.failure ?? ''].join(' ').trim(),
    waitedMs,
    retryAfter: answer.headers.get('retry-after'),
  };
}

function inject(bed: GatewayBed, kind: Injected, matches: (key: string) => boolean): void {
  const after = (delayMs: number): ReadFault => ({
    kind: 'delay',
    until: new Promise((resolve) => {
      bed.time.timer(delayMs, resolve);
    }),
  });
  const bytesOf = (changes: Partial<VerifiedRelease>): Uint8Array<ArrayBuffer> =>
    new Uint8Array(encodeRelease(makeRelease(changes)));
  const faults: Record<Injected, () => ReadFault> = {
    'slow, 300 ms': () => after(300),
    'slow, 5 s': () => after(5_000),
    hangs: () => ({ kind: 'hang' }),
    'refuses (500, 403, reset)': () => ({ kind: 'fail' }),
    'half a body': () => ({ kind: 'bytes', bytes: bytesOf({}).slice(0, 100) }),
    "another object's bytes": () => ({ kind: 'bytes', bytes: bytesOf({ bank: 'other' }) }),
    'nothing there': () => ({ kind: 'missing' }),
  };
  bed.store.fault = (key) => (matches(key) ? faults[kind]() : undefined);
}

const isRelease = (key: string): boolean => key.startsWith('banks/');
const isArtifact = (key: string): boolean => key.startsWith('artifacts/');

describe('nothing is cached, and the release', () => {
  test.each<[Injected, number, string, number]>([
    ['slow, 300 ms', 200, 'approve', 300],
    ['slow, 5 s', 503, 'store_unavailable', 700],
    ['hangs', 503, 'store_unavailable', 700],
    ['refuses (500, 403, reset)', 503, 'store_unavailable', 0],
    ['half a body', 503, 'store_unavailable', 0],
    ["another object's bytes", 503, 'store_unavailable', 0],
    ['nothing there', 404, 'unknown_bank', 0],
  ])('%s: callers get %d %s after %d ms', async (kind, status, said, waitedMs) => {
    const bed = createGatewayBed();
    await bed.publish();
    inject(bed, kind, isRelease);
    const answer = await ask(bed);
    expect(answer).toMatchObject({ status, said, waitedMs });
    expect(answer.retryAfter).toBe(status === 503 ? '1' : null);
  });
});

describe('nothing is cached, and the artifact', () => {
  test.each<[Injected, string, number]>([
    ['slow, 300 ms', 'approve', 300],
    ['slow, 5 s', 'deny load_failed', 700],
    ['hangs', 'deny load_failed', 700],
    ['refuses (500, 403, reset)', 'deny load_failed', 0],
    ['half a body', 'deny load_failed', 0],
    ["another object's bytes", 'deny load_failed', 0],
    ['nothing there', 'deny load_failed', 0],
  ])('%s: callers get %s after %d ms', async (kind, said, waitedMs) => {
    const bed = createGatewayBed();
    await bed.publish();
    inject(bed, kind, isArtifact);
    expect(await ask(bed)).toMatchObject({ status: 200, said, waitedMs });
  });

  test('slow as the release before it, both within their waits: still inside the deadline', async () => {
    const bed = createGatewayBed();
    await bed.publish();
    const slow = (): ReadFault => ({
      kind: 'delay',
      until: new Promise((resolve) => {
        bed.time.timer(DEFAULT_FRESHNESS.storeWaitMs - STEP_MS, resolve);
      }),
    });
    bed.store.fault = slow;
    const answer = await ask(bed);
    expect(answer).toMatchObject({ status: 200, said: 'approve' });
    expect(answer.waitedMs).toBeLessThan(DEADLINE_MS);
  });
});

describe('the release was seen 31 s ago, and now it', () => {
  test.each<[Injected, number]>([
    ['slow, 300 ms', 300],
    ['slow, 5 s', 700],
    ['hangs', 700],
    ['refuses (500, 403, reset)', 0],
    ['half a body', 0],
    ["another object's bytes", 0],
    ['nothing there', 0],
  ])('%s: callers get the last good decision after %d ms', async (kind, waitedMs) => {
    const bed = createGatewayBed();
    await bed.publish();
    await ask(bed);
    await bed.time.advance(31_000);
    inject(bed, kind, isRelease);
    expect(await ask(bed)).toMatchObject({ status: 200, said: 'approve', waitedMs });
  });
});

test('an older release than one that was seen is not served, and the newer one is', async () => {
  const bed = createGatewayBed();
  const newer = await bed.publish({ number: 8 });
  await ask(bed);
  await bed.time.advance(31_000);
  const older: VerifiedRelease = { ...newer, number: 7 };
  bed.store.fault = (key) =>
    isRelease(key) ? { kind: 'bytes', bytes: new Uint8Array(encodeRelease(older)) } : undefined;
  const response = await bed.post();
  expect(await response.json()).toMatchObject({ decision: 'approve', release: 8 });
  expect(bed.cacheEvents.map(({ code }) => code)).toContain('release_rolled_back');
});

test('a store that flaps for ten minutes costs nobody a decision', async () => {
  const bed = createGatewayBed();
  await bed.publish();
  await ask(bed);
  let reads = 0;
  bed.store.fault = () => {
    reads += 1;
    return reads % 2 === 0 ? undefined : { kind: reads % 3 === 0 ? 'hang' : 'fail' };
  };
  const answers = [];
  for (let second = 0; second < 600; second += 5) {
    answers.push(await ask(bed));
    await bed.time.advance(5_000);
  }
  expect(new Set(answers.map(({ said }) => said))).toEqual(new Set(['approve']));
  expect(Math.max(...answers.map(({ waitedMs }) => waitedMs))).toBeLessThan(DEADLINE_MS);
  expect(reads).toBeGreaterThan(50);
});

test('an outage of a day is survived, and not one millisecond more', async () => {
  const bed = createGatewayBed();
  await bed.publish();
  await ask(bed);
  bed.store.fault = () => ({ kind: 'fail' });
  await bed.time.advance(DEFAULT_FRESHNESS.staleMs);
  expect(await ask(bed)).toMatchObject({ said: 'approve' });
  await bed.time.advance(DEFAULT_FRESHNESS.retryMs + 1);
  expect(await ask(bed)).toMatchObject({ status: 503, said: 'store_unavailable' });
});

describe('a changed release', () => {
  /** Publishes release 8 and asks every `everyMs`: when the last answer was made by release 7, milliseconds later. */
  async function measureLastOld(everyMs: number): Promise<number> {
    const bed = createGatewayBed();
    await bed.publish({ number: 7 });
    await bed.post();
    await bed.publish({ number: 8 });
    let lastOldMs = 0;
    for (let elapsedMs = everyMs; elapsedMs <= 120_000; elapsedMs += everyMs) {
      await bed.time.advance(everyMs);
      const answer = (await (await bed.post()).json()) as { release: number };
      if (answer.release === 7) lastOldMs = elapsedMs;
    }
    return lastOldMs;
  }

  test.each([500, 4_000, 10_000, 20_000, 29_999, 30_000, 30_001, 60_000])(
    'decides everything that comes more than 30 s after it, asked every %d ms',
    async (everyMs) => {
      expect(await measureLastOld(everyMs)).toBeLessThanOrEqual(30_000);
    },
  );
});
