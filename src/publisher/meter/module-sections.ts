// Writes the sections around the code: with the metering's imports in front, indices of globals moved, sizes capped, and
// the module's state exported. A section without entries is not written.

import { ByteWriter } from '../../core/byte-writer.ts';
import type { CodeReader } from './code-reader.ts';
import { copyConstExpression, readFunctionIndex, type IndexMap } from './const-expression.ts';
import { checkLimit, LimitFault } from './engine-limits.ts';
import {
  KIND,
  readGuestName,
  readVector,
  SECTION,
  type FunctionType,
  type Limits,
  type MemoryShape,
  type ModuleShape,
  type TableShape,
} from './module-shape.ts';
import { MARKS_NAME, METER_GLOBALS, METER_NAMESPACE } from '../../artifact/meter-abi.ts';
import type { MeterReport } from './report.ts';
import type { MarkTarget } from './write-marks.ts';

/** Limits whose maximum is known. */
export interface CappedLimits {
  readonly imported: boolean;
  readonly initial: number;
  readonly maximum: number;
}

const VALUE_TYPES = { i32: 0x7f, i64: 0x7e } as const;

/** Lowers a maximum to the cap, or adds it. Throws a `LimitFault` where the initial size is above the cap. */
export function capLimits(
  { imported, initial, maximum }: MemoryShape | TableShape,
  cap: number,
  what: 'memory' | 'table',
): CappedLimits {
  const unit = what === 'memory' ? 'pages' : 'elements';
  if (initial > cap) throw new LimitFault(`a ${what} of ${initial} ${unit} at the start, more than ${cap}`);
  return { imported, initial, maximum: Math.min(maximum ?? cap, cap) };
}

/** A section's content: a count and the entries; nothing where there are none. */
export function writeVectorSection(count: number, entries: ByteWriter): ByteWriter {
  const out = new ByteWriter(count === 0 ? 1 : entries.offset + 8);
  if (count === 0) return out;
  out.u32(count);
  out.copy(entries.bytes, 0, entries.offset);
  return out;
}

/** The type section: the guest's types, then those that metering added. */
export function writeTypes({ types }: ModuleShape, added: readonly FunctionType[]): ByteWriter {
  const out = new ByteWriter();
  checkLimit('typeCount', types.length + added.length);
  for (const { params, results } of [...types, ...added]) {
    out.byte(0x60);
    out.u32(params.length);
    out.copy(params);
    out.u32(results.length);
    out.copy(results);
  }
  return writeVectorSection(types.length + added.length, out);
}

/** The import section: the metering's globals, then the guest's imports. */
export function writeImports(
  shape: ModuleShape,
  memories: readonly CappedLimits[],
  tables: readonly CappedLimits[],
): ByteWriter {
  const out = new ByteWriter();
  for (const { name, type } of METER_GLOBALS) {
    out.ascii(METER_NAMESPACE);
    out.ascii(name);
    out.byte(KIND.global);
    out.pair(VALUE_TYPES[type], 1);
  }
  for (const { moduleStart, moduleEnd, fieldStart, fieldEnd, kind, index } of shape.imports) {
    out.u32(moduleEnd - moduleStart);
    out.copy(shape.bytes, moduleStart, moduleEnd);
    out.u32(fieldEnd - fieldStart);
    out.copy(shape.bytes, fieldStart, fieldEnd);
    out.byte(kind);
    if (kind === KIND.function) {
      out.u32(shape.functions[index] ?? 0);
    } else if (kind === KIND.table) {
      out.byte(shape.tables[index]?.type ?? 0);
      writeLimits(out, tables[index]);
    } else if (kind === KIND.memory) {
      writeLimits(out, memories[index]);
    } else {
      const global = shape.globals[index];
      out.pair(global?.type ?? 0, global?.mutable === true ? 1 : 0);
    }
  }
  const count = METER_GLOBALS.length + shape.imports.length;
  checkLimit('importCount', count);
  return writeVectorSection(count, out);
}

export function writeTables(shape: ModuleShape, tables: readonly CappedLimits[]): ByteWriter {
  const out = new ByteWriter();
  let count = 0;
  for (const [index, limits] of tables.entries()) {
    if (limits.imported) continue;
    count += 1;
    out.byte(shape.tables[index]?.type ?? 0);
    writeLimits(out, limits);
  }
  return writeVectorSection(count, out);
}

/** The memory section; the memory of marks comes last. */
export function writeMemories(memories: readonly CappedLimits[], marksWrites: boolean): ByteWriter {
  const out = new ByteWriter();
  const own = memories.filter(({ imported }) => !imported);
  for (const limits of own) writeLimits(out, limits);
  if (marksWrites) writeLimits(out, { initial: 1, maximum: 1 });
  return writeVectorSection(own.length + (marksWrites ? 1 : 0), out);
}

function writeLimits(out: ByteWriter, limits: Limits | undefined): void {
  out.byte(1);
  out.u32(limits?.initial ?? 0);
  out.u32(limits?.maximum ?? 0);
}

