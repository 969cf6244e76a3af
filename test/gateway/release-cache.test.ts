import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';

import type { VerifiedRelease } from '../../src/artifact/release.ts';
import { CLOCK_SKEW_S } from '../../src/artifact/verify-release.ts';
import { MAX_RELEASE_BYTES } from '../../src/core/limits.ts';
import type { CacheEvent } from '../../src/gateway/event.ts';
import { DEFAULT_FRESHNESS, type Freshness } from '../../src/gateway/freshness.ts';
import { createReleaseCache } from '../../src/gateway/release-cache.ts';
import { currentReleaseKey } from '../../src/store/keys.ts';
import { createFaultStore } from '../fixtures/fault-store.ts';
import {
  DAY_S,
  encodeRelease,
  makeRelease,
  START_MS,
  START_S,
  verifyUnsigned,
} from '../fixtures/gateway-bed.ts';
import { createManualTime, settle } from '../fixtures/manual-time.ts';

const { freshMs, refreshMs, staleMs, unknownMs, retryMs, storeWaitMs, readLifetimeMs } = DEFAULT_FRESHNESS;

function makeBed(changes: Partial<Freshness> = {}) {
  const store = createFaultStore();
  const time = createManualTime(START_MS);
  const events: CacheEvent[] = [];
  const background: Promise<unknown>[] = [];
  let verified = 0;
  const cache = createReleaseCache({
    store,
    verify: (token, slug) => {
      verified += 1;
      return verifyUnsigned(token, slug);
    },
    clock: time.clock,
    timer: time.timer,
    freshness: { ...DEFAULT_FRESHNESS, ...changes },
    onEvent: (event) => events.push(event),
  });
  /** Number of the release that is served, or the kind of the answer. */
  const get = async (slug = 'meridian'): Promise<number | string> => {
    const lookup = await cache.get(slug, (work) => background.push(work));
    return lookup.kind === 'release' ? lookup.release.number : lookup.kind;
  };
  const publish = (number: number, changes: Partial<VerifiedRelease> = {}): Promise<void> =>
    store.force(currentReleaseKey('meridian'), encodeRelease(makeRelease({ number, ...changes })));
  const fail = (): void => {
    store.fault = () => ({ kind: 'fail' });
  };
  const heal = (): void => {
    store.fault = () => undefined;
  };
  return {
    store,
    time,
    events,
    background,
    cache,
    get,
    publish,
    fail,
    heal,
    codes: () => events.map((event) => event.code),
    verified: () => verified,
  };
}

describe('windows', () => {
  test.each([
    ['under', freshMs - 1, 0],
    ['at', freshMs, 0],
    ['over', freshMs + 1, 1],
  ])('%s the fresh window: storage is asked again only after it', async (_where, ageMs, rereads) => {
    const { get, publish, time, store, background } = makeBed();
    await publish(1);
    await get();
    await publish(2);
    await time.advance(ageMs);
    background.length = 0;
    expect(await get()).toBe(1);
    expect(store.reads.length - 1).toBe(rereads);
    expect(background.length).toBe(rereads);
    await Promise.all(background);
    expect(await get()).toBe(1 + rereads);
  });

  test.each([
    ['under', refreshMs - 1, 1],
    ['at', refreshMs, 1],
    ['over', refreshMs + 1, 2],
  ])('%s the refresh window: only after it does a request wait', async (_where, ageMs, served) => {
    const { get, publish, time } = makeBed();
    await publish(1);
    await get();
    await publish(2);
    await time.advance(ageMs);
    expect(await get()).toBe(served);
  });

  test('one refresh runs for all who are served meanwhile', async () => {
    const { get, publish, time, store } = makeBed();
    await publish(1);
    await get();
    const gate = Promise.withResolvers<void>();
    store.fault = () => ({ kind: 'delay', until: gate.promise });
    await time.advance(freshMs + 1);
    expect(await Promise.all(Array.from({ length: 20 }, () => get()))).toEqual(
      Array.from({ length: 20 }, () => 1),
    );
    expect(store.reads.length).toBe(2);
    gate.resolve();
    await settle();
    expect(await get()).toBe(1);
    expect(store.reads.length).toBe(2);
  });

  test.each([
    ['under', staleMs - 1, 1],
    ['at', staleMs, 1],
    ['over', staleMs + 1, 'unavailable'],
  ])('%s the day: an old release is served when storage fails', async (_where, ageMs, served) => {
    const { get, publish, time, fail } = makeBed();
    await publish(1);
    await get();
    fail();
    await time.advance(ageMs);
    expect(await get()).toBe(served);
  });

  test.each([
    ['under', 9_999, 1],
    ['at', 10_000, 'unavailable'],
    ['over', 10_001, 'unavailable'],
  ])('%s not_after: no release is served past it, whatever fails', async (_where, ageMs, served) => {
    const { get, publish, time, fail } = makeBed();
    await publish(1, { notAfterS: (START_MS - 123) / 1000 + 10 });
    time.set(START_MS - 123);
    await get();
    fail();
    await time.advance(ageMs);
    expect(await get()).toBe(served);
  });

  test('a fresh release is not served past not_after, and its renewal is', async () => {
    const { get, publish, time, codes } = makeBed();
    await publish(1, { notAfterS: START_S + 2 });
    expect(await get()).toBe(1);
    await time.advance(2_000);
    expect(await get()).toBe('unavailable');
    expect(codes()).toEqual(['release_expired']);
    await publish(2);
    await time.advance(retryMs + 1);
    expect(await get()).toBe(2);
  });

  test('a clock that was set back makes nothing look fresh', async () => {
    const { get, publish, time } = makeBed();
    await publish(1, { notBeforeS: START_S - DAY_S });
    await get();
    await publish(2, { notBeforeS: START_S - DAY_S });
    time.set(START_MS - 60_000);
    expect(await get()).toBe(2);
  });

  test('a refresh is conditional, and what was not modified is not verified again', async () => {
    const { get, publish, time, store, verified } = makeBed();
    await publish(1);
    await get();
    await time.advance(refreshMs + 1);
    expect(await get()).toBe(1);
    expect(store.notModified).toEqual([false, true]);
    expect(verified()).toBe(1);
    await time.advance(freshMs);
    await get();
    expect(store.reads.length).toBe(2);
  });
});

