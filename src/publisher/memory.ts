// What pure stages made of the same input before, for an author who makes one component after the other with one toolchain:
// most of what they are made of stays the same. Publishers make everything anew.

import { createHash } from 'node:crypto';

export interface Memory {
  /** What `make` gives for `inputs`; made once. `make` depends on nothing else, and does not change what it is given. */
  recall<T>(stage: string, inputs: readonly (string | Uint8Array)[], make: () => T): T;
}

/** Results kept: two components of the toolchain with the most core modules here, and their glue. */
const MOST_RESULTS = 32;

/** Remembers nothing. */
export const NO_MEMORY: Memory = { recall: (_stage, _inputs, make) => make() };

export function createMemory(): Memory {
  const results = new Map<string, unknown>();
  return {
    recall<T>(stage: string, inputs: readonly (string | Uint8Array)[], make: () => T): T {
      const hash = createHash('sha256').update(stage);
      for (const input of inputs) hash.update(`\0${input.length}\0`).update(input);
      const key = hash.digest('hex');
      const result = (results.has(key) ? results.get(key) : make()) as T;
      // The one that was used last is the last one to go.
      results.delete(key);
      results.set(key, result);
      for (const oldest of results.keys()) {
        if (results.size <= MOST_RESULTS) break;
        results.delete(oldest);
      }
      return result;
    },
  };
}
