// A growing buffer of WebAssembly bytes. Numbers are written as their shortest LEB128, so the same module gives the
// same bytes. It trusts its caller: values are in range.

/** Appends bytes; `offset` is how many there are. */
export class ByteWriter {
  bytes: Uint8Array;
  offset = 0;

  constructor(capacityBytes = 1024) {
    this.bytes = new Uint8Array(capacityBytes);
  }

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    const need = this.offset + more;
    if (need <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(need, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.offset));
    this.bytes = grown;
  }

  byte(value: number): void {
    if (this.offset >= this.bytes.length) this.reserve(1);
    this.bytes[this.offset++] = value;
  }

  /** Two bytes; most charges are made of such pairs. */
  pair(first: number, second: number): void {
    this.byte(first);
    this.byte(second);
  }

  /** An unsigned integer below 2^32. */
  u32(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  /** An operator with an index. */
  indexed(code: number, index: number): void {
    this.byte(code);
    this.u32(index);
  }

  /** A signed integer of at most 53 bits. */
  signed(value: number): void {
    let rest = value;
    for (;;) {
      const low = ((rest % 0x80) + 0x80) % 0x80;
      rest = Math.floor(rest / 0x80);
      if ((rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)) {
        this.byte(low);
        return;
      }
      this.byte(low + 0x80);
    }
  }

  /** Copies `source` from `start` up to, not including, `end`. */
  copy(source: Uint8Array, start = 0, end = source.length): void {
    const length = end - start;
    this.reserve(length);
    if (length < 24) {
      // A call of `set` costs more than a few bytes; nearly all copies are immediates.
      for (let at = start; at < end; at += 1) this.bytes[this.offset++] = source[at] ?? 0;
      return;
    }
    this.bytes.set(source.subarray(start, end), this.offset);
    this.offset += length;
  }

  /** Puts `source`'s bytes in front of what was written from `at` on. */
  insert(at: number, source: ByteWriter): void {
    const length = source.offset;
    this.reserve(length);
    const { bytes, offset } = this;
    // As in `copy`: blocks are short, and a call costs more than moving them.
    if (offset - at < 64)
      for (let from = offset - 1; from >= at; from -= 1) bytes[from + length] = bytes[from] ?? 0;
    else bytes.copyWithin(at + length, at, offset);
    for (let from = 0; from < length; from += 1) bytes[at + from] = source.bytes[from] ?? 0;
    this.offset = offset + length;
  }

  /** A length-prefixed name, ASCII. */
  ascii(text: string): void {
    this.u32(text.length);
    for (let at = 0; at < text.length; at += 1) this.byte(text.charCodeAt(at));
  }

  /** A view of what was written; the next write may outdate it. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.offset);
  }

  clear(): void {
    this.offset = 0;
  }
}
