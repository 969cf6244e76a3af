// The second walk over a function's body: writes it again with charges, checks and canonical NaNs in it.
//
// Trusts that the module is valid only in this: if it is not, the engine refuses what is written here, or what made it
// invalid is not written (code that can never run). Every index that could meet an inserted local, global, label or type
// is checked.

import { DIRTY, METER_GLOBALS } from '../../artifact/meter-abi.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import { writeNanGuard } from './canonical-nan.ts';
import type { FunctionCalls, FunctionText } from './call-plan.ts';
import { CodeReader, EXTERNREF, FUNCREF, I32, V128 } from './code-reader.ts';
import type { CompileWork } from './compile-work.ts';
import { ControlFlow } from './control-flow.ts';
import { costs } from './costs.ts';
import { checkLimit } from './engine-limits.ts';
import { writeDirty } from './fuel-code.ts';
import { FuelCounter } from './fuel-counter.ts';
import { FuelRegions } from './fuel-regions.ts';
import { guestLocal, planFrame, writeEntry, writeLocals, type FunctionFrame } from './function-frame.ts';
import { LabelStack } from './label-stack.ts';
import { BULK_OPERATORS, LengthCharges } from './length-charges.ts';
import type { FunctionType, ModuleShape } from './module-shape.ts';
import {
  BLOCK,
  BRANCH,
  BRANCH_IF,
  BRANCH_TABLE,
  CALL,
  CALL_INDIRECT,
  DATA_DROP,
  ELEM_DROP,
  ELSE,
  END,
  GLOBAL_GET,
  GLOBAL_SET,
  I32_CONST,
  IF,
  LOCAL_GET,
  LOCAL_SET,
  LOCAL_TEE,
  LOOP,
  MEMORY_GROW,
  NO_RESULT,
  NOP,
  REF_FUNC,
  RETURN,
  TABLE_GROW,
  TABLE_SET,
  UNREACHABLE,
} from './opcodes.ts';
import { copyOperator } from './operator-copy.ts';
import { NAN_NONE, NAN_RESULT, POPS, PUSHES } from './operator-tables.ts';
import { ID_FC } from './operators.ts';
import { STORED_TYPE, WriteMarks, type MarkTarget } from './write-marks.ts';

/** What a function's rewriting needs to know of its module, or asks of it. */
export interface RewriterContext {
  readonly shape: ModuleShape;
  /** Whether a function type or global holds a vector. */
  readonly vectors: boolean;
  /** Pages that the memory may have; 0 where there is none. */
  readonly memoryMaximum: number;
  /** Elements that each table may have. */
  readonly tableMaxima: readonly number[];
  /** Whether function `index` is handed the fuel counter by those who call it. */
  readonly isHandedFuel: (index: number) => boolean;
  /** The function to name where the guest takes a reference to function `index`. */
  readonly referencedFunction: (index: number) => number;
  /** The index of this type, for a block; the type is made if need be. */
  readonly typeIndex: (type: FunctionType) => number;
  /** Undefined where writes are not marked. */
  readonly marks: MarkTarget | undefined;
  /** Counts what the bodies cost to compile. */
  readonly work: CompileWork;
}

const GLOBALS = METER_GLOBALS.length;
const NO_TYPES = new Uint8Array();

/** Writes metered bodies. One for a module; its buffers are used again for every function. */
export class FunctionRewriter {
  private readonly context: RewriterContext;
  private readonly out = new ByteWriter(1 << 16);
  private readonly head = new ByteWriter();
  private readonly counter: FuelCounter;
  private readonly labels: LabelStack;
  private readonly regions: FuelRegions;
  private readonly control: ControlFlow;
  private readonly lengths: LengthCharges;
  private readonly marks: WriteMarks | undefined;
  /** By the results of a function type: of many values and many functions, the search for it is slow. */
  private readonly wrapperTypes = new Map<Uint8Array, number>();

  // The function at hand.
  private reader: CodeReader;
  private localCount = 0;
  private type: FunctionType = { params: NO_TYPES, results: NO_TYPES };
  private frame!: FunctionFrame;
  private nanLocals: readonly number[] = [];

  constructor(context: RewriterContext) {
    const { out } = this;
    const { shape } = context;
    this.context = context;
    this.reader = new CodeReader(shape.bytes, 0, 0);
    this.counter = new FuelCounter(out);
    this.labels = new LabelStack(this.reader);
    this.regions = new FuelRegions(out, this.counter, this.reader, shape.importedFunctions);
    const { labels, regions, counter } = this;
    const { work } = context;
    const marks = context.marks && new WriteMarks(out, labels, work, context.marks);
    this.marks = marks;
    this.control = new ControlFlow(
      { out, labels, regions, counter, work, types: shape.types, marks },
      this.reader,
    );
    this.lengths = new LengthCharges(out, counter);
  }

