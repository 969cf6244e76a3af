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
const U64_BYTES = 8;

export interface RandomStream {
  /** The next `length` bytes of the stream, from the start of its next block. */
  bytes(length: number): Uint8Array;
  /** The next number, eight bytes of it: from a block that gives eight numbers, whatever else is asked in between. */
  u64(): bigint;
}

/** The stream of `seed` ({@link SEED_BYTES}). No byte of it is given twice; which ones are given belongs to a result. */
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
  // A block for each number would make this the dearest of all host calls.
  let numbers: DataView | undefined;
  let offset = BLOCK_BYTES;
  const u64 = (): bigint => {
    if (numbers === undefined || offset === BLOCK_BYTES) {
      const { buffer, byteOffset } = bytes(BLOCK_BYTES);
      numbers = new DataView(buffer, byteOffset, BLOCK_BYTES);
      offset = 0;
    }
    const number = numbers.getBigUint64(offset, true);
    offset += U64_BYTES;
    return number;
  };
  return { bytes, u64 };
}
