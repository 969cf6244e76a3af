// wasi:clocks: time stands still at the decision's `evaluated_at`.

import type { GuestState } from '../guest-state.ts';
import { createResource } from './io.ts';

const NS_PER_MS = 1_000_000n;

export function createWallClock(state: GuestState): object {
  return {
    now: () => ({
      seconds: BigInt(Math.floor(state.nowMs / 1000)),
      nanoseconds: (state.nowMs % 1000) * 1_000_000,
    }),
    resolution: () => ({ seconds: 0n, nanoseconds: 1_000_000 }),
  };
}

/** Instants count from the Unix epoch; a timer is something to wait for that never comes. */
export function createMonotonicClock(state: GuestState): object {
  return {
    now: () => BigInt(state.nowMs) * NS_PER_MS,
    resolution: () => NS_PER_MS,
    subscribeInstant: () => createResource(state, 'Pollable'),
    subscribeDuration: () => createResource(state, 'Pollable'),
  };
}
