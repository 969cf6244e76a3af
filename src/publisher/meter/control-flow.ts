// Blocks, branches and ways out, written so that every way through the text meets the charge of its region and leaves the
// fuel counter and the depth where the next one looks for them. Code that can never run is not written.

import type { ByteWriter } from '../../core/byte-writer.ts';
import { BLOCK_EMPTY, I32, type CodeReader } from './code-reader.ts';
import type { CompileWork } from './compile-work.ts';
import { costs } from './costs.ts';
import { checkLimit } from './engine-limits.ts';
import { writeDepthExit, writeSpill } from './fuel-code.ts';
import type { FuelCounter } from './fuel-counter.ts';
import type { FuelRegions } from './fuel-regions.ts';
import type { FunctionFrame } from './function-frame.ts';
import type { LabelStack } from './label-stack.ts';
import type { FunctionType } from './module-shape.ts';
import {
  BLOCK,
  BRANCH,
  BRANCH_IF,
  BRANCH_TABLE,
  ELSE,
  END,
  IF,
  LOCAL_GET,
  LOOP,
  NO_RESULT,
  RETURN,
} from './opcodes.ts';
import { IMMEDIATE_OF } from './operator-tables.ts';
import type { WriteMarks } from './write-marks.ts';

const NO_TYPES = new Uint8Array();
const EMPTY_BLOCK: FunctionType = { params: NO_TYPES, results: NO_TYPES };
// Only the number of results matters.
const VALUE_BLOCK: FunctionType = { params: NO_TYPES, results: new Uint8Array([I32]) };

/** The parts of a rewriter that control operators work on. */
export interface ControlParts {
  readonly out: ByteWriter;
  readonly labels: LabelStack;
  readonly regions: FuelRegions;
  readonly counter: FuelCounter;
  readonly work: CompileWork;
  readonly types: readonly FunctionType[];
  /** Absent where writes are not marked. */
  readonly marks: WriteMarks | undefined;
}

/** Writes control operators. Those that never go on, and the end, give true where the function's own end was written. */
export class ControlFlow {
  private readonly out: ByteWriter;
  private readonly labels: LabelStack;
  private readonly regions: FuelRegions;
  private readonly counter: FuelCounter;
  private readonly work: CompileWork;
  private readonly types: readonly FunctionType[];
  private readonly marks: WriteMarks | undefined;
  private reader: CodeReader;
  private frame!: FunctionFrame;

  constructor({ out, labels, regions, counter, work, types, marks }: ControlParts, reader: CodeReader) {
    this.out = out;
    this.labels = labels;
    this.regions = regions;
    this.counter = counter;
    this.work = work;
    this.types = types;
    this.marks = marks;
    this.reader = reader;
  }

  start(reader: CodeReader, frame: FunctionFrame): void {
    this.reader = reader;
    this.frame = frame;
  }

  /** `block`, `loop` or `if`. */
  open(opcode: number): void {
    const { out, labels, regions, counter, work, reader } = this;
    const blockType = reader.blockType();
    const type = this.typeOf(blockType);
    if (opcode === IF) labels.pop(1);
    if (opcode !== BLOCK) counter.holdInLocal();
    if (opcode === LOOP) regions.end();
    out.byte(opcode);
    if (blockType === BLOCK_EMPTY) out.byte(NO_RESULT);
    else if (blockType < BLOCK_EMPTY) out.byte(-2 - blockType);
    else out.signed(blockType);
    work.control(labels.height);
    labels.open(opcode, type);
    this.marks?.openLabel(labels.depth, opcode === LOOP);
    regions.openLabel(labels.depth);
    work.openLabel(labels.depth, type.params.length + type.results.length);
    if (opcode === LOOP) {
      work.loop();
      regions.startLoop();
      // In the loop's own region: each turn pays.
      regions.add(costs.byOperator[LOOP] ?? 0);
      return;
    }
    if (opcode === IF) {
      regions.reach(labels.depth);
      work.arrive(labels.depth);
    }
    regions.goOn();
  }

  /** The end of an if's first arm; `alive` where control can reach it. */
  else(alive: boolean): void {
    const { out, labels, regions } = this;
    const { depth } = labels;
    if (labels.opcode() !== IF) throw this.reader.fault('an else without an if');
    this.work.control(labels.height);
    if (alive) this.reachEnd();
    const together = alive && regions.isOpenedHere(depth);
    if (alive && !together) regions.end();
    out.byte(ELSE);
    labels.openElse(ELSE);
    this.marks?.leaveLabel(depth);
    if (together) {
      this.counter.charged();
      regions.goOn();
    } else {
      regions.startAfter(depth);
    }
  }

