import { expect, test } from 'vitest';

import { createTimeFormatter } from '../../src/gateway/time-format.ts';

test('times are written as Date writes them, in any order', () => {
  const format = createTimeFormatter();
  const start = Date.UTC(2026, 11, 31, 23, 59, 59);
  for (const offset of [0, 1, 10, 100, 999, 1000, 1001, -1, -1000, 0, 86_400_000, 5]) {
    expect(format(start + offset)).toBe(new Date(start + offset).toISOString());
  }
});

test('times before 1970 and at both ends of what a date can be are written as Date writes them', () => {
  const format = createTimeFormatter();
  for (const time of [-1, -999, -1000, -1001, 0, 8.64e15, -8.64e15, 253_402_300_800_000]) {
    expect(format(time)).toBe(new Date(time).toISOString());
  }
});

test('what is no time throws, and changes nothing for what comes after it', () => {
  const format = createTimeFormatter();
  expect(format(1_000)).toBe('1970-01-01T00:00:01.000Z');
  expect(() => format(Number.NaN)).toThrow(RangeError);
  expect(() => format(8.64e15 + 1000)).toThrow(RangeError);
  expect(format(1_001)).toBe('1970-01-01T00:00:01.001Z');
});
