// Reads a component's binary, every section at every nesting, and yields each name that it can carry. jco writes
// some of these names into JavaScript, so a name that we overlook is code that a guest's author runs in our
// process: whatever is not understood is refused, and no byte but the content of custom sections, and of core
// sections that hold no strings, is passed over. Source: component-model, design/mvp/Binary.md (version 0x0d,
// layer 1); compared with wasmparser 0.257, of which jco 1.35 carries 0.258 and 0.259.

import { BinaryFault, BinaryReader, type FaultCode } from '../core/binary-reader.ts';
import { readCanon } from './component-canon.ts';
import {
  checkDepth,
  Collector,
  type BinaryName,
  type CoreModule,
  type Definition,
  type NamedIndex,
  type Producer,
  type Sort,
} from './component-definitions.ts';
import {
  readAlias,
  readCoreType,
  readExternName,
  readExternType,
  readSort,
  readType,
} from './component-types.ts';
import { readCoreExportKind, readCoreModule, readCustom } from './core-module-binary.ts';
import type { Refusal, Result } from './refusal.ts';

/** An import or export of the outermost component. */
export interface ComponentExtern {
  readonly name: string;
  readonly sort: Sort;
}

/** A component as its bytes say it is. Structure was checked, meaning was not: that is wasm-tools' part. */
export interface ComponentBinary {
  readonly names: readonly BinaryName[];
  /** Whether the component can make handles of its own, at any nesting. */
  readonly makesHandles: boolean;
  /** Definitions of the outermost component that fill index spaces, in order. */
  readonly definitions: readonly Definition[];
  readonly imports: readonly ComponentExtern[];
  readonly exports: readonly ComponentExtern[];
  readonly coreModules: readonly CoreModule[];
  readonly producers: readonly Producer[];
}

/** Path of the outermost component in names and refusals. */
const ROOT = 'component';

/**
 * Reads `bytes`. Refuses with `truncated`, `malformed`, `unsupported_feature` or `too_many_modules`; `where` names
 * the byte offset. Takes time and memory in proportion to the number of bytes, never to a count in them.
 */
export function readComponent(bytes: Uint8Array): Result<ComponentBinary> {
  const collector = new Collector();
  try {
    const definitions = readDefinitions(new BinaryReader(bytes), collector, ROOT, 0);
    return {
      ok: true,
      value: {
        names: collector.names,
        makesHandles: collector.makesHandles,
        definitions,
        imports: definitions.flatMap((definition) =>
          definition.op === 'import' ? [{ name: definition.name, sort: definition.type.sort }] : [],
        ),
        exports: definitions.flatMap((definition) =>
          definition.op === 'export' ? [{ name: definition.name, sort: definition.sort }] : [],
        ),
        coreModules: collector.modules,
        producers: collector.producers,
      },
    };
  } catch (error) {
    if (!(error instanceof BinaryFault)) throw error;
    return { ok: false, refusals: [refusalOf(error)] };
  }
}

