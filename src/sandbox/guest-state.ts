// What one guest instance may know and has done: the host's side of everything that its imports touch. One state
// per instance, never shared, so that nothing of one instance can reach another.

import type { Meter } from './meter.ts';
import { createRandomStream, type RandomStream } from './random-stream.ts';

/**
 * Most bytes that a guest's stdout and stderr keep together, per call. A line of reasons is under 1 KiB; 16 KiB
 * keeps a stack trace. Enforced by {@link captureOutput}; what is over is dropped and counted.
 */
export const MAX_OUTPUT_BYTES = 16 * 1024;

/** What the host takes for each byte that it handles for a guest; the call itself is charged where it is made. */
export const FUEL_PER_BYTE = 1;

export interface GuestState {
  readonly meter: Meter;
  /** Milliseconds since the Unix epoch: what every clock reads. */
  nowMs: number;
  random: RandomStream;
  /** The first capability that the guest used and does not have. Checked after each call: a guest can catch traps. */
  denied: string | undefined;
  /** Whether the guest was handed a resource, or dropped one, since {@link beginCall}. */
  movedResource: boolean;
  output: { bytes: Uint8Array[]; keptBytes: number; droppedBytes: number };
}

/** The state that an instance is made under: a fixed time, and a seed that belongs to the artifact alone. */
export function createGuestState(seed: Uint8Array, nowMs: number, meter: Meter): GuestState {
  return {
    meter,
    nowMs,
    random: createRandomStream(seed),
    denied: undefined,
    movedResource: false,
    output: { bytes: [], keptBytes: 0, droppedBytes: 0 },
  };
}

/** Turns the state to one transaction's seed and time, and forgets what an earlier call left. */
export function beginCall(state: GuestState, seed: Uint8Array, nowMs: number): void {
  state.nowMs = nowMs;
  state.random = createRandomStream(seed);
  state.denied = undefined;
  state.movedResource = false;
  state.output = { bytes: [], keptBytes: 0, droppedBytes: 0 };
}

/** Keeps what a guest wrote, up to {@link MAX_OUTPUT_BYTES}. */
export function captureOutput(state: GuestState, bytes: Uint8Array): void {
  state.meter.charge(bytes.length * FUEL_PER_BYTE);
  const { output } = state;
  const kept = bytes.slice(0, MAX_OUTPUT_BYTES - output.keptBytes);
  if (kept.length > 0) output.bytes.push(kept);
  output.keptBytes += kept.length;
  output.droppedBytes += bytes.length - kept.length;
}
