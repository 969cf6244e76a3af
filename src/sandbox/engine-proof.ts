// Whether this engine can hold what limits promise. Metering stops a guest at a depth that is the same everywhere, which
// is worth nothing where the engine's own stack ends before it: the decision would then depend on the machine. So it is
// tried, on the thread that will run guests, before one runs.

import type { StackProbe } from './stack-probe.ts';

/**
 * Stack beside a guest's own, bytes: of glue, the host, and what called them since the proof. Some fifty functions deep,
 * and a frame of V8's interpreter takes 100 to 300 bytes; four times that.
 */
const HOST_STACK_BYTES = 64 * 1024;

/**
 * Whether the stack holds a guest's `stackBytes`, and the host's share on top, from here on. `probe` is `STACK_PROBE`,
 * compiled.
 */
export function holdsStack(probe: WebAssembly.Module, stackBytes: number): boolean {
  const { down } = new WebAssembly.Instance(probe).exports as unknown as StackProbe;
  return holds(() => down(stackBytes + HOST_STACK_BYTES));
}

/** Whether one memory can have `pages` of 64 KiB. It is reserved and not touched. */
export function holdsMemory(pages: number): boolean {
  return holds(() => new WebAssembly.Memory({ initial: 1, maximum: pages }).grow(pages - 1));
}

/** Engines say with a RangeError that they have no stack or no memory left. */
function holds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