function readDefinitions(
  reader: BinaryReader,
  collector: Collector,
  path: string,
  depth: number,
): Definition[] {
  checkDepth(reader, depth);
  const start = reader.offset;
  const preamble = reader.slice(8);
  for (const expected of [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]) {
    if (preamble.byte() !== expected) throw preamble.fault('a component with an unknown preamble', start);
  }
  const definitions: Definition[] = [];
  const nested = { module: 0, component: 0 };
  while (!reader.done) {
    const id = reader.byte();
    const section = reader.slice(reader.u32());
    const list = (read: () => Definition | undefined): void => {
      collector.list(section, () => {
        const definition = read();
        if (definition !== undefined) definitions.push(definition);
      });
    };
    switch (id) {
      case 0:
        readCustom(section, collector);
        // The rest of a custom section is its own business.
        continue;
      case 1:
        checkDepth(section, depth + 1);
        readCoreModule(section, collector, `${path}/module[${nested.module++}]`);
        break;
      case 2:
        list(() => readCoreInstance(section, collector, path));
        break;
      case 3:
        list(() => {
          readCoreType(section, collector, path);
          return undefined;
        });
        break;
      case 4: {
        const inner = `${path}/component[${nested.component++}]`;
        definitions.push({
          op: 'component',
          definitions: readDefinitions(section, collector, inner, depth + 1),
        });
        break;
      }
      case 5:
        list(() => readInstance(section, collector, path));
        break;
      case 6:
        list(() => readAlias(section, collector, path));
        break;
      case 7:
        list(() => ({ op: 'type', type: readType(section, collector, path, depth) }));
        break;
      case 8:
        list(() => readCanon(section, collector));
        break;
      case 9:
        throw section.unsupported('a start function of a component');
      case 10:
        list(() => {
          const name = readExternName(section, collector, 'import', path);
          return { op: 'import', name, type: readExternType(section) };
        });
        break;
      case 11:
        list(() => readExport(section, collector, path));
        break;
      case 12:
        throw section.unsupported('component values');
      default:
        throw section.fault(`a section of unknown kind ${id}`);
    }
    section.expectDone('a section');
  }
  return definitions;
}

function readCoreInstance(reader: BinaryReader, collector: Collector, path: string): undefined {
  const form = reader.byte();
  if (form === 0x00) {
    reader.u32();
    collector.list(reader, () => {
      collector.name(reader, 'core instantiation argument', path);
      if (reader.byte() !== 0x12) throw reader.fault('a core instantiation argument of unknown kind');
      reader.u32();
    });
  } else if (form === 0x01) {
    collector.list(reader, () => {
      collector.name(reader, 'core inline export', path);
      readCoreExportKind(reader);
      reader.u32();
    });
  } else {
    throw reader.fault('a core instance of unknown form');
  }
  return undefined;
}

function readInstance(reader: BinaryReader, collector: Collector, path: string): Definition {
  const form = reader.byte();
  if (form === 0x00) {
    const component = reader.u32();
    const args = collector.list(reader, () =>
      withIndex(reader, collector.name(reader, 'instantiation argument', path)),
    );
    return { op: 'instantiate', component, args };
  }
  if (form !== 0x01) throw reader.fault('an instance of unknown form');
  const exports = collector.list(reader, () =>
    withIndex(reader, readExternName(reader, collector, 'inline export', path)),
  );
  return { op: 'bundle', exports };
}

function readExport(reader: BinaryReader, collector: Collector, path: string): Definition {
  const named = withIndex(reader, readExternName(reader, collector, 'export', path));
  // A type that the export declares must be a supertype of its own; the own one is what we look at.
  const ascribed = reader.byte();
  if (ascribed === 0x01) readExternType(reader);
  else if (ascribed !== 0x00) throw reader.fault('an optional item of unknown form');
  return { op: 'export', ...named };
}

function withIndex(reader: BinaryReader, name: string): NamedIndex {
  const sort = readSort(reader);
  if (sort === 'core') throw reader.fault('a core item where only a core module may stand');
  return { name, sort, index: reader.u32() };
}

/** What each fault is called in a refusal, and the way out. */
const FAULTS: Record<FaultCode, { readonly prefix: string; readonly fix: string }> = {
  truncated: {
    prefix: 'The component is cut off',
    fix: 'Build or upload the component again; it must arrive whole.',
  },
  malformed: {
    prefix: "The component's binary cannot be read",
    fix: 'Build the component with a current toolchain; `wasm-tools validate` must accept it.',
  },
  unsupported_feature: {
    prefix: 'The component uses what this gateway does not support',
    fix: 'Build for WASI 0.2 (wasm32-wasip2) without experimental features.',
  },
  too_many_modules: {
    prefix: 'The component is too large a composition',
    fix: 'Compose fewer components into one.',
  },
};

function refusalOf({ code, message, offset }: BinaryFault): Refusal {
  const { prefix, fix } = FAULTS[code];
  return { code, message: `${prefix}: ${message}.`, where: `byte ${offset}`, fix };
}
