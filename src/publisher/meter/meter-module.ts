// A core module in, a metered one out: it charges fuel for all that it does, counts its stack, is capped in memory and
// tables, gives canonical NaNs, tells when it changed what cannot be restored, and shows its state to the host.
//
// The bytes are hostile. A valid module gives a valid one. An invalid one is refused here, or its metered form is refused
// by the engine that compiles it, or it comes out valid: code that can never run is dropped with whatever was wrong in it
// (operand types after `unreachable`, say), custom sections likewise. That is sound, for what runs is what comes out
// here, and engines validate that; but it means that metering validates nothing. Who does: jco's transpile stage, before
// this one, in which wasm-tools validates every body of every core module; inspecting a component does not.
//
// Refuses, with a reason: proposals outside the supported set, names of the metering's own, sizes above the caps or the
// engine's limits.

import { BinaryFault } from '../../core/binary-reader.ts';
import type { Refusal, Result } from '../refusal.ts';
import { ByteWriter } from '../../core/byte-writer.ts';
import {
  handedType,
  planCalls,
  readFunction,
  UNPLANNED,
  type FunctionCalls,
  type FunctionText,
} from './call-plan.ts';
import { CodeReader, V128 } from './code-reader.ts';
import { CompileWork } from './compile-work.ts';
import { costs } from './costs.ts';
import { checkLimit, LimitFault } from './engine-limits.ts';
import { FunctionRewriter, type RewriterContext } from './function-rewriter.ts';
import {
  capLimits,
  writeDataSegments,
  writeElementSegments,
  writeExports,
  writeGlobals,
  writeImports,
  writeMemories,
  writeTables,
  writeTypes,
  writeVectorSection,
} from './module-sections.ts';
import { readModuleShape, SECTION, type FunctionType, type ModuleShape } from './module-shape.ts';
import { CALL, END, LOCAL_GET } from './opcodes.ts';
import { RANGE_TYPE, rangeBody, type MarkTarget } from './write-marks.ts';
import { describeState, typeName, type MeterReport } from './report.ts';

/**
 * Caps of one module. A component's initial sizes are summed by the host, from the report; what all its memories and
 * tables together grow by is bounded at run time, by the globals `pages` and `elements`.
 */
export interface MeterOptions {
  /** Most pages of 64 KiB that a memory may have. */
  readonly maxMemoryPages: number;
  /** Most elements that a table may have. */
  readonly maxTableElements: number;
  /** Whether the module marks what it writes to memory. */
  readonly marksWrites?: boolean;
  /** How refusals name the module; `core module` unless given. */
  readonly where?: string;
}

/** A metered module. The same input and options give the same bytes. */
export interface Metered {
  readonly bytes: Uint8Array;
  readonly report: MeterReport;
}

/**
 * Meters a core module. Its first imports are the globals of `METER_GLOBALS`. Refuses with `malformed` or
 * `truncated` what is no module, `unsupported_feature` what uses a proposal outside the supported set (the message names
 * it), `too_large` what is above a cap or an engine's limit.
 */
export function meterModule(bytes: Uint8Array, options: MeterOptions): Result<Metered> {
  const where = options.where ?? 'core module';
  try {
    return { ok: true, value: new ModuleMeter(readModuleShape(bytes), options).meter() };
  } catch (cause) {
    if (cause instanceof LimitFault) {
      const { functionIndex, message } = cause;
      const at = functionIndex === undefined ? where : `${where}, function ${functionIndex}`;
      return refuse('too_large', message, at, FIX.too_large);
    }
    if (!(cause instanceof BinaryFault) || cause.code === 'too_many_modules') throw cause;
    const at = `${where}, byte ${cause.offset}`;
    return refuse(cause.code, cause.message, at, FIX[cause.code]);
  }
}

const FIX = {
  too_large: 'Split large functions, and lower initial sizes of memory and tables.',
  malformed: 'Build the component again with a current toolchain.',
  truncated: 'Build the component again with a current toolchain.',
  unsupported_feature: 'Turn this WebAssembly feature off in the compiler.',
} as const;

function refuse(code: Refusal['code'], message: string, where: string, fix: string): Result<Metered> {
  return { ok: false, refusals: [{ code, message, where, fix }] };
}

