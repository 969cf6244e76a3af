// Which release a bank runs now, as far as this isolate knows. The windows and the distrust are record-cache's.

import type { VerifiedRelease } from '../artifact/release.ts';
import type { Clock } from '../core/clock.ts';
import { MAX_RELEASE_BYTES } from '../core/limits.ts';
import { currentReleaseKey } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { CacheEvent } from './event.ts';
import type { Freshness } from './freshness.ts';
import { createRecordCache } from './record-cache.ts';
import type { Timer, WaitUntil } from './timer.ts';

export interface ReleaseCacheOptions {
  readonly store: ObjectStore;
  /** Throws `release_invalid`. Bytes come straight from the bucket. */
  readonly verify: (token: Uint8Array, slug: string) => Promise<VerifiedRelease>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly freshness: Freshness;
  readonly onEvent: (event: CacheEvent) => void;
}

/** `unavailable`: storage failed, or holds nothing that verifies, and no release that may still be used is known. */
export type ReleaseLookup =
  | { readonly kind: 'release'; readonly release: VerifiedRelease }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unavailable' };

export interface ReleaseCache {
  /** The current release of a bank. Never rejects. `slug` must be one: it becomes a storage key. `leftMs` as there. */
  get(slug: string, waitUntil: WaitUntil, leftMs?: number): Promise<ReleaseLookup>;
  /** Banks remembered: with a release, and without one. For tests and gauges. */
  readonly sizes: { readonly known: number; readonly unknown: number };
}

/** An empty release cache. */
export function createReleaseCache(options: ReleaseCacheOptions): ReleaseCache {
  const { onEvent, ...rest } = options;
  const records = createRecordCache<VerifiedRelease>({
    ...rest,
    keyOf: currentReleaseKey,
    maxBytes: MAX_RELEASE_BYTES,
    onFault: (fault, bank, error) =>
      onEvent({
        event: 'cache',
        code: `release_${fault}`,
        ...(bank !== undefined && { bank }),
        ...(error !== undefined && { error }),
      }),
  });
  return {
    async get(slug, waitUntil, leftMs) {
      const lookup = await records.get(slug, waitUntil, leftMs);
      return lookup.kind === 'found' ? { kind: 'release', release: lookup.record } : lookup;
    },
    get sizes() {
      return records.sizes;
    },
  };
}
