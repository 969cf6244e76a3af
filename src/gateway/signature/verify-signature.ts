// Verifies the Ed25519 signature of a request (RFC 9421, 3.3.6) with a key of the processor's record. The record alone
// says which key and which algorithm. Where there is no such key, one that lets nobody in is asked, so that an unknown
// name takes as long as a bad signature.

import type { PublicKeyEntry } from '../../artifact/processor.ts';
import type { Primitives, SignatureCheck } from '../primitives.ts';

/** Whether `signature` over `base` is one of the key. `undefined`, for a key that is not there, is never satisfied. */
export type SignatureVerifier = (
  key: PublicKeyEntry | undefined,
  signature: Uint8Array<ArrayBuffer>,
  base: string,
) => Promise<boolean>;

/** The base point (RFC 8032, 5.1): a public key like any other. What it says is not listened to. */
const DECOY_X = 'WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY';

/** A verifier that prepares each key once. */
export function createSignatureVerifier({
  importEd25519,
}: Pick<Primitives, 'importEd25519'>): SignatureVerifier {
  // The keys and not their promises: in Workers a promise belongs to the request that made it.
  const prepared = new WeakMap<object, SignatureCheck>();
  const decoy = { x: DECOY_X };
  return async (key, signature, base) => {
    const entry = key ?? decoy;
    let check = prepared.get(entry);
    if (check === undefined) {
      try {
        check = await importEd25519(entry.x);
      } catch {
        // The record is signed, so this is the operator's mistake; it shuts out whoever it is about.
        return false;
      }
      prepared.set(entry, check);
    }
    return (await check(signature, base)) && key !== undefined;
  };
}