describe('unknown banks', () => {
  test.each([
    ['under', unknownMs - 1, 'unknown'],
    ['at', unknownMs, 'unknown'],
    ['over', unknownMs + 1, 1],
  ])('%s the window they are remembered in', async (_where, ageMs, served) => {
    const { get, publish, time } = makeBed();
    expect(await get()).toBe('unknown');
    await publish(1);
    await time.advance(ageMs);
    expect(await get()).toBe(served);
  });

  test('random names do not grow memory, and drop no bank that is known', async () => {
    const { get, publish, cache, store } = makeBed({ maxUnknownBanks: 100 });
    await publish(1);
    await get();
    for (let index = 0; index < 1_000; index += 1) expect(await get(`x${index}`)).toBe('unknown');
    expect(cache.sizes).toEqual({ known: 1, unknown: 100 });
    const reads = store.reads.length;
    expect(await get()).toBe(1);
    expect(store.reads.length).toBe(reads);
  });

  test('keep alive no body that their name was cut from', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { get, fail, heal } = makeBed();
    const tryNames = async (from: number, to: number): Promise<void> => {
      for (let index = from; index < to; index += 1) {
        // V8 takes a slice of this text as a view of all of it.
        const body = new TextDecoder().decode(
          new TextEncoder().encode(`nobody-${index}-`.padEnd(60_000, 'x')),
        );
        if (index % 2 === 0) fail();
        else heal();
        await get(body.slice(0, 40));
        await get(body.slice(0, 40));
      }
    };
    await tryNames(0, 50);
    collect();
    const before = process.memoryUsage().heapUsed;
    await tryNames(50, 550);
    collect();
    // Kept, the bodies would be 500 × 60 KB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
  });

  test('are never named in an event', async () => {
    const { get, fail, events } = makeBed();
    fail();
    expect(await get('planted')).toBe('unavailable');
    expect(JSON.stringify(events)).not.toContain('planted');
  });
});

describe('storage that fails', () => {
  test('leaves a bank without a good release unavailable, and is left alone for a while', async () => {
    const { get, publish, fail, heal, store, time, codes } = makeBed();
    await publish(1);
    fail();
    expect(await get()).toBe('unavailable');
    heal();
    await time.advance(retryMs);
    expect(await get()).toBe('unavailable');
    expect(store.reads.length).toBe(1);
    await time.advance(1);
    expect(await get()).toBe(1);
    expect(codes()).toEqual(['release_read_failed']);
  });

  test('that hangs costs one wait, then none, until the read counts as lost', async () => {
    const { get, publish, store, time, heal, codes } = makeBed();
    await publish(1);
    await get();
    await time.advance(refreshMs + 1);
    store.fault = () => ({ kind: 'hang' });
    let answer: unknown;
    void get().then((served) => (answer = served));
    await time.advance(storeWaitMs - 1);
    expect(answer).toBeUndefined();
    await time.advance(1);
    expect(answer).toBe(1);
    const [second] = await Promise.all([get(), time.advance(0)]);
    expect(second).toBe(1);
    expect(store.reads.length).toBe(2);
    expect(new Set(codes())).toEqual(new Set(['release_read_failed', 'release_served_stale']));
    heal();
    await publish(2);
    await time.advance(readLifetimeMs);
    expect(await get()).toBe(2);
  });

  test('a read that came too late for its request still fills the cache', async () => {
    const { get, publish, store, time } = makeBed();
    await publish(1);
    const gate = Promise.withResolvers<void>();
    store.fault = () => ({ kind: 'delay', until: gate.promise });
    const [answer] = await Promise.all([get(), time.advance(storeWaitMs)]);
    expect(answer).toBe('unavailable');
    gate.resolve();
    await settle();
    expect(await get()).toBe(1);
    expect(store.reads.length).toBe(1);
  });

  test('flapping never loses a good release and never goes back', async () => {
    const { get, publish, time, fail, heal } = makeBed();
    await publish(1);
    expect(await get()).toBe(1);
    let last = 1;
    for (let round = 0; round < 40; round += 1) {
      if (round % 2 === 0) fail();
      else heal();
      if (round % 5 === 0) await publish(round + 1);
      await time.advance(refreshMs + 1);
      const served = await get();
      expect(Number(served)).toBeGreaterThanOrEqual(last);
      last = Number(served);
    }
    expect(last).toBe(36);
  });

  test('a failed refresh in the background is no failure of a request', async () => {
    const { get, publish, time, fail, background, codes } = makeBed();
    await publish(1);
    await get();
    fail();
    await time.advance(freshMs + 1);
    expect(await get()).toBe(1);
    await Promise.all(background);
    expect(codes()).toEqual(['release_read_failed']);
  });
});

