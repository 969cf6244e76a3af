import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeMessage, encodeMessage } from '../../src/core/frames.ts';

describe('a message', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.uint8Array()), (value, blobs) => {
        const written = JSON.parse(JSON.stringify({ value })) as { value: unknown };
        expect(decodeMessage(encodeMessage({ value, blobs }))).toEqual({ value: written.value, blobs });
      }),
    );
  });

  it('is refused when it is cut, longer, or something else', () => {
    const bytes = encodeMessage({ value: { a: 1 }, blobs: [Uint8Array.of(1, 2, 3)] });
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decodeMessage(bytes.subarray(0, length)), `length ${length}`).toBeUndefined();
    }
    expect(decodeMessage(new Uint8Array([...bytes, 0]))).toBeUndefined();
    for (const head of [
      'null',
      '7',
      '{}',
      '{"lengths":[-1]}',
      '{"lengths":[1e9]}',
      '{"lengths":["1"]}',
      '\u0000',
    ]) {
      expect(decodeMessage(new TextEncoder().encode(`${head}\n`)), head).toBeUndefined();
    }
  });

  it('is never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        decodeMessage(bytes);
      }),
    );
  });
});