  /** Writes a function to `code`, its size in front. */
  rewrite(text: FunctionText, calls: FunctionCalls, code: ByteWriter): void {
    const { head, out, context } = this;
    const { reader, localsStart, bodyStart, type, locals, traits } = text;
    const frame = planFrame(traits, locals, type, calls);
    head.clear();
    reader.offset = localsStart;
    writeLocals(head, reader, frame, traits);
    reader.offset = bodyStart;
    out.clear();
    this.reader = reader;
    this.localCount = locals.total;
    this.type = type;
    this.frame = frame;
    this.nanLocals = frame.nanLocals;
    this.counter.reset(frame.place);
    this.labels.start(reader, type.results);
    this.regions.start(reader, frame.uncheckedFuel);
    this.control.start(reader, frame);
    this.lengths.start(frame.lengths);
    this.marks?.start(frame, (local) => guestLocal(local, type, frame));
    context.work.startFunction(locals.total, reader.end - localsStart);
    this.walk();
    context.work.finishFunction();
    const body = { highest: this.labels.highest, fuel: this.regions.entryFuel };
    writeEntry(head, frame, traits, locals, type, context.vectors, body);
    if (frame.wrapped) this.openWrapper(type.results);
    const size = head.offset + out.offset;
    checkLimit('bodyBytes', size);
    code.u32(size);
    code.copy(head.bytes, 0, head.offset);
    code.copy(out.bytes, 0, out.offset);
  }

  /** The block around the body, through whose end all ways out go. */
  private openWrapper(results: Uint8Array): void {
    const { head } = this;
    head.byte(BLOCK);
    if (results.length === 0) head.byte(NO_RESULT);
    else if (results.length === 1) head.byte(results[0] ?? 0);
    else head.signed(this.wrapperType(results));
  }

  private wrapperType(results: Uint8Array): number {
    const known = this.wrapperTypes.get(results) ?? this.context.typeIndex({ params: NO_TYPES, results });
    this.wrapperTypes.set(results, known);
    return known;
  }

  private walk(): void {
    const { reader, out, control, regions } = this;
    const { work } = this.context;
    for (;;) {
      const id = reader.operator();
      // A loop pays by turn.
      if (id !== LOOP) regions.add(costs.byOperator[id] ?? 0);
      work.operator(id);
      switch (id) {
        case UNREACHABLE:
          out.byte(id);
          if (control.leave()) return;
          break;
        case NOP:
          break;
        case BLOCK:
        case LOOP:
        case IF:
          control.open(id);
          break;
        case ELSE:
          control.else(true);
          break;
        case END:
          if (control.end(true)) return;
          break;
        case BRANCH:
          if (control.branch()) return;
          break;
        case BRANCH_IF:
          control.branchIf();
          break;
        case BRANCH_TABLE:
          if (control.branchTable()) return;
          break;
        case RETURN:
          if (control.return()) return;
          break;
        case CALL:
          this.call();
          break;
        case CALL_INDIRECT:
          this.callIndirect();
          break;
        case LOCAL_GET:
          this.localOperator(id, 0, 1);
          break;
        case LOCAL_SET:
          this.localOperator(id, 1, 0);
          break;
        case LOCAL_TEE:
          this.localOperator(id, 1, 1);
          break;
        case GLOBAL_GET:
        case GLOBAL_SET:
          this.globalOperator(id);
          break;
        default:
          if (id >= ID_FC || id === MEMORY_GROW || id === TABLE_SET || id === REF_FUNC) this.unusual(id);
          else this.plain(id);
      }
    }
  }

  /** Operators that are more than a copy: those charged by length, those that dirty, references to functions. */
  private unusual(id: number): void {
    const { out, labels } = this;
    switch (id) {
      case MEMORY_GROW:
        this.reader.memoryIndex();
        labels.pop(1);
        this.lengths.writeMemoryGrow(this.context.memoryMaximum);
        labels.push(1);
        return;
      case ID_FC + TABLE_GROW:
        this.tableGrow();
        return;
      case TABLE_SET:
        this.plain(id);
        writeDirty(out, DIRTY.tableWritten);
        return;
      case REF_FUNC:
        out.indexed(id, this.context.referencedFunction(this.functionIndex()));
        labels.push(1);
        return;
      case ID_FC + DATA_DROP:
      case ID_FC + ELEM_DROP:
        this.plain(id);
        writeDirty(out, DIRTY.segmentDropped);
        return;
      default: {
        const bulk = BULK_OPERATORS.get(id);
        if (bulk !== undefined) this.lengths.writeBulkCharge(bulk.cost);
        if (bulk?.writesMemory === true && this.marks !== undefined) {
          labels.pop(POPS[id] ?? 0);
          this.marks.bulk(this.reader, id);
          return;
        }
        this.plain(id);
        if (bulk !== undefined && bulk.dirtyBit !== 0) writeDirty(out, bulk.dirtyBit);
      }
    }
  }

