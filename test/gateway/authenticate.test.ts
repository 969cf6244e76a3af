import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';

import { createAuthenticator } from '../../src/gateway/authenticate.ts';

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const FIRST = 'wp_first-key.0123456789';
const SECOND = 'wp_second+key/0123456789==';

describe('an authenticator with two keys', () => {
  const authenticate = createAuthenticator({ keyHashes: [hashOf(FIRST), hashOf(SECOND).toUpperCase()] });

  test.each([`Bearer ${FIRST}`, `Bearer ${SECOND}`, `bearer ${FIRST}`, `BEARER   ${FIRST}`])(
    'takes %j',
    async (header) => {
      expect(await authenticate(header)).toBe(true);
    },
  );

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    FIRST,
    `Bearer ${FIRST}x`,
    `Bearer ${FIRST.slice(1)}`,
    `Bearer ${FIRST.toUpperCase()}`,
    `Bearer ${hashOf(FIRST)}`,
    `Basic ${FIRST}`,
    `Bearer\t${FIRST}`,
    `Bearer ${FIRST} ${SECOND}`,
    `Bearer ${FIRST}, Bearer ${FIRST}`,
    `Bearer ${FIRST},Bearer x`,
    `Bearer ${'a'.repeat(10_000)}`,
    'Bearer \u0000',
  ])('refuses %j', async (header) => {
    expect(await authenticate(header)).toBe(false);
  });
});

test('openness must be said', async () => {
  expect(await createAuthenticator('open')(undefined)).toBe(true);
  for (const keyHashes of [[], [''], [FIRST], [hashOf(FIRST).slice(1)], [hashOf(FIRST), 'g'.repeat(64)]]) {
    expect(() => createAuthenticator({ keyHashes })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  }
});
