// Runs inside the isolate that the Worker Loader makes for one artifact: our code, the artifact's glue and its core
// modules, an empty environment and no network. Caches the artifact's instance for as long as the isolate lives.

import { WorkerEntrypoint } from 'cloudflare:workers';
import { code } from 'wasmpay:guest';

import { createGuestPool } from '../guest-pool.ts';
import type { CallOutcome, GuestCall } from '../sandbox.ts';

const pool = createGuestPool(code);

/** What the gateway calls over RPC. Values cross by structured clone: an s64 stays a bigint. */
export default class Guest extends WorkerEntrypoint {
  call(call: GuestCall): CallOutcome {
    return pool.call(call).outcome;
  }
}
