// A cursor over a guest's bytes: LEB128 numbers, names and sub-ranges of the WebAssembly binary format, read as
// strictly as wasmparser does. Trusts nothing: every length is compared with what is left before it is used, and
// nothing is allocated for a count. A fault carries the byte offset at which the reader gave up.

/** Why bytes cannot be read on. Each is a code of a refusal, too. */
export type FaultCode = 'truncated' | 'malformed' | 'unsupported_feature' | 'too_many_modules';

/** Thrown by readers of a component's bytes. It never leaves `readComponent`, which makes a refusal of it. */
export class BinaryFault extends Error {
  override readonly name = 'BinaryFault';
  readonly code: FaultCode;
  /** Byte offset in the component. */
  readonly offset: number;

  constructor(code: FaultCode, problem: string, offset: number) {
    super(problem);
    this.code = code;
    this.offset = offset;
  }
}

/**
 * Longest string that is decoded, bytes: wasmparser's own limit (MAX_WASM_STRING_SIZE). The gate for names is
 * stricter; this one bounds what is decoded before the gate sees it.
 */
export const MAX_STRING_BYTES = 100_000;

// ignoreBOM keeps a byte order mark in the text, where the gate for names meets it.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads `bytes` from `offset` up to, not including, `end`. All offsets count from the component's first byte. */
export class BinaryReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  /** Whether everything up to `end` was read. */
  get done(): boolean {
    return this.offset >= this.end;
  }

  /** One byte. */
  byte(): number {
    const byte = this.peek();
    this.offset += 1;
    return byte;
  }

  /** The next byte, left in place. */
  peek(): number {
    if (this.offset >= this.end) throw this.overrun();
    return this.bytes[this.offset] ?? 0;
  }

  /** An unsigned LEB128 number of at most 32 bits: five bytes, no bit beyond the 32nd. */
  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) throw this.fault('a number of more than 32 bits', this.offset - 1);
      // Multiplied, not shifted: JavaScript's shift would make the 32nd bit a sign.
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  /** Reads over an unsigned LEB128 number of at most 64 bits; limits of memories and tables, which no one needs here. */
  skipU64(): void {
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift === 63 && byte > 0x01) throw this.fault('a number of more than 64 bits', this.offset - 1);
      if (byte < 0x80) return;
    }
  }

  /** A type index in the signed 33-bit form (s33) of value types. A negative one is no index: `malformed`. */
  typeIndex(): number {
    const start = this.offset;
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      // The fifth byte holds bits 28 to 32, of which the last is the sign.
      if (shift === 28 && byte > 0x0f) throw this.fault('a value type of unknown form', start);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (shift < 28 && (byte & 0x40) !== 0) throw this.fault('a value type of unknown form', start);
        return value;
      }
    }
  }

  /** A length-prefixed UTF-8 string. Overlong or otherwise invalid UTF-8 is `malformed`. */
  text(): string {
    const length = this.u32();
    if (length > MAX_STRING_BYTES) throw this.fault(`a string of ${length} bytes`, this.offset - 1);
    const start = this.skip(length);
    try {
      return UTF8.decode(this.bytes.subarray(start, this.offset));
    } catch {
      throw this.fault('a string that is no valid UTF-8', start);
    }
  }

  /** Moves over `length` bytes and gives the offset of the first one. */
  skip(length: number): number {
    const start = this.offset;
    if (length > this.end - start) throw this.overrun();
    this.offset = start + length;
    return start;
  }

  /** A reader for the next `length` bytes, over which this one moves. */
  slice(length: number): BinaryReader {
    const start = this.skip(length);
    return new BinaryReader(this.bytes, start, this.offset);
  }

  /** `malformed` unless everything was read: no region is left that another parser might read differently. */
  expectDone(what: string): void {
    if (!this.done) throw this.fault(`bytes after the end of ${what}`, this.offset);
  }

  /** A `malformed` fault at `offset`, or at the current place. */
  fault(problem: string, offset = this.offset): BinaryFault {
    return new BinaryFault('malformed', problem, offset);
  }

  /** An `unsupported_feature` fault at the last byte read. */
  unsupported(feature: string): BinaryFault {
    return new BinaryFault('unsupported_feature', feature, Math.max(0, this.offset - 1));
  }

  private overrun(): BinaryFault {
    return this.end === this.bytes.length
      ? new BinaryFault('truncated', 'the file ends in the middle of an item', this.offset)
      : this.fault('an item reaches past the end of its section');
  }
}
