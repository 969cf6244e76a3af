// Runs inside the isolate that the Worker Loader makes for one artifact: our code, the artifact's glue and its core
// modules, an empty environment and no network. Caches the artifact's instance for as long as the isolate lives.

import { abortIsolate, WorkerEntrypoint } from 'cloudflare:workers';
import { code, stackProbe } from 'wasmpay:guest';

import { holdsStack } from '../engine-proof.ts';
import { callSeveral, createGuestPool, outcomeOf } from '../guest-pool.ts';
import type { CallOutcome, GuestCall } from '../sandbox.ts';

/** None where the engine's stack would end before the guest's. */
const pool = holdsStack(stackProbe, code.limits.stackBytes) ? createGuestPool(code) : undefined;

const NO_STACK: CallOutcome = {
  kind: 'failure',
  failure: { code: 'load_failed', detail: `the engine has no stack of ${code.limits.stackBytes} bytes` },
  fuel: 0,
};

/** What the gateway calls over RPC. Values cross by structured clone: an s64 stays a bigint. */
export default class Guest extends WorkerEntrypoint {
  call(call: GuestCall): CallOutcome {
    return pool === undefined ? NO_STACK : outcomeOf(pool.call(call));
  }

  callSeveral(calls: readonly GuestCall[]): readonly CallOutcome[] {
    return pool === undefined ? [NO_STACK] : callSeveral(pool, calls, code.limits.fuel);
  }

  /** Ends this isolate: the loader makes another one under the same id when it is asked for again. */
  retire(): void {
    abortIsolate('retired');
  }
}
