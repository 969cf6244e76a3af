// How often a processor may ask. A tier is a name in its signed record; what the name allows is the gateway's
// configuration. On Node each process counts for itself, in token buckets; workerd's own counter is behind the same
// interface (entry/worker-rate-limit).

import type { Clock } from '../core/clock.ts';
import { WasmpayError } from '../core/error.ts';
import { createLruMap } from './lru-map.ts';

/** What one tier allows: `requests` at once, and as many again every `perS` seconds. */
export interface RateTier {
  readonly requests: number;
  readonly perS: number;
}

/** The tier that there always is: it also holds for whoever is in one that this gateway does not know. */
export const STANDARD_TIER = 'standard';

/** Where nobody says otherwise. A hundred a second is more than most processors send to all banks together. */
export const DEFAULT_RATE_TIERS: ReadonlyMap<string, RateTier> = new Map([
  [STANDARD_TIER, { requests: 1_000, perS: 10 }],
  ['high', { requests: 10_000, perS: 10 }],
]);

export type RateVerdict =
  | { readonly allowed: true }
  /** `retryAfterS`: whole seconds, at least 1. */
  | { readonly allowed: false; readonly retryAfterS: number };

export interface RateLimiter {
  /** Whether there is a tier of this name. */
  has(tier: string): boolean;
  /**
   * Counts `count` requests of `name`, one unless told, in a tier that there is; several are all allowed or none. May
   * reject where the counter is out of reach.
   */
  take(tier: string, name: string, count?: number): RateVerdict | Promise<RateVerdict>;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/**
 * Token buckets in this process, one a tier and name. At most `maxBuckets` are remembered, those used last: whoever was
 * forgotten starts with a full one. Throws `config_invalid` where there is no standard tier.
 */
export function createTokenBuckets(
  tiers: ReadonlyMap<string, RateTier>,
  clock: Clock,
  maxBuckets = 10_000,
): RateLimiter {
  const standard = tiers.get(STANDARD_TIER);
  if (standard === undefined) throw new WasmpayError('config_invalid', `there is no tier ${STANDARD_TIER}`);
  const buckets = createLruMap<Bucket>(maxBuckets);
  return {
    has: (tier) => tiers.has(tier),
    take(tier, name, count = 1) {
      const { requests, perS } = tiers.get(tier) ?? standard;
      const nowMs = clock();
      const key = `${tier} ${name}`;
      const last = buckets.get(key) ?? { tokens: requests, atMs: nowMs };
      // A clock that was set back gives nothing, and takes nothing away.
      const elapsedMs = Math.max(nowMs - last.atMs, 0);
      const tokens = Math.min(requests, last.tokens + (elapsedMs * requests) / (perS * 1000));
      // More than a tier holds is allowed to whoever has not just asked, and owed afterwards: what counts is the rate.
      const needed = count === 1 ? 1 : Math.min(count, requests - 1);
      if (tokens >= needed) {
        buckets.set(key, { tokens: tokens - count, atMs: nowMs });
        return { allowed: true };
      }
      buckets.set(key, { tokens, atMs: nowMs });
      return { allowed: false, retryAfterS: Math.max(1, Math.ceil(((needed - tokens) * perS) / requests)) };
    },
  };
}
