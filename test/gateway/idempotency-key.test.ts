import { describe, expect, test } from 'vitest';

import { MAX_IDEMPOTENCY_KEY_LENGTH, parseIdempotencyKey } from '../../src/gateway/idempotency-key.ts';

const UUID = '8e03978e-40d5-43e8-bc93-6894a57f9324';

describe('a key', () => {
  test.each([
    [`"${UUID}"`, UUID],
    [UUID, UUID],
    ['a', 'a'],
    ['order:4711/try=1+x@acme.example~', 'order:4711/try=1+x@acme.example~'],
    ['"a, b"', 'a, b'],
    ['" "', ' '],
    [String.raw`"say \"hi\" \\ "`, String.raw`say "hi" \ `],
  ])('%s is read', (header, key) => {
    expect(parseIdempotencyKey(header)).toBe(key);
  });

  test.each([
    '',
    '""',
    '"',
    'a b',
    'a,b',
    'a, b',
    '"a", "b"',
    '"a";q=1',
    'a;q=1',
    '"a" ',
    ' a',
    '"a"b"',
    String.raw`"a\b"`,
    String.raw`"a\"`,
    'a"b',
    '"é"',
    'é',
    '"a\u0000b"',
    '"a\tb"',
    'a\n',
    '"a"\n',
    'a%20b',
  ])('%j is refused', (header) => {
    expect(parseIdempotencyKey(header)).toBeUndefined();
  });

  test.each([
    ['under', MAX_IDEMPOTENCY_KEY_LENGTH - 1, true],
    ['at', MAX_IDEMPOTENCY_KEY_LENGTH, true],
    ['over', MAX_IDEMPOTENCY_KEY_LENGTH + 1, false],
  ])('%s the longest', (_, length, isTaken) => {
    const key = 'k'.repeat(length);
    expect(parseIdempotencyKey(key)).toBe(isTaken ? key : undefined);
    expect(parseIdempotencyKey(`"${key}"`)).toBe(isTaken ? key : undefined);
    // An escape is one character.
    expect(parseIdempotencyKey(`"${'\\"'.repeat(length)}"`)).toBe(isTaken ? '"'.repeat(length) : undefined);
  });

  test('of the longest header that a server takes is read in no time', () => {
    const long = `"${'\\"'.repeat(500_000)}`;
    const startedMs = process.cpuUsage().user;
    expect(parseIdempotencyKey(long)).toBeUndefined();
    expect((process.cpuUsage().user - startedMs) / 1000).toBeLessThan(200);
  });
});
