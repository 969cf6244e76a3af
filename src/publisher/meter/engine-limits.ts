// What a WebAssembly engine takes at most, as data. Metering makes functions longer, so a module that an engine took
// before may be over a bound after: it is refused here and not on the first transaction. Source of the numbers:
// WebAssembly JavaScript Interface, "Implementation-defined Limits", which V8 implements (src/wasm/wasm-limits.h).

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
  branchTableLabels: { most: 65_520, what: 'labels in a br_table' },
  /** V8 counts block nesting nowhere; wasmparser's and other validators' own bound is far above any compiler's. */
  blockDepth: { most: 100_000, what: 'nested blocks' },
} as const;

export type EngineLimit = keyof typeof ENGINE_LIMITS;

/** Thrown where a bound is passed. It never leaves `meterModule`, which makes a `too_large` refusal of it. */
export class LimitFault extends Error {
  override readonly name = 'LimitFault';
}

/** Throws a {@link LimitFault} where `value` is above the bound. */
export function checkLimit(limit: EngineLimit, value: number): void {
  const { most, what } = ENGINE_LIMITS[limit];
  if (value > most) throw new LimitFault(`${value} ${what}, more than ${most}`);
}
