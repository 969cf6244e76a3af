import { describe, expect, test } from 'vitest';

import { createTokenBuckets, DEFAULT_RATE_TIERS, STANDARD_TIER } from '../../src/gateway/rate-limit.ts';
import { createManualTime } from '../fixtures/manual-time.ts';

const TIERS = new Map([
  ['standard', { requests: 10, perS: 5 }],
  ['slow', { requests: 1, perS: 60 }],
]);

function makeLimiter(maxBuckets?: number) {
  const time = createManualTime(1_000_000);
  const limiter = createTokenBuckets(TIERS, time.clock, maxBuckets);
  /** How many of `count` requests at once are allowed. */
  const burst = async (count: number, name = 'acme', tier = 'standard'): Promise<number> => {
    let allowed = 0;
    for (let turn = 0; turn < count; turn += 1) if ((await limiter.take(tier, name)).allowed) allowed += 1;
    return allowed;
  };
  return { time, limiter, burst };
}

describe('a token bucket', () => {
  test.each([
    ['under', 9, 9],
    ['at', 10, 10],
    ['over', 11, 10],
  ])('%s what a tier allows at once', async (_where, asked, allowed) => {
    expect(await makeLimiter().burst(asked)).toBe(allowed);
  });

  test.each([
    [499, 0],
    [500, 1],
    [999, 1],
    [1_000, 2],
    [5_000, 10],
    [500_000, 10],
  ])('that is empty has, after %i ms, %i', async (ms, allowed) => {
    const { time, burst } = makeLimiter();
    await burst(10);
    time.set(time.clock() + ms);
    expect(await burst(20)).toBe(allowed);
  });

  test('says after how many seconds the next request is allowed, and then it is', async () => {
    const { time, limiter, burst } = makeLimiter();
    expect(await burst(1, 'acme', 'slow')).toBe(1);
    time.set(time.clock() + 12_500);
    const verdict = await limiter.take('slow', 'acme');
    expect(verdict).toEqual({ allowed: false, retryAfterS: 48 });
    time.set(time.clock() + 48_000);
    expect(await limiter.take('slow', 'acme')).toEqual({ allowed: true });
    expect(await limiter.take('standard', 'acme')).toEqual({ allowed: true });
  });

  test('is one name’s own, in one tier', async () => {
    const { burst } = makeLimiter();
    await burst(10);
    expect(await burst(10, 'other')).toBe(10);
    expect(await burst(1, 'acme', 'slow')).toBe(1);
  });

  test('gives nothing for a clock that is set back, and takes nothing away', async () => {
    const { time, burst } = makeLimiter();
    await burst(10);
    time.set(time.clock() - 3_600_000);
    expect(await burst(5)).toBe(0);
    time.set(time.clock() + 5_000);
    expect(await burst(20)).toBe(10);
  });

  test('that is asked all the time while it is empty fills as fast', async () => {
    const { time, burst } = makeLimiter();
    await burst(10);
    let allowed = 0;
    for (let ms = 0; ms < 5_000; ms += 7) {
      time.set(time.clock() + 7);
      allowed += await burst(1);
    }
    expect(allowed).toBeGreaterThanOrEqual(9);
    expect(allowed).toBeLessThanOrEqual(10);
  });

  test('is forgotten where there are too many, the one least used first', async () => {
    const { burst } = makeLimiter(2);
    await burst(10, 'a');
    await burst(10, 'b');
    await burst(1, 'a');
    await burst(1, 'c');
    expect(await burst(1, 'a')).toBe(0);
    expect(await burst(10, 'b')).toBe(10);
  });
});

test('there is always a standard tier', () => {
  expect(DEFAULT_RATE_TIERS.has(STANDARD_TIER)).toBe(true);
  expect(() => createTokenBuckets(new Map(), Date.now)).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  );
  const limiter = createTokenBuckets(TIERS, Date.now);
  expect([limiter.has('slow'), limiter.has('gold'), limiter.has('__proto__')]).toEqual([true, false, false]);
});

describe('several requests at once', () => {
  test('are counted one by one', async () => {
    const { limiter, burst } = makeLimiter();
    expect(await limiter.take('standard', 'acme', 7)).toEqual({ allowed: true });
    expect(await burst(10)).toBe(3);
  });

  test('are all allowed or none, and none takes nothing', async () => {
    const { limiter, burst } = makeLimiter();
    await burst(4);
    expect(await limiter.take('standard', 'acme', 7)).toEqual({ allowed: false, retryAfterS: 1 });
    expect(await limiter.take('standard', 'acme', 6)).toEqual({ allowed: true });
  });

  test('may be more than a tier holds for who has asked nothing but this, and are owed', async () => {
    const { time, limiter, burst } = makeLimiter();
    await burst(1);
    expect(await limiter.take('standard', 'acme', 49)).toEqual({ allowed: true });
    // 40 are owed at two a second: after 20 seconds there is none to spare, after half a second more there is one.
    time.set(time.clock() + 20_000);
    expect(await burst(1)).toBe(0);
    time.set(time.clock() + 500);
    expect(await burst(2)).toBe(1);
  });

  test('do not pass one after the other by owing', async () => {
    const { limiter } = makeLimiter();
    expect(await limiter.take('standard', 'acme', 50)).toEqual({ allowed: true });
    expect(await limiter.take('standard', 'acme', 50)).toEqual({ allowed: false, retryAfterS: 25 });
    expect(await limiter.take('slow', 'acme', 5)).toEqual({ allowed: true });
    expect(await limiter.take('slow', 'acme', 5)).toMatchObject({ allowed: false });
  });
});
