// wasi:random: every number comes from the call's seed.

import { FUEL_PER_BYTE, type GuestState } from '../guest-state.ts';

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
  const bytes = state.random.bytes(Number(length));
  state.meter.charge(bytes.length * 2 * FUEL_PER_BYTE);
  return bytes;
}
