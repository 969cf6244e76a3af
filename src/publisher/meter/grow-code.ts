// The code around a `memory.grow` or `table.grow`: the component's budget, the charge, the dirty flag.

import type { ByteWriter } from '../../core/byte-writer.ts';
import { writeDirty } from './fuel-code.ts';
import {
  DROP,
  ELSE,
  END,
  GLOBAL_GET,
  GLOBAL_SET,
  I32_CONST,
  I32_EQ,
  I32_LE_U,
  I32_SUB,
  I64_ADD,
  I64_CONST,
  I64_EXTEND_I32_U,
  I64_LE_U,
  IF,
  LOCAL_GET,
  LOCAL_TEE,
  NO_RESULT,
} from './opcodes.ts';

/** -1 as signed LEB128. */
const MINUS_ONE = 0x7f;

/** A `grow` within the component's budget. */
export interface Grow {
  /** Holds the number of pages or elements that is asked for, which stands on top of the operand stack as well. */
  readonly lengthLocal: number;
  readonly resultLocal: number;
  /** The global that holds what may still be added. */
  readonly budgetGlobal: number;
  /** The type of a block that takes what lies below the number, if anything, and gives an i32. */
  readonly writeBlockType: (out: ByteWriter) => void;
  /** Values below the number that the operator takes. */
  readonly operandsBelow: number;
  /** Charges for the number in `lengthLocal`. */
  readonly writeLengthCharge: () => void;
  /** Writes `memory.grow` or `table.grow`. */
  readonly writeGrow: (out: ByteWriter) => void;
  /** Writes `memory.size` or `table.size`. */
  readonly writeSize: (out: ByteWriter) => void;
  readonly maximum: number;
  readonly grownBit: number;
  readonly failedBit: number;
}

/**
 * Grows, if the budget allows it: then charges, grows, takes what was added off the budget, and sets the dirty flag by how
 * it went. Gives -1 and does nothing else where the budget does not.
 */
export function writeGrow(out: ByteWriter, grow: Grow): void {
  out.indexed(LOCAL_TEE, grow.lengthLocal);
  out.pair(GLOBAL_GET, grow.budgetGlobal);
  out.byte(I32_LE_U);
  out.byte(IF);
  grow.writeBlockType(out);
  grow.writeLengthCharge();
  out.indexed(LOCAL_GET, grow.lengthLocal);
  grow.writeGrow(out);
  out.indexed(LOCAL_TEE, grow.resultLocal);
  out.pair(I32_CONST, MINUS_ONE);
  out.byte(I32_EQ);
  out.pair(IF, NO_RESULT);
  grow.writeSize(out);
  out.byte(I64_EXTEND_I32_U);
  out.indexed(LOCAL_GET, grow.lengthLocal);
  out.byte(I64_EXTEND_I32_U);
  out.byte(I64_ADD);
  out.byte(I64_CONST);
  out.signed(grow.maximum);
  out.byte(I64_LE_U);
  out.pair(IF, NO_RESULT);
  writeDirty(out, grow.failedBit);
  out.byte(END);
  out.byte(ELSE);
  out.indexed(LOCAL_GET, grow.lengthLocal);
  out.pair(IF, NO_RESULT);
  out.pair(GLOBAL_GET, grow.budgetGlobal);
  out.indexed(LOCAL_GET, grow.lengthLocal);
  out.byte(I32_SUB);
  out.pair(GLOBAL_SET, grow.budgetGlobal);
  writeDirty(out, grow.grownBit);
  out.byte(END);
  out.byte(END);
  out.indexed(LOCAL_GET, grow.resultLocal);
  out.byte(ELSE);
  for (let operand = grow.operandsBelow; operand > 0; operand -= 1) out.byte(DROP);
  out.pair(I32_CONST, MINUS_ONE);
  out.byte(END);
}
