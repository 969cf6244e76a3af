// Colours go to terminals that want them, and no text brings its own.

import { describe, expect, it } from 'vitest';

import { isColoured, renderLine } from '../../src/cli/colour.ts';

describe('colours', () => {
  it.each<[string, boolean | undefined, Record<string, string>, boolean]>([
    ['a terminal', true, {}, true],
    ['a pipe', undefined, {}, false],
    ['a terminal and NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['a terminal and an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['a terminal that has none', true, { TERM: 'dumb' }, false],
    ['a pipe and FORCE_COLOR', undefined, { FORCE_COLOR: '1' }, true],
    ['a terminal and FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
    ['a pipe, FORCE_COLOR and NO_COLOR', undefined, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('of %s', (_, isTTY, env, expected) => {
    expect(isColoured({ ...(isTTY !== undefined && { isTTY }) }, env)).toBe(expected);
  });

  it('stand around a text, never in it', () => {
    const hostile = 'a\u001b[31mb\u202ec';
    expect(renderLine(['x ', ['green', hostile]], true)).toBe('x \u001b[32ma\ufffd[31mb\ufffdc\u001b[0m');
    expect(renderLine(['x ', ['green', hostile]], false)).toBe('x a\ufffd[31mb\ufffdc');
  });
});
