// Reads what a core module can name: imports, exports and custom sections. All other sections hold no strings
// and are passed over by their length, as every parser does; whether they are valid is wasm-tools' to say. Also
// reads the core types that stand in module types. Source: WebAssembly core specification, "Binary Format";
// compared with wasmparser 0.257.

import type { BinaryReader } from '../core/binary-reader.ts';
import { MAX_PRODUCERS, type Collector } from './component-definitions.ts';

const CUSTOM = 0;
const IMPORT = 2;
const EXPORT = 7;
/** The tag section, the last one that is known. */
const LAST_SECTION = 13;

const NUMBER_TYPES = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x7b]);
const REFERENCE_TYPES = new Set([0x70, 0x6f]);

/** Reads a core module that fills `reader`, which stands before the magic number. */
export function readCoreModule(reader: BinaryReader, collector: Collector, path: string): void {
  const start = reader.offset;
  const preamble = reader.slice(8);
  for (const expected of [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]) {
    if (preamble.byte() !== expected) throw preamble.fault('a core module with an unknown preamble', start);
  }
  const imports: { module: string; field: string }[] = [];
  collector.module(reader, { sizeBytes: reader.end - start, path, imports });
  while (!reader.done) {
    const id = reader.byte();
    const section = reader.slice(reader.u32());
    if (id === CUSTOM) {
      readCustom(section, collector);
    } else if (id === IMPORT) {
      collector.list(section, () => {
        imports.push(readCoreImport(section, collector, path, ['core import module', 'core import field']));
      });
      section.expectDone('an import section');
    } else if (id === EXPORT) {
      collector.list(section, () => {
        collector.name(section, 'core export', path);
        readCoreExportKind(section);
        section.u32();
      });
      section.expectDone('an export section');
    } else if (id > LAST_SECTION) {
      throw section.fault(`a section of unknown kind ${id}`);
    }
  }
}

/** Reads a custom section. Of all of them only `producers` is looked into, and a broken one is passed over. */
export function readCustom(section: BinaryReader, collector: Collector): void {
  // A custom section's name reaches no glue; it must only be readable, for wasmparser reads it as well.
  if (section.text() !== 'producers') return;
  try {
    const fields = section.u32();
    for (let field = 0; field < fields; field += 1) {
      const fieldName = section.text();
      const values = section.u32();
      for (let value = 0; value < values; value += 1) {
        if (collector.producers.length >= MAX_PRODUCERS) return;
        collector.producers.push({ field: fieldName, name: section.text(), version: section.text() });
      }
    }
  } catch {
    // Only informs; content of custom sections decides nothing.
  }
}

/** Reads an import as it stands in import sections and in module types. Compact import groups are refused. */
export function readCoreImport(
  reader: BinaryReader,
  collector: Collector,
  path: string,
  kinds:
    | readonly ['core import module', 'core import field']
    | readonly ['module type import module', 'module type import field'],
): { module: string; field: string } {
  const module = collector.name(reader, kinds[0], path);
  const field = collector.name(reader, kinds[1], path);
  readCoreExternType(reader);
  return { module, field };
}

/** Reads the kind of a core export: function, table, memory, global or tag. */
export function readCoreExportKind(reader: BinaryReader): void {
  const kind = reader.byte();
  if (kind > 0x04) throw reader.unsupported(`a core export of kind ${hex(kind)}`);
}

/** Reads the type of an import: what follows its two names. */
export function readCoreExternType(reader: BinaryReader): void {
  const kind = reader.byte();
  switch (kind) {
    case 0x00:
      reader.u32();
      return;
    case 0x01:
      readReferenceType(reader);
      readLimits(reader);
      return;
    case 0x02:
      readLimits(reader);
      return;
    case 0x03: {
      readCoreValueType(reader);
      if (reader.byte() > 0x01) throw reader.unsupported('a shared global');
      return;
    }
    case 0x04:
      if (reader.byte() !== 0x00) throw reader.fault('a tag with an unknown attribute');
      reader.u32();
      return;
    default:
      throw reader.unsupported(`a core import of kind ${hex(kind)}`);
  }
}

/** Reads a core type of a component's core type section: a function type. Garbage-collected types are refused. */
export function readCoreFunctionType(reader: BinaryReader, collector: Collector): void {
  const form = reader.byte();
  if (form !== 0x60) throw reader.unsupported(`a core type of form ${hex(form)}`);
  collector.list(reader, () => readCoreValueType(reader));
  collector.list(reader, () => readCoreValueType(reader));
}

/** Reads a core value type: numbers, vectors, `funcref` and `externref`. */
export function readCoreValueType(reader: BinaryReader): void {
  const type = reader.byte();
  if (!NUMBER_TYPES.has(type) && !REFERENCE_TYPES.has(type)) {
    throw reader.unsupported(`a core value type ${hex(type)}`);
  }
}

function readReferenceType(reader: BinaryReader): void {
  const type = reader.byte();
  if (!REFERENCE_TYPES.has(type)) throw reader.unsupported(`a core reference type ${hex(type)}`);
}

// Bit 0 of the flags says that there is a maximum; the others are shared, 64-bit and custom page sizes.
function readLimits(reader: BinaryReader): void {
  const flags = reader.byte();
  if (flags > 0x01) throw reader.unsupported('a shared or 64-bit memory or table');
  reader.skipU64();
  if (flags === 0x01) reader.skipU64();
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
