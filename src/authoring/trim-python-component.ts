// What componentize-py 0.25.1 leaves in a component and no validator needs, taken out of its binary: the export `exports`, with
// `init`, which ran when the component was built (its types have a name that no publisher takes), and every export of a core
// module that nothing of the component imports. Each costs fuel when an instance is made, and there are 2,400: without them
// CPython's instance keeps within the default limits. Nothing that runs is changed, and no index: what goes leaves an empty
// instance or component in its place.

import { BinaryFault, BinaryReader } from '../core/binary-reader.ts';
import { ByteWriter } from '../core/byte-writer.ts';
import { WasmpayError } from '../core/error.ts';

/** Sections of a component that are looked at: component-model, Binary.md. */
const CUSTOM = 0;
const CORE_MODULE = 1;
const CORE_INSTANCE = 2;
const COMPONENT = 4;
const INSTANCE = 5;
const ALIAS = 6;
const TYPE = 7;
const EXPORT = 11;
/** Sections of a core module. */
const CORE_IMPORT = 2;
const CORE_EXPORT = 7;

const PREAMBLE_BYTES = 8;
const EMPTY_COMPONENT = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
/** One instance, of no exports. */
const EMPTY_INSTANCE = [1, 1, 0];

const INIT_EXPORT = 'exports';
/** A case of a variant that only `init` takes: a word that reaches JavaScript's own objects, and one as long. */
const UNSAFE_LABEL = 'constructor';
const SAFE_LABEL = 'constructed';

interface Section {
  readonly id: number;
  readonly body: Uint8Array;
}

/** A core instance: of a module, with what it is given, or of things that are there already. */
type CoreInstance = { readonly module: number; readonly given: ReadonlyMap<string, number> } | undefined;

/** Takes out what no validator needs. Throws `build_failed` where the component is not as componentize-py writes it. */
export function trimPythonComponent(component: Uint8Array): Uint8Array<ArrayBuffer> {
  try {
    return trim(component);
  } catch (cause) {
    throw cause instanceof BinaryFault ? unexpected(`${cause.message}, at byte ${cause.offset}`) : cause;
  }
}

function trim(component: Uint8Array): Uint8Array<ArrayBuffer> {
  const sections = readSections(component);
  removeInit(sections);
  const used = findUsedExports(sections);
  let module = 0;
  const trimmed = sections.flatMap((section): Section[] => {
    // Names for debuggers, 50 KB.
    if (section.id === CUSTOM)
      return new BinaryReader(section.body).text() === 'component-name' ? [] : [section];
    if (section.id !== CORE_MODULE) return [section];
    return [{ id: CORE_MODULE, body: trimModule(section.body, used[module++] ?? new Set()) }];
  });
  return writeSections(component, trimmed);
}

/** Puts an empty component and empty instances in the place of `init`'s, and a safe name into its types. */
function removeInit(sections: Section[]): void {
  const at = sections.findIndex(({ id, body }) => id === EXPORT && isInitExport(body));
  if (at < 2 || sections[at - 1]?.id !== INSTANCE || sections[at - 2]?.id !== COMPONENT)
    throw unexpected('its init is not where it was');
  sections[at - 2] = { id: COMPONENT, body: Uint8Array.from(EMPTY_COMPONENT) };
  sections[at - 1] = { id: INSTANCE, body: Uint8Array.from(EMPTY_INSTANCE) };
  // An export is an instance of its own; the next one keeps its number.
  sections[at] = { id: INSTANCE, body: Uint8Array.from(EMPTY_INSTANCE) };
  for (const [index, { id, body }] of sections.entries()) {
    if (id !== TYPE) continue;
    const renamed = Buffer.from(body);
    for (
      let found = renamed.indexOf(UNSAFE_LABEL);
      found >= 0;
      found = renamed.indexOf(UNSAFE_LABEL, found)
    ) {
      renamed.write(SAFE_LABEL, found, 'latin1');
    }
    sections[index] = { id, body: Uint8Array.from(renamed) };
  }
}

function isInitExport(body: Uint8Array): boolean {
  const reader = new BinaryReader(body);
  if (reader.u32() !== 1) return false;
  reader.byte();
  return reader.text() === INIT_EXPORT;
}

