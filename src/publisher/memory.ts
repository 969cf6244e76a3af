// What pure stages made of the same input before, for an author who makes one component after the other with one toolchain:
// most of what they are made of stays the same. Publishers make everything anew.

import { createHash } from 'node:crypto';

import type { Message } from '../core/frames.ts';

/** How a stage's result is kept in a file. */
export interface Codec<T> {
  /** Undefined where the result is not worth keeping: a failure, which another run may not have. */
  encode(value: Awaited<T>): Message | undefined;
  /** Undefined where the message, which is of somebody else's making, is no such result. */
  decode(message: Message): T | undefined;
}

export interface Memory {
  /** What `make` gives for `inputs`; made once. `make` depends on nothing else, and does not change what it is given. */
  recall<T>(stage: string, inputs: readonly (string | Uint8Array)[], make: () => T, codec: Codec<T>): T;
}

/** Results kept: two components of the toolchain with the most core modules here, and their glue. */
const MOST_RESULTS = 32;

/** Remembers nothing. */
export const NO_MEMORY: Memory = { recall: (_stage, _inputs, make) => make() };

/** Remembers in this process, and asks `deeper` what it does not know. */
export function createMemory(deeper: Memory = NO_MEMORY): Memory {
  const results = new Map<string, unknown>();
  /** What failed, and might not fail again, is made again. */
  const forgetFailure = async <T>(
    key: string,
    result: Promise<Awaited<T>>,
    codec: Codec<T>,
  ): Promise<void> => {
    try {
      if (codec.encode(await result) === undefined) results.delete(key);
    } catch {
      results.delete(key);
    }
  };
  return {
    recall<T>(stage: string, inputs: readonly (string | Uint8Array)[], make: () => T, codec: Codec<T>): T {
      const key = keyOf(stage, inputs);
      const result = (results.has(key) ? results.get(key) : deeper.recall(stage, inputs, make, codec)) as T;
      // The one that was used last is the last one to go.
      results.delete(key);
      results.set(key, result);
      if (result instanceof Promise) void forgetFailure(key, result, codec);
      for (const oldest of results.keys()) {
        if (results.size <= MOST_RESULTS) break;
        results.delete(oldest);
      }
      return result;
    },
  };
}

/** Of a stage and all that it is given, 64 hexadecimal digits. */
export function keyOf(stage: string, inputs: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256').update(stage);
  for (const input of inputs) hash.update(`\0${input.length}\0`).update(input);
  return hash.digest('hex');
}
