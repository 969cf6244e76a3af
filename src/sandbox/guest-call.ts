// The one place where a guest call is bounded and its end is judged: a verdict, or a failure with a stable code.

import type { Failure } from '../core/failure.ts';
import { CapabilityDenied } from './capability-denied.ts';
import type { GuestInstance } from './guest-instance.ts';
import { beginCall, type GuestState } from './guest-state.ts';
import { MemoryExceeded, type Meter } from './meter.ts';
import type { CallOutcome, GuestCall } from './sandbox.ts';

/** A call's outcome, and what the guest printed: for the validator's author, never for a processor. */
export interface JudgedCall {
  readonly outcome: CallOutcome;
  readonly output: readonly Uint8Array[];
}

/** Runs `call` on an instance in its first state. Never throws. */
export function judgeCall(instance: GuestInstance, call: GuestCall): JudgedCall {
  const { state, meter } = instance;
  // A denial while the instance was made counts as well: what was made with it is not what the author meant.
  if (state.denied !== undefined) return fail(deniedFailure(state.denied), meter, state);
  beginCall(state, call.seed, call.evaluatedAtMs);
  meter.begin();
  let answer: unknown;
  try {
    answer = instance.validate(call.transaction);
  } catch (error) {
    return createCallFailure(error, meter, state);
  }
  // A guest can catch a trap, and go on with nothing real in its hands: its answer counts for nothing then.
  const failure = meter.failure() ?? (state.denied === undefined ? undefined : deniedFailure(state.denied));
  if (failure !== undefined) return fail(failure, meter, state);
  const read = instance.readAnswer(answer);
  if (!read.ok) return fail({ code: 'bad_output', detail: read.fault }, meter, state);
  return {
    outcome: { kind: 'verdict', verdict: read.verdict, fuel: meter.usedFuel(false) },
    output: state.output.bytes,
  };
}

/** What a thrown value means. A limit that was hit explains any of them. */
export function createCallFailure(error: unknown, meter: Meter, state: GuestState | undefined): JudgedCall {
  const denied = state?.denied ?? (error instanceof CapabilityDenied ? error.message : undefined);
  const failure =
    meter.failure() ?? (denied === undefined ? failureOf(error, state !== undefined) : deniedFailure(denied));
  return fail(failure, meter, state);
}

/** Only names of error classes and V8's own trap messages get into `detail`. */
function failureOf(error: unknown, isMade: boolean): Failure {
  if (error instanceof MemoryExceeded) return { code: 'memory_exceeded', detail: error.message };
  if (error instanceof WebAssembly.RuntimeError) return { code: 'trap', detail: trapMessage(error.message) };
  if (error instanceof WebAssembly.LinkError || error instanceof WebAssembly.CompileError) {
    return { code: 'load_failed', detail: error.name };
  }
  // Glue checks what it lifts and throws TypeError on a value outside the contract's type; before there is an
  // instance, one means that modules and host do not fit together.
  if (error instanceof TypeError) return { code: isMade ? 'bad_output' : 'load_failed', detail: error.name };
  return { code: 'trap', detail: error instanceof Error ? error.name : typeof error };
}

function fail(failure: Failure, meter: Meter, state: GuestState | undefined): JudgedCall {
  const outcome: CallOutcome = { kind: 'failure', failure, fuel: meter.usedFuel(true) };
  return { outcome, output: state?.output.bytes ?? [] };
}

function deniedFailure(capability: string): Failure {
  return { code: 'capability_denied', detail: capability };
}

function trapMessage(message: string): string {
  return /^[a-z][a-z0-9 :`'-]{0,80}$/i.test(message) ? message : 'trap';
}
