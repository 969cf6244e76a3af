// The state of a guest instance as it was right after it was made, and how to put it back: every memory, every
// mutable global of its modules, and the flags that jco's glue keeps in globals of its own. What this does not hold
// (tables, dropped segments, handles) is noticed elsewhere, and the instance is then not used again.

import { METER_NAMESPACE, METER_PREFIX } from '../artifact/meter-abi.ts';

export interface Memento {
  /** Puts everything back. False where a memory has another size: then the instance must go. */
  restore(): boolean;
  /** Every memory's bytes and every global's value as they are now, in the order of their making: to compare instances. */
  read(): readonly unknown[];
}

/** Collects what a component's core instances hold while they are being made. */
export interface StateCollector {
  /** Takes a core instance's imports and exports. */
  add(imports: WebAssembly.Imports, exports: WebAssembly.Exports): void;
  /** Remembers all of it as it is now; undefined where something of it cannot be put back. */
  capture(): Memento | undefined;
}

export function createStateCollector(meter: Readonly<Record<string, WebAssembly.Global>>): StateCollector {
  const memories = new Set<WebAssembly.Memory>();
  const globals = new Set<WebAssembly.Global>();
  const own = new Set(Object.values(meter));
  // Pages and elements that are left belong to the state; fuel, depth and dirty belong to the call.
  for (const name of ['pages', 'elements']) {
    const budget = meter[name];
    if (budget !== undefined) globals.add(budget);
  }

  return {
    add(imports, exports) {
      for (const [namespace, fields] of Object.entries(imports)) {
        if (namespace === METER_NAMESPACE) continue;
        for (const value of Object.values(fields)) {
          if (!(value instanceof WebAssembly.Global) || own.has(value) || globals.has(value)) continue;
          if (isMutable(value)) globals.add(value);
        }
      }
      for (const [name, value] of Object.entries(exports)) {
        if (!name.startsWith(METER_PREFIX)) continue;
        if (value instanceof WebAssembly.Memory) memories.add(value);
        if (value instanceof WebAssembly.Global) globals.add(value);
      }
    },
    capture() {
      const memoryStates = [...memories].map((memory) => {
        const bytes = new Uint8Array(memory.buffer);
        const end = endOfContent(memory.buffer);
        return { memory, view: bytes, sizeBytes: bytes.length, content: bytes.slice(0, end), end };
      });
      const globalStates = [...globals].map((global) => ({ global, value: global.value as unknown }));
      // JavaScript has one NaN: the bits of this one would not come back.
      if (globalStates.some(({ value }) => Number.isNaN(value))) return undefined;
      return {
        read: () => [
          ...memoryStates.map(({ memory }) => new Uint8Array(memory.buffer).slice()),
          ...globalStates.map(({ global }) => global.value as unknown),
        ],
        restore() {
          for (const state of memoryStates) {
            if (state.memory.buffer !== state.view.buffer) return false;
            state.view.set(state.content);
            state.view.fill(0, state.end);
          }
          for (const { global, value } of globalStates) global.value = value;
          return true;
        },
      };
    },
  };
}

/** Where the zeros begin that a memory ends with, at a word. Words, since large memories are nearly all zeros. */
function endOfContent(buffer: ArrayBufferLike): number {
  const words = new Int32Array(buffer);
  let end = words.length;
  while (end > 0 && words[end - 1] === 0) end -= 1;
  return end * Int32Array.BYTES_PER_ELEMENT;
}

/** JavaScript does not tell; writing the value that is there does. Only for jco's own: a guest's are known by then. */
function isMutable(global: WebAssembly.Global): boolean {
  try {
    const value: unknown = global.value;
    global.value = value;
    return true;
  } catch {
    return false;
  }
}
