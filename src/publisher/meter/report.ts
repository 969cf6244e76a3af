// What metering found out about a module that the host and the operator need: sizes to sum, state to restore, and
// whether restoring is enough.

import { EXTERNREF, F32, F64, FUNCREF, I32, I64, V128 } from './code-reader.ts';
import type { ModuleShape } from './module-shape.ts';
import { stateName } from '../../artifact/meter-abi.ts';

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref';

/** A memory with its sizes in pages of 64 KiB, after the cap. */
export interface MeteredMemory {
  readonly index: number;
  readonly imported: boolean;
  readonly initialPages: number;
  readonly maximumPages: number;
}

/** A table with its sizes in elements, after the cap. */
export interface MeteredTable {
  readonly index: number;
  readonly imported: boolean;
  readonly type: ValueType;
  readonly initialElements: number;
  readonly maximumElements: number;
}

/** A memory that a metered module exports for restoring, under `name`. */
export interface StateMemory {
  readonly index: number;
  readonly name: string;
}

/** A mutable global that a metered module exports for restoring, under `name`. */
export interface StateGlobal {
  readonly index: number;
  readonly name: string;
  readonly type: 'i32' | 'i64' | 'f32' | 'f64';
}

/** Sizes are bytes. Indices are the guest's own. */
export interface MeterReport {
  readonly costsVersion: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly functionCount: number;
  /** Of all bodies as they came. */
  readonly codeBytes: number;
  /** What the module costs to compile and instantiate, nanoseconds by the estimate of compile-work.ts. */
  readonly compileNs: number;
  /** What an instance of the module costs, fuel. */
  readonly instanceFuel: number;
  readonly memories: readonly MeteredMemory[];
  readonly tables: readonly MeteredTable[];
  /** What the module defines and a host can put back: all of its memories, its mutable globals of number types. */
  readonly state: { readonly memories: readonly StateMemory[]; readonly globals: readonly StateGlobal[] };
  /** Whether `state`, with a clear dirty flag, is all that a call can change in this module. */
  readonly restorable: boolean;
  /** Why it is not. */
  readonly unrestorable: readonly string[];
}

const TYPE_NAMES = new Map<number, ValueType>([
  [I32, 'i32'],
  [I64, 'i64'],
  [F32, 'f32'],
  [F64, 'f64'],
  [V128, 'v128'],
  [FUNCREF, 'funcref'],
  [EXTERNREF, 'externref'],
]);

/** The name of a value type that the reader let through. */
export function typeName(type: number): ValueType {
  const name = TYPE_NAMES.get(type);
  if (name === undefined) throw new TypeError(`value type ${type}`);
  return name;
}

/** The state that a module's own definitions hold, and what of it no host can put back. */
export function describeState(
  shape: ModuleShape,
): Pick<MeterReport, 'state' | 'restorable' | 'unrestorable'> {
  const memories: StateMemory[] = [];
  const globals: StateGlobal[] = [];
  const unrestorable: string[] = [];
  for (const [index, { imported }] of shape.memories.entries()) {
    if (!imported) memories.push({ index, name: stateName('memory', index) });
  }
  for (const [index, { imported, mutable, type }] of shape.globals.entries()) {
    if (imported || !mutable) continue;
    const name = typeName(type);
    if (name === 'i32' || name === 'i64' || name === 'f32' || name === 'f64') {
      globals.push({ index, name: stateName('global', index), type: name });
    } else {
      unrestorable.push(`mutable global ${index} of type ${name}`);
    }
  }
  return { state: { memories, globals }, restorable: unrestorable.length === 0, unrestorable };
}
