import { describe, expect, it } from 'vitest';

import {
  DEFAULT_GUEST_LIMITS,
  faultOfLimit,
  GUEST_LIMIT_NAMES,
  GUEST_LIMIT_RULES,
  instantiationFuel,
  longestHoldMs,
  parseGuestLimits,
  type GuestLimits,
} from '../../src/core/guest-limits.ts';

describe.each(GUEST_LIMIT_NAMES)('the limit %s', (name) => {
  const { byDefault, least, most } = GUEST_LIMIT_RULES[name];

  it('has a default within its range', () => {
    expect(faultOfLimit(name, byDefault)).toBeUndefined();
  });

  it.each([
    ['under its least', least - 1, false],
    ['at its least', least, true],
    ['at its most', most, true],
    ['over its most', most + 1, false],
    ['a fraction', least + 0.5, false],
    ['no number', Number.NaN, false],
    ['text', String(byDefault), false],
    ['missing', undefined, false],
  ])('is judged %s', (_, value, good) => {
    expect(faultOfLimit(name, value) === undefined).toBe(good);
    expect(parseGuestLimits({ ...DEFAULT_GUEST_LIMITS, [name]: value }) !== undefined).toBe(good);
  });
});

describe('limits from JSON', () => {
  it('are read whole and without further members', () => {
    expect(parseGuestLimits({ ...DEFAULT_GUEST_LIMITS, other: 1 })).toEqual(DEFAULT_GUEST_LIMITS);
  });

  it.each([null, undefined, 7, 'x', [], {}])('are refused when they are %j', (json) => {
    expect(parseGuestLimits(json)).toBeUndefined();
  });
});

describe('the longest time that a guest may hold its thread', () => {
  const most = GUEST_LIMIT_NAMES.reduce<GuestLimits>(
    (limits, name) => ({ ...limits, [name]: GUEST_LIMIT_RULES[name].most }),
    DEFAULT_GUEST_LIMITS,
  );

  it.each([
    ['by default under 250 ms', DEFAULT_GUEST_LIMITS, 250],
    ['with the largest memory', { ...DEFAULT_GUEST_LIMITS, memoryPages: most.memoryPages }, 350],
    ['with the most fuel', { ...DEFAULT_GUEST_LIMITS, fuel: most.fuel }, 1_300],
    ['with every limit at its most, within the shortest deadline of 2 s', most, 2_000],
  ])('is bounded %s', (_, limits, boundMs) => {
    expect(longestHoldMs(limits)).toBeLessThan(boundMs);
    // And says something: nothing is twice as long as it must be.
    expect(longestHoldMs(limits)).toBeGreaterThan(boundMs / 2);
  });

  it('grows with fuel and with memory', () => {
    const { fuel, memoryPages } = DEFAULT_GUEST_LIMITS;
    const base = longestHoldMs(DEFAULT_GUEST_LIMITS);
    expect(longestHoldMs({ ...DEFAULT_GUEST_LIMITS, fuel: fuel * 2 })).toBeGreaterThan(base * 1.8);
    expect(longestHoldMs({ ...DEFAULT_GUEST_LIMITS, memoryPages: memoryPages + 1 })).toBeGreaterThan(base);
  });
});

describe('fuel for making an instance', () => {
  it.each([
    [1_000, 8_750_000],
    [DEFAULT_GUEST_LIMITS.fuel, 8_750_000],
    [DEFAULT_GUEST_LIMITS.fuel + 3, 8_750_000],
    [DEFAULT_GUEST_LIMITS.fuel + 4, 8_750_001],
  ])('of a release that allows %i is a fourth, of the default at least: %i', (fuel, share) => {
    expect(instantiationFuel({ ...DEFAULT_GUEST_LIMITS, fuel })).toBe(share);
  });
});
