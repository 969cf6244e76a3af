// Canonical NaNs. Which payload an operator gives is the engine's and the machine's choice, so the result of every one
// that may give a NaN is made canonical, unless what follows at once lets no payload show.

import type { ByteWriter } from '../../core/byte-writer.ts';
import type { CodeReader } from './code-reader.ts';
import {
  DROP,
  F32_CONST,
  F32_NE,
  F32X4_EQ,
  F64_CONST,
  F64_NE,
  F64X2_EQ,
  END,
  I32_CONST,
  IF,
  LOCAL_GET,
  LOCAL_SET,
  LOCAL_TEE,
  MEMORY_GROW,
  NO_RESULT,
  V128_BITSELECT,
  V128_CONST,
} from './opcodes.ts';
import {
  IMMEDIATE_CODE,
  IMMEDIATE_OF,
  NAN_BLIND,
  NAN_F32,
  NAN_F32X4,
  NAN_F64,
  NAN_F64X2,
  POPS,
  PUSHES,
} from './operator-tables.ts';
import { ID_FC, PREFIX_FD } from './operators.ts';

/** How many operators a result may be followed through before it is made canonical where it stands. */
const NAN_LOOKAHEAD = 16;
/** Operators from here on, up to 0xc4, work on numbers alone and have no immediates; references come after. */
const FIRST_NUMERIC = I32_CONST;
const AFTER_NUMERIC = 0xc5;
/** Behind the prefix 0xfc, the saturating conversions come first. */
const SATURATING = 8;

/** Makes the float just given canonical, where the next operators, which `reader` stands in front of, may show it. */
export function writeNanGuard(
  out: ByteWriter,
  reader: CodeReader,
  shape: number,
  locals: readonly number[],
): void {
  const scalar = shape === NAN_F32 || shape === NAN_F64;
  if (scalar && isBlindlyUsed(reader)) return;
  writeCanonicalNan(out, shape, locals[shape] ?? 0);
}

/** Makes the NaN on top of the stack canonical, lane by lane: x == x ? x : NaN. */
function writeCanonicalNan(out: ByteWriter, shape: number, local: number): void {
  if (shape === NAN_F32 || shape === NAN_F64) {
    // A branch that is never taken is cheaper than a select, which V8 makes a branch on both ways.
    out.indexed(LOCAL_TEE, local);
    out.indexed(LOCAL_GET, local);
    out.byte(shape === NAN_F32 ? F32_NE : F64_NE);
    out.pair(IF, NO_RESULT);
    if (shape === NAN_F32) out.copy(F32_NAN);
    else out.copy(F64_NAN);
    out.indexed(LOCAL_SET, local);
    out.byte(END);
    out.indexed(LOCAL_GET, local);
  } else if (shape === NAN_F32X4 || shape === NAN_F64X2) {
    out.indexed(LOCAL_TEE, local);
    out.copy(shape === NAN_F32X4 ? F32X4_NAN : F64X2_NAN);
    out.indexed(LOCAL_GET, local);
    out.indexed(LOCAL_GET, local);
    out.pair(PREFIX_FD, shape === NAN_F32X4 ? F32X4_EQ : F64X2_EQ);
    out.pair(PREFIX_FD, V128_BITSELECT);
  }
}

/**
 * Whether the float on top of the stack is surely used, in what follows without a branch, by operators in whose result
 * its payload does not show. Then it need not be made canonical here.
 */
function isBlindlyUsed(reader: CodeReader): boolean {
  const start = reader.offset;
  let above = 0;
  let blind = false;
  for (let step = 0; step < NAN_LOOKAHEAD; step += 1) {
    const id = reader.operator();
    const kind = IMMEDIATE_OF[id] ?? 0;
    const straight =
      id === LOCAL_GET ||
      kind === IMMEDIATE_CODE.memarg ||
      (id >= FIRST_NUMERIC && id < AFTER_NUMERIC && id !== MEMORY_GROW) ||
      (id >= ID_FC && id < ID_FC + SATURATING) ||
      id === DROP;
    if (!straight) break;
    const pops = POPS[id] ?? 0;
    if (pops > above) {
      blind = NAN_BLIND[id] === 1;
      break;
    }
    above += (PUSHES[id] ?? 0) - pops;
    reader.skipImmediates(kind);
  }
  reader.offset = start;
  return blind;
}

// The constants, operator and all, little-endian: sign clear, payload's top bit set and no other.
const F32_BITS = [0x00, 0x00, 0xc0, 0x7f];
const F64_BITS = [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x7f];
const F32_NAN = Uint8Array.from([F32_CONST, ...F32_BITS]);
const F64_NAN = Uint8Array.from([F64_CONST, ...F64_BITS]);
const F32X4_NAN = Uint8Array.from([
  PREFIX_FD,
  V128_CONST,
  ...F32_BITS,
  ...F32_BITS,
  ...F32_BITS,
  ...F32_BITS,
]);
const F64X2_NAN = Uint8Array.from([PREFIX_FD, V128_CONST, ...F64_BITS, ...F64_BITS]);
