// What `readComponent` makes of a component's bytes: its names, each with its place, and its definitions in the
// order of the binary, from which the type of an export can be worked out. Also the collector that the readers of
// the sections share, and the bounds that it keeps. Everything in here was chosen by the guest's author.

import { MAX_CORE_MODULES } from '../core/limits.ts';
import { BinaryFault, type BinaryReader } from '../core/binary-reader.ts';

/**
 * Deepest nesting of components, modules and types, levels. wit-component makes 3, each composition (`wac plug`)
 * adds 1; a recursive reader must not reach the stack's end. Enforced by every recursive step.
 */
export const MAX_NESTING = 16;

/**
 * Most names in one component, all nestings together. A QuickJS component has 1,000, Python's some thousands; the
 * readers hold all of them in memory. Enforced when a name is read.
 */
export const MAX_NAMES = 100_000;

/**
 * Most items (definitions, fields, arguments, options), all nestings together: names count, and nameless types,
 * which an attacker can make of one byte each, do too. Enforced before an item is read.
 */
export const MAX_ITEMS = 400_000;

/** Most entries of `producers` sections that are kept; they only inform. The rest is not looked at. */
export const MAX_PRODUCERS = 64;

/** Names of core WebAssembly: any string, as the format has it. jco writes them into its glue. */
export type CoreNameKind =
  | 'core import module'
  | 'core import field'
  | 'core export'
  | 'core inline export'
  | 'core instantiation argument'
  | 'core alias'
  | 'module type import module'
  | 'module type import field'
  | 'module type export';

/** Names of the component model: labels, function names and interface names. */
export type ExternNameKind =
  'import' | 'export' | 'inline export' | 'instantiation argument' | 'alias' | 'type import' | 'type export';

/** Names inside types and signatures. */
export type LabelKind = 'record field' | 'variant case' | 'flag' | 'enum case' | 'parameter';

export type NameKind = CoreNameKind | ExternNameKind | LabelKind;

/** One name, wherever in the component it stands. */
export interface BinaryName {
  readonly kind: NameKind;
  readonly value: string;
  /** Nesting from the outermost component: `component/component[0]/module[2]`. */
  readonly path: string;
  /** Byte offset of the name's length. */
  readonly offset: number;
}

/** A sort whose index space matters to the type of an export. Core sorts are `core`. */
export type Sort = 'func' | 'type' | 'component' | 'instance' | 'core module' | 'core';

/** A value type: a primitive's name or an index of the type index space. */
export type ValueType = string | number;

/** A field, case, flag or parameter: label, type, both or none. */
export interface Part {
  readonly label?: string;
  readonly type?: ValueType;
}

/** A type of a type section or of a component or instance type. */
export type TypeNode =
  | { readonly kind: 'alias'; readonly type: ValueType }
  /** record, variant, list, tuple, flags, enum, option, result, own, borrow, stream, future … */
  | { readonly kind: 'composite'; readonly head: string; readonly parts: readonly Part[] }
  | {
      readonly kind: 'func';
      readonly async: boolean;
      readonly params: readonly Part[];
      readonly result?: ValueType;
    }
  | { readonly kind: 'component' | 'instance'; readonly declarations: readonly Definition[] }
  | { readonly kind: 'resource' };

/** The type of an import or of a declared export. `resource` is the bound of an abstract type. */
export interface ExternType {
  readonly sort: Sort;
  readonly index: number | 'resource';
}

/** A named reference into an index space. */
export interface NamedIndex {
  readonly name: string;
  readonly sort: Sort;
  readonly index: number;
}

/** A definition of a component, or a declaration of a component or instance type, that fills an index space. */
export type Definition =
  | { readonly op: 'type'; readonly type: TypeNode }
  | { readonly op: 'import'; readonly name: string; readonly type: ExternType }
  | { readonly op: 'declare'; readonly name: string; readonly type: ExternType }
  | { readonly op: 'export'; readonly name: string; readonly sort: Sort; readonly index: number }
  | { readonly op: 'alias'; readonly sort: Sort; readonly instance: number; readonly name: string }
  | { readonly op: 'outer'; readonly sort: Sort; readonly count: number; readonly index: number }
  | { readonly op: 'instantiate'; readonly component: number; readonly args: readonly NamedIndex[] }
  | { readonly op: 'bundle'; readonly exports: readonly NamedIndex[] }
  | { readonly op: 'component'; readonly definitions: readonly Definition[] }
  | { readonly op: 'lift'; readonly type: number };

/** A core module, wherever it is nested. */
export interface CoreModule {
  /** In the order of the binary. */
  readonly index: number;
  readonly sizeBytes: number;
  readonly path: string;
  /** Its own imports, module and field. */
  readonly imports: readonly { readonly module: string; readonly field: string }[];
}

/** An entry of a `producers` section: `processed-by`, `rustc`, `1.96.0`. Unchecked text. */
export interface Producer {
  readonly field: string;
  readonly name: string;
  readonly version: string;
}

/** Gathers what the section readers find, and keeps the bounds. One for each component that is read. */
export class Collector {
  readonly names: BinaryName[] = [];
  readonly modules: CoreModule[] = [];
  readonly producers: Producer[] = [];
  /** Whether the component can make handles of its own, at any nesting. */
  makesHandles = false;
  private items = 0;

  /** Reads a name and remembers it under `kind`. */
  name(reader: BinaryReader, kind: NameKind, path: string): string {
    const offset = reader.offset;
    if (this.names.length >= MAX_NAMES) {
      throw new BinaryFault('unsupported_feature', `more than ${MAX_NAMES} names`, offset);
    }
    const value = reader.text();
    this.names.push({ kind, value, path, offset });
    return value;
  }

  /** Reads a count and then that many items. Each item is charged before it is read, so no count costs anything. */
  list<T>(reader: BinaryReader, read: () => T): T[] {
    const count = reader.u32();
    const items: T[] = [];
    for (let index = 0; index < count; index += 1) {
      this.charge(reader);
      items.push(read());
    }
    return items;
  }

  /** Counts one more core module; `too_many_modules` beyond the limit. */
  module(reader: BinaryReader, module: Omit<CoreModule, 'index'>): void {
    if (this.modules.length >= MAX_CORE_MODULES) {
      throw new BinaryFault('too_many_modules', `more than ${MAX_CORE_MODULES} core modules`, reader.offset);
    }
    this.modules.push({ index: this.modules.length, ...module });
  }

  private charge(reader: BinaryReader): void {
    this.items += 1;
    if (this.items > MAX_ITEMS) {
      throw new BinaryFault('unsupported_feature', `more than ${MAX_ITEMS} items`, reader.offset);
    }
    // No item is empty: a count that the bytes cannot hold ends here, as an overrun.
    reader.peek();
  }
}

/** Guards a step into a nested component, module or type. */
export function checkDepth(reader: BinaryReader, depth: number): void {
  if (depth > MAX_NESTING) {
    throw new BinaryFault('unsupported_feature', `nesting deeper than ${MAX_NESTING}`, reader.offset);
  }
}
