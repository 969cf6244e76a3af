import { expect, test } from 'vitest';

import { createLruMap } from '../../src/gateway/lru-map.ts';

test('what was used least recently goes first', () => {
  const map = createLruMap<number>(2);
  map.set('a', 1);
  map.set('b', 2);
  expect(map.get('a')).toBe(1);
  map.set('c', 3);
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2]);
});

test('the budget counts costs: as many go as must', () => {
  const map = createLruMap<number>(10, (cost) => cost);
  for (const [key, cost] of [
    ['a', 4],
    ['b', 4],
    ['c', 2],
  ] as const)
    map.set(key, cost);
  expect(map.cost).toBe(10);
  map.set('d', 5);
  expect([map.get('a'), map.get('b'), map.get('c'), map.get('d'), map.cost]).toEqual([
    undefined,
    undefined,
    2,
    5,
    7,
  ]);
});

test('a value is kept at the budget and not over it, and drops nothing else', () => {
  const map = createLruMap<number>(10, (cost) => cost);
  map.set('small', 1);
  map.set('large', 11);
  expect([map.get('small'), map.get('large'), map.cost]).toEqual([1, undefined, 1]);
  map.set('full', 10);
  expect([map.get('small'), map.get('full'), map.cost]).toEqual([undefined, 10, 10]);
});

test('a value that is set again or deleted is counted once and not at all', () => {
  const map = createLruMap<number>(10, (cost) => cost);
  map.set('a', 6);
  map.set('a', 7);
  expect([map.size, map.cost]).toEqual([1, 7]);
  map.delete('a');
  map.delete('a');
  expect([map.size, map.cost]).toEqual([0, 0]);
});
