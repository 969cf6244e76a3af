// Counts as people read them.

import { expect, it } from 'vitest';

import { formatCount } from '../../src/cli/terminal.ts';

it.each([
  [0, '0 banks'],
  [1, '1 bank'],
  [2, '2 banks'],
  [21, '21 banks'],
])('%i of a noun is %j', (count, text) => {
  expect(formatCount(count, 'bank')).toBe(text);
});
