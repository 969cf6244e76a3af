// wasi:random: every number comes from the call's seed.

import { FUEL_PER_BYTE, type GuestState } from '../guest-state.ts';
import { MAX_RANDOM_REQUEST_BYTES } from '../random-stream.ts';

export function createRandom(state: GuestState): object {
  return {
    getRandomBytes: (length: bigint) => randomBytes(state, length),
    getRandomU64: () => state.random.u64(),
  };
}

export function createInsecureRandom(state: GuestState): object {
  return {
    getInsecureRandomBytes: (length: bigint) => randomBytes(state, length),
    getInsecureRandomU64: () => state.random.u64(),
  };
}

export function createInsecureSeed(state: GuestState): object {
  return { insecureSeed: () => [state.random.u64(), state.random.u64()] };
}

/** ChaCha20 takes about two nanoseconds a byte. */
function randomBytes(state: GuestState, length: bigint): Uint8Array {
  const count = Number(length);
  // More than a request may have is refused below, for nothing.
  state.meter.charge(Math.min(count, MAX_RANDOM_REQUEST_BYTES) * 2 * FUEL_PER_BYTE);
  return state.random.bytes(count);
}
