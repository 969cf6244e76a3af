import { describe, expect, it } from 'vitest';

import {
  DEFAULT_GUEST_LIMITS,
  faultOfLimit,
  GUEST_LIMIT_NAMES,
  GUEST_LIMIT_RULES,
  parseGuestLimits,
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