class ModuleMeter {
  private readonly shape: ModuleShape;
  private readonly options: MeterOptions;
  private readonly work = new CompileWork();
  private readonly addedTypes: FunctionType[] = [];
  private marks: MarkTarget | undefined;
  private readonly blockTypes = new Map<string, number>();
  /** By imported function: the function that stands for it where a reference to it is taken. */
  private readonly stubs = new Map<number, number>();
  /** Functions that are reached by more than a `call`: exported, in an element, referenced, or the start. */
  private readonly referenced = new Set<number>();
  /** Of the module's own functions, once all that declares references has been written. */
  private calls: readonly FunctionCalls[] | undefined;

  constructor(shape: ModuleShape, options: MeterOptions) {
    this.shape = shape;
    this.options = options;
  }

  meter(): Metered {
    const { shape } = this;
    const memories = shape.memories.map((limits) => capLimits(limits, this.options.maxMemoryPages, 'memory'));
    const tables = shape.tables.map((limits) => capLimits(limits, this.options.maxTableElements, 'table'));
    const state = describeState(shape);
    this.countDeclarations();
    this.marks = this.markTarget(memories.length);
    const exportCount =
      this.countOf(SECTION.export) + state.state.memories.length + state.state.globals.length;
    const map = {
      globalCount: shape.globals.length,
      functionCount: shape.functions.length,
      referencedFunction: (index: number) => this.referencedFunction(index),
    };
    // Written before what stands in front of them in the file, for they ask for types and stubs.
    const globals = writeGlobals(shape, map);
    const exports = writeExports(shape, map, state.state, this.marks);
    const elements = writeElementSegments(shape, map);
    const data = writeDataSegments(shape, map);
    const start = this.writeStart();
    const texts = this.readFunctions();
    this.calls = planCalls(texts, shape.importedFunctions, this.referenced, hasVectors(shape));
    const code = this.writeCode(texts, this.calls, {
      shape,
      vectors: hasVectors(shape),
      memoryMaximum: memories[0]?.maximum ?? 0,
      tableMaxima: tables.map(({ maximum }) => maximum),
      referencedFunction: map.referencedFunction,
      isHandedFuel: (index) => this.isHandedFuel(index),
      typeIndex: (type) => this.typeIndex(type),
      marks: this.marks,
      work: this.work,
    });
    const functions = this.writeFunctions();
    const out = new ByteWriter(code.offset + data.offset + 4096);
    out.copy(PREAMBLE);
    writeSection(out, SECTION.type, writeTypes(shape, this.addedTypes));
    writeSection(out, SECTION.import, writeImports(shape, memories, tables));
    writeSection(out, SECTION.function, functions);
    writeSection(out, SECTION.table, writeTables(shape, tables));
    writeSection(out, SECTION.memory, writeMemories(memories, this.marks !== undefined));
    writeSection(out, SECTION.global, globals);
    writeSection(out, SECTION.export, exports);
    writeSection(out, SECTION.start, start);
    writeSection(out, SECTION.element, elements);
    writeSection(out, SECTION.dataCount, this.writeDataCount());
    writeSection(out, SECTION.code, code);
    writeSection(out, SECTION.data, data);
    const bytes = out.bytes.slice(0, out.offset);
    return {
      bytes,
      report: {
        costsVersion: costs.version,
        inputBytes: shape.bytes.length,
        outputBytes: bytes.length,
        functionCount: shape.functions.length - shape.importedFunctions,
        codeBytes: this.work.codeBytes,
        compileNs: this.work.totalNs,
        instanceFuel: this.instanceFuel(exportCount, tables),
        memories: memories.map(({ imported, initial, maximum }, index) => ({
          index,
          imported,
          initialPages: initial,
          maximumPages: maximum,
        })),
        tables: tables.map(({ imported, initial, maximum }, index) => ({
          index,
          imported,
          type: typeName(shape.tables[index]?.type ?? 0),
          initialElements: initial,
          maximumElements: maximum,
        })),
        ...state,
      },
    };
  }

