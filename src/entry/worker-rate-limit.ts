// Cloudflare's rate limiting binding as the counter of the rate tiers: one binding a tier, whose limit and period are in
// wrangler.toml. It counts for each of Cloudflare's locations on its own and lets a little more through than it says.

import type { RateLimit } from '@cloudflare/workers-types';

import type { RateLimiter } from '../gateway/rate-limit.ts';

/** The shorter of the two periods that a binding can have, seconds: it does not say which is its own, nor what is left. */
const RETRY_AFTER_S = 10;

/** A limiter whose tiers are bindings. Rejects as a binding does. */
export function createBindingLimiter(bindings: ReadonlyMap<string, Pick<RateLimit, 'limit'>>): RateLimiter {
  return {
    has: (tier) => bindings.has(tier),
    async take(tier, name) {
      const answer = await bindings.get(tier)?.limit({ key: name });
      return answer?.success === true ? { allowed: true } : { allowed: false, retryAfterS: RETRY_AFTER_S };
    },
  };
}
