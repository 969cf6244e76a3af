// Reads the type sections of a component: core types with module types, and component-level types with the
// declarations of component and instance types in them. Every one of these carries names.
// Source: component-model, design/mvp/Binary.md, "Type Definitions"; compared with wasmparser 0.257.

import type { BinaryReader } from '../core/binary-reader.ts';
import {
  checkDepth,
  type Collector,
  type Definition,
  type ExternNameKind,
  type ExternType,
  type LabelKind,
  type Part,
  type Sort,
  type TypeNode,
  type ValueType,
} from './component-definitions.ts';
import {
  readCoreExternType,
  readCoreFunctionType,
  readCoreImport,
  readCoreValueType,
} from './core-module-binary.ts';

const PRIMITIVES = new Map([
  [0x7f, 'bool'],
  [0x7e, 's8'],
  [0x7d, 'u8'],
  [0x7c, 's16'],
  [0x7b, 'u16'],
  [0x7a, 's32'],
  [0x79, 'u32'],
  [0x78, 's64'],
  [0x77, 'u64'],
  [0x76, 'f32'],
  [0x75, 'f64'],
  [0x74, 'char'],
  [0x73, 'string'],
  [0x64, 'error-context'],
]);

/** Reads a core type: a function type or a module type. */
export function readCoreType(reader: BinaryReader, collector: Collector, path: string): void {
  if (reader.peek() !== 0x50) {
    readCoreFunctionType(reader, collector);
    return;
  }
  reader.byte();
  collector.list(reader, () => {
    const declarator = reader.byte();
    switch (declarator) {
      case 0x00:
        readCoreImport(reader, collector, path, ['module type import module', 'module type import field']);
        return;
      case 0x01:
        readCoreFunctionType(reader, collector);
        return;
      case 0x02:
        if (reader.byte() !== 0x10) throw reader.fault('an outer alias of unknown kind');
        if (reader.byte() !== 0x01) throw reader.fault('an alias of unknown target');
        reader.u32();
        reader.u32();
        return;
      case 0x03:
        collector.name(reader, 'module type export', path);
        readCoreExternType(reader);
        return;
      default:
        throw reader.fault('a declaration of unknown kind in a module type');
    }
  });
}

/** Reads a type of a type section, or the `type` declaration of a component or instance type. */
export function readType(reader: BinaryReader, collector: Collector, path: string, depth: number): TypeNode {
  const form = reader.byte();
  const primitive = PRIMITIVES.get(form);
  if (primitive !== undefined) return { kind: 'alias', type: primitive };
  const composite = (head: string, parts: readonly Part[]): TypeNode => ({ kind: 'composite', head, parts });
  const labelled = (kind: LabelKind): Part[] =>
    collector.list(reader, () => ({
      label: collector.name(reader, kind, path),
      type: readValueType(reader),
    }));
  switch (form) {
    case 0x72:
      return composite('record', labelled('record field'));
    case 0x71:
      return composite(
        'variant',
        collector.list(reader, () => {
          const label = collector.name(reader, 'variant case', path);
          const part = { label, ...optionalPart(reader) };
          if (reader.byte() !== 0x00) throw reader.unsupported('a variant case that refines another');
          return part;
        }),
      );
    case 0x70:
      return composite('list', [{ type: readValueType(reader) }]);
    case 0x67: {
      const type = readValueType(reader);
      return composite(`list of ${reader.u32()}`, [{ type }]);
    }
    case 0x6f:
      return composite(
        'tuple',
        collector.list(reader, () => ({ type: readValueType(reader) })),
      );
    case 0x6e:
      return composite(
        'flags',
        collector.list(reader, () => ({ label: collector.name(reader, 'flag', path) })),
      );
    case 0x6d:
      return composite(
        'enum',
        collector.list(reader, () => ({ label: collector.name(reader, 'enum case', path) })),
      );
    case 0x6b:
      return composite('option', [{ type: readValueType(reader) }]);
    case 0x6a:
      return composite('result', [optionalPart(reader), optionalPart(reader)]);
    case 0x69:
      return composite('own', [{ type: reader.u32() }]);
    case 0x68:
      return composite('borrow', [{ type: reader.u32() }]);
    case 0x66:
      return composite('stream', [optionalPart(reader)]);
    case 0x65:
      return composite('future', [optionalPart(reader)]);
    case 0x63:
      return composite('map', [{ type: readValueType(reader) }, { type: readValueType(reader) }]);
    case 0x3f:
      readCoreValueType(reader);
      readOptional(reader, () => reader.u32());
      return { kind: 'resource' };
    case 0x40:
    case 0x43: {
      const params = labelled('parameter');
      return { kind: 'func', async: form === 0x43, params, ...readResult(reader) };
    }
    case 0x41:
      return { kind: 'component', declarations: readDeclarations(reader, collector, path, depth + 1, true) };
    case 0x42:
      return { kind: 'instance', declarations: readDeclarations(reader, collector, path, depth + 1, false) };
    default:
      throw reader.unsupported(`a type of form 0x${form.toString(16).padStart(2, '0')}`);
  }
}