describe('a bucket that is not honest', () => {
  test.each([
    ['bytes that do not verify', 'release_rejected', new TextEncoder().encode('{')],
    ['another bank’s release', 'release_rejected', encodeRelease(makeRelease({ bank: 'other' }))],
    ['an older release', 'release_rolled_back', encodeRelease(makeRelease({ number: 4 }))],
    [
      'a release that starts later',
      'release_not_yet_valid',
      encodeRelease(makeRelease({ number: 6, notBeforeS: START_S + 2 * DAY_S })),
    ],
    [
      'a release that has ended',
      'release_expired',
      encodeRelease(makeRelease({ number: 6, notAfterS: START_S - 1 })),
    ],
    ['a release that is too large', 'release_read_failed', new Uint8Array(MAX_RELEASE_BYTES + 1)],
  ])('with %s keeps the last good one in use, until its limits', async (_what, code, bytes) => {
    const { get, publish, time, store, events } = makeBed();
    await publish(5);
    await get();
    await store.force(currentReleaseKey('meridian'), bytes);
    await time.advance(refreshMs + 1);
    expect(await get()).toBe(5);
    expect(events.map((event) => event.code)).toEqual([code, 'release_served_stale']);
    expect(events[0]).toMatchObject({ bank: 'meridian' });
    await time.advance(staleMs - refreshMs);
    expect(await get()).toBe('unavailable');
  });

  test.each([
    ['bytes that do not verify', new TextEncoder().encode('{')],
    ['a release that starts later', encodeRelease(makeRelease({ notBeforeS: START_S + CLOCK_SKEW_S + 1 }))],
    ['a release that has ended', encodeRelease(makeRelease({ notAfterS: START_S }))],
  ])('with %s from the start makes the bank unavailable', async (_what, bytes) => {
    const { get, store } = makeBed();
    await store.force(currentReleaseKey('meridian'), bytes);
    expect(await get()).toBe('unavailable');
  });

  test('a publisher whose clock is a little ahead is believed', async () => {
    const { get, publish } = makeBed();
    await publish(1, { notBeforeS: START_S + CLOCK_SKEW_S });
    expect(await get()).toBe(1);
  });

  test('a release that is deleted stops no bank that is known', async () => {
    const { get, publish, time, store, codes } = makeBed();
    await publish(1);
    await get();
    await store.delete(currentReleaseKey('meridian'));
    await time.advance(refreshMs + 1);
    expect(await get()).toBe(1);
    expect(codes()).toEqual(['release_vanished', 'release_served_stale']);
  });

  test('an older release is refused even after the newer one has ended', async () => {
    const { get, publish, time } = makeBed();
    await publish(5, { notAfterS: START_S + 10 });
    await get();
    await publish(4);
    await time.advance(20_000);
    expect(await get()).toBe('unavailable');
  });
});

test('concurrent cold requests read one release', async () => {
  const { get, publish, store } = makeBed();
  await publish(1);
  expect(new Set(await Promise.all(Array.from({ length: 50 }, () => get())))).toEqual(new Set([1]));
  expect(store.reads).toEqual([currentReleaseKey('meridian')]);
});

test('known banks are bounded, too', async () => {
  const { get, store, cache } = makeBed({ maxBanks: 3 });
  for (let index = 0; index < 10; index += 1) {
    const bank = `bank-${index}`;
    await store.force(currentReleaseKey(bank), encodeRelease(makeRelease({ bank })));
    expect(await get(bank)).toBe(7);
  }
  expect(cache.sizes.known).toBe(3);
});
