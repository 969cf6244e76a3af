// The first walk over a function's body: what the second one must know before it writes the function's start. Code that
// can never run counts as well, which only makes the answers more careful.

import { costs } from './costs.ts';
import { checkLimit } from './engine-limits.ts';
import { BLOCK_EMPTY, I32, type CodeReader } from './code-reader.ts';
import { BULK_OPERATORS, GROW_OPERATORS } from './length-charges.ts';
import type { FunctionType, ModuleShape } from './module-shape.ts';
import {
  BLOCK,
  BRANCH,
  BRANCH_IF,
  BRANCH_TABLE,
  CALL,
  CALL_INDIRECT,
  ELSE,
  END,
  IF,
  LOOP,
  MEMORY_GROW,
  REF_FUNC,
  RETURN,
} from './opcodes.ts';
import { IMMEDIATE_OF, IS_VECTOR, NAN_RESULT, POPS, PUSHES } from './operator-tables.ts';
import { ID_FC } from './operators.ts';
import { STORED_TYPE } from './write-marks.ts';

/** What a body holds. Counts are of operators in the text, not of how often they run. */
export interface FunctionTraits {
  calls: number;
  /** Functions that it calls by their index, imported ones among them. */
  callees: ReadonlySet<number>;
  /** Whether it calls through a table. */
  callsIndirectly: boolean;
  /** Functions to which it takes a reference. */
  references: ReadonlySet<number>;
  /** Most operands on the stack, or more: never less than what the second walk finds. */
  highest: number;
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
  markedTypes: ReadonlySet<number>;
}

/** Reads a body's operators from `reader`'s place up to its end, which must be the function's last `end`. */
export function scanFunction(reader: CodeReader, shape: ModuleShape, marksWrites: boolean): FunctionTraits {
  const traits: FunctionTraits = {
    calls: 0,
    callees: NONE,
    callsIndirectly: false,
    references: NONE,
    highest: 0,
    loops: 0,
    exits: 0,
    conditionalExits: 0,
    fuel: 0,
    vectors: false,
    nanShapes: 0,
    lengths: 0,
    grows: 0,
    markedTypes: NONE,
  };
  let depth = 0;
  const operands = new OperandCount(traits);
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
        if (id === IF) operands.pop(1);
        operands.open(blockTypeOf(reader.blockType(), shape));
        break;
      case ELSE:
        operands.else();
        break;
      case END:
        if (depth === 0) {
          reader.expectDone('a function body');
          return traits;
        }
        depth -= 1;
        operands.close();
        break;
      case BRANCH:
      case BRANCH_IF:
        if (id === BRANCH_IF) operands.pop(1);
        if (reader.u32() === depth) {
          traits.exits += 1;
          if (id === BRANCH_IF) traits.conditionalExits += 1;
        }
        break;
      case BRANCH_TABLE: {
        operands.pop(1);
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
      case CALL: {
        const callee = reader.u32();
        traits.calls += 1;
        traits.callees = including(traits.callees, callee);
        operands.call(shape.types[shape.functions[callee] ?? -1]);
        break;
      }
      case CALL_INDIRECT:
        traits.calls += 1;
        traits.callsIndirectly = true;
        operands.pop(1);
        operands.call(shape.types[reader.u32()]);
        reader.u32();
        break;
      case REF_FUNC:
        traits.references = including(traits.references, reader.u32());
        operands.push(1);
        break;
      default: {
        operands.pop(POPS[id] ?? 0);
        operands.push(PUSHES[id] ?? 0);
        if (IS_VECTOR[id] === 1) traits.vectors = true;
        const shape = NAN_RESULT[id] ?? 0;
        if (shape !== 0) traits.nanShapes |= 1 << shape;
        if (marksWrites) {
          const type = STORED_TYPE[id] ?? 0;
          if (type !== 0) traits.markedTypes = including(traits.markedTypes, type);
          if (BULK_OPERATORS.get(id)?.writesMemory === true) {
            traits.markedTypes = including(traits.markedTypes, I32);
          }
        }
        if (id === MEMORY_GROW || id >= ID_FC) {
          const grows = GROW_OPERATORS.has(id);
          if (grows) traits.grows += 1;
          if (grows || BULK_OPERATORS.has(id)) traits.lengths += 1;
        }
        reader.skipImmediates(IMMEDIATE_OF[id] ?? 0);
      }
    }
  }
}

/** Most functions' sets are empty, and all functions' are kept at once. */
const NONE: ReadonlySet<number> = new Set();

function including(set: ReadonlySet<number>, value: number): ReadonlySet<number> {
  return set === NONE ? new Set([value]) : (set as Set<number>).add(value);
}

const NO_TYPE = { params: new Uint8Array(), results: new Uint8Array() };
const VALUE_TYPE = { params: new Uint8Array(), results: new Uint8Array(1) };

/** A block's type, of which only the numbers of values matter; the second walk refuses unknown ones. */
function blockTypeOf(blockType: number, { types }: ModuleShape): FunctionType {
  if (blockType === BLOCK_EMPTY) return NO_TYPE;
  return blockType < BLOCK_EMPTY ? VALUE_TYPE : (types[blockType] ?? NO_TYPE);
}

/**
 * Counts operands as the second walk does, where control can come. Where it cannot, operands may be missing: a block's
 * height is never below its start, and is known again behind its end.
 */
class OperandCount {
  private readonly traits: FunctionTraits;
  private readonly bases: number[] = [0];
  private readonly types: FunctionType[] = [NO_TYPE];
  private height = 0;
  private base = 0;

  constructor(traits: FunctionTraits) {
    this.traits = traits;
  }

  pop(count: number): void {
    this.height = Math.max(this.base, this.height - count);
  }

  push(count: number): void {
    this.height += count;
    if (this.height > this.traits.highest) this.traits.highest = this.height;
  }

  call(type: FunctionType | undefined): void {
    this.pop(type?.params.length ?? 0);
    this.push(type?.results.length ?? 0);
  }

  open(type: FunctionType): void {
    this.pop(type.params.length);
    this.base = this.height;
    this.bases.push(this.base);
    this.types.push(type);
    this.push(type.params.length);
  }

  else(): void {
    this.height = this.base;
    this.push(this.types.at(-1)?.params.length ?? 0);
  }

  close(): void {
    this.height = this.base;
    this.bases.pop();
    this.base = this.bases.at(-1) ?? 0;
    this.push(this.types.pop()?.results.length ?? 0);
  }
}