/** Reads a value type: a primitive or a type index. */
export function readValueType(reader: BinaryReader): ValueType {
  const primitive = PRIMITIVES.get(reader.peek());
  if (primitive === undefined) return reader.typeIndex();
  reader.byte();
  return primitive;
}

/** Reads the result of a function type or of `task.return`. */
export function readResult(reader: BinaryReader): { result?: ValueType } {
  const form = reader.byte();
  if (form === 0x00) return { result: readValueType(reader) };
  if (form !== 0x01 || reader.byte() !== 0x00) throw reader.fault('a result list of unknown form');
  return {};
}

/** Reads the name of an import or export. Attributes of names (form 0x02) are refused: no toolchain writes them. */
export function readExternName(
  reader: BinaryReader,
  collector: Collector,
  kind: ExternNameKind,
  path: string,
): string {
  // 0x01 was the form of interface names before 2024; parsers still read both alike.
  const form = reader.byte();
  if (form > 0x01) throw reader.unsupported('a name with attributes');
  return collector.name(reader, kind, path);
}

/** Reads the type of an import or export. */
export function readExternType(reader: BinaryReader): ExternType {
  const sort = readSort(reader);
  if (sort === 'core') throw reader.fault('a core item where only a core module may stand');
  if (sort !== 'type') return { sort, index: reader.u32() };
  const bound = reader.byte();
  if (bound === 0x00) return { sort, index: reader.u32() };
  if (bound === 0x01) return { sort, index: 'resource' };
  throw reader.fault('a type bound of unknown form');
}

/** Reads a sort. Values are refused: they are behind a gate in every parser. */
export function readSort(reader: BinaryReader): Sort {
  const sort = reader.byte();
  switch (sort) {
    case 0x00: {
      const core = reader.byte();
      if (core === 0x11) return 'core module';
      if (core <= 0x04 || core === 0x10) return 'core';
      throw reader.fault('a core sort of unknown kind');
    }
    case 0x01:
      return 'func';
    case 0x02:
      throw reader.unsupported('component values');
    case 0x03:
      return 'type';
    case 0x04:
      return 'component';
    case 0x05:
      return 'instance';
    default:
      throw reader.fault('a sort of unknown kind');
  }
}

/** Reads an alias: of an instance's export, of a core instance's export, or of an outer definition. */
export function readAlias(reader: BinaryReader, collector: Collector, path: string): Definition | undefined {
  const sort = readSort(reader);
  const target = reader.byte();
  switch (target) {
    case 0x00: {
      if (sort === 'core') throw reader.fault('a core item of a component instance');
      const instance = reader.u32();
      return { op: 'alias', sort, instance, name: collector.name(reader, 'alias', path) };
    }
    case 0x01:
      if (sort !== 'core') throw reader.fault('a component item of a core instance');
      reader.u32();
      collector.name(reader, 'core alias', path);
      return undefined;
    case 0x02: {
      if (sort === 'func' || sort === 'instance') throw reader.fault('an outer alias of unknown kind');
      const count = reader.u32();
      return { op: 'outer', sort, count, index: reader.u32() };
    }
    default:
      throw reader.fault('an alias of unknown target');
  }
}

function readDeclarations(
  reader: BinaryReader,
  collector: Collector,
  path: string,
  depth: number,
  mayImport: boolean,
): Definition[] {
  checkDepth(reader, depth);
  const declarations: Definition[] = [];
  collector.list(reader, () => {
    const declarator = reader.byte();
    switch (declarator) {
      case 0x00:
        readCoreType(reader, collector, path);
        return;
      case 0x01:
        declarations.push({ op: 'type', type: readType(reader, collector, path, depth) });
        return;
      case 0x02: {
        const alias = readAlias(reader, collector, path);
        if (alias !== undefined) declarations.push(alias);
        return;
      }
      case 0x03: {
        if (!mayImport) throw reader.fault('an import in an instance type');
        const name = readExternName(reader, collector, 'type import', path);
        declarations.push({ op: 'import', name, type: readExternType(reader) });
        return;
      }
      case 0x04: {
        const name = readExternName(reader, collector, 'type export', path);
        declarations.push({ op: 'declare', name, type: readExternType(reader) });
        return;
      }
      default:
        throw reader.fault('a declaration of unknown kind in a component or instance type');
    }
  });
  return declarations;
}

function optionalPart(reader: BinaryReader): Part {
  const type = readOptional(reader, () => readValueType(reader));
  return type === undefined ? {} : { type };
}

function readOptional<T>(reader: BinaryReader, read: () => T): T | undefined {
  const present = reader.byte();
  if (present === 0x00) return undefined;
  if (present !== 0x01) throw reader.fault('an optional item of unknown form');
  return read();
}
