import { expect, test } from 'vitest';

import { MARKS_NAME, stateName } from '../../src/artifact/meter-abi.ts';
import { createStateCollector } from '../../src/sandbox/guest-memento.ts';
import { createWrittenChunks } from '../../src/sandbox/written-chunks.ts';

function collect() {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const global = new WebAssembly.Global({ value: 'i64', mutable: true }, 7n);
  new Uint8Array(memory.buffer).set([1, 2, 3], 100);
  const collector = createStateCollector({}, undefined);
  collector.add({}, { [stateName('memory', 0)]: memory, [stateName('global', 0)]: global, other: () => {} });
  const memento = collector.capture();
  if (memento === undefined) throw new Error('it cannot be put back');
  return { memory, global, memento };
}

test('what is read is the state now, and a copy of it', () => {
  const { memory, global, memento } = collect();
  const before = memento.read();
  new Uint8Array(memory.buffer)[65_535] = 9;
  expect(memento.read()).not.toEqual(before);
  expect(memento.restore()).toBe(true);
  expect(memento.read()).toEqual(before);
  global.value = 8n;
  expect(memento.read()).not.toEqual(before);
  expect(memento.restore()).toBe(true);
  expect(memento.read()).toEqual(before);
});

test('what stands beyond the content is cleared, and what is in it written back', () => {
  const { memory, memento } = collect();
  const before = memento.read();
  new Uint8Array(memory.buffer).fill(0xff);
  expect(memento.restore()).toBe(true);
  expect(memento.read()).toEqual(before);
});

test('a memory that has grown is not put back', () => {
  const { memory, memento } = collect();
  memory.grow(1);
  expect(memento.restore()).toBe(false);
});

test('of what is known to have been written, nothing else is put back', () => {
  const memory = new WebAssembly.Memory({ initial: 2 });
  const marks = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(7, 0, 9_000);
  const written = createWrittenChunks();
  const collector = createStateCollector({}, written);
  collector.add({}, { [stateName('memory', 0)]: memory, [MARKS_NAME]: marks });
  const memento = collector.capture();
  bytes.fill(9);
  new Uint8Array(marks.buffer)[1] = 1;
  written.hostMarks.fill(1, 24, 30);
  expect(memento?.restore()).toBe(true);
  const chunk = 4_096;
  const put = (at: number): boolean => bytes[at] !== 9;
  expect([chunk - 1, chunk, 2 * chunk - 1, 2 * chunk + 1_039, 2 * chunk + 1_040].map(put)).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
  expect([bytes[8_999], bytes[9_000], bytes[100_000], bytes[119_999]]).toEqual([7, 0, 0, 0]);
  expect([24 * chunk - 1, 30 * chunk + 1_040].map(put)).toEqual([false, false]);
  // Marks are gone, so nothing is put back for a call that wrote nothing.
  bytes.fill(9);
  expect(memento?.restore()).toBe(true);
  expect(bytes.every((byte) => byte === 9)).toBe(true);
});
