// The object store that forgets: a Map, for tests and for a process that keeps nothing. It trusts nothing above
// it: bytes are copied on the way in and on the way out, hostile keys are refused.
//
// ETags are the SHA-256 of the bytes, so a compare-and-swap compares content: after A → B → A the first ETag
// matches again.

import { WasmpayError } from '../core/error.ts';
import { clampPageLimit, requireStorageKey } from './object-store.ts';
import type { ObjectStore } from './object-store.ts';

/** An empty store whose objects live as long as the value that this returns. Works wherever Web Crypto does. */
export function createMemoryStore(): ObjectStore {
  const objects = new Map<string, { readonly bytes: Uint8Array<ArrayBuffer>; readonly etag: string }>();
  return {
    async get(key, { ifNoneMatch, maxBytes = Infinity } = {}) {
      requireStorageKey(key);
      const held = objects.get(key);
      if (held === undefined) return { kind: 'missing' };
      if (held.etag === ifNoneMatch) return { kind: 'not-modified' };
      if (held.bytes.length > maxBytes) {
        throw new WasmpayError('store_object_too_large', `object is larger than ${maxBytes} bytes`);
      }
      return { kind: 'found', object: { key, bytes: held.bytes.slice(), etag: held.etag } };
    },

    async put(key, bytes, condition) {
      requireStorageKey(key);
      const copy = new Uint8Array(bytes);
      const etag = await sha256Hex(copy);
      // No await from here on: comparing and storing are one step.
      const held = objects.get(key);
      const holds = condition.kind === 'absent' ? held === undefined : held?.etag === condition.etag;
      if (!holds) return { kind: 'conflict' };
      objects.set(key, { bytes: copy, etag });
      return { kind: 'stored', etag };
    },

    async list({ prefix, cursor = '', limit }) {
      // Storage keys are ASCII, so the order of UTF-16 units is that of UTF-8 bytes; a cursor is the last key.
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > cursor).sort();
      const page = keys.slice(0, clampPageLimit(limit));
      const last = page.at(-1);
      return {
        objects: page.flatMap((key) => {
          const held = objects.get(key);
          return held === undefined ? [] : [{ key, sizeBytes: held.bytes.length, etag: held.etag }];
        }),
        ...(last !== undefined && page.length < keys.length ? { cursor: last } : {}),
      };
    },

    async delete(key) {
      requireStorageKey(key);
      objects.delete(key);
    },
  };
}

async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
