// A string of the transaction, read where the host wrote it: a pointer and a length in UTF-8 bytes, in the two
// words that the canonical ABI stores for a `string`. Comparing copies and allocates nothing.

/** A string of the transaction. `is` compares it with a string, `equals` with another `Text`; `==` does not compile. */
@unmanaged
export class Text {
  private pointer: usize;
  private size: usize;

  /** Length in UTF-8 bytes. */
  get byteLength(): i32 {
    return <i32>this.size;
  }

  /** Whether both hold the same bytes. */
  equals(other: Text): bool {
    return this.size == other.size && memory.compare(this.pointer, other.pointer, this.size) == 0;
  }

  /** A copy as an AssemblyScript string, on the heap, gone when the call ends. */
  toString(): string {
    return String.UTF8.decodeUnsafe(this.pointer, this.size);
  }

  /** Whether it is exactly this string: case, spaces and accents count. */
  is(other: string): bool {
    if (this.size != <usize>String.UTF8.byteLength(other)) return false;
    let at = this.pointer;
    for (let i = 0, length = other.length; i < length; i++) {
      let code = <u32>other.charCodeAt(i);
      if ((code & 0xfc00) == 0xd800 && i + 1 < length) {
        const low = <u32>other.charCodeAt(i + 1);
        if ((low & 0xfc00) == 0xdc00) {
          code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
          i++;
        }
      }
      if (code < 0x80) {
        if (load<u8>(at) != code) return false;
        at += 1;
      } else if (code < 0x800) {
        if (load<u8>(at) != (0xc0 | (code >> 6))) return false;
        if (load<u8>(at, 1) != (0x80 | (code & 0x3f))) return false;
        at += 2;
      } else if (code < 0x10000) {
        // A lone surrogate lands here; valid UTF-8 never holds its bytes, so it equals nothing.
        if (load<u8>(at) != (0xe0 | (code >> 12))) return false;
        if (load<u8>(at, 1) != (0x80 | ((code >> 6) & 0x3f))) return false;
        if (load<u8>(at, 2) != (0x80 | (code & 0x3f))) return false;
        at += 3;
      } else {
        if (load<u8>(at) != (0xf0 | (code >> 18))) return false;
        if (load<u8>(at, 1) != (0x80 | ((code >> 12) & 0x3f))) return false;
        if (load<u8>(at, 2) != (0x80 | ((code >> 6) & 0x3f))) return false;
        if (load<u8>(at, 3) != (0x80 | (code & 0x3f))) return false;
        at += 4;
      }
    }
    return true;
  }
}
