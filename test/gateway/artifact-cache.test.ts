import { describe, expect, test } from 'vitest';

import { hexOf, sha256, type Digest } from '../../src/artifact/digest.ts';
import { createArtifactCache, type ArtifactMirror } from '../../src/gateway/artifact-cache.ts';
import type { CacheEvent } from '../../src/gateway/event.ts';
import { DEFAULT_FRESHNESS } from '../../src/gateway/freshness.ts';
import { artifactKey } from '../../src/store/keys.ts';
import { createFaultStore } from '../fixtures/fault-store.ts';
import { readPlain, START_MS, ZERO_DIGEST } from '../fixtures/gateway-bed.ts';
import { createManualTime, settle } from '../fixtures/manual-time.ts';

const { retryMs, storeWaitMs } = DEFAULT_FRESHNESS;

function makeBed(artifactBudgetBytes = DEFAULT_FRESHNESS.artifactBudgetBytes, mirror?: ArtifactMirror) {
  const store = createFaultStore();
  const time = createManualTime(START_MS);
  const events: CacheEvent[] = [];
  const cache = createArtifactCache({
    store,
    readArtifact: readPlain,
    clock: time.clock,
    timer: time.timer,
    freshness: { ...DEFAULT_FRESHNESS, artifactBudgetBytes },
    onEvent: (event) => events.push(event),
    ...(mirror !== undefined && { mirror }),
  });
  /** Stores an artifact of that many bytes. */
  const put = async (sizeBytes: number, fill = 1): Promise<Digest> => {
    const bytes = new Uint8Array(sizeBytes).fill(fill);
    const digest = await sha256(bytes);
    await store.force(artifactKey(hexOf(digest)), bytes);
    return digest;
  };
  const get = async (digest: Digest): Promise<number | undefined> =>
    (await cache.get(digest, () => {}))?.sizeBytes;
  return { store, time, events, cache, put, get, codes: () => events.map((event) => event.code) };
}

test('an artifact is read once, also by many at once', async () => {
  const { store, put, get } = makeBed();
  const digest = await put(10);
  const sizes = await Promise.all(Array.from({ length: 50 }, () => get(digest)));
  expect(new Set(sizes)).toEqual(new Set([10]));
  expect(await get(digest)).toBe(10);
  expect(store.reads).toEqual([artifactKey(hexOf(digest))]);
});

test('what was used least recently goes when the budget is full', async () => {
  const { cache, store, put, get } = makeBed(100);
  const [first, second, third] = [await put(40, 1), await put(40, 2), await put(40, 3)] as const;
  await get(first);
  await get(second);
  expect(cache.sizeBytes).toBe(80);
  await get(first);
  await get(third);
  expect(cache.sizeBytes).toBe(80);
  const reads = store.reads.length;
  await get(first);
  await get(third);
  expect(store.reads.length).toBe(reads);
  await get(second);
  expect(store.reads.length).toBe(reads + 1);
});

test.each([
  ['at', 100, 100],
  ['over', 101, 0],
])('one artifact %s the budget is used', async (_where, sizeBytes, kept) => {
  const { cache, put, get } = makeBed(100);
  const digest = await put(sizeBytes);
  expect(await get(digest)).toBe(sizeBytes);
  expect(cache.sizeBytes).toBe(kept);
});

