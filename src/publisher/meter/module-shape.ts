// Reads what a core module declares: its sections and, from them, types, imports, functions, tables, memories and
// globals. Bodies, segments and initial values stay where they are, as ranges of the input. Trusts nothing: section
// order, counts and indices are checked; what belongs to another proposal is refused by name.

import { checkLimit, type EngineLimit } from './engine-limits.ts';
import { CodeReader } from './code-reader.ts';
import { METER_PREFIX } from '../../artifact/meter-abi.ts';

/** Section ids of the binary format. */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** Kinds of imports and exports. */
export const KIND = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;

/** Value types as they stand in the binary. */
export interface FunctionType {
  readonly params: Uint8Array;
  readonly results: Uint8Array;
}

/** Limits in pages or elements. */
export interface Limits {
  readonly initial: number;
  readonly maximum: number | undefined;
}

export interface TableShape extends Limits {
  readonly imported: boolean;
  readonly type: number;
}

export interface MemoryShape extends Limits {
  readonly imported: boolean;
}

export interface GlobalShape {
  readonly imported: boolean;
  readonly type: number;
  readonly mutable: boolean;
  /** Where its initial value starts; 0 where it is imported. */
  readonly valueOffset: number;
}

/** An import: the ranges of its two names, its kind and its index among that kind (for functions, its type). */
export interface ImportShape {
  readonly moduleStart: number;
  readonly moduleEnd: number;
  readonly fieldStart: number;
  readonly fieldEnd: number;
  readonly kind: number;
  readonly index: number;
}

export interface ModuleShape {
  readonly bytes: Uint8Array;
  readonly types: FunctionType[];
  readonly imports: ImportShape[];
  /** Type index of every function, imported ones first. */
  readonly functions: number[];
  readonly importedFunctions: number;
  readonly tables: TableShape[];
  readonly memories: MemoryShape[];
  readonly globals: GlobalShape[];
  /** A reader for a section's content; undefined where the module has no such section. */
  readonly section: (id: number) => CodeReader | undefined;
}

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
// The order in which sections must come; ids of the rest do not grow with it.
const ORDER = [
  SECTION.type,
  SECTION.import,
  SECTION.function,
  SECTION.table,
  SECTION.memory,
  SECTION.tag,
  SECTION.global,
  SECTION.export,
  SECTION.start,
  SECTION.element,
  SECTION.dataCount,
  SECTION.code,
  SECTION.data,
] as readonly number[];

/** Reads a core module's declarations. A fault is a `BinaryFault` or a `LimitFault`. */
export function readModuleShape(bytes: Uint8Array): ModuleShape {
  const ranges = readSections(bytes);
  const section = (id: number): CodeReader | undefined => {
    const range = ranges.get(id);
    return range === undefined ? undefined : new CodeReader(bytes, range.start, range.end);
  };
  const types: FunctionType[] = [];
  readVector(section(SECTION.type), 'a type section', 'typeCount', (reader) => {
    types.push(readFunctionType(reader));
  });
  const shape = {
    bytes,
    types,
    imports: [] as ImportShape[],
    functions: [] as number[],
    importedFunctions: 0,
    tables: [] as TableShape[],
    memories: [] as MemoryShape[],
    globals: [] as GlobalShape[],
    section,
  };
  readVector(section(SECTION.import), 'an import section', 'importCount', (reader) => {
    shape.imports.push(readImport(reader, shape));
  });
  shape.importedFunctions = shape.functions.length;
  readVector(section(SECTION.function), 'a function section', 'functionCount', (reader) => {
    shape.functions.push(readTypeIndex(reader, types));
  });
  readVector(section(SECTION.table), 'a table section', 'tableCount', (reader) => {
    shape.tables.push({ imported: false, ...readTable(reader) });
  });
  readVector(section(SECTION.memory), 'a memory section', 'memoryCount', (reader) => {
    shape.memories.push({ imported: false, ...readLimits(reader, 'memory') });
    if (shape.memories.length > 1) throw reader.unsupported('a second memory, of multi-memory');
  });
  readVector(section(SECTION.global), 'a global section', 'globalCount', (reader) => {
    const { type, mutable } = readGlobalType(reader);
    shape.globals.push({ imported: false, type, mutable, valueOffset: reader.offset });
    skipConstExpression(reader);
  });
  checkLimit('functionCount', shape.functions.length);
  checkLimit('tableCount', shape.tables.length);
  checkLimit('globalCount', shape.globals.length);
  return shape;
}

/** Reads a vector that fills `section`, one entry a call of `read`. Allocates nothing for its count. */
export function readVector(
  section: CodeReader | undefined,
  what: string,
  limit: EngineLimit,
  read: (reader: CodeReader) => void,
): void {
  if (section === undefined) return;
  const count = section.u32();
  checkLimit(limit, count);
  for (let entry = 0; entry < count; entry += 1) read(section);
  section.expectDone(what);
}

/** Reads over a constant expression; what may stand in it is checked where it is written. */
export function skipConstExpression(reader: CodeReader): void {
  for (;;) {
    const id = reader.operator();
    if (id === 0x0b) return;
    reader.skipConstImmediates(id);
  }
}