  /** The end of a block. */
  end(alive: boolean): boolean {
    const { out, labels, regions } = this;
    const { depth } = labels;
    this.work.control(labels.height);
    this.work.closeLabel(depth);
    if (depth === 0) {
      this.endFunction(alive);
      return true;
    }
    this.marks?.leaveLabel(depth);
    const joins = regions.isReached(depth) && !labels.isLoop(depth);
    const fromHere = regions.isReachedFromHere(depth);
    if (alive && joins) this.reachEnd();
    else if (alive) labels.checkEnd();
    const together = alive && (!joins || fromHere);
    if (alive && !together) regions.end();
    out.byte(END);
    if (together) {
      regions.meet(depth);
      if (joins) this.counter.charged();
    } else {
      regions.startAfter(depth);
    }
    labels.close();
    if (together) regions.goOn();
    return false;
  }

  branch(): boolean {
    const { labels, counter, out } = this;
    const label = labels.read();
    labels.pop(labels.arity(label));
    if (label === 0) this.exit();
    else counter.holdInLocal();
    out.indexed(BRANCH, labels.depth - label);
    this.target(label);
    return this.leave();
  }

  branchIf(): void {
    const { labels, regions, out } = this;
    const label = labels.read();
    const arity = labels.arity(label);
    labels.pop(1 + arity);
    labels.push(arity);
    this.counter.holdInLocal();
    out.indexed(BRANCH_IF, labels.depth - label);
    if (labels.isLoop(label)) {
      this.work.control(labels.height);
      this.work.arrive(label);
      // What comes after is for the last round only.
      regions.end();
      return;
    }
    this.target(label);
    regions.goOn();
  }

  branchTable(): boolean {
    const { reader, out, labels } = this;
    const count = reader.u32();
    checkLimit('branchTableLabels', count);
    labels.pop(1);
    this.counter.holdInLocal();
    out.byte(BRANCH_TABLE);
    out.u32(count);
    const labelsStart = reader.offset;
    for (let entry = 0; entry <= count; entry += 1) {
      const label = labels.read();
      out.u32(labels.depth - label);
      if (entry === count) labels.pop(labels.arity(label));
    }
    reader.offset = labelsStart;
    this.work.table();
    for (let entry = 0; entry <= count; entry += 1) {
      const label = labels.read();
      this.work.tableLabel(label, labels.height);
      this.reachTarget(label);
    }
    return this.leave();
  }

  return(): boolean {
    const { out, labels } = this;
    labels.pop(labels.arity(0));
    this.work.control(labels.height);
    this.work.arrive(0);
    this.exit();
    if (this.frame.wrapped) out.indexed(BRANCH, labels.depth);
    else out.byte(RETURN);
    return this.leave();
  }

  /**
   * After an operator that never goes on: writes nothing of what cannot run, up to the else or end that control can
   * reach.
   */
  leave(): boolean {
    const { reader } = this;
    this.regions.end();
    let nested = 0;
    for (;;) {
      const id = reader.operator();
      if (id === END || (id === ELSE && nested === 0)) {
        if (nested === 0) {
          if (id === END) return this.end(false);
          this.else(false);
          return false;
        }
        nested -= 1;
      } else if (id === BLOCK || id === LOOP || id === IF) {
        nested += 1;
      }
      reader.skipImmediates(IMMEDIATE_OF[id] ?? 0);
    }
  }

  private endFunction(alive: boolean): void {
    const { out, labels, frame } = this;
    if (alive) {
      labels.checkEnd();
      this.exit();
    }
    this.regions.end();
    if (frame.wrapped) out.byte(END);
    if (alive || frame.wrapped) {
      const { place } = this.counter;
      const spills = place.mode === 'local' && !frame.handedFuel;
      if (spills && frame.wrapped && !frame.spillsAtExits) writeSpill(out, place);
      if (frame.countsDepth) writeDepthExit(out, frame.depthLocal);
      if (frame.handedFuel) out.indexed(LOCAL_GET, place.local);
    }
    out.byte(END);
    this.reader.expectDone('a function body');
  }

  /** In front of a way out of the function: the counter goes where the function's end looks for it. */
  private exit(): void {
    const { frame, counter } = this;
    if (frame.handedFuel || (frame.wrapped && !frame.spillsAtExits)) counter.holdInLocal();
    else counter.holdInGlobal();
  }

  /** Control falls through to the end of a label that is reached in other ways as well. */
  private reachEnd(): void {
    this.labels.checkEnd();
    this.counter.holdInLocal();
    this.regions.reach(this.labels.depth);
  }

  private target(label: number): void {
    this.work.control(this.labels.height);
    this.work.arrive(label);
    this.reachTarget(label);
  }

  private reachTarget(label: number): void {
    if (!this.labels.isLoop(label)) this.regions.reach(label);
  }

  private typeOf(blockType: number): FunctionType {
    if (blockType === BLOCK_EMPTY) return EMPTY_BLOCK;
    if (blockType < BLOCK_EMPTY) return VALUE_BLOCK;
    const type = this.types[blockType];
    if (type === undefined) throw this.reader.fault(`an unknown type ${blockType}`);
    return type;
  }
}
