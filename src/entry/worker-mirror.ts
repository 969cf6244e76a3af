// Cloudflare's Cache API as the artifacts' second level: one copy a data centre, so that a new isolate there need not ask
// the bucket, which may be an ocean away. It keeps what it likes for as long as it likes, which is all that is asked of it.

import type { Cache } from '@cloudflare/workers-types';

import { hexOf, type Digest } from '../artifact/digest.ts';
import type { ArtifactMirror } from '../gateway/artifact-cache.ts';

/** No such host exists: the address is a key of this cache and never asked for. */
const addressOf = (digest: Digest): string => `https://artifacts.wasmpay.invalid/${hexOf(digest)}`;

/** Artifacts never change: a year is the most that a cache is told. */
const HEADERS = { 'cache-control': 'public, max-age=31536000, immutable' };

/** A mirror in `cache`, which is `caches.default` in a worker. */
export function createWorkerMirror(cache: Pick<Cache, 'match' | 'put'>): ArtifactMirror {
  return {
    async get(digest) {
      const response = await cache.match(addressOf(digest));
      return response === undefined ? undefined : new Uint8Array(await response.arrayBuffer());
    },
    async put(digest, bytes) {
      const response = new Response(bytes, { headers: HEADERS });
      await cache.put(addressOf(digest), response as unknown as Parameters<Cache['put']>[1]);
    },
  };
}
