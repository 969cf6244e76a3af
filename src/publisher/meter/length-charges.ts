// Operators whose work depends on an operand pay by it, in front of the work; and those that grow something stay within
// the component's budget.

import { ELEMENTS_GLOBAL, DIRTY, PAGES_GLOBAL } from '../../artifact/meter-abi.ts';
import type { ByteWriter } from '../../core/byte-writer.ts';
import { I32 } from './code-reader.ts';
import { costs, type LengthClass } from './costs.ts';
import { writeLengthCharge } from './fuel-code.ts';
import type { FuelCounter } from './fuel-counter.ts';
import { writeGrow, type Grow } from './grow-code.ts';
import {
  LOCAL_TEE,
  MEMORY_COPY,
  MEMORY_FILL,
  MEMORY_GROW,
  MEMORY_INIT,
  MEMORY_SIZE,
  TABLE_COPY,
  TABLE_FILL,
  TABLE_GROW,
  TABLE_INIT,
  TABLE_SIZE,
} from './opcodes.ts';
import { ID_FC, PREFIX_FC } from './operators.ts';

/** A bulk operator: what its length costs, the bit of the dirty flag that it sets, and whether it writes to memory. */
export interface BulkOperator {
  readonly cost: LengthClass;
  readonly dirtyBit: number;
  readonly writesMemory: boolean;
}

/** By operator id: those whose topmost operand is the length of what they do. */
export const BULK_OPERATORS: ReadonlyMap<number, BulkOperator> = new Map([
  [ID_FC + MEMORY_INIT, { cost: 'memory_init', dirtyBit: 0, writesMemory: true }],
  [ID_FC + MEMORY_COPY, { cost: 'memory_copy', dirtyBit: 0, writesMemory: true }],
  [ID_FC + MEMORY_FILL, { cost: 'memory_fill', dirtyBit: 0, writesMemory: true }],
  [ID_FC + TABLE_INIT, { cost: 'table_init', dirtyBit: DIRTY.tableWritten, writesMemory: false }],
  [ID_FC + TABLE_COPY, { cost: 'table_copy', dirtyBit: DIRTY.tableWritten, writesMemory: false }],
  [ID_FC + TABLE_FILL, { cost: 'table_fill', dirtyBit: DIRTY.tableWritten, writesMemory: false }],
]);

/** The operators that grow something, by id. */
export const GROW_OPERATORS: ReadonlySet<number> = new Set([MEMORY_GROW, ID_FC + TABLE_GROW]);

/** Locals that a function has for this. */
export interface LengthLocals {
  readonly length: number;
  readonly result: number;
}

/** Writes charges by length. The operand is on top of the stack, and stays there for a bulk operator. */
export class LengthCharges {
  private readonly out: ByteWriter;
  private readonly counter: FuelCounter;
  private locals: LengthLocals = { length: 0, result: 0 };

  constructor(out: ByteWriter, counter: FuelCounter) {
    this.out = out;
    this.counter = counter;
  }

  start(locals: LengthLocals): void {
    this.locals = locals;
  }

  /** In front of a bulk operator. */
  writeBulkCharge(cost: LengthClass): void {
    const { out, counter, locals } = this;
    out.indexed(LOCAL_TEE, locals.length);
    counter.holdInLocal();
    writeLengthCharge(out, counter.place, locals.length, costs.lengthPer1024[cost]);
    counter.charged();
  }

  /** `memory.grow` of a memory that may have `maximum` pages. */
  writeMemoryGrow(maximum: number): void {
    this.grow('memory_grow', {
      budgetGlobal: PAGES_GLOBAL,
      writeBlockType: (to) => to.byte(I32),
      operandsBelow: 0,
      writeGrow: (to) => to.pair(MEMORY_GROW, 0),
      writeSize: (to) => to.pair(MEMORY_SIZE, 0),
      maximum,
      grownBit: DIRTY.memoryGrown,
    });
  }

  /** `table.grow` of a table that may have `maximum` elements; `blockType` takes one of them and gives an i32. */
  writeTableGrow(table: number, maximum: number, blockType: number): void {
    this.grow('table_grow', {
      budgetGlobal: ELEMENTS_GLOBAL,
      writeBlockType: (to) => to.signed(blockType),
      operandsBelow: 1,
      writeGrow: (to) => {
        to.pair(PREFIX_FC, TABLE_GROW);
        to.u32(table);
      },
      writeSize: (to) => {
        to.pair(PREFIX_FC, TABLE_SIZE);
        to.u32(table);
      },
      maximum,
      grownBit: DIRTY.tableWritten,
    });
  }

  private grow(
    cost: LengthClass,
    operator: Omit<Grow, 'lengthLocal' | 'resultLocal' | 'failedBit' | 'writeLengthCharge'>,
  ): void {
    const { out, counter, locals } = this;
    counter.holdInLocal();
    writeGrow(out, {
      ...operator,
      lengthLocal: locals.length,
      resultLocal: locals.result,
      failedBit: DIRTY.growFailed,
      writeLengthCharge: () =>
        writeLengthCharge(out, counter.place, locals.length, costs.lengthPer1024[cost], operator.maximum),
    });
    counter.charged();
  }
}
