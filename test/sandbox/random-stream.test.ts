import { describe, expect, it } from 'vitest';

import { createRandomStream } from '../../src/sandbox/random-stream.ts';

const SEED = new Uint8Array(32);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** Numbers as the bytes that they were made of. */
const bytesOf = (numbers: readonly bigint[]): string =>
  hex(new Uint8Array(BigUint64Array.from(numbers).buffer));

// Source: RFC 8439, A.1, test vectors 1 and 2: key and nonce of zeros, blocks 0 and 1.
const BLOCK_0 =
  '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586';
const BLOCK_1 =
  '9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f';

describe('the random stream', () => {
  it('is the key stream of ChaCha20', () => {
    expect(hex(createRandomStream(SEED).bytes(128))).toBe(BLOCK_0 + BLOCK_1);
  });

  it('gives eight numbers a block, in the order of its bytes', () => {
    const stream = createRandomStream(SEED);
    expect(bytesOf(Array.from({ length: 16 }, () => stream.u64()))).toBe(BLOCK_0 + BLOCK_1);
  });

  it('starts bytes at a block of their own, and numbers go on where they were', () => {
    const stream = createRandomStream(SEED);
    const first = stream.u64();
    expect(hex(stream.bytes(8))).toBe(BLOCK_1.slice(0, 16));
    const rest = Array.from({ length: 7 }, () => stream.u64());
    expect(bytesOf([first, ...rest])).toBe(BLOCK_0);
    const other = createRandomStream(SEED);
    expect(hex(other.bytes(1)) + hex(other.bytes(1))).toBe(BLOCK_0.slice(0, 2) + BLOCK_1.slice(0, 2));
    expect(other.bytes(0)).toHaveLength(0);
  });

  it('gives no byte twice', () => {
    const stream = createRandomStream(SEED);
    const given = Array.from({ length: 400 }, (_, turn) =>
      turn % 3 === 0 ? hex(stream.bytes(8)) : bytesOf([stream.u64()]),
    );
    expect(new Set(given).size).toBe(given.length);
  });
});
