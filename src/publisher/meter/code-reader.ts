// A cursor over code: operators, their immediates, value types. Decodes as strictly as the format asks; refuses by name
// what belongs to a proposal outside the supported set.

import { BinaryReader } from '../../core/binary-reader.ts';
import { checkLimit } from './engine-limits.ts';
import { IMMEDIATE_CODE as IMMEDIATE, IMMEDIATE_OF, NOT_AN_OPERATOR } from './operator-tables.ts';
import { ID_FC, ID_FD, OPERATOR_IDS, PREFIX_FC, PREFIX_FD, proposalOf } from './operators.ts';

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;
export const FUNCREF = 0x70;
export const EXTERNREF = 0x6f;

/** The block type of a block without parameters and results. */
export const BLOCK_EMPTY = -1;

/** Constants, global.get, ref.null and ref.func, and with extended const adding, subtracting and multiplying. */
const CONST_OPERATORS = new Set([
  0x41,
  0x42,
  0x43,
  0x44,
  0x23,
  0xd0,
  0xd2,
  0x6a,
  0x6b,
  0x6c,
  0x7c,
  0x7d,
  0x7e,
  ID_FD + 0x0c,
]);

/** Reads code. A fault is a `BinaryFault` or a `LimitFault`. */
export class CodeReader extends BinaryReader {
  /** As {@link BinaryReader.u32}; nearly all numbers in code are one byte. */
  override u32(): number {
    const { offset } = this;
    const byte = offset < this.end ? (this.bytes[offset] ?? 0x80) : 0x80;
    if (byte >= 0x80) return super.u32();
    this.offset = offset + 1;
    return byte;
  }

  /** The next operator's id. Refuses operators outside the supported set. */
  operator(): number {
    const start = this.offset;
    const first = this.byte();
    let code = first;
    let id = first;
    if (first === PREFIX_FC || first === PREFIX_FD) {
      code = this.u32();
      id =
        first === PREFIX_FC ? (code < ID_FD - ID_FC ? ID_FC + code : -1) : code < 0x100 ? ID_FD + code : -1;
    }
    if (id < 0 || id >= OPERATOR_IDS || IMMEDIATE_OF[id] === NOT_AN_OPERATOR) {
      const prefix = first === code ? 0 : first;
      const proposal = proposalOf(prefix, code);
      const hex = `0x${(prefix === 0 ? '' : prefix.toString(16)) + code.toString(16).padStart(2, '0')}`;
      if (proposal === undefined) throw this.fault(`an unknown operator ${hex}`, start);
      this.offset = start + 1;
      throw this.unsupported(`operator ${hex} of ${proposal}`);
    }
    return id;
  }

  /** Reads over an operator's immediates. */
  skipImmediates(kind: number): void {
    switch (kind) {
      case IMMEDIATE.none:
        return;
      case IMMEDIATE.block:
        this.blockType();
        return;
      case IMMEDIATE.labels: {
        const count = this.u32();
        checkLimit('branchTableLabels', count);
        for (let label = 0; label <= count; label += 1) this.u32();
        return;
      }
      case IMMEDIATE.memarg:
        this.memoryArgument();
        return;
      case IMMEDIATE['memarg+lane']:
        this.memoryArgument();
        this.byte();
        return;
      case IMMEDIATE.memory:
        this.memoryIndex();
        return;
      case IMMEDIATE['memory+memory']:
        this.memoryIndex();
        this.memoryIndex();
        return;
      case IMMEDIATE['data+memory']:
        this.u32();
        this.memoryIndex();
        return;
      case IMMEDIATE.indirect:
      case IMMEDIATE['elem+table']:
      case IMMEDIATE['table+table']:
        this.u32();
        this.u32();
        return;
      case IMMEDIATE.i32:
        this.signed(5);
        return;
      case IMMEDIATE.i64:
        this.signed(10);
        return;
      case IMMEDIATE.f32:
        this.skip(4);
        return;
      case IMMEDIATE.f64:
        this.skip(8);
        return;
      case IMMEDIATE.v128:
      case IMMEDIATE.shuffle:
        this.skip(16);
        return;
      case IMMEDIATE.lane:
        this.byte();
        return;
      case IMMEDIATE.types:
        this.selectType();
        return;
      case IMMEDIATE.reftype:
        this.referenceType();
        return;
      default:
        this.u32();
    }
  }

