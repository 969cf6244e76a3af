// The state of a guest instance as it was right after it was made, and how to put it back: every memory, every
// mutable global of its modules, and the flags that jco's glue keeps in globals of its own. What this does not hold
// (tables, dropped segments, handles) is noticed elsewhere, and the instance is then not used again. Of memory that is
// known not to have been written, nothing is put back.

import { MARKS_NAME, METER_NAMESPACE, METER_PREFIX } from '../artifact/meter-abi.ts';
import type { WrittenChunks } from './written-chunks.ts';

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

/** `written` is absent where it is not known what a guest writes. */
export function createStateCollector(
  meter: Readonly<Record<string, WebAssembly.Global>>,
  written: WrittenChunks | undefined,
): StateCollector {
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
        if (name === MARKS_NAME) written?.add(value as WebAssembly.Memory);
        else if (value instanceof WebAssembly.Memory) memories.add(value);
        if (value instanceof WebAssembly.Global) globals.add(value);
      }
    },
    capture() {
      const memoryStates = [...memories].map((memory) => {
        const bytes = new Uint8Array(memory.buffer);
        const end = endOfContent(memory.buffer);
        return { memory, view: bytes, sizeBytes: bytes.length, content: bytes.slice(0, end) };
      });
      const globalStates = [...globals].map((global) => ({ global, value: global.value as unknown }));
      // JavaScript has one NaN: the bits of this one would not come back.
      if (globalStates.some(({ value }) => Number.isNaN(value))) return undefined;
      const largestBytes = Math.max(0, ...memoryStates.map(({ sizeBytes }) => sizeBytes));
      written?.clear(largestBytes);
      return {
        read: () => [
          ...memoryStates.map(({ memory }) => new Uint8Array(memory.buffer).slice()),
          ...globalStates.map(({ global }) => global.value as unknown),
        ],
        restore() {
          const spans = written?.spans(largestBytes);
          for (const state of memoryStates) {
            if (state.memory.buffer !== state.view.buffer) return false;
            if (spans === undefined) putBack(state, 0, state.sizeBytes);
            else putBackSpans(state, spans);
          }
          written?.clear(largestBytes);
          for (const { global, value } of globalStates) global.value = value;
          return true;
        },
      };
    },
  };
}

interface MemoryState {
  readonly view: Uint8Array;
  readonly sizeBytes: number;
  /** What memory held, up to the zeros that it ended with. */
  readonly content: Uint8Array;
}

/** Puts back the bytes from `start` up to `end`, which is within the memory. */
function putBack({ view, content }: MemoryState, start: number, end: number): void {
  if (start === 0 && end >= content.length) view.set(content);
  else if (start < content.length) view.set(content.subarray(start, end), start);
  if (end > content.length) view.fill(0, Math.max(start, content.length), end);
}

/** `spans` may be those of a larger memory. */
function putBackSpans(state: MemoryState, spans: readonly number[]): void {
  for (let index = 0; index + 1 < spans.length; index += 2) {
    const start = spans[index] ?? 0;
    if (start >= state.sizeBytes) return;
    putBack(state, start, Math.min(spans[index + 1] ?? 0, state.sizeBytes));
  }
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
