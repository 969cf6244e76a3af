import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isSlug, MAX_BANK_ID_LENGTH, slugOf } from '../../src/core/bank.ts';
import { isStorageKey } from '../../src/store/object-store.ts';

describe('the slug of a bank id', () => {
  test.each([
    ['bank_002', 'bank-002'],
    ['bank.002', 'bank-002'],
    ['ICAMER', 'icamer'],
    ['a', 'a'],
    ['0', '0'],
    ['a--b', 'a--b'],
  ])('%s has %s', (id, slug) => {
    expect(slugOf(id)).toBe(slug);
  });

  test.each([
    '',
    '-a',
    'a-',
    '_a',
    'a.',
    '..',
    'a b',
    'a/b',
    'a%2fb',
    'a\n',
    'a\0',
    'bänk',
    '\u0130camer',
    '__proto__',
  ])('%j has none', (id) => {
    expect(slugOf(id)).toBeUndefined();
  });

  test('an id is taken at the longest and refused over it', () => {
    expect(slugOf('a'.repeat(MAX_BANK_ID_LENGTH - 1))).toBeDefined();
    expect(slugOf('a'.repeat(MAX_BANK_ID_LENGTH))).toBeDefined();
    expect(slugOf('a'.repeat(MAX_BANK_ID_LENGTH + 1))).toBeUndefined();
  });

  test('whatever has a slug has one that is its own slug and a storage key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (id) => {
        const slug = slugOf(id);
        if (slug === undefined) return;
        expect(isSlug(slug)).toBe(true);
        expect(slugOf(slug)).toBe(slug);
        expect(isStorageKey(`banks/${slug}/current`)).toBe(true);
      }),
    );
  });
});
