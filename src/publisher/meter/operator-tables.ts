// The operator table spread over ids, so that the walk over a body looks up numbers and makes no objects.

import { IMMEDIATES, OPERATORS, OPERATOR_IDS, type Immediate } from './operators.ts';

/** An {@link Immediate} as a number: its place in {@link IMMEDIATES}. */
export const IMMEDIATE_CODE = Object.fromEntries(IMMEDIATES.map((name, code) => [name, code])) as Record<
  Immediate,
  number
>;

/** Marks an id that is no supported operator in {@link IMMEDIATE_OF}. */
export const NOT_AN_OPERATOR = 0xff;

/** By operator id: the code of its immediates, or {@link NOT_AN_OPERATOR}. */
export const IMMEDIATE_OF = new Uint8Array(OPERATOR_IDS).fill(NOT_AN_OPERATOR);

/** By operator id: operands taken and given. Zero for operators whose effect the walk knows. */
export const POPS = new Uint8Array(OPERATOR_IDS);
export const PUSHES = new Uint8Array(OPERATOR_IDS);

/** How a result that may be a NaN of any payload is made canonical: the shape of its lanes. */
export const NAN_NONE = 0;
export const NAN_F32 = 1;
export const NAN_F64 = 2;
export const NAN_F32X4 = 3;
export const NAN_F64X2 = 4;

/** By operator id: one of the `NAN_…` shapes. */
export const NAN_RESULT = new Uint8Array(OPERATOR_IDS);

/**
 * By operator id: 1 where no payload of a scalar float operand shows in the result, canonicalised if need be. Not set
 * for vector operators: their operands may be seen in lanes of another shape.
 */
export const NAN_BLIND = new Uint8Array(OPERATOR_IDS);

/** By operator id: 1 where it works on vectors. */
export const IS_VECTOR = new Uint8Array(OPERATOR_IDS);

for (const { id, name, immediate, pops, pushes, nan } of OPERATORS) {
  IMMEDIATE_OF[id] = IMMEDIATE_CODE[immediate];
  POPS[id] = pops.length;
  PUSHES[id] = pushes.length;
  IS_VECTOR[id] = /v/.test(pops + pushes) ? 1 : 0;
  if (nan === 'canon') NAN_RESULT[id] = shapeOf(name);
  if (nan !== 'bits' && IS_VECTOR[id] === 0) NAN_BLIND[id] = 1;
}

function shapeOf(name: string): number {
  const shape = { 'f32.': NAN_F32, 'f64.': NAN_F64, f32x4: NAN_F32X4, f64x2: NAN_F64X2 }[
    /^f(?:32x4|64x2|32\.|64\.)/.exec(name)?.[0] ?? ''
  ];
  if (shape === undefined) throw new TypeError(`operator table: ${name} gives no float`);
  return shape;
}
