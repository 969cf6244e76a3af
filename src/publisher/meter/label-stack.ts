// The guest's operand stack, as a height, and its labels. Refuses what takes an operand or names a label that is not
// there, so that nothing of the guest's can reach what metering keeps on the stack or the block it puts around a body.
// Of types it knows only how many values there are; the engine knows the rest.

import type { CodeReader } from './code-reader.ts';
import type { FunctionType } from './module-shape.ts';
import { BLOCK, LOOP } from './opcodes.ts';
import { OperandOrigins } from './operand-origins.ts';

const NO_TYPES = new Uint8Array();
const UNKNOWN: FunctionType = { params: NO_TYPES, results: NO_TYPES };

/** Operands and labels, innermost last. Label 0 is the function's own. */
export class LabelStack {
  /** Operands on the stack, and the most there were. */
  height = 0;
  highest = 0;
  /** The innermost label. */
  depth = -1;
  /** Where operands come from, by height. */
  readonly origins = new OperandOrigins();
  private reader: CodeReader;
  private readonly opcodes: number[] = [];
  private readonly bases: number[] = [];
  private readonly types: FunctionType[] = [];

  constructor(reader: CodeReader) {
    this.reader = reader;
  }

  /** A function's body starts, which `reader` stands in front of. */
  start(reader: CodeReader, results: Uint8Array): void {
    this.reader = reader;
    this.height = 0;
    this.highest = 0;
    this.depth = -1;
    this.open(BLOCK, { params: NO_TYPES, results });
  }

  /** Takes the block's parameters, opens a label, and puts them on its stack. */
  open(opcode: number, type: FunctionType): void {
    this.pop(type.params.length);
    this.depth += 1;
    this.opcodes[this.depth] = opcode;
    this.bases[this.depth] = this.height;
    this.types[this.depth] = type;
    this.push(type.params.length);
  }

  /** The other arm of the innermost `if` starts. */
  openElse(opcode: number): void {
    this.opcodes[this.depth] = opcode;
    this.height = this.base + this.type.params.length;
  }

  /** Closes the innermost label and leaves its results. */
  close(): void {
    const { results } = this.type;
    this.height = this.base;
    this.depth -= 1;
    this.push(results.length);
  }

  pop(count: number): void {
    this.height -= count;
    if (this.height < this.base) throw this.reader.fault('an operand that is missing');
  }

  push(count: number): void {
    this.origins.push(this.height, this.height + count);
    this.height += count;
    if (this.height > this.highest) this.highest = this.height;
  }

  /** At the innermost label's end: its results are there and nothing else. */
  checkEnd(): void {
    if (this.height !== this.base + this.type.results.length) {
      throw this.reader.fault('a block that leaves more or less than its results');
    }
  }

  /** Reads a label and gives its place on the stack. */
  read(): number {
    const label = this.reader.u32();
    if (label > this.depth) throw this.reader.fault(`an unknown label ${label}`);
    return this.depth - label;
  }

  opcode(label = this.depth): number {
    return this.opcodes[label] ?? BLOCK;
  }

  isLoop(label: number): boolean {
    return this.opcodes[label] === LOOP;
  }

  /** How many values a branch to `label` takes. */
  arity(label: number): number {
    const type = this.types[label] ?? UNKNOWN;
    return this.isLoop(label) ? type.params.length : type.results.length;
  }

  private get base(): number {
    return this.bases[this.depth] ?? 0;
  }

  private get type(): FunctionType {
    return this.types[this.depth] ?? UNKNOWN;
  }
}
