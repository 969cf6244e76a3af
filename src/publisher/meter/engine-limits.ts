// What a WebAssembly engine takes at most, as data. Metering makes functions longer, so a module that an engine took
// before may be over a bound after: it is refused here and not on the first transaction. Source of the numbers:
// WebAssembly JavaScript Interface, "Implementation-defined Limits", which V8 implements (src/wasm/wasm-limits.h).
//
// And what V8 takes only in name: its compilers' time or memory grows with the square of some things, up to killing the
// process ("Fatal process out of memory: Zone"). Those numbers stand on measurements (V8 13.6, 2 GHz Zen) and on what
// compilers emit: the largest in QuickJS, StarlingMonkey, CPython, Go programs and two wasm-tools of Rust.

/** Bounds of one module, as it is after metering. The unit stands in the name; the message uses `what`. */
export const ENGINE_LIMITS = {
  typeCount: { most: 1_000_000, what: 'types' },
  functionCount: { most: 1_000_000, what: 'functions' },
  importCount: { most: 1_000_000, what: 'imports' },
  exportCount: { most: 1_000_000, what: 'exports' },
  globalCount: { most: 1_000_000, what: 'globals' },
  dataSegmentCount: { most: 100_000, what: 'data segments' },
  elementSegmentCount: { most: 10_000_000, what: 'element segments' },
  elementCount: { most: 10_000_000, what: 'entries in an element segment' },
  memoryCount: { most: 100_000, what: 'memories' },
  tableCount: { most: 100_000, what: 'tables' },
  tableElements: { most: 10_000_000, what: 'elements in a table' },
  memoryPages: { most: 65_536, what: 'pages of memory' },
  parameterCount: { most: 1_000, what: 'parameters of a function or block' },
  resultCount: { most: 1_000, what: 'results of a function or block' },
  bodyBytes: { most: 7_654_321, what: 'bytes in a function body' },
  localCount: { most: 50_000, what: 'locals of a function' },
  /** An engine's limit is 65,520; optimizing takes 1 ns times its square: 65,000 take 2 s, 25,000 0.3 s.
   * CPython has 3,202, the specification's tests 24,615. */
  branchTableLabels: { most: 25_000, what: 'labels in a br_table' },
  /** Optimizing 1,000 nested loops takes 0.14 s, 4,000 take 2 s. Rust has 803 nested blocks, CPython 781. */
  blockDepth: { most: 2_048, what: 'nested blocks' },
  /** Optimizing 5,000 loops takes 1.6 s, 10,000 take 9. StarlingMonkey has 392. */
  functionLoops: { most: 2_048, what: 'loops in a function' },
  /** Optimizing 10,000 branches to one place takes 0.3 s, 20,000 take 1. StarlingMonkey has 12,565. */
  functionBranches: { most: 32_768, what: 'branches and ends of blocks in a function' },
  /**
   * For each label, branches to it times branches within its block, summed over the function. Where ways meet, the
   * optimizing compiler keeps what it knows about memory and globals from each of them: 8 to 16 bytes of such a pair.
   * StarlingMonkey has 19 million.
   */
  branchSpread: { most: 2 ** 25, what: 'pairs of a branch to a label and a branch within its block' },
  /** See compile-work.ts. The optimizing compiler may take 60 times as long. */
  functionCompileNs: { most: 64_000_000, what: 'nanoseconds of compiling a function, by the estimate' },
} as const;

export type EngineLimit = keyof typeof ENGINE_LIMITS;

/** Thrown where a bound is passed. It never leaves `meterModule`, which makes a `too_large` refusal of it. */
export class LimitFault extends Error {
  override readonly name = 'LimitFault';
  /** The function whose limit it is, where it is one's. */
  functionIndex: number | undefined;
}

/** Throws a {@link LimitFault} where `value` is above the bound. */
export function checkLimit(limit: EngineLimit, value: number): void {
  const { most, what } = ENGINE_LIMITS[limit];
  if (value > most) throw new LimitFault(`${value} ${what}, more than ${most}`);
}
