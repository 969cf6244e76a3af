// Verifies the Ed25519 signature of a request (RFC 9421, 3.3.6) with a key of the processor's record. The record alone
// says which key and which algorithm. Where there is no such key, a key that nobody holds is asked, so that an unknown
// name takes as long as a bad signature.

import type { PublicKeyEntry } from '../../artifact/processor.ts';

/** Whether `signature` over `base` is one of the key. `undefined`, for a key that is not there, is never satisfied. */
export type SignatureVerifier = (
  key: PublicKeyEntry | undefined,
  signature: Uint8Array<ArrayBuffer>,
  base: string,
) => Promise<boolean>;

/** The base point (RFC 8032, 5.1): a public key like any other, whose private half nobody looks for here. */
const DECOY_X = 'WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY';

/** A verifier that imports each key once. */
export function createSignatureVerifier(): SignatureVerifier {
  // The keys and not their promises: in Workers a promise belongs to the request that made it.
  const imported = new WeakMap<object, CryptoKey>();
  const decoy = { x: DECOY_X };
  return async (key, signature, base) => {
    const entry = key ?? decoy;
    let publicKey = imported.get(entry);
    if (publicKey === undefined) {
      publicKey = await importPublicKey(entry.x).catch(() => undefined);
      // The record is signed, so this is the operator's mistake; it shuts out whoever it is about.
      if (publicKey === undefined) return false;
      imported.set(entry, publicKey);
    }
    const isGood = await crypto.subtle.verify(
      'Ed25519',
      publicKey,
      signature,
      new TextEncoder().encode(base),
    );
    return isGood && key !== undefined;
  };
}

function importPublicKey(x: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('jwk', { kty: 'OKP', crv: 'Ed25519', x }, 'Ed25519', false, ['verify']);
}
