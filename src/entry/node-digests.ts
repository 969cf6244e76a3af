// Node's own HMAC and SHA-256: they answer at once, where Web Crypto's go through a thread and take longer than a
// decision.

import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

import type { Sha256 } from '../gateway/authenticate.ts';
import type { Hmac } from '../gateway/seed.ts';

/** SHA-256 of a text. */
export const nodeSha256: Sha256 = (text) => hash('sha256', text);

/** For keys that are used again and again: each is prepared once. */
export function createNodeHmac(): Hmac {
  const prepared = new WeakMap<Uint8Array, KeyObject>();
  return (key, message) => {
    const known = prepared.get(key) ?? createSecretKey(key);
    prepared.set(key, known);
    return createHmac('sha256', known).update(message).digest();
  };
}