  /** The first walk over all bodies. */
  private readFunctions(): FunctionText[] {
    const { shape } = this;
    const section = shape.section(SECTION.code);
    const count = section?.u32() ?? 0;
    const defined = shape.functions.length - shape.importedFunctions;
    if (count !== defined) {
      throw new BinaryFault(
        'malformed',
        `${count} function bodies for ${defined} functions`,
        section?.offset ?? 0,
      );
    }
    const texts: FunctionText[] = [];
    if (section === undefined) return texts;
    for (let entry = 0; entry < count; entry += 1) {
      const index = shape.importedFunctions + entry;
      const size = section.u32();
      const start = section.skip(size);
      const body = new CodeReader(shape.bytes, start, section.offset);
      const text = withIndex(index, () =>
        readFunction(body, this.typeOf(index), shape, this.marks !== undefined),
      );
      for (const reference of text.traits.references) this.referenced.add(reference);
      texts.push(text);
    }
    section.expectDone('a code section');
    return texts;
  }

  private writeCode(
    texts: readonly FunctionText[],
    calls: readonly FunctionCalls[],
    context: RewriterContext,
  ): ByteWriter {
    const { shape } = this;
    const rewriter = new FunctionRewriter(context);
    const bodies = new ByteWriter(Math.floor((shape.section(SECTION.code)?.end ?? 0) * 1.5) + 1024);
    for (const [entry, text] of texts.entries()) {
      withIndex(shape.importedFunctions + entry, () =>
        rewriter.rewrite(text, calls[entry] ?? UNPLANNED, bodies),
      );
    }
    if (this.marks !== undefined) {
      const body = rangeBody(this.marks.memory);
      bodies.u32(body.length);
      bodies.copy(body);
    }
    // A stub may not ask for another: its one call is of a function, not a reference.
    for (const imported of this.stubs.keys()) {
      const type = this.typeOf(imported);
      const stub = readFunction(new CodeReader(stubBody(type, imported)), type, shape, false);
      rewriter.rewrite(stub, UNPLANNED, bodies);
    }
    return writeVectorSection(texts.length + this.addedFunctions, bodies);
  }

  /** Counts what declarations cost where the module is compiled and instantiated. */
  private countDeclarations(): void {
    const { shape, work } = this;
    let values = 0;
    for (const { params, results } of shape.types) values += params.length + results.length;
    work.declare('type', shape.types.length);
    work.declare('typeValue', values);
    work.declare('import', shape.imports.length);
    work.declare('export', this.countOf(SECTION.export));
    work.declare('table', shape.tables.length);
    work.declare('global', shape.globals.length);
    work.declare('elementSegment', this.countOf(SECTION.element));
    work.declare('elementByte', this.sizeOf(SECTION.element));
    work.declare('dataSegment', this.countOf(SECTION.data));
  }

  /** What an instance costs: paid before it is made, each time, for nothing in it can pay for itself. */
  private instanceFuel(
    exportCount: number,
    tables: readonly { imported: boolean; initial: number }[],
  ): number {
    const { instance } = costs;
    const elements = tables.reduce((sum, { imported, initial }) => sum + (imported ? 0 : initial), 0);
    return (
      instance.base +
      instance.export * exportCount +
      instance.global * this.shape.globals.length +
      instance.elementByte * this.sizeOf(SECTION.element) +
      instance.tableElement * elements +
      Math.ceil((instance.per1024DataBytes * this.sizeOf(SECTION.data)) / 1024)
    );
  }

  /** How many entries a section says that it has. */
  private countOf(id: number): number {
    return this.shape.section(id)?.u32() ?? 0;
  }

  /** Bytes of a section. */
  private sizeOf(id: number): number {
    const section = this.shape.section(id);
    return section === undefined ? 0 : section.end - section.offset;
  }