  /** Reads over the immediates of an operator of a constant expression; refuses operators that none can hold. */
  skipConstImmediates(id: number): void {
    if (!CONST_OPERATORS.has(id))
      throw this.fault('an operator that no constant expression holds', this.offset - 1);
    this.skipImmediates(IMMEDIATE_OF[id] ?? 0);
  }

  /** The value of the `i32.const` whose immediate comes next. */
  peekI32(): number {
    let value = 0;
    for (let byte = 0; byte < 5; byte += 1) {
      const bits = this.bytes[this.offset + byte] ?? 0;
      value |= (bits & 0x7f) << (7 * byte);
      if (bits >= 0x80) continue;
      const unused = 32 - 7 * (byte + 1);
      return unused > 0 ? (value << unused) >> unused : value;
    }
    return value;
  }

  /**
   * Reads over a signed LEB128 number of at most `mostBytes` (5 for 32 bits, 10 for 64) and gives the length of its
   * shortest form, whose last byte is the one at that place with the continuation bit cleared.
   */
  signed(mostBytes: 5 | 10): number {
    const start = this.offset;
    let length = 1;
    while (this.byte() >= 0x80) {
      length += 1;
      if (length > mostBytes) throw this.fault('an integer that is too long', start);
    }
    const last = this.bytes[this.offset - 1] ?? 0;
    if (length === mostBytes) {
      // Bits beyond the number's width must all be its sign.
      const unused = mostBytes === 5 ? last & 0x78 : last;
      const full = mostBytes === 5 ? 0x78 : 0x7f;
      if (unused !== 0 && unused !== full) throw this.fault('an integer that is too large', start);
    }
    while (length > 1) {
      const top = (this.bytes[start + length - 1] ?? 0) & 0x7f;
      const sign = (this.bytes[start + length - 2] ?? 0) & 0x40;
      if (!(top === 0 && sign === 0) && !(top === 0x7f && sign !== 0)) break;
      length -= 1;
    }
    return length;
  }

  /** A block type: {@link BLOCK_EMPTY}, `-2 - value type`, or the index of a function type. */
  blockType(): number {
    const first = this.peek();
    if (first === 0x40) {
      this.offset += 1;
      return BLOCK_EMPTY;
    }
    // One byte with the sign bit set is a value type; longer numbers and positive ones are indices.
    if (first < 0x80 && (first & 0x40) !== 0) return -2 - this.valueType();
    return this.typeIndex();
  }

  /** Skips alignment and offset. */
  memoryArgument(): void {
    this.alignment();
    this.u32();
  }

  /** The alignment of a load or store, a power of two; its offset follows. */
  alignment(): number {
    const align = this.u32();
    if (align >= 0x40 && align < 0x80) throw this.unsupported('a second memory, of multi-memory');
    if (align > 4) throw this.fault('an alignment above 16 bytes', this.offset - 1);
    return align;
  }

  /** The index of a memory, which can only be 0. */
  memoryIndex(): void {
    if (this.u32() !== 0) throw this.unsupported('a second memory, of multi-memory');
  }

  /** The result type of a `select` with types; exactly one. */
  selectType(): number {
    if (this.u32() !== 1) throw this.fault('a select of more or less than one result', this.offset - 1);
    return this.valueType();
  }

  valueType(): number {
    const type = this.byte();
    if (type >= V128 && type <= I32) return type;
    if (type === FUNCREF || type === EXTERNREF) return type;
    throw this.unsupportedType(type);
  }

  referenceType(): number {
    const type = this.byte();
    if (type === FUNCREF || type === EXTERNREF) return type;
    throw this.unsupportedType(type);
  }

  private unsupportedType(type: number): Error {
    const hex = `0x${type.toString(16)}`;
    if (type === 0x63 || type === 0x64) return this.unsupported(`type ${hex} of typed function references`);
    if (type === 0x69 || type === 0x74) return this.unsupported(`type ${hex} of exception handling`);
    if (type === 0x68 || type === 0x75) return this.unsupported(`type ${hex} of stack switching`);
    if (type >= 0x6a && type <= 0x73) return this.unsupported(`type ${hex} of garbage collection`);
    return this.fault(`an unknown type ${hex}`, this.offset - 1);
  }
}
