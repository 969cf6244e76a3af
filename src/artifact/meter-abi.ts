// The names that metering owns in a module, between the publisher that writes them and the host that reads them. A
// guest that uses one of them is refused.
/** Every name of the metering's own starts with it. */
export const METER_PREFIX = '$meter';

/** Module name of the imported globals, which are a metered module's first imports. */
export const METER_NAMESPACE = METER_PREFIX;

/** Field names of the imported globals, in the order of their indices; `type` is WebAssembly.Global's. */
export const METER_GLOBALS = [
  /** Fuel left. Below zero after a call: exhausted. After a trap it says at most how much there was. */
  { name: 'fuel', type: 'i64' },
  /** Stack left, bytes of an upper bound of the frames. Whole again after every normal return. */
  { name: 'depth', type: 'i32' },
  /** Bits of {@link DIRTY}: what this call did that restoring memory and globals does not undo. */
  { name: 'dirty', type: 'i32' },
  /**
   * Pages of 64 KiB that all memories of the component together may still grow by, read as an unsigned number: a host
   * sets it to its cap less the sum of the initial sizes, and refuses a sum above the cap. Growing by more gives the
   * guest -1. A restored instance needs no new number: whatever took from it set {@link DIRTY}'s `memoryGrown`.
   */
  { name: 'pages', type: 'i32' },
  /** The same of all tables, in elements, with `tableWritten`. */
  { name: 'elements', type: 'i32' },
] as const;

/** Index of each imported global in a metered module. */
export const FUEL_GLOBAL = 0;
export const DEPTH_GLOBAL = 1;
export const DIRTY_GLOBAL = 2;
export const PAGES_GLOBAL = 3;
export const ELEMENTS_GLOBAL = 4;

/**
 * Fuel of one call from WebAssembly to JavaScript, taken by the host before the call (sandbox/host-calls), whoever it
 * calls and however. Glue and host take 3 to 9 microseconds of it, the most where no random bytes are asked for: 2 ns a
 * unit, half of what the worst guest takes. Bytes that a call handles cost more, where they are handled.
 */
export const HOST_CALL_FUEL = 5_000;

/**
 * Export name of a memory of one page with a byte for each chunk of {@link MARKED_CHUNK_BYTES} of the guest's memories,
 * all of them together: not zero where the module wrote. A host sets it back.
 */
export const MARKS_NAME = `${METER_PREFIX}:marks`;

/** Bytes of a chunk, as a power of two: a page of the machine. One page of marks is enough for 256 MiB. */
export const MARKED_CHUNK_SHIFT = 12;
export const MARKED_CHUNK_BYTES = 2 ** MARKED_CHUNK_SHIFT;

/** A mark stands for writes that start up to so many bytes after the marked address, */
export const MARK_SPAN_BYTES = 1_024;

/** and the longest, of a vector, is so long: what lies behind a marked chunk may be written as well, up to here. */
export const MARK_REACH_BYTES = MARK_SPAN_BYTES + 16;

/**
 * Pages of 64 KiB, of all memories at the start, from which on a component marks what it writes. Below, putting back all
 * costs less than the marks.
 */
export const MARKED_FROM_PAGES = 4;

/** Bits of the dirty flag. */
export const DIRTY = {
  /** A memory grew by at least one page. */
  memoryGrown: 1,
  /** A table was written or grew. */
  tableWritten: 2,
  /** A data or element segment was dropped. */
  segmentDropped: 4,
  /** A global that cannot be read or written from outside was set: a vector or a reference. */
  unrestorable: 8,
  /**
   * A memory or table did not grow although its maximum and the component's budget allowed it: the host's failure, not
   * the guest's.
   */
  growFailed: 16,
} as const;

/** Export name of a memory, or of a mutable global; `index` is the one that the guest's own module gave it. */
export function stateName(kind: 'memory' | 'global', index: number): string {
  return `${METER_PREFIX}:${kind}:${index}`;
}