  private writeFunctions(): ByteWriter {
    const { shape } = this;
    const types = new ByteWriter();
    // By type: a thousand values each, and as many functions as the module likes.
    const handed = new Map<number, number>();
    const handedIndex = (type: number, index: number): number => {
      const known = handed.get(type) ?? this.typeIndex(handedType(this.typeOf(index)));
      handed.set(type, known);
      return known;
    };
    for (const [index, type] of shape.functions.entries()) {
      if (index < shape.importedFunctions) continue;
      types.u32(this.isHandedFuel(index) ? handedIndex(type, index) : type);
    }
    if (this.marks !== undefined) types.u32(this.typeIndex(RANGE_TYPE));
    for (const imported of this.stubs.keys()) types.u32(shape.functions[imported] ?? 0);
    const count = shape.functions.length - shape.importedFunctions + this.addedFunctions;
    checkLimit('functionCount', shape.functions.length + this.addedFunctions);
    return writeVectorSection(count, types);
  }

  private writeStart(): ByteWriter {
    const out = new ByteWriter(8);
    const section = this.shape.section(SECTION.start);
    if (section === undefined) return out;
    const index = section.u32();
    section.expectDone('a start section');
    if (index >= this.shape.functions.length) throw section.fault(`an unknown function ${index}`);
    this.refer(index);
    out.u32(index);
    return out;
  }

  private writeDataCount(): ByteWriter {
    const out = new ByteWriter(8);
    const section = this.shape.section(SECTION.dataCount);
    if (section === undefined) return out;
    out.u32(section.u32());
    section.expectDone('a data count section');
    return out;
  }

  private typeOf(index: number): FunctionType {
    const type = this.shape.types[this.shape.functions[index] ?? -1];
    if (type === undefined) throw new BinaryFault('malformed', `an unknown function ${index}`, 0);
    return type;
  }

  /**
   * A reference to an imported function could be called from where no charge for the imported call stands: a stub, which
   * charges for it, takes its place.
   */
  private referencedFunction(index: number): number {
    this.refer(index);
    if (index >= this.shape.importedFunctions) return index;
    const known = this.stubs.get(index);
    if (known !== undefined) return known;
    const stub = this.shape.functions.length + this.addedFunctions;
    this.stubs.set(index, stub);
    return stub;
  }

  /** Notes that a function is reached by more than a `call`; after the plan was made, that it knew so. */
  private refer(index: number): void {
    if (this.isHandedFuel(index)) throw new Error(`function ${index} is referenced against the plan`);
    this.referenced.add(index);
  }

  private isHandedFuel(index: number): boolean {
    return this.calls?.[index - this.shape.importedFunctions]?.handedFuel === true;
  }

  /** Functions of the metering's own: the one that marks a range comes first, then the stubs. */
  private get addedFunctions(): number {
    return (this.marks === undefined ? 0 : 1) + this.stubs.size;
  }

  /** A module without a memory writes to none. */
  private markTarget(memories: number): MarkTarget | undefined {
    if (this.options.marksWrites !== true || memories === 0) return undefined;
    // Asked for now, since types are written before functions.
    this.typeIndex(RANGE_TYPE);
    return { memory: memories, rangeFunction: this.shape.functions.length };
  }

  private typeIndex(type: FunctionType): number {
    const key = `${type.params.join()}>${type.results.join()}`;
    const known = this.blockTypes.get(key);
    if (known !== undefined) return known;
    const index = this.shape.types.length + this.addedTypes.length;
    this.addedTypes.push(type);
    this.blockTypes.set(key, index);
    return index;
  }
}

const PREAMBLE = Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

function writeSection(out: ByteWriter, id: number, content: ByteWriter): void {
  if (content.offset === 0) return;
  out.byte(id);
  out.u32(content.offset);
  out.copy(content.bytes, 0, content.offset);
}

/** Says in a limit's fault which function's it is. */
function withIndex<Result>(index: number, run: () => Result): Result {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof LimitFault) cause.functionIndex = index;
    throw cause;
  }
}

/** The body of a function that passes its parameters to `callee`. */
function stubBody(type: FunctionType, callee: number): Uint8Array {
  const body = new ByteWriter(64);
  body.u32(0);
  for (let local = 0; local < type.params.length; local += 1) body.indexed(LOCAL_GET, local);
  body.indexed(CALL, callee);
  body.byte(END);
  return body.bytes.slice(0, body.offset);
}

function hasVectors({ types, globals }: ModuleShape): boolean {
  return (
    globals.some(({ type }) => type === V128) ||
    types.some(({ params, results }) => params.includes(V128) || results.includes(V128))
  );
}
