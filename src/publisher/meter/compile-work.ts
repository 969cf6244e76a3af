// What a module costs an engine to compile, estimated, and bounded: nobody meters a compiler, and a few hundred kilobytes
// can hold it for minutes, or take all memory of the process that it runs in. Engines compile a function when it is
// first called, so it is a transaction that would pay.
//
// Work is counted in nanoseconds of V8's baseline compiler, Liftoff, which runs in the caller's thread, on the metered
// code, on a 2 GHz Zen (V8 13.6). The optimizing compiler runs in threads of its own, on functions that are called
// often. It takes up to 60 times as long, and more where its work grows with the square of something: that has bounds of
// its own, by function. Those are data in engine-limits.ts, with the measurements.

import { checkLimit } from './engine-limits.ts';
import { OPERATORS, OPERATOR_IDS } from './operators.ts';

/** Nanoseconds of an operator by its cost class, with what metering puts around it; the rest are {@link PLAIN_NS}. */
const NS_OF_CLASS: Readonly<Record<string, number>> = {
  branch: 450,
  br_table: 450,
  loop: 1_200,
  call: 420,
  call_indirect: 1_650,
  global: 80,
  store: 80,
  load: 80,
  divide: 620,
  convert: 480,
  float: 110,
  float_divide: 130,
  simd: 1_300,
  simd_float: 1_300,
  simd_divide: 1_300,
  table_get: 1_000,
  table_set: 1_000,
  ref_func: 1_000,
  memory_grow: 6_500,
  table_grow: 6_500,
  bulk: 2_000,
  table_bulk: 2_000,
};
/** Operators whose immediate alone is work: 16 bytes in a constant pool. */
const NS_OF_OPERATOR: Readonly<Record<string, number>> = { 'v128.const': 1_000, 'i8x16.shuffle': 2_600 };
const PLAIN_NS = 25;

/** At a branch or a place where ways meet, each local and each operand below it is looked at. */
const NS_PER_SLOT = 12;
/** A label of a br_table, however often it is named: 75 in time, and 800 bytes of the optimizing compiler's memory. */
const NS_PER_TABLE_LABEL = 300;
/** Arguments and results of a call are moved pairwise: 10,000 calls with 100 of them take as long as 100 with 1,000. */
const NS_PER_SQUARED_ARGUMENT = 4;
/** A parameter or result of a block or call is checked against its type. */
const NS_PER_CHECKED_VALUE = 15;
const NS_PER_FUNCTION = 5_000;

/** A mark of a write (write-marks), with what moves the store's operands aside. */
const NS_PER_MARK = 450;

const NS_BY_OPERATOR = new Uint32Array(OPERATOR_IDS);
for (const { id, name, cost } of OPERATORS) {
  NS_BY_OPERATOR[id] = NS_OF_OPERATOR[name] ?? NS_OF_CLASS[cost] ?? PLAIN_NS;
}

/** Nanoseconds that one declaration takes where a module is compiled or instantiated. */
export const DECLARATION_NS = {
  type: 1_000,
  typeValue: 60,
  import: 1_000,
  export: 1_000,
  table: 1_000,
  global: 2_000,
  elementSegment: 600,
  elementByte: 100,
  dataSegment: 200,
} as const;

/** Follows the walk over a module's bodies: operators as they are written, labels by their place on the stack. */
export class CompileWork {
  /** Work of all functions and declarations so far, nanoseconds. */
  totalNs = 0;
  /** Bytes of all bodies as they came. */
  codeBytes = 0;
  private functionNs = 0;
  private locals = 0;
  /** Control operators and branches, a br_table being one for each of its different targets. */
  private events = 0;
  private loops = 0;
  private spread = 0;
  private tables = 0;
  private readonly arrivals: number[] = [];
  private readonly opened: number[] = [];
  /** By label: the number of the last br_table that named it. */
  private readonly namedBy: number[] = [];

  /** A function with this many locals, parameters among them, starts. Its own label is number 0. */
  startFunction(locals: number, bodyBytes: number): void {
    this.locals = locals;
    this.codeBytes += bodyBytes;
    this.functionNs = NS_PER_FUNCTION;
    this.events = 0;
    this.loops = 0;
    this.spread = 0;
    this.tables = 0;
    this.openLabel(0, 0);
  }

  operator(id: number): void {
    this.functionNs += NS_BY_OPERATOR[id] ?? 0;
  }

  /** A mark of a write is written. */
  mark(): void {
    this.functionNs += NS_PER_MARK;
  }

  /** A branch, or an end or start of a block, with this many operands on the stack. */
  control(height: number): void {
    this.events += 1;
    this.functionNs += (this.locals + height) * NS_PER_SLOT;
  }

  /** A block of `values` parameters and results starts. */
  openLabel(label: number, values: number): void {
    this.arrivals[label] = 0;
    this.opened[label] = this.events;
    this.namedBy[label] = 0;
    this.functionNs += values * NS_PER_CHECKED_VALUE;
  }

  loop(): void {
    this.loops += 1;
  }

  /** A branch to `label`, or an if that may not enter its arm. */
  arrive(label: number): void {
    this.arrivals[label] = (this.arrivals[label] ?? 0) + 1;
  }

  /** `label` ends; throws a `LimitFault` as {@link finishFunction} does. */
  closeLabel(label: number): void {
    const arrivals = this.arrivals[label] ?? 0;
    if (arrivals === 0) return;
    // Its end is reached from its last operator as well.
    this.spread += (arrivals + 1) * (this.events - (this.opened[label] ?? 0));
    checkLimit('branchSpread', this.spread);
  }

  /** A br_table starts. */
  table(): void {
    this.tables += 1;
  }

  /** The br_table at hand names `label`, with this many operands on the stack. */
  tableLabel(label: number, height: number): void {
    this.functionNs += NS_PER_TABLE_LABEL;
    if (this.namedBy[label] === this.tables) return;
    this.namedBy[label] = this.tables;
    this.control(height);
    this.arrive(label);
  }

  call(values: number): void {
    this.functionNs += values * (NS_PER_CHECKED_VALUE + values * NS_PER_SQUARED_ARGUMENT);
  }

  /** Throws a `LimitFault` where the function is above what one may cost. */
  finishFunction(): void {
    checkLimit('functionLoops', this.loops);
    checkLimit('functionBranches', this.events);
    checkLimit('functionCompileNs', this.functionNs);
    this.totalNs += this.functionNs;
  }

  declare(kind: keyof typeof DECLARATION_NS, count: number): void {
    this.totalNs += count * DECLARATION_NS[kind];
  }
}

/** Any component may take this long to compile, nanoseconds; */
const BASE_NS = 250_000_000;
/** and this much longer for each byte of code. */
const NS_PER_CODE_BYTE = 120;

/**
 * Most work for `codeBytes` of code, nanoseconds. Compilers' own output takes 58 to 78 a byte by this estimate; what is
 * above comes from components that were made to be slow, and those are held to {@link BASE_NS} more than honest ones.
 */
export function mostCompileNs(codeBytes: number): number {
  return BASE_NS + codeBytes * NS_PER_CODE_BYTE;
}
