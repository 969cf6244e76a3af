// Go's linker writes an import for each package that asks for one, the same function twice. The component tools then make up a
// name that no toolchain writes, which the publisher refuses; so the second gets a plain name of its own here, `fd_write_2`,
// that the adapter exports as well. Reads modules that a compiler of ours has just made.

const IMPORT_SECTION = 2;
const HEADER_BYTES = 8;

/** Kind of an import. */
const FUNCTION = 0;

/** The module, with each repeated import of a function renamed `NAME_2`, `NAME_3`. Throws `RangeError` for what is no module. */
export function nameRepeatedImports(module: Uint8Array): Uint8Array {
  const reader = new Reader(module, HEADER_BYTES);
  while (reader.at < module.length) {
    const start = reader.at;
    const id = reader.byte();
    const size = reader.number();
    const end = reader.at + size;
    if (id !== IMPORT_SECTION) {
      reader.at = end;
      continue;
    }
    const section = rewriteImports(new Reader(module.subarray(0, end), reader.at), end);
    return concatenate([
      module.subarray(0, start),
      Uint8Array.of(IMPORT_SECTION, ...encodeNumber(section.length)),
      section,
      module.subarray(end),
    ]);
  }
  return module;
}

function rewriteImports(reader: Reader, end: number): Uint8Array {
  const count = reader.number();
  const parts: Uint8Array[] = [Uint8Array.from(encodeNumber(count))];
  const seen = new Map<string, number>();
  for (let i = 0; i < count; i += 1) {
    const [module, field] = [reader.name(), reader.name()];
    const kind = reader.byte();
    // Go imports functions and nothing else.
    if (kind !== FUNCTION) throw new RangeError('an import that is no function');
    const type = reader.number();
    const times = (seen.get(`${module}\0${field}`) ?? 0) + 1;
    seen.set(`${module}\0${field}`, times);
    const name = times === 1 ? field : `${field}_${times}`;
    parts.push(encodeName(module), encodeName(name), Uint8Array.of(FUNCTION, ...encodeNumber(type)));
  }
  if (reader.at !== end) throw new RangeError('an import section of another length');
  return concatenate(parts);
}

class Reader {
  private readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new RangeError('the module ends early');
    this.at += 1;
    return byte;
  }

  /** LEB128, unsigned, at most 32 bits. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number of more than 32 bits');
  }

  name(): string {
    const size = this.number();
    const bytes = this.bytes.subarray(this.at, this.at + size);
    if (bytes.length !== size) throw new RangeError('the module ends early');
    this.at += size;
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  }
}

function encodeNumber(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest === 0 ? low : low + 128);
  } while (rest > 0);
  return bytes;
}

function encodeName(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  return concatenate([Uint8Array.from(encodeNumber(bytes.length)), bytes]);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
