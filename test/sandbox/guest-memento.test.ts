import { expect, test } from 'vitest';

import { stateName } from '../../src/artifact/meter-abi.ts';
import { createStateCollector } from '../../src/sandbox/guest-memento.ts';

function collect() {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const global = new WebAssembly.Global({ value: 'i64', mutable: true }, 7n);
  new Uint8Array(memory.buffer).set([1, 2, 3], 100);
  const collector = createStateCollector({});
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
