// A component without its core modules' data: what is left the same where a toolchain puts an author's program into its
// runtime's memory (QuickJS) and makes one component after the other. Neither the WIT that wasm-tools prints nor the glue that
// jco writes depends on data: both are made of types, of names, and of how instances are wired.

import { createHash, type Hash } from 'node:crypto';

import { BinaryFault, BinaryReader } from '../binary-reader.ts';

export interface ComponentSkeleton {
  /** SHA-256 of every byte that is not data, 64 hexadecimal digits. */
  readonly digest: string;
  /** The core modules, data and all, in the order in which they stand; those of nested components among them. */
  readonly modules: readonly Uint8Array[];
}

/** Sections of a component that hold a core module, or another component. */
const CORE_MODULE = 1;
const COMPONENT = 4;

/** The section of a core module that is left out. Its count of segments is in a section of its own, and stays. */
const DATA = 11;

const PREAMBLE_BYTES = 8;

/** Components in components; deeper ones are refused by the inspection. */
const MOST_LEVELS = 32;

/** The skeleton of a component; undefined where the bytes are none. */
export function readSkeleton(component: Uint8Array): ComponentSkeleton | undefined {
  const hash = createHash('sha256');
  const modules: Uint8Array[] = [];
  try {
    readComponent(new BinaryReader(component), hash, modules, 0);
  } catch (error) {
    if (error instanceof BinaryFault) return undefined;
    throw error;
  }
  return { digest: hash.digest('hex'), modules };
}

/** Whether a core module has a data section, or is no module at all. */
export function mayHaveData(module: Uint8Array): boolean {
  const reader = new BinaryReader(module);
  try {
    reader.skip(PREAMBLE_BYTES);
    while (!reader.done) {
      if (reader.byte() === DATA) return true;
      reader.skip(reader.u32());
    }
    return false;
  } catch (error) {
    if (error instanceof BinaryFault) return true;
    throw error;
  }
}

function readComponent(reader: BinaryReader, hash: Hash, modules: Uint8Array[], level: number): void {
  if (level > MOST_LEVELS) throw reader.fault('too many levels');
  addPart(hash, 'component', reader.slice(PREAMBLE_BYTES));
  while (!reader.done) {
    const id = reader.byte();
    const section = reader.slice(reader.u32());
    if (id === CORE_MODULE) {
      modules.push(reader.bytes.subarray(section.offset, section.end));
      readModule(section, hash);
    } else if (id === COMPONENT) readComponent(section, hash, modules, level + 1);
    else addPart(hash, `section ${id}`, section);
  }
  hash.update('end\n');
}

function readModule(reader: BinaryReader, hash: Hash): void {
  addPart(hash, 'module', reader.slice(PREAMBLE_BYTES));
  while (!reader.done) {
    const id = reader.byte();
    const section = reader.slice(reader.u32());
    if (id === DATA) hash.update('data\n');
    else addPart(hash, `section ${id}`, section);
  }
  hash.update('end\n');
}

/** Every part says how long it is: no two components give the same text. */
function addPart(hash: Hash, what: string, { bytes, offset, end }: BinaryReader): void {
  hash.update(`${what} ${end - offset}\n`).update(bytes.subarray(offset, end));
}
