import { expect, test } from 'vitest';

import { createIsolates } from '../../src/sandbox/workerd/isolates.ts';

function createBed(most: number) {
  const isolates = createIsolates(most);
  const retired: string[] = [];
  return {
    isolates,
    retired,
    enter: (id: string) =>
      isolates.enter(id, () => {
        retired.push(id);
        return Promise.reject(new Error('ended'));
      }),
  };
}

test('up to the bound, and at it, nobody goes', async () => {
  const bed = createBed(2);
  (await bed.enter('a'))();
  (await bed.enter('b'))();
  (await bed.enter('a'))();
  expect(bed.retired).toEqual([]);
});

test('over it, the one that was used least recently goes, once', async () => {
  const bed = createBed(2);
  (await bed.enter('a'))();
  (await bed.enter('b'))();
  (await bed.enter('a'))();
  (await bed.enter('c'))();
  expect(bed.retired).toEqual(['b']);
  (await bed.enter('b'))();
  expect(bed.retired).toEqual(['b', 'a']);
  expect(bed.isolates.size).toBe(2);
});

test('one in which calls run stays until the last of them has ended', async () => {
  const bed = createBed(1);
  const first = await bed.enter('a');
  const second = await bed.enter('a');
  const other = await bed.enter('b');
  expect(bed.retired).toEqual([]);
  first();
  expect(bed.retired).toEqual([]);
  second();
  expect(bed.retired).toEqual(['a']);
  other();
  expect(bed.retired).toEqual(['a']);
});

test('a call to one that is ending waits for its end', async () => {
  const isolates = createIsolates(1);
  const end = Promise.withResolvers<never>();
  const retire = () => end.promise;
  (await isolates.enter('a', retire))();
  (await isolates.enter('b', retire))();
  let entered = false;
  const again = isolates
    .enter('a', () => Promise.reject(new Error('ended')))
    .then((leave) => {
      entered = true;
      return leave;
    });
  await new Promise(setImmediate);
  expect(entered).toBe(false);
  end.reject(new Error('ended'));
  (await again)();
  expect(isolates.size).toBe(1);
});