/** For each core module, the names of its exports that something of the component takes. */
function findUsedExports(sections: readonly Section[]): Set<string>[] {
  const imports: (readonly (readonly [module: string, name: string])[])[] = [];
  const instances: CoreInstance[] = [];
  const taken: (readonly [instance: number, name: string])[] = [];
  for (const { id, body } of sections) {
    if (id === CORE_MODULE) imports.push(readImports(body));
    if (id === CORE_INSTANCE) readCoreInstances(new BinaryReader(body), instances);
    if (id === ALIAS) readAliases(new BinaryReader(body), taken);
  }
  // Handed over as a whole: the module that gets it takes what it imports.
  for (const instance of instances) {
    for (const [module, name] of instance === undefined ? [] : (imports[instance.module] ?? [])) {
      const giver = instance?.given.get(module);
      if (giver !== undefined) taken.push([giver, name]);
    }
  }
  const used = imports.map(() => new Set<string>());
  for (const [instance, name] of taken) {
    const module = instances[instance]?.module;
    if (module !== undefined) used[module]?.add(name);
  }
  return used;
}

function readCoreInstances(reader: BinaryReader, instances: CoreInstance[]): void {
  readList(reader, () => {
    if (reader.byte() === 0) {
      const module = reader.u32();
      const given = new Map<string, number>();
      readList(reader, () => {
        const name = reader.text();
        if (reader.byte() !== 0x12) throw unexpected('a core module is given something that is no instance');
        given.set(name, reader.u32());
      });
      instances.push({ module, given });
      return;
    }
    readList(reader, () => {
      reader.text();
      reader.byte();
      reader.u32();
    });
    instances.push(undefined);
  });
}

function readAliases(reader: BinaryReader, taken: (readonly [instance: number, name: string])[]): void {
  readList(reader, () => {
    if (reader.byte() === 0) reader.byte();
    const target = reader.byte();
    const index = reader.u32();
    // Of a component's instance, of a core instance, of a component around this one.
    if (target === 0) reader.text();
    else if (target === 1) taken.push([index, reader.text()]);
    else reader.u32();
  });
}

function readImports(module: Uint8Array): [module: string, name: string][] {
  const found: [string, string][] = [];
  for (const { id, body } of readSections(module)) {
    if (id !== CORE_IMPORT) continue;
    const reader = new BinaryReader(body);
    readList(reader, () => {
      found.push([reader.text(), reader.text()]);
      const kind = reader.byte();
      if (kind === 0) reader.u32();
      else if (kind === 1) {
        reader.byte();
        readLimits(reader);
      } else if (kind === 2) readLimits(reader);
      else if (kind === 3) reader.skip(2);
      else throw unexpected(`an import of kind ${kind}`);
    });
  }
  return found;
}

function readLimits(reader: BinaryReader): void {
  const hasMost = (reader.byte() & 1) === 1;
  reader.u32();
  if (hasMost) reader.u32();
}

/** The module with those of its exports only that are in `used`. */
function trimModule(module: Uint8Array, used: ReadonlySet<string>): Uint8Array {
  return writeSections(
    module,
    readSections(module).map((section) => {
      if (section.id !== CORE_EXPORT) return section;
      const reader = new BinaryReader(section.body);
      const kept: Uint8Array[] = [];
      readList(reader, () => {
        const start = reader.offset;
        const name = reader.text();
        reader.byte();
        reader.u32();
        if (used.has(name)) kept.push(section.body.subarray(start, reader.offset));
      });
      const body = new ByteWriter(section.body.length);
      body.u32(kept.length);
      for (const bytes of kept) body.copy(bytes);
      return { id: CORE_EXPORT, body: body.written() };
    }),
  );
}

/** The sections of a component or a core module: both have them in the same form. */
function readSections(binary: Uint8Array): Section[] {
  const reader = new BinaryReader(binary);
  reader.skip(PREAMBLE_BYTES);
  const sections: Section[] = [];
  while (!reader.done) {
    const id = reader.byte();
    const { offset, end } = reader.slice(reader.u32());
    sections.push({ id, body: binary.subarray(offset, end) });
  }
  return sections;
}

function readList(reader: BinaryReader, read: () => void): void {
  for (let count = reader.u32(); count > 0; count -= 1) read();
}

function writeSections(binary: Uint8Array, sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter(binary.length);
  out.copy(binary, 0, PREAMBLE_BYTES);
  for (const { id, body } of sections) {
    out.indexed(id, body.length);
    out.copy(body);
  }
  return new Uint8Array(out.written());
}

function unexpected(what: string): WasmpayError {
  return new WasmpayError('build_failed', `the component is not as componentize-py writes it: ${what}`);
}
