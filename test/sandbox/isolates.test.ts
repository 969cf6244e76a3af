import { expect, test } from 'vitest';

import { createIsolates } from '../../src/sandbox/workerd/isolates.ts';

function createBed(most: number) {
  const isolates = createIsolates(most);
  const retired: string[] = [];
  return {
    isolates,
    retired,
    enter: (id: string) => isolates.enter(id, () => retired.push(id)),
  };
}

test('up to the bound, and at it, nobody goes', () => {
  const bed = createBed(2);
  bed.enter('a')();
  bed.enter('b')();
  bed.enter('a')();
  expect(bed.retired).toEqual([]);
});

test('over it, the one that was used least recently goes, once', () => {
  const bed = createBed(2);
  bed.enter('a')();
  bed.enter('b')();
  bed.enter('a')();
  bed.enter('c')();
  expect(bed.retired).toEqual(['b']);
  bed.enter('b')();
  expect(bed.retired).toEqual(['b', 'a']);
  expect(bed.isolates.size).toBe(2);
});

test('one in which calls run stays until the last of them has ended', () => {
  const bed = createBed(1);
  const first = bed.enter('a');
  const second = bed.enter('a');
  const other = bed.enter('b');
  expect(bed.retired).toEqual([]);
  first();
  expect(bed.retired).toEqual([]);
  second();
  expect(bed.retired).toEqual(['a']);
  other();
  expect(bed.retired).toEqual(['a']);
});