/** The global section. */
export function writeGlobals({ globals, section }: ModuleShape, map: IndexMap): ByteWriter {
  const out = new ByteWriter();
  const reader = section(SECTION.global);
  const own = globals.filter(({ imported }) => !imported);
  checkLimit('globalCount', METER_GLOBALS.length + globals.length);
  if (reader === undefined) return writeVectorSection(0, out);
  for (const { type, mutable, valueOffset } of own) {
    out.pair(type, mutable ? 1 : 0);
    reader.offset = valueOffset;
    copyConstExpression(reader, map, out);
  }
  return writeVectorSection(own.length, out);
}

/** The export section: the guest's exports, then the state, then the memory of marks if there is one. */
export function writeExports(
  shape: ModuleShape,
  map: IndexMap,
  state: MeterReport['state'],
  marks: MarkTarget | undefined,
): ByteWriter {
  const out = new ByteWriter();
  let count = state.memories.length + state.globals.length + (marks === undefined ? 0 : 1);
  readVector(shape.section(SECTION.export), 'an export section', 'exportCount', (reader) => {
    count += 1;
    const start = readGuestName(reader);
    out.u32(reader.offset - start);
    out.copy(shape.bytes, start, reader.offset);
    const kind = reader.byte();
    out.byte(kind);
    switch (kind) {
      case KIND.function:
        out.u32(map.referencedFunction(readFunctionIndex(reader, map)));
        return;
      case KIND.table:
        out.u32(readIndex(reader, shape.tables.length, 'table'));
        return;
      case KIND.memory:
        out.u32(readIndex(reader, shape.memories.length, 'memory'));
        return;
      case KIND.global:
        out.u32(readIndex(reader, shape.globals.length, 'global') + METER_GLOBALS.length);
        return;
      case KIND.tag:
        throw reader.unsupported('an exported tag of exception handling');
      default:
        throw reader.fault(`an export of unknown kind ${kind}`, reader.offset - 1);
    }
  });
  checkLimit('exportCount', count);
  for (const { index, name } of state.memories) {
    out.ascii(name);
    out.byte(KIND.memory);
    out.u32(index);
  }
  for (const { index, name } of state.globals) {
    out.ascii(name);
    out.byte(KIND.global);
    out.u32(index + METER_GLOBALS.length);
  }
  if (marks !== undefined) {
    out.ascii(MARKS_NAME);
    out.byte(KIND.memory);
    out.u32(marks.memory);
  }
  return writeVectorSection(count, out);
}

// Bits of an element segment's flags: 0 passive or declarative, 1 with a table (active) or declarative (not), 2 items are
// expressions. All eight combinations mean something.
/** The element section. */
export function writeElementSegments(shape: ModuleShape, map: IndexMap): ByteWriter {
  const out = new ByteWriter();
  let count = 0;
  readVector(shape.section(SECTION.element), 'an element section', 'elementSegmentCount', (reader) => {
    count += 1;
    const flags = reader.u32();
    if (flags > 7) throw reader.fault(`an element segment of unknown form ${flags}`, reader.offset - 1);
    out.u32(flags);
    const active = (flags & 1) === 0;
    const expressions = (flags & 4) !== 0;
    if (active) {
      if ((flags & 2) !== 0) out.u32(readIndex(reader, shape.tables.length, 'table'));
      copyConstExpression(reader, map, out);
    }
    if ((flags & 3) !== 0) out.byte(expressions ? reader.referenceType() : readElementKind(reader));
    const items = reader.u32();
    checkLimit('elementCount', items);
    out.u32(items);
    for (let item = 0; item < items; item += 1) {
      if (expressions) copyConstExpression(reader, map, out);
      else out.u32(map.referencedFunction(readFunctionIndex(reader, map)));
    }
  });
  return writeVectorSection(count, out);
}

/** The data section. */
export function writeDataSegments(shape: ModuleShape, map: IndexMap): ByteWriter {
  const section = shape.section(SECTION.data);
  const out = new ByteWriter(section === undefined ? 1 : section.end - section.offset + 64);
  let count = 0;
  readVector(section, 'a data section', 'dataSegmentCount', (reader) => {
    count += 1;
    const flags = reader.u32();
    if (flags > 2) throw reader.fault(`a data segment of unknown form ${flags}`, reader.offset - 1);
    if (flags === 2) reader.memoryIndex();
    out.u32(flags === 2 ? 0 : flags);
    if (flags !== 1) copyConstExpression(reader, map, out);
    const length = reader.u32();
    const start = reader.skip(length);
    out.u32(length);
    out.copy(shape.bytes, start, reader.offset);
  });
  return writeVectorSection(count, out);
}

function readElementKind(reader: CodeReader): number {
  const kind = reader.byte();
  if (kind !== 0) throw reader.fault(`an element segment of unknown kind ${kind}`, reader.offset - 1);
  return kind;
}

function readIndex(reader: CodeReader, count: number, what: string): number {
  const index = reader.u32();
  if (index >= count) throw reader.fault(`an unknown ${what} ${index}`, reader.offset - 1);
  return index;
}
