// What a function gets around its body: inserted locals, the charge on entry, the depth of the stack on entry and on the
// way out. A frame's size is not known before the body was walked, so the entry is written last, in front of it.

import type { ByteWriter } from '../../core/byte-writer.ts';
import {
  FRAME_BASE_BYTES,
  HANDED_FUEL_BYTES,
  UNCHECKED_CALL_FUEL,
  UNCHECKED_FUEL,
  UNCHECKED_LEAF_FUEL,
} from './check-policy.ts';
import type { FunctionCalls } from './call-plan.ts';
import { F32, F64, I32, I64, V128, type CodeReader } from './code-reader.ts';
import { costs } from './costs.ts';
import { checkLimit } from './engine-limits.ts';
import { writeCharge, writeDepthEntry, writeLocalEntry, type FuelPlace } from './fuel-code.ts';
import type { FunctionTraits } from './function-scan.ts';
import type { LengthLocals } from './length-charges.ts';
import type { FunctionType } from './module-shape.ts';
import { MARKED_TYPES, type MarkLocals } from './write-marks.ts';
import { NAN_F32, NAN_F32X4, NAN_F64, NAN_F64X2 } from './operator-tables.ts';

/** A function's own locals, its parameters first. */
export interface GuestLocals {
  readonly groups: number;
  readonly total: number;
  readonly declared: number;
  /** How many are vectors. */
  readonly vectors: number;
}

/** How a function is metered, and its inserted locals, which come after its own. */
export interface FunctionFrame {
  readonly place: FuelPlace;
  /** Whether the counter comes as the last parameter, and goes as the last result. */
  readonly handedFuel: boolean;
  /** Whether the counter is looked at on entry. If not, the function has no use for it but to charge. */
  readonly checked: boolean;
  /** Most fuel between two checks. */
  readonly uncheckedFuel: number;
  /** Whether the frame is taken off the depth; `depthLocal` keeps the depth from before. */
  readonly countsDepth: boolean;
  readonly depthLocal: number;
  readonly lengths: LengthLocals;
  readonly marks: MarkLocals;
  /** By shape of lanes. */
  readonly nanLocals: readonly number[];
  /** Whether there is a block around the body, whose end is the one way out. */
  readonly wrapped: boolean;
  /** Whether the counter is written back where a way out starts, not at that block's end. */
  readonly spillsAtExits: boolean;
}

/** Reads the declarations of locals, which `reader` stands in front of. */
export function readLocals(reader: CodeReader, type: FunctionType): GuestLocals {
  const groups = reader.u32();
  let declared = 0;
  let vectors = countVectors(type.params);
  for (let group = 0; group < groups; group += 1) {
    const count = reader.u32();
    declared += count;
    checkLimit('localCount', type.params.length + declared);
    if (reader.valueType() === V128) vectors += count;
  }
  return { groups, total: type.params.length + declared, declared, vectors };
}

/** Chooses how the function is metered and gives out the inserted locals. */
export function planFrame(
  traits: FunctionTraits,
  locals: GuestLocals,
  type: FunctionType,
  { countsDepth, handedFuel, handsFuelOn }: FunctionCalls,
): FunctionFrame {
  const leaf = traits.calls === 0;
  // 32: what the frame's size adds where it is not counted.
  const mostFuel = traits.fuel + locals.declared + costs.functionEntry + 32;
  const checked = !leaf || traits.loops > 0 || traits.lengths > 0 || mostFuel > UNCHECKED_CALL_FUEL;
  const mode = traits.loops > 0 || handedFuel || handsFuelOn ? 'local' : 'global';
  const wrapped = (countsDepth || mode === 'local') && traits.exits > 0;
  let next = locals.total + (handedFuel ? 1 : 0);
  const take = (wanted: boolean): number => (wanted ? next++ : next);
  const fuelLocal = handedFuel ? type.params.length : take(checked);
  const depthLocal = take(countsDepth);
  const length = take(traits.lengths > 0);
  const result = take(traits.grows > 0);
  const address = take(traits.markedTypes.size > 0);
  const values = new Map(markedTypes(traits).map((stored) => [stored, take(true)]));
  const nanLocals = [0, 0, 0, 0, 0];
  for (const shape of [NAN_F32, NAN_F64]) nanLocals[shape] = take(hasShape(traits, shape));
  nanLocals[NAN_F32X4] = nanLocals[NAN_F64X2] = take(hasVectorNans(traits));
  checkLimit('localCount', next);
  return {
    place: { mode, local: fuelLocal },
    handedFuel,
    checked,
    uncheckedFuel: leaf ? UNCHECKED_LEAF_FUEL : UNCHECKED_FUEL,
    countsDepth,
    depthLocal,
    lengths: { length, result },
    marks: { address, values },
    nanLocals,
    wrapped,
    // With an exit that may also go on, spilling there would cost those who go on; the end spills for all then.
    spillsAtExits: mode === 'local' && !handedFuel && wrapped && traits.conditionalExits === 0,
  };
}

