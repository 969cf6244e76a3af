// A component without what its core modules start with: the content of their data sections and the numbers of their globals.
// The rest is the same where a toolchain puts an author's program into its runtime's memory (QuickJS) and makes one component
// after the other. Neither the WIT that wasm-tools prints nor the glue that jco writes depends on what is left out: both
// are made of types, of names, and of how instances are wired.

import { createHash, type Hash } from 'node:crypto';

import { BinaryFault, BinaryReader } from '../../core/binary-reader.ts';

export interface ComponentSkeleton {
  /** SHA-256 of every byte that is not left out, 64 hexadecimal digits. */
  readonly digest: string;
  /** The core modules, with all that they start with, in the order in which they stand; those of nested components among them. */
  readonly modules: readonly Uint8Array[];
}

/** Sections of a component that hold a core module, or another component. */
const CORE_MODULE = 1;
const COMPONENT = 4;

/** Sections of a core module that say what it starts with. How many segments there are is in one of its own, and stays. */
const GLOBAL = 6;
const DATA = 11;

const I32_CONST = 0x41;
const END = 0x0b;

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

/** Whether a core module has a section of which something is left out, or is no module at all. */
export function mayHaveState(module: Uint8Array): boolean {
  const reader = new BinaryReader(module);
  try {
    reader.skip(PREAMBLE_BYTES);
    while (!reader.done) {
      const id = reader.byte();
      if (id === DATA || id === GLOBAL) return true;
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
    else if (id === GLOBAL) readGlobals(section, hash);
    else addPart(hash, `section ${id}`, section);
  }
  hash.update('end\n');
}

/** Types stay, and every start value that is no plain number. */
function readGlobals(reader: BinaryReader, hash: Hash): void {
  const count = reader.u32();
  hash.update(`globals ${count}\n`);
  for (let index = 0; index < count; index += 1) {
    addPart(hash, 'type', reader.slice(2));
    if (reader.peek() !== I32_CONST) break;
    reader.skip(1);
    while (reader.byte() >= 0x80);
    if (reader.byte() !== END) throw reader.fault('a start value of unknown form');
  }
  addPart(hash, 'rest', reader.slice(reader.end - reader.offset));
}

/** Every part says how long it is: no two components give the same text. */
function addPart(hash: Hash, what: string, { bytes, offset, end }: BinaryReader): void {
  hash.update(`${what} ${end - offset}\n`).update(bytes.subarray(offset, end));
}
