// Go's linker writes an import for each package that asks for one, the same function twice. The component tools then make up a
// name that no toolchain writes, which the publisher refuses; so the second gets a plain name of its own here, `fd_write_2`,
// that the adapter exports as well. Reads modules that a compiler of ours has just made.

import { BinaryReader } from '../core/binary-reader.ts';
import { ByteWriter } from '../core/byte-writer.ts';

const IMPORT_SECTION = 2;
const PREAMBLE_BYTES = 8;

/** Kind of an import. */
const FUNCTION = 0;

/** The module, with each repeated import of a function renamed `NAME_2`, `NAME_3`. Throws `BinaryFault` for what is no module. */
export function nameRepeatedImports(module: Uint8Array): Uint8Array {
  const reader = new BinaryReader(module);
  reader.skip(PREAMBLE_BYTES);
  while (!reader.done) {
    const start = reader.offset;
    const id = reader.byte();
    const section = reader.slice(reader.u32());
    if (id !== IMPORT_SECTION) continue;
    const rewritten = rewriteImports(section);
    const out = new ByteWriter(module.length + rewritten.length);
    out.copy(module, 0, start);
    out.indexed(IMPORT_SECTION, rewritten.length);
    out.copy(rewritten);
    out.copy(module, section.end);
    return out.written();
  }
  return module;
}

function rewriteImports(reader: BinaryReader): Uint8Array {
  const out = new ByteWriter();
  const count = reader.u32();
  out.u32(count);
  const seen = new Map<string, number>();
  for (let index = 0; index < count; index += 1) {
    const [module, field] = [reader.text(), reader.text()];
    // Go imports functions and nothing else.
    if (reader.byte() !== FUNCTION) throw reader.unsupported('an import that is no function');
    const type = reader.u32();
    const key = `${module}\0${field}`;
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    writeName(out, module);
    writeName(out, times === 1 ? field : `${field}_${times}`);
    out.indexed(FUNCTION, type);
  }
  reader.expectDone('the imports');
  return out.written();
}

function writeName(out: ByteWriter, name: string): void {
  const bytes = new TextEncoder().encode(name);
  out.u32(bytes.length);
  out.copy(bytes);
}
