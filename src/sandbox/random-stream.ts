// The guest's randomness: the ChaCha20 key stream (RFC 8439) of a 32-byte seed. Deterministic, so that a decision
// can be repeated; nobody but the guest relies on it being secret.

import { chacha20 } from '@noble/ciphers/chacha.js';

/** Bytes of a seed: a ChaCha20 key. */
export const SEED_BYTES = 32;

/**
 * Most random bytes that one request of a guest gives. A hash map's seed takes 16, a UUID 16; more than a page
 * has no use in a decision. Enforced by {@link RandomStream.bytes}, by throwing.
 */
export const MAX_RANDOM_REQUEST_BYTES = 64 * 1024;

const NONCE = new Uint8Array(12);
const BLOCK_BYTES = 64;

export interface RandomStream {
  /** The next `length` bytes of the stream. */
  bytes(length: number): Uint8Array;
  /** The next eight bytes as an unsigned number. */
  u64(): bigint;
}

/** The stream of `seed` ({@link SEED_BYTES}). Every request starts at a block of its own. */
export function createRandomStream(seed: Uint8Array): RandomStream {
  let block = 0;
  const bytes = (length: number): Uint8Array => {
    if (length > MAX_RANDOM_REQUEST_BYTES) {
      throw new WebAssembly.RuntimeError(`more than ${MAX_RANDOM_REQUEST_BYTES} random bytes at once`);
    }
    const stream = chacha20(seed, NONCE, new Uint8Array(length), undefined, block);
    block += Math.ceil(length / BLOCK_BYTES);
    return stream;
  };
  return { bytes, u64: () => new DataView(bytes(8).buffer).getBigUint64(0, true) };
}
