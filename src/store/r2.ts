// The object store on a Cloudflare R2 bucket: the binding inside a worker, or Miniflare's `getR2Bucket` in Node.
// It trusts the bucket to compare and write in one step, and nothing else: keys that are not ours are not listed,
// a body is not read before its size is known.
//
// Conditions are R2's object form, never `Headers`: Miniflare's proxy throws on Node's `Headers` and silently
// ignores its own, which would make every create an overwrite. In the object form `*` is a wildcard and quotation
// marks are an error, so a caller's ETag is looked at first. ETags of whole uploads are content hashes: after
// A → B → A the first ETag matches again.

import type { R2Bucket, R2ObjectBody } from '@cloudflare/workers-types';
import { WasmpayError } from '../core/error.ts';
import { MAX_KEY_LENGTH, clampPageLimit, isStorageKey, requireStorageKey } from './object-store.ts';
import type { ObjectStore } from './object-store.ts';

/** What R2 gives as an ETag: hexadecimal digits, with `-<parts>` after a multipart upload. Anything else matches nothing. */
const R2_ETAG = /^[A-Za-z0-9-]+$/;

const KEY_PREFIX = /^[A-Za-z0-9._/-]*$/;

/**
 * The store over `bucket`. Edge-safe: imports no Node module. R2 lets one key change about once a second and answers
 * 429 above that: `store_unavailable`, as every other error of R2. A page may hold fewer objects than `limit`, or
 * none, and still have a cursor. Through Miniflare's proxy every property of a listed object is a blocking round trip,
 * 10 ms an object: list in a worker (http-server.ts) where there are many.
 */
export function createR2Store(bucket: R2Bucket): ObjectStore {
  return {
    async get(key, { ifNoneMatch, maxBytes = Infinity } = {}) {
      requireStorageKey(key);
      return await answer(async () => {
        const found =
          ifNoneMatch !== undefined && R2_ETAG.test(ifNoneMatch)
            ? await bucket.get(key, { onlyIf: { etagDoesNotMatch: ifNoneMatch } })
            : await bucket.get(key);
        if (found === null) return { kind: 'missing' };
        // Not `'body' in found`: through Miniflare's proxy, touching `body` uses it up.
        if (!('arrayBuffer' in found)) return { kind: 'not-modified' };
        const object = found as R2ObjectBody;
        const { size, etag } = object;
        if (size > maxBytes) {
          await object.body.cancel();
          throw new WasmpayError('store_object_too_large', `object is larger than ${maxBytes} bytes`);
        }
        return { kind: 'found', object: { key, bytes: new Uint8Array(await object.arrayBuffer()), etag } };
      });
    },

    async put(key, bytes, condition) {
      requireStorageKey(key);
      if (condition.kind === 'matches' && !R2_ETAG.test(condition.etag)) return { kind: 'conflict' };
      const onlyIf =
        condition.kind === 'absent' ? { etagDoesNotMatch: '*' } : { etagMatches: condition.etag };
      return await answer(async () => {
        // The binding reads the caller's memory while it sends: give it a copy.
        const stored = await bucket.put(key, new Uint8Array(bytes), { onlyIf });
        return stored === null ? { kind: 'conflict' } : { kind: 'stored', etag: stored.etag };
      });
    },

    async list({ prefix, cursor, limit }) {
      if (prefix.length > MAX_KEY_LENGTH || !KEY_PREFIX.test(prefix)) return { objects: [] };
      return await answer(async () => {
        const page = await bucket.list({
          prefix,
          limit: clampPageLimit(limit),
          ...(cursor === undefined ? {} : { cursor }),
        });
        const objects = page.objects.map(({ key, size, etag }) => ({ key, sizeBytes: size, etag }));
        return {
          objects: objects.filter(({ key }) => isStorageKey(key)),
          // Only `truncated` says whether there is more: R2 may give a short page for its own reasons.
          ...(page.truncated ? { cursor: page.cursor } : {}),
        };
      });
    },

    async delete(key) {
      requireStorageKey(key);
      await answer(() => bucket.delete(key));
    },
  };
}

async function answer<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof WasmpayError) throw cause;
    throw new WasmpayError('store_unavailable', 'R2 did not answer', { cause });
  }
}