describe('an artifact that cannot be had', () => {
  test('because it is missing is asked for again only after a while', async () => {
    const { store, time, get, codes } = makeBed();
    expect(await get(ZERO_DIGEST)).toBeUndefined();
    await time.advance(retryMs);
    expect(await get(ZERO_DIGEST)).toBeUndefined();
    expect(store.reads.length).toBe(1);
    await time.advance(1);
    expect(await get(ZERO_DIGEST)).toBeUndefined();
    expect(store.reads.length).toBe(2);
    expect(codes()).toEqual(['artifact_missing', 'artifact_missing']);
  });

  test('because its bytes are others is never used', async () => {
    const { store, put, get, time, events } = makeBed();
    const digest = await put(10);
    store.fault = () => ({ kind: 'bytes', bytes: new Uint8Array(10).fill(2) });
    expect(await get(digest)).toBeUndefined();
    expect(events).toEqual([
      { event: 'cache', code: 'artifact_rejected', artifact: digest, error: 'artifact_invalid' },
    ]);
    store.fault = () => undefined;
    await time.advance(retryMs + 1);
    expect(await get(digest)).toBe(10);
  });

  test('because storage fails', async () => {
    const { store, put, get, codes } = makeBed();
    const digest = await put(10);
    store.fault = () => ({ kind: 'fail' });
    expect(await get(digest)).toBeUndefined();
    expect(codes()).toEqual(['artifact_read_failed']);
  });

  test('in time is not waited for, and kept when it comes', async () => {
    const { store, time, put, get, codes } = makeBed();
    const digest = await put(10);
    const gate = Promise.withResolvers<void>();
    store.fault = () => ({ kind: 'delay', until: gate.promise });
    const [answer] = await Promise.all([get(digest), time.advance(storeWaitMs)]);
    expect(answer).toBeUndefined();
    expect(codes()).toEqual(['artifact_read_failed']);
    gate.resolve();
    await settle();
    expect(await get(digest)).toBe(10);
    expect(store.reads.length).toBe(1);
  });
});

describe('a mirror', () => {
  /** A mirror in memory, with what was put. */
  function makeMirror(changes: Partial<ArtifactMirror> = {}) {
    const held = new Map<Digest, Uint8Array<ArrayBuffer>>();
    const mirror: ArtifactMirror = {
      get: async (digest) => held.get(digest),
      put: async (digest, bytes) => {
        held.set(digest, bytes);
      },
      ...changes,
    };
    return { held, ...makeBed(DEFAULT_FRESHNESS.artifactBudgetBytes, mirror) };
  }

  test('is given what the store had, and asked before it the next time', async () => {
    const first = makeMirror();
    const digest = await first.put(10);
    expect(await first.get(digest)).toBe(10);
    await settle();
    const bytes = first.held.get(digest);
    expect(bytes).toHaveLength(10);
    const second = makeMirror();
    if (bytes !== undefined) second.held.set(digest, bytes);
    expect(await second.get(digest)).toBe(10);
    expect(second.store.reads).toEqual([]);
  });

  test('with other bytes is not believed, and gets the right ones', async () => {
    const { held, put, get, store } = makeMirror();
    const digest = await put(10);
    held.set(digest, new Uint8Array(10).fill(9));
    expect(await get(digest)).toBe(10);
    await settle();
    expect(store.reads).toHaveLength(1);
    expect(held.get(digest)).toEqual(new Uint8Array(10).fill(1));
  });

  test('is never given what was not verified', async () => {
    const { held, put, get, store, codes } = makeMirror();
    const digest = await put(10);
    store.fault = () => ({ kind: 'bytes', bytes: new Uint8Array(3) });
    expect(await get(digest)).toBeUndefined();
    await settle();
    expect(codes()).toEqual(['artifact_rejected']);
    expect(held.size).toBe(0);
  });

  test.each<[string, Partial<ArtifactMirror>]>([
    ['fails to answer', { get: () => Promise.reject(new Error('cache')) }],
    ['fails to keep', { put: () => Promise.reject(new Error('cache')) }],
  ])('that %s does no harm', async (_, changes) => {
    const { put, get } = makeMirror(changes);
    expect(await get(await put(10))).toBe(10);
    await settle();
  });

  test('that hangs is waited for 100 ms', async () => {
    const { put, get, time, store } = makeMirror({ get: () => new Promise(() => {}) });
    const digest = await put(10);
    const answer = get(digest);
    await time.advance(99);
    expect(store.reads).toHaveLength(0);
    await time.advance(1);
    expect(await answer).toBe(10);
  });
});
