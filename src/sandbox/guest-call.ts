// The one place where a guest call is bounded and its end is judged: a verdict, or a failure with a stable code.

import { UNSPECIFIED_DENIAL } from '../core/decision.ts';
import type { Failure } from '../core/failure.ts';
import { CapabilityDenied } from './capability-denied.ts';
import { createGuestInstance, type GuestCode, type GuestInstance } from './guest-instance.ts';
import { beginCall, type GuestState } from './guest-state.ts';
import type { CallOutcome, GuestCall } from './sandbox.ts';

/** Runs `call` on a new instance: no transaction sees a trace of an earlier one. Never throws. */
export function callGuest(code: GuestCode, call: GuestCall): CallOutcome {
  let instance: GuestInstance;
  try {
    instance = createGuestInstance(code);
  } catch (error) {
    return failed(failureOf(error, undefined));
  }
  const { state } = instance;
  if (state.denied !== undefined) return failed(deniedFailure(state.denied));
  beginCall(state, call.seed, call.evaluatedAtMs);
  try {
    const answer = instance.validate(call.transaction);
    // A guest that caught the denial went on with nothing real in its hands: its answer counts for nothing.
    if (state.denied !== undefined) return failed(deniedFailure(state.denied));
    if (typeof answer !== 'boolean')
      return failed({ code: 'bad_output', detail: `a ${typeof answer} is no bool` });
    return {
      kind: 'verdict',
      verdict: answer ? { kind: 'approve' } : { kind: 'deny', denial: UNSPECIFIED_DENIAL },
    };
  } catch (error) {
    return failed(failureOf(error, state));
  }
}

function failed(failure: Failure): CallOutcome {
  return { kind: 'failure', failure };
}

function deniedFailure(capability: string): Failure {
  return { code: 'capability_denied', detail: capability };
}

/** What a thrown value means. Only names of error classes and V8's own trap messages get into `detail`. */
function failureOf(error: unknown, state: GuestState | undefined): Failure {
  if (state?.denied !== undefined) return deniedFailure(state.denied);
  if (error instanceof CapabilityDenied) return deniedFailure(error.message);
  if (error instanceof WebAssembly.RuntimeError) return { code: 'trap', detail: trapMessage(error.message) };
  if (error instanceof WebAssembly.LinkError || error instanceof WebAssembly.CompileError) {
    return { code: 'load_failed', detail: error.name };
  }
  // Glue checks what it lifts and throws TypeError on a value outside the contract's type.
  if (error instanceof TypeError) return { code: 'bad_output', detail: error.name };
  return { code: 'trap', detail: error instanceof Error ? error.name : typeof error };
}

function trapMessage(message: string): string {
  return /^[a-z][a-z0-9 :'-]{0,80}$/i.test(message) ? message : 'trap';
}
