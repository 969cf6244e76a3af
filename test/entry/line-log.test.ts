import { expect, test } from 'vitest';

import { createLineLog } from '../../src/entry/line-log.ts';

const turnEnds = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function createBed() {
  const writes: string[] = [];
  return { writes, log: createLineLog((lines) => writes.push(lines)) };
}

test('the lines of one turn go out together, in order, when it ends', async () => {
  const { writes, log } = createBed();
  log.write('a');
  await Promise.resolve();
  log.write('b');
  expect(writes).toEqual([]);
  await turnEnds();
  expect(writes).toEqual(['a\nb']);
  log.write('c');
  await turnEnds();
  expect(writes).toEqual(['a\nb', 'c']);
});

test('a flush writes what waits, once', async () => {
  const { writes, log } = createBed();
  log.flush();
  expect(writes).toEqual([]);
  log.write('a');
  log.flush();
  expect(writes).toEqual(['a']);
  await turnEnds();
  expect(writes).toEqual(['a']);
});

test('no more than 64 Ki characters wait', () => {
  const under = createBed();
  under.log.write('x'.repeat(64 * 1024 - 1));
  expect(under.writes).toEqual([]);
  under.log.write('');
  expect(under.writes).toHaveLength(1);
  const at = createBed();
  at.log.write('x'.repeat(64 * 1024));
  expect(at.writes).toHaveLength(1);
  const over = createBed();
  over.log.write('x'.repeat(64 * 1024 + 1));
  expect(over.writes).toHaveLength(1);
});
