// The code that metering inserts: charges, checks, the dirty flag, the depth of the stack. Every sequence leaves the
// guest's operand stack as it found it and names only locals and globals that a guest cannot.

import type { ByteWriter } from '../../core/byte-writer.ts';
import {
  END,
  GLOBAL_GET,
  GLOBAL_SET,
  I32_CONST,
  I32_LE_U,
  I32_LT_S,
  I32_OR,
  I32_SUB,
  I64_CONST,
  I64_EXTEND_I32_U,
  I64_LT_S,
  I64_MUL,
  I64_SHR_U,
  I64_SUB,
  IF,
  LOCAL_GET,
  LOCAL_SET,
  LOCAL_TEE,
  NO_RESULT,
  SELECT,
  UNREACHABLE,
} from './opcodes.ts';
import { DEPTH_GLOBAL, DIRTY_GLOBAL, FUEL_GLOBAL } from '../../artifact/meter-abi.ts';

/** Where a function keeps the fuel counter, and the local it has for it (in `global` mode only scratch). */
export interface FuelPlace {
  readonly mode: 'global' | 'local';
  readonly local: number;
}

/** Charges `fuel` and, with `check`, traps when the counter is below zero after that. */
export function writeCharge(out: ByteWriter, place: FuelPlace, fuel: number, check: boolean): void {
  if (place.mode === 'local') out.indexed(LOCAL_GET, place.local);
  else out.pair(GLOBAL_GET, FUEL_GLOBAL);
  if (fuel > 0) {
    out.byte(I64_CONST);
    out.signed(fuel);
    out.byte(I64_SUB);
  }
  writeCounter(out, place, check);
}

/**
 * Charges for the length in `lengthLocal`, an unsigned i32, and checks. The product is below 2^32 * 2^24. Where there is
 * `most`, a length above it costs nothing: the operator fails at once.
 */
export function writeLengthCharge(
  out: ByteWriter,
  place: FuelPlace,
  lengthLocal: number,
  fuelPer1024: number,
  most?: number,
): void {
  if (place.mode === 'local') out.indexed(LOCAL_GET, place.local);
  else out.pair(GLOBAL_GET, FUEL_GLOBAL);
  out.indexed(LOCAL_GET, lengthLocal);
  out.byte(I64_EXTEND_I32_U);
  out.byte(I64_CONST);
  out.signed(fuelPer1024);
  out.byte(I64_MUL);
  out.pair(I64_CONST, 10);
  out.byte(I64_SHR_U);
  if (most !== undefined) {
    out.pair(I64_CONST, 0);
    out.indexed(LOCAL_GET, lengthLocal);
    out.byte(I32_CONST);
    out.signed(most | 0);
    out.byte(I32_LE_U);
    out.byte(SELECT);
  }
  out.byte(I64_SUB);
  writeCounter(out, place, true);
}

/** Takes the new counter from the stack into its place. */
function writeCounter(out: ByteWriter, place: FuelPlace, check: boolean): void {
  if (place.mode === 'local') {
    out.indexed(check ? LOCAL_TEE : LOCAL_SET, place.local);
  } else {
    if (check) out.indexed(LOCAL_TEE, place.local);
    out.pair(GLOBAL_SET, FUEL_GLOBAL);
    if (check) out.indexed(LOCAL_GET, place.local);
  }
  if (!check) return;
  out.pair(I64_CONST, 0);
  out.byte(I64_LT_S);
  out.pair(IF, NO_RESULT);
  if (place.mode === 'local') writeSpill(out, place);
  out.pair(UNREACHABLE, END);
}

/** Writes a counter kept in a local back to the global. */
export function writeSpill(out: ByteWriter, place: FuelPlace): void {
  out.indexed(LOCAL_GET, place.local);
  out.pair(GLOBAL_SET, FUEL_GLOBAL);
}

/** Reads the counter from the global into its local. */
export function writeReload(out: ByteWriter, place: FuelPlace): void {
  out.pair(GLOBAL_GET, FUEL_GLOBAL);
  out.indexed(LOCAL_SET, place.local);
}

/** A function's start in `local` mode: reads the counter, charges, and checks. */
export function writeLocalEntry(out: ByteWriter, place: FuelPlace, fuel: number): void {
  out.pair(GLOBAL_GET, FUEL_GLOBAL);
  out.byte(I64_CONST);
  out.signed(fuel);
  out.byte(I64_SUB);
  writeCounter(out, place, true);
}

/** Takes a frame off the stack's depth, keeps the old depth in `local`, and traps where the frame does not fit. */
export function writeDepthEntry(out: ByteWriter, local: number, frameBytes: number): void {
  out.pair(GLOBAL_GET, DEPTH_GLOBAL);
  out.indexed(LOCAL_TEE, local);
  out.byte(I32_CONST);
  out.signed(frameBytes);
  out.byte(I32_SUB);
  // Set before the check, so that the host can tell this trap from others.
  out.pair(GLOBAL_SET, DEPTH_GLOBAL);
  out.indexed(LOCAL_GET, local);
  out.byte(I32_CONST);
  out.signed(frameBytes);
  out.byte(I32_LT_S);
  out.pair(IF, NO_RESULT);
  out.pair(UNREACHABLE, END);
}

/** Puts the depth back as it was. */
export function writeDepthExit(out: ByteWriter, local: number): void {
  out.indexed(LOCAL_GET, local);
  out.pair(GLOBAL_SET, DEPTH_GLOBAL);
}

/** Sets bits of the dirty flag. */
export function writeDirty(out: ByteWriter, bits: number): void {
  out.pair(GLOBAL_GET, DIRTY_GLOBAL);
  out.byte(I32_CONST);
  out.signed(bits);
  out.byte(I32_OR);
  out.pair(GLOBAL_SET, DIRTY_GLOBAL);
}
