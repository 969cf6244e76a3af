// The first walk over a function's body: what the second one must know before it writes the function's start. Code that
// can never run counts as well, which only makes the answers more careful.

import { costs } from './costs.ts';
import { checkLimit } from './engine-limits.ts';
import { I32, type CodeReader } from './code-reader.ts';
import { BULK_OPERATORS, GROW_OPERATORS } from './length-charges.ts';
import { BLOCK, BRANCH, BRANCH_IF, BRANCH_TABLE, END, IF, LOOP, MEMORY_GROW, RETURN } from './opcodes.ts';
import { IMMEDIATE_CODE, IMMEDIATE_OF, IS_VECTOR, NAN_RESULT } from './operator-tables.ts';
import { ID_FC } from './operators.ts';
import { STORED_TYPE } from './write-marks.ts';

/** What a body holds. Counts are of operators in the text, not of how often they run. */
export interface FunctionTraits {
  calls: number;
  loops: number;
  /** Branches to the function's own label, and returns. */
  exits: number;
  /** Those of them that may also go on: `br_if` and `br_table`. */
  conditionalExits: number;
  /** Fuel of every operator once, charges by length not counted. */
  fuel: number;
  /** Whether a vector operator occurs; vector parameters and locals are the caller's to add. */
  vectors: boolean;
  /** Bit `1 << shape` for each shape of lanes that needs canonical NaNs. */
  nanShapes: number;
  /** Operators that are charged by an operand. */
  lengths: number;
  grows: number;
  /** Value types that a mark may have to move aside, and i32 for bulk operators; empty where writes are not marked. */
  readonly markedTypes: Set<number>;
}

/** Reads a body's operators from `reader`'s place up to its end, which must be the function's last `end`. */
export function scanFunction(reader: CodeReader, marksWrites: boolean): FunctionTraits {
  const traits: FunctionTraits = {
    calls: 0,
    loops: 0,
    exits: 0,
    conditionalExits: 0,
    fuel: 0,
    vectors: false,
    nanShapes: 0,
    lengths: 0,
    grows: 0,
    markedTypes: new Set(),
  };
  let depth = 0;
  for (;;) {
    const id = reader.operator();
    traits.fuel += costs.byOperator[id] ?? 0;
    switch (id) {
      case BLOCK:
      case LOOP:
      case IF:
        depth += 1;
        checkLimit('blockDepth', depth);
        if (id === LOOP) traits.loops += 1;
        reader.blockType();
        break;
      case END:
        if (depth === 0) {
          reader.expectDone('a function body');
          return traits;
        }
        depth -= 1;
        break;
      case BRANCH:
      case BRANCH_IF:
        if (reader.u32() === depth) {
          traits.exits += 1;
          if (id === BRANCH_IF) traits.conditionalExits += 1;
        }
        break;
      case BRANCH_TABLE: {
        const count = reader.u32();
        checkLimit('branchTableLabels', count);
        for (let label = 0; label <= count; label += 1) {
          if (reader.u32() !== depth) continue;
          traits.exits += 1;
          traits.conditionalExits += 1;
        }
        break;
      }
      case RETURN:
        traits.exits += 1;
        break;
      default: {
        const kind = IMMEDIATE_OF[id] ?? 0;
        if (kind === IMMEDIATE_CODE.function || kind === IMMEDIATE_CODE.indirect) traits.calls += 1;
        if (IS_VECTOR[id] === 1) traits.vectors = true;
        const shape = NAN_RESULT[id] ?? 0;
        if (shape !== 0) traits.nanShapes |= 1 << shape;
        if (marksWrites) {
          const type = STORED_TYPE[id] ?? 0;
          if (type !== 0) traits.markedTypes.add(type);
          if (BULK_OPERATORS.get(id)?.writesMemory === true) traits.markedTypes.add(I32);
        }
        if (id === MEMORY_GROW || id >= ID_FC) {
          const grows = GROW_OPERATORS.has(id);
          if (grows) traits.grows += 1;
          if (grows || BULK_OPERATORS.has(id)) traits.lengths += 1;
        }
        reader.skipImmediates(kind);
      }
    }
  }
}
