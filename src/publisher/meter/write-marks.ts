// Marks of what a guest writes: each store, and each bulk operator, sets a byte of a memory of the metering's own for the
// chunk that it writes to. After a call the host puts back these chunks and no others.
//
// A mark stands for the chunk of an address and what follows it within MARKED_REACH_BYTES. So stores to nearby addresses
// need one mark, where the text shows that they are near: they add constants to the same local, or are constants, and
// the mark is always made before or with them. The chunk may be too many; it is never too few.

import { MARKED_CHUNK_SHIFT, MARK_SPAN_BYTES } from '../../artifact/meter-abi.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import { F32, F64, I32, I64, V128, type CodeReader } from './code-reader.ts';
import type { CompileWork } from './compile-work.ts';
import type { FunctionFrame } from './function-frame.ts';
import type { LabelStack } from './label-stack.ts';
import {
  CALL,
  ELSE,
  END,
  I32_ADD,
  I32_AND,
  I32_CONST,
  I32_GT_U,
  I32_SHR_U,
  I32_STORE8,
  IF,
  LOCAL_GET,
  LOCAL_SET,
  LOCAL_TEE,
  MEMORY_FILL,
  NO_RESULT,
} from './opcodes.ts';
import { copyOperator } from './operator-copy.ts';
import { OPERATORS, OPERATOR_IDS, PREFIX_FC } from './operators.ts';

/** By operator id: the value type that it stores into memory; 0 where it is no store. */
export const STORED_TYPE = new Uint8Array(OPERATOR_IDS);

const TYPES: Readonly<Record<string, number>> = { i: I32, I: I64, f: F32, F: F64, v: V128 };
for (const { id, name, pops } of OPERATORS) {
  if (/\.store/.test(name)) STORED_TYPE[id] = TYPES[pops[1] ?? ''] ?? 0;
}

/** Alignment 0 with the bit that says that a memory's index follows. */
const MEMARG_OF_MEMORY = 0x40;
/** How far back a mark is looked for: more is never worth the search. */
const MARKS_REMEMBERED = 16;
const CHUNK_BYTES = 2 ** MARKED_CHUNK_SHIFT;
/** Addresses are below it. */
const ADDRESS_END = 2 ** 32;

/** A place that is marked: an offset from a local that has not been written since, or a chunk by its number. */
interface Mark {
  readonly local: number | undefined;
  readonly version: number;
  readonly place: number;
}

/** What the metering adds to a module for marks, by index. */
export interface MarkTarget {
  /** The memory that holds them. */
  readonly memory: number;
  /** The function that marks a range ({@link rangeBody}). */
  readonly rangeFunction: number;
}

/** Inserted locals that marks need, by value type where a store's operands have to be moved aside. */
export interface MarkLocals {
  readonly address: number;
  readonly values: ReadonlyMap<number, number>;
}

/** Writes stores with their marks. One for a module. */
export class WriteMarks {
  private readonly out: ByteWriter;
  private readonly labels: LabelStack;
  private readonly work: CompileWork;
  private readonly target: MarkTarget;
  private locals: MarkLocals = { address: 0, values: new Map() };
  /** The local that is the guest's own of that number. */
  private guestLocal: (local: number) => number = (local) => local;
  private lengthLocal = 0;
  /** Marks that surely were made before what comes next, oldest first. */
  private marks: Mark[] = [];
  /** Marks below it were made before a loop that goes on: its later turns may have other values in the locals. */
  private floor = 0;
  private readonly counts: number[] = [];
  private readonly floors: number[] = [];

  constructor(out: ByteWriter, labels: LabelStack, work: CompileWork, target: MarkTarget) {
    this.out = out;
    this.labels = labels;
    this.work = work;
    this.target = target;
  }

  start(frame: FunctionFrame, guestLocal: (local: number) => number): void {
    this.guestLocal = guestLocal;
    this.locals = frame.marks;
    this.lengthLocal = frame.lengths.length;
    this.marks = [];
    this.floor = 0;
  }

  /** A block, loop or arm starts at label `depth`. */
  openLabel(depth: number, isLoop: boolean): void {
    this.counts[depth] = this.marks.length;
    this.floors[depth] = this.floor;
    if (isLoop) this.floor = this.marks.length;
  }

  /** The other arm of an `if`, or what comes after label `depth`: marks made within it may not have been. */
  leaveLabel(depth: number): void {
    this.marks.length = Math.min(this.marks.length, this.counts[depth] ?? 0);
    this.floor = this.floors[depth] ?? 0;
  }

  /** Writes the store `id`, whose immediates `reader` stands in front of. Its operands are on the stack. */
  store(reader: CodeReader, id: number): void {
    const { out, labels } = this;
    const offset = peekOffset(reader);
    const origin = labels.origins.at(labels.height - 2);
    if (origin.kind === 'constant') {
      copyOperator(reader, id, out);
      this.markConstant((origin.value >>> 0) + offset);
      return;
    }
    const place = offset - (offset % MARK_SPAN_BYTES);
    if (origin.kind === 'local') {
      const { local, version } = origin;
      copyOperator(reader, id, out);
      if (this.isMarked(local, version, place)) return;
      this.writeMark(this.guestLocal(local), place);
      this.marks.push({ local, version, place });
      return;
    }
    const { address, values } = this.locals;
    const value = values.get(STORED_TYPE[id] ?? 0) ?? 0;
    out.indexed(LOCAL_SET, value);
    out.indexed(LOCAL_TEE, address);
    out.indexed(LOCAL_GET, value);
    copyOperator(reader, id, out);
    this.writeMark(address, place);
  }

