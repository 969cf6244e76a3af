// wasi:random: every number comes from the call's seed.

import type { GuestState } from '../guest-state.ts';

export function createRandom(state: GuestState): object {
  return {
    getRandomBytes: (length: bigint) => state.random.bytes(Number(length)),
    getRandomU64: () => state.random.u64(),
  };
}

export function createInsecureRandom(state: GuestState): object {
  return {
    getInsecureRandomBytes: (length: bigint) => state.random.bytes(Number(length)),
    getInsecureRandomU64: () => state.random.u64(),
  };
}

export function createInsecureSeed(state: GuestState): object {
  return { insecureSeed: () => [state.random.u64(), state.random.u64()] };
}