/** The local that is the guest's own number `local`, in a function of type `type`: a handed counter stands among them. */
export function guestLocal(local: number, type: FunctionType, { handedFuel }: FunctionFrame): number {
  return handedFuel && local >= type.params.length ? local + 1 : local;
}

/** Writes the declarations of locals again, which `reader` stands in front of, and the inserted ones. */
export function writeLocals(
  out: ByteWriter,
  reader: CodeReader,
  frame: FunctionFrame,
  traits: FunctionTraits,
): void {
  const added: number[] = [];
  if (frame.checked && !frame.handedFuel) added.push(1, I64);
  const words = (frame.countsDepth ? 1 : 0) + (traits.lengths > 0 ? 1 : 0) + (traits.grows > 0 ? 1 : 0);
  if (words > 0) added.push(words, I32);
  if (traits.markedTypes.size > 0) added.push(1, I32);
  for (const type of markedTypes(traits)) added.push(1, type);
  if (hasShape(traits, NAN_F32)) added.push(1, F32);
  if (hasShape(traits, NAN_F64)) added.push(1, F64);
  if (hasVectorNans(traits)) added.push(1, V128);
  const groups = reader.u32();
  out.u32(groups + added.length / 2);
  for (let group = 0; group < groups; group += 1) {
    out.u32(reader.u32());
    out.byte(reader.byte());
  }
  for (const byte of added) out.byte(byte);
}

/** What the walk over a body found out that its entry needs. */
export interface WalkedBody {
  /** Most operands on the stack. */
  readonly highest: number;
  /** The first region's cost. */
  readonly fuel: number;
}

/** Writes what runs on entry. */
export function writeEntry(
  out: ByteWriter,
  frame: FunctionFrame,
  traits: FunctionTraits,
  locals: GuestLocals,
  type: FunctionType,
  moduleHasVectors: boolean,
  body: WalkedBody,
): void {
  // What a tree may take of the stack was decided by it.
  if (body.highest > traits.highest) throw new RangeError('a frame is larger than was planned');
  const frameBytes = frameBytesOf(traits, locals, type, moduleHasVectors, body.highest);
  const fuel =
    body.fuel +
    costs.functionEntry +
    Math.floor(
      (costs.entryPer1024Locals * locals.declared + costs.entryPer1024FrameBytes * frameBytes) / 1024,
    );
  if (frame.place.mode === 'local' && !frame.handedFuel) writeLocalEntry(out, frame.place, fuel);
  else writeCharge(out, frame.place, fuel, frame.checked);
  // Not charged for: what a call costs does not depend on who else can make it.
  const handedBytes = frame.handedFuel ? HANDED_FUEL_BYTES : 0;
  if (frame.countsDepth) writeDepthEntry(out, frame.depthLocal, frameBytes + handedBytes);
}

/**
 * Bytes of a frame with `highest` operands at most: an upper bound of what its text needs. Optimizing engines may keep more
 * (docs/sandbox.md, "What is left"): then their own check ends the call.
 */
export function frameBytesOf(
  traits: FunctionTraits,
  locals: GuestLocals,
  type: FunctionType,
  moduleHasVectors: boolean,
  highest: number,
): number {
  // A vector, which may be one of the marked types, takes two.
  const inserted = 8 + (traits.markedTypes.size > 0 ? traits.markedTypes.size + 2 : 0);
  const slots = 2 * type.params.length + locals.declared + type.results.length + inserted;
  const vectors = 2 * locals.vectors + countVectors(type.results) + (hasVectorNans(traits) ? 1 : 0);
  const wide = traits.vectors || moduleHasVectors || vectors > 0;
  return FRAME_BASE_BYTES + 8 * (slots + vectors) + highest * (wide ? 16 : 8);
}

/** Value types that marks move aside, in the order of their inserted locals. */
function markedTypes({ markedTypes: types }: FunctionTraits): number[] {
  return MARKED_TYPES.filter((type) => types.has(type));
}

function hasShape(traits: FunctionTraits, shape: number): boolean {
  return (traits.nanShapes & (1 << shape)) !== 0;
}

function hasVectorNans(traits: FunctionTraits): boolean {
  return traits.nanShapes >> NAN_F32X4 !== 0;
}

/** By a type's values: there may be a thousand of them, and any number of functions of that type. */
const vectorCounts = new WeakMap<Uint8Array, number>();

function countVectors(types: Uint8Array): number {
  const known = vectorCounts.get(types);
  if (known !== undefined) return known;
  let vectors = 0;
  for (const type of types) if (type === V128) vectors += 1;
  vectorCounts.set(types, vectors);
  return vectors;
}
