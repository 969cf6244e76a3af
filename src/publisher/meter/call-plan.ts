// What is decided of functions before any of them is written, since it depends on who can call whom: which of them count
// their frames, and which hand the fuel counter on.
//
// The counter is handed on, as one parameter and one result more, to functions that only a `call` of their own module
// reaches, so that no one who knows nothing of it can call one. It stays in a register there, and a global is written only
// where control leaves for what does not hand it on. This changes nothing of what is charged.
//
// A function whose whole tree of calls is known and small counts no frames (UNCOUNTED_STACK_BYTES).

import { HANDED_FUEL_BYTES, UNCOUNTED_STACK_BYTES } from './check-policy.ts';
import { I64, type CodeReader } from './code-reader.ts';
import { ENGINE_LIMITS } from './engine-limits.ts';
import { frameBytesOf, readLocals, type GuestLocals } from './function-frame.ts';
import { scanFunction, type FunctionTraits } from './function-scan.ts';
import type { FunctionType, ModuleShape } from './module-shape.ts';

/** A function's text, and what the first walk over it found. */
export interface FunctionText {
  readonly reader: CodeReader;
  /** Where the declarations of its locals start, and the body behind them. */
  readonly localsStart: number;
  readonly bodyStart: number;
  readonly type: FunctionType;
  readonly locals: GuestLocals;
  readonly traits: FunctionTraits;
}

/** How a function stands to those that call it and that it calls. */
export interface FunctionCalls {
  /** Whether its frame is taken off the depth. */
  readonly countsDepth: boolean;
  /** Whether the counter is its last parameter and its last result. */
  readonly handedFuel: boolean;
  /** Whether it calls a function that is handed the counter. */
  readonly handsFuelOn: boolean;
}

/** For functions that the plan does not know: callable by anyone. They may call no function that is handed the counter. */
export const UNPLANNED: FunctionCalls = { countsDepth: true, handedFuel: false, handsFuelOn: false };

/** Reads the function of type `type` whose locals' declarations `reader` stands in front of. */
export function readFunction(
  reader: CodeReader,
  type: FunctionType,
  shape: ModuleShape,
  marksWrites: boolean,
): FunctionText {
  const localsStart = reader.offset;
  const locals = readLocals(reader, type);
  const bodyStart = reader.offset;
  const traits = scanFunction(reader, shape, marksWrites);
  return { reader, localsStart, bodyStart, type, locals, traits };
}

/** The type of a function that is handed the counter, from its own. */
export function handedType({ params, results }: FunctionType): FunctionType {
  return { params: Uint8Array.of(...params, I64), results: Uint8Array.of(...results, I64) };
}

/**
 * Plans the calls of a module's own functions, `texts`, which come behind `importedFunctions` others. `referenced` has all
 * that are reached by anything but a `call`: exports, elements, the start, and references that code takes.
 */
export function planCalls(
  texts: readonly FunctionText[],
  importedFunctions: number,
  referenced: ReadonlySet<number>,
  moduleHasVectors: boolean,
): FunctionCalls[] {
  const stackBytes = stackOfTrees(texts, importedFunctions, moduleHasVectors);
  const handed = texts.map(
    ({ type: { params, results } }, index) =>
      !referenced.has(importedFunctions + index) &&
      params.length < ENGINE_LIMITS.parameterCount.most &&
      results.length < ENGINE_LIMITS.resultCount.most,
  );
  return texts.map(({ traits }, index) => ({
    countsDepth: (stackBytes[index] ?? Infinity) > UNCOUNTED_STACK_BYTES,
    handedFuel: handed[index] === true,
    handsFuelOn: [...traits.callees].some((callee) => handed[callee - importedFunctions] === true),
  }));
}

/**
 * By function: bytes of the frames on the deepest way from it, its own among them; infinite where it may come back to
 * itself, or calls what the text does not name or does not show. Keeps its own stack: a way may be as long as there are
 * functions.
 */
function stackOfTrees(
  texts: readonly FunctionText[],
  importedFunctions: number,
  moduleHasVectors: boolean,
): Float64Array {
  // Infinite until all callees are known: a function that is met again before that is called by itself.
  const bytes = new Float64Array(texts.length).fill(Infinity);
  const visited = new Uint8Array(texts.length);
  const way: { readonly index: number; readonly text: FunctionText; readonly callees: Iterator<number> }[] =
    [];
  const enter = (index: number): void => {
    const text = texts[index];
    if (text === undefined || visited[index] === 1) return;
    visited[index] = 1;
    way.push({ index, text, callees: text.traits.callees.values() });
  };
  for (let root = 0; root < texts.length; root += 1) {
    enter(root);
    for (let last = way.at(-1); last !== undefined; last = way.at(-1)) {
      const next = last.callees.next();
      if (next.done !== true) {
        enter(next.value - importedFunctions);
        continue;
      }
      way.pop();
      const { index, text } = last;
      const { traits, locals, type } = text;
      let below = traits.callsIndirectly ? Infinity : 0;
      for (const callee of traits.callees) {
        below = Math.max(below, bytes[callee - importedFunctions] ?? Infinity);
      }
      const own = frameBytesOf(traits, locals, type, moduleHasVectors, traits.highest);
      bytes[index] = below + own + HANDED_FUEL_BYTES;
    }
  }
  return bytes;
}