  /** Writes a bulk operator, `id`, that writes to memory: its operands are an address, an i32 and a length. */
  bulk(reader: CodeReader, id: number): void {
    const { out, lengthLocal } = this;
    const { address, values } = this.locals;
    const value = values.get(I32) ?? 0;
    out.indexed(LOCAL_SET, lengthLocal);
    out.indexed(LOCAL_SET, value);
    out.indexed(LOCAL_TEE, address);
    out.indexed(LOCAL_GET, value);
    out.indexed(LOCAL_GET, lengthLocal);
    copyOperator(reader, id, out);
    out.indexed(LOCAL_GET, address);
    out.indexed(LOCAL_GET, lengthLocal);
    out.indexed(CALL, this.target.rangeFunction);
    this.work.mark();
  }

  private markConstant(address: number): void {
    // The store traps: no memory is that large.
    if (address >= ADDRESS_END) return;
    const chunk = Math.floor(address / CHUNK_BYTES);
    if (this.isMarked(undefined, 0, chunk)) return;
    writeConstant(this.out, chunk);
    this.storeMark();
    this.marks.push({ local: undefined, version: 0, place: chunk });
  }

  private isMarked(local: number | undefined, version: number, place: number): boolean {
    const { marks, floor } = this;
    const oldest = Math.max(floor, marks.length - MARKS_REMEMBERED);
    for (let index = marks.length - 1; index >= oldest; index -= 1) {
      const mark = marks[index];
      if (mark?.local === local && mark?.version === version && mark.place === place) return true;
    }
    return false;
  }

  /** Marks the chunk of what `local` holds, plus `place`. A sum that overflows is of a store that trapped. */
  private writeMark(local: number, place: number): void {
    const { out } = this;
    out.indexed(LOCAL_GET, local);
    if (place !== 0) {
      writeConstant(out, place | 0);
      out.byte(I32_ADD);
    }
    writeConstant(out, MARKED_CHUNK_SHIFT);
    out.byte(I32_SHR_U);
    this.storeMark();
  }

  private storeMark(): void {
    writeStoreOfMark(this.out, this.target.memory);
    this.work.mark();
  }
}

/**
 * The body of the function that marks a range: its first parameter is an address, its second a length, both of an operator
 * that did not trap, so that nothing overflows. Up to a chunk, the first and the last chunk are all.
 */
export function rangeBody(memory: number): Uint8Array {
  const out = new ByteWriter(64);
  out.u32(0);
  out.pair(LOCAL_GET, 1);
  writeConstant(out, CHUNK_BYTES);
  out.byte(I32_GT_U);
  out.pair(IF, NO_RESULT);
  out.pair(LOCAL_GET, 0);
  writeConstant(out, MARKED_CHUNK_SHIFT);
  out.byte(I32_SHR_U);
  writeConstant(out, 1);
  out.pair(LOCAL_GET, 0);
  writeConstant(out, CHUNK_BYTES - 1);
  out.byte(I32_AND);
  out.pair(LOCAL_GET, 1);
  out.byte(I32_ADD);
  writeConstant(out, CHUNK_BYTES - 1);
  out.byte(I32_ADD);
  writeConstant(out, MARKED_CHUNK_SHIFT);
  out.byte(I32_SHR_U);
  out.indexed(PREFIX_FC, MEMORY_FILL);
  out.u32(memory);
  out.byte(ELSE);
  out.pair(LOCAL_GET, 0);
  writeConstant(out, MARKED_CHUNK_SHIFT);
  out.byte(I32_SHR_U);
  writeStoreOfMark(out, memory);
  out.pair(LOCAL_GET, 0);
  out.pair(LOCAL_GET, 1);
  out.byte(I32_ADD);
  writeConstant(out, MARKED_CHUNK_SHIFT);
  out.byte(I32_SHR_U);
  writeStoreOfMark(out, memory);
  out.pair(END, END);
  return out.bytes.slice(0, out.offset);
}

/** Its type. */
export const RANGE_TYPE = { params: Uint8Array.of(I32, I32), results: new Uint8Array() };

/** Sets the mark whose number is on the stack. */
function writeStoreOfMark(out: ByteWriter, memory: number): void {
  writeConstant(out, 1);
  out.pair(I32_STORE8, MEMARG_OF_MEMORY);
  out.u32(memory);
  out.byte(0);
}

function writeConstant(out: ByteWriter, value: number): void {
  out.byte(I32_CONST);
  out.signed(value);
}

/** The types of which stores and bulk operators move a value aside, in the order of their inserted locals. */
export const MARKED_TYPES: readonly number[] = [I32, I64, F32, F64, V128];

/** The offset of the store whose immediates `reader` stands in front of. */
function peekOffset(reader: CodeReader): number {
  const start = reader.offset;
  reader.alignment();
  const offset = reader.u32();
  reader.offset = start;
  return offset;
}