function readSections(bytes: Uint8Array): Map<number, { start: number; end: number }> {
  const reader = new CodeReader(bytes);
  for (const expected of PREAMBLE) {
    if (reader.byte() !== expected) throw reader.fault('a core module with an unknown preamble', 0);
  }
  const ranges = new Map<number, { start: number; end: number }>();
  let place = -1;
  while (!reader.done) {
    const id = reader.byte();
    const size = reader.u32();
    const start = reader.skip(size);
    if (id === SECTION.custom) continue;
    if (id === SECTION.tag) throw reader.unsupported('a tag section of exception handling');
    const next = ORDER.indexOf(id);
    if (next === -1) throw reader.fault(`a section of unknown kind ${id}`, start);
    if (next <= place) throw reader.fault(`section ${id} twice or out of order`, start);
    place = next;
    ranges.set(id, { start, end: reader.offset });
  }
  return ranges;
}

function readFunctionType(reader: CodeReader): FunctionType {
  const form = reader.byte();
  if (form !== 0x60) {
    const hex = `0x${form.toString(16).padStart(2, '0')}`;
    if (form === 0x5d) throw reader.unsupported(`type form ${hex} of stack switching`);
    if (form === 0x65) throw reader.unsupported(`type form ${hex} of shared-everything threads`);
    if (form >= 0x4c && form <= 0x5f) throw reader.unsupported(`type form ${hex} of garbage collection`);
    throw reader.fault(`an unknown type form ${hex}`, reader.offset - 1);
  }
  return { params: readTypes(reader, 'parameterCount'), results: readTypes(reader, 'resultCount') };
}

function readTypes(reader: CodeReader, limit: EngineLimit): Uint8Array {
  const count = reader.u32();
  checkLimit(limit, count);
  const start = reader.offset;
  for (let type = 0; type < count; type += 1) reader.valueType();
  return reader.bytes.subarray(start, reader.offset);
}

function readImport(
  reader: CodeReader,
  shape: Omit<ModuleShape, 'importedFunctions' | 'section'>,
): ImportShape {
  const moduleStart = readGuestName(reader);
  const moduleEnd = reader.offset;
  const fieldStart = readGuestName(reader);
  const names = { moduleStart, moduleEnd, fieldStart, fieldEnd: reader.offset };
  const kind = reader.byte();
  switch (kind) {
    case KIND.function:
      shape.functions.push(readTypeIndex(reader, shape.types));
      return { ...names, kind, index: shape.functions.length - 1 };
    case KIND.table:
      shape.tables.push({ imported: true, ...readTable(reader) });
      return { ...names, kind, index: shape.tables.length - 1 };
    case KIND.memory:
      shape.memories.push({ imported: true, ...readLimits(reader, 'memory') });
      if (shape.memories.length > 1) throw reader.unsupported('a second memory, of multi-memory');
      return { ...names, kind, index: 0 };
    case KIND.global:
      shape.globals.push({ imported: true, ...readGlobalType(reader), valueOffset: 0 });
      return { ...names, kind, index: shape.globals.length - 1 };
    case KIND.tag:
      throw reader.unsupported('an imported tag of exception handling');
    default:
      throw reader.fault(`an import of unknown kind ${kind}`, reader.offset - 1);
  }
}

/**
 * Reads the name of an import or export, which ends where the reader stands then, and gives its first byte's offset. A
 * name of the metering's own is `malformed`.
 */
export function readGuestName(reader: CodeReader): number {
  const at = reader.offset;
  if (reader.text().startsWith(METER_PREFIX)) {
    throw reader.fault(`a name that starts with ${METER_PREFIX}`, at);
  }
  // Only the number in front tells where the name starts: it may be longer than it needs to be.
  const again = new CodeReader(reader.bytes, at, reader.end);
  again.u32();
  return again.offset;
}

function readTypeIndex(reader: CodeReader, types: readonly FunctionType[]): number {
  const index = reader.u32();
  if (index >= types.length) throw reader.fault(`an unknown type ${index}`, reader.offset - 1);
  return index;
}

function readTable(reader: CodeReader): Limits & { type: number } {
  if (reader.peek() === 0x40) {
    reader.byte();
    throw reader.unsupported('a table with an initial value, of typed function references');
  }
  const type = reader.referenceType();
  const limits = readLimits(reader, 'table');
  checkLimit('tableElements', limits.initial);
  return { type, ...limits };
}

function readGlobalType(reader: CodeReader): { type: number; mutable: boolean } {
  const type = reader.valueType();
  const flags = reader.byte();
  if (flags > 1) {
    if (flags <= 3) throw reader.unsupported('a shared global of shared-everything threads');
    throw reader.fault('a global of unknown mutability', reader.offset - 1);
  }
  return { type, mutable: flags === 1 };
}

// Bit 0 of the flags says that there is a maximum, bit 1 shared, bit 2 64-bit, bit 3 a custom page size.
function readLimits(reader: CodeReader, what: 'memory' | 'table'): Limits {
  const flags = reader.byte();
  if (flags > 0x0f) throw reader.fault(`a ${what} with unknown flags`, reader.offset - 1);
  if ((flags & 2) !== 0) throw reader.unsupported(`a shared ${what} of threads`);
  if ((flags & 4) !== 0) throw reader.unsupported(`a 64-bit ${what} of memory64`);
  if ((flags & 8) !== 0) throw reader.unsupported(`a ${what} with a page size of custom-page-sizes`);
  const initial = reader.u32();
  const maximum = (flags & 1) === 0 ? undefined : reader.u32();
  if (maximum !== undefined && maximum < initial) {
    throw reader.fault(`a ${what} whose maximum is below its initial size`, reader.offset - 1);
  }
  if (what === 'memory') checkLimit('memoryPages', Math.max(initial, maximum ?? 0));
  return { initial, maximum };
}
