// The cost table: costs.json, checked when it is loaded and spread over operator ids. Owns what a unit of fuel buys.
// The table defines results, so it carries a version, which goes into the artifact's manifest.

import table from './costs.json' with { type: 'json' };
import { OPERATORS, OPERATOR_IDS } from './operators.ts';

/** Classes that the rewriter charges itself, besides those that the operator table names. */
const EXTRA_CLASSES = ['function_entry', 'imported_call'] as const;

/** Operators whose work grows with an operand: what they pay per 1024 units of it. */
export type LengthClass = keyof typeof table.lengths;

/** Fuel in whole units everywhere; `...Per1024` is for 1024 units of length, rounded down at the end. */
export interface Costs {
  /** Grows with every change of a number. */
  readonly version: number;
  /** By operator id. Zero for ids that are no operator. */
  readonly byOperator: Uint32Array;
  readonly functionEntry: number;
  readonly importedCall: number;
  readonly entryPer1024Locals: number;
  readonly entryPer1024FrameBytes: number;
  readonly lengthPer1024: Readonly<Record<LengthClass, number>>;
  /** What making one core instance costs, by what its module declares. */
  readonly instance: Readonly<Record<keyof typeof table.instance, number>>;
}

/**
 * Largest number in the table. A length is below 2^32 and the product must stay below 2^63; and no block's sum can
 * leave what a double holds exactly (7,654,321 bytes of body).
 */
const MAX_FUEL = 2 ** 24;

/** The cost table of this version. A fault in costs.json throws here, when the process starts. */
export const costs: Costs = {
  version: positive('version', table.version),
  byOperator: spread(),
  functionEntry: fuelOf('function_entry'),
  importedCall: fuelOf('imported_call'),
  entryPer1024Locals: positive('locals', table.entry.fuelPer1024Locals.fuel),
  entryPer1024FrameBytes: positive('frame bytes', table.entry.fuelPer1024FrameBytes.fuel),
  lengthPer1024: Object.fromEntries(
    Object.entries(table.lengths).map(([name, { fuelPer1024 }]) => [name, positive(name, fuelPer1024)]),
  ) as Record<LengthClass, number>,
  instance: Object.fromEntries(
    Object.entries(table.instance).map(([name, { fuel }]) => [name, positive(name, fuel)]),
  ) as Record<keyof typeof table.instance, number>,
};

function spread(): Uint32Array {
  const byOperator = new Uint32Array(OPERATOR_IDS);
  const unused = new Set<string>(Object.keys(table.classes));
  for (const name of EXTRA_CLASSES) unused.delete(name);
  for (const { id, cost } of OPERATORS) {
    byOperator[id] = fuelOf(cost);
    unused.delete(cost);
  }
  if (unused.size > 0) throw new TypeError(`cost table: no operator is of class ${[...unused].join(', ')}`);
  return byOperator;
}

function fuelOf(name: string): number {
  const entry = (table.classes as Record<string, { fuel: number }>)[name];
  if (entry === undefined) throw new TypeError(`cost table: class ${name} is missing`);
  // A branch that costs nothing would be an endless loop that costs nothing.
  return name === 'nop' && entry.fuel === 0 ? 0 : positive(name, entry.fuel);
}

function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > MAX_FUEL) {
    throw new TypeError(`cost table: ${name} is ${value}`);
  }
  return value;
}
