// Node's own cryptography: it answers at once, where Web Crypto's goes through a thread and takes longer than a decision.

import { createHmac, createPublicKey, createSecretKey, hash, verify, type KeyObject } from 'node:crypto';

import type { Primitives } from '../gateway/primitives.ts';
import type { Hmac } from '../gateway/seed.ts';

/** What the door needs. */
export const nodePrimitives: Primitives = {
  sha256Hex: (text) => hash('sha256', text),
  digest: (algorithm, text) => hash(algorithm === 'SHA-512' ? 'sha512' : 'sha256', text, 'buffer'),
  importEd25519(x) {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return (signature, text) => verify(null, Buffer.from(text), key, signature);
  },
};

/** For keys that are used again and again: each is prepared once. */
export function createNodeHmac(): Hmac {
  const prepared = new WeakMap<Uint8Array, KeyObject>();
  return (key, message) => {
    const known = prepared.get(key) ?? createSecretKey(key);
    prepared.set(key, known);
    return createHmac('sha256', known).update(message).digest();
  };
}
