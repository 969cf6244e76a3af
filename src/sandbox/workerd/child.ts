// Runs inside the isolate that the Worker Loader makes for one artifact: our code, the artifact's glue and its core
// modules, an empty environment and no network. It has no state of its own: the gateway's isolate holds what is
// cached, this one holds compiled code.

import { WorkerEntrypoint } from 'cloudflare:workers';
import { code } from 'wasmpay:guest';

import { callGuest } from '../guest-call.ts';
import type { CallOutcome, GuestCall } from '../sandbox.ts';

/** What the gateway calls over RPC. Values cross by structured clone: an s64 stays a bigint. */
export default class Guest extends WorkerEntrypoint {
  call(call: GuestCall): CallOutcome {
    return callGuest(code, call);
  }
}
