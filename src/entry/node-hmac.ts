// Node's own HMAC: it answers at once, where Web Crypto's goes through a thread and takes longer than a decision.

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

import type { Hmac } from '../gateway/seed.ts';

/** For keys that are used again and again: each is prepared once. */
export function createNodeHmac(): Hmac {
  const prepared = new WeakMap<Uint8Array, KeyObject>();
  return (key, message) => {
    const known = prepared.get(key) ?? createSecretKey(key);
    prepared.set(key, known);
    return createHmac('sha256', known).update(message).digest();
  };
}
