// Cloudflare's rate limiting binding as the counter of the rate tiers: one binding a tier, whose limit and period are in
// wrangler.toml. It counts for each of Cloudflare's locations on its own and lets a little more through than it says. A
// binding counts one for each call of it, so a batch counts as one request for every ten of its transactions.

import type { RateLimit } from '@cloudflare/workers-types';

import type { RateLimiter } from '../gateway/rate-limit.ts';

/** The shorter of the two periods that a binding can have, seconds: it does not say which is its own, nor what is left. */
const RETRY_AFTER_S = 10;

/** Transactions of a batch that count as one request: each count is a call, and a batch has up to a thousand. */
const ITEMS_PER_COUNT = 10;

/** A limiter whose tiers are bindings. Rejects as a binding does. */
export function createBindingLimiter(bindings: ReadonlyMap<string, Pick<RateLimit, 'limit'>>): RateLimiter {
  return {
    has: (tier) => bindings.has(tier),
    async take(tier, name, count = 1) {
      const binding = bindings.get(tier);
      if (binding === undefined) return { allowed: false, retryAfterS: RETRY_AFTER_S };
      const counts = Array.from({ length: Math.ceil(count / ITEMS_PER_COUNT) }, () =>
        binding.limit({ key: name }),
      );
      const answers = await Promise.all(counts);
      return answers.every(({ success }) => success)
        ? { allowed: true }
        : { allowed: false, retryAfterS: RETRY_AFTER_S };
    },
  };
}