  /** An operator that is written as it is, and its result made canonical where it may be a NaN. */
  private plain(id: number): void {
    const { labels, reader, out, marks } = this;
    if (marks !== undefined && STORED_TYPE[id] !== 0) {
      marks.store(reader, id);
      labels.pop(POPS[id] ?? 0);
      return;
    }
    labels.pop(POPS[id] ?? 0);
    labels.push(PUSHES[id] ?? 0);
    if (id === I32_CONST) labels.origins.setConstant(labels.height - 1, reader.peekI32());
    copyOperator(reader, id, out);
    const shape = NAN_RESULT[id] ?? NAN_NONE;
    if (shape !== NAN_NONE) writeNanGuard(out, reader, shape, this.nanLocals);
  }

  private tableGrow(): void {
    const { context, reader, labels } = this;
    const table = reader.u32();
    const maximum = context.tableMaxima[table];
    const type = context.shape.tables[table]?.type;
    if (maximum === undefined || type === undefined) throw reader.fault(`an unknown table ${table}`);
    const block = { params: Uint8Array.of(type), results: Uint8Array.of(I32) };
    labels.pop(2);
    this.lengths.writeTableGrow(table, maximum, context.typeIndex(block));
    labels.push(1);
  }

  private localOperator(id: number, pops: number, pushes: number): void {
    const index = this.reader.u32();
    if (index >= this.localCount) throw this.reader.fault(`an unknown local ${index}`);
    const { labels } = this;
    labels.pop(pops);
    labels.push(pushes);
    if (pops > 0) labels.origins.assign(index);
    if (pushes > 0) labels.origins.setLocal(labels.height - 1, index);
    this.out.indexed(id, guestLocal(index, this.type, this.frame));
  }

  private globalOperator(id: number): void {
    const { reader, out, labels } = this;
    const index = reader.u32();
    const global = this.context.shape.globals[index];
    if (global === undefined) throw reader.fault(`an unknown global ${index}`);
    out.indexed(id, index + GLOBALS);
    if (id === GLOBAL_GET) {
      labels.push(1);
      return;
    }
    labels.pop(1);
    if (global.type === V128 || global.type === FUNCREF || global.type === EXTERNREF) {
      writeDirty(out, DIRTY.unrestorable);
    }
  }

  private functionIndex(): number {
    const index = this.reader.u32();
    if (index >= this.context.shape.functions.length) throw this.reader.fault(`an unknown function ${index}`);
    return index;
  }

  private call(): void {
    const { shape } = this.context;
    const index = this.functionIndex();
    if (index < shape.importedFunctions) this.regions.add(costs.importedCall);
    this.applyCall(shape.types[shape.functions[index] ?? 0]);
    if (this.context.isHandedFuel(index)) {
      this.callHanding(index);
      return;
    }
    this.counter.holdInGlobal();
    this.out.indexed(CALL, index);
    this.counter.returned();
    this.regions.afterCall();
  }

  /** The counter goes along on top of the arguments, and comes back on top of the results. */
  private callHanding(index: number): void {
    const { out, counter } = this;
    const { local } = counter.place;
    counter.holdInLocal();
    out.indexed(LOCAL_GET, local);
    out.indexed(CALL, index);
    out.indexed(LOCAL_SET, local);
    counter.handedBack();
    this.regions.afterCall();
  }

  private callIndirect(): void {
    const typeIndex = this.reader.u32();
    const table = this.reader.u32();
    this.labels.pop(1);
    this.applyCall(this.context.shape.types[typeIndex]);
    this.counter.holdInGlobal();
    this.out.indexed(CALL_INDIRECT, typeIndex);
    this.out.u32(table);
    this.counter.returned();
    this.regions.afterCall();
  }

  private applyCall(type: FunctionType | undefined): void {
    if (type === undefined) throw this.reader.fault('a call of an unknown type');
    this.context.work.call(type.params.length + type.results.length);
    this.labels.pop(type.params.length);
    this.labels.push(type.results.length);
    this.regions.addCall();
  }
}
