// The cryptography that the door needs, as an argument: Web Crypto's works everywhere, and goes through a thread on Node,
// where a runtime's own answers at once.

import { toHex } from '../artifact/digest.ts';

/** Whether `signature` is the key's over the UTF-8 of `text`. */
export type SignatureCheck = (signature: Uint8Array<ArrayBuffer>, text: string) => boolean | Promise<boolean>;

export interface Primitives {
  /** SHA-256 of a text's UTF-8, as 64 lower-case hexadecimal digits. */
  sha256Hex(text: string): string | Promise<string>;
  /** A digest of a text's UTF-8. */
  digest(algorithm: 'SHA-256' | 'SHA-512', text: string): Uint8Array | Promise<Uint8Array>;
  /** Prepares an Ed25519 key, given as `x` of its JSON Web Key. Throws or rejects where it is none. */
  importEd25519(x: string): SignatureCheck | Promise<SignatureCheck>;
}

/** Web Crypto's. */
export const webPrimitives: Primitives = {
  sha256Hex: async (text) => toHex(await digest('SHA-256', text)),
  digest,
  async importEd25519(x) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x };
    const key = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify']);
    return (signature, text) => crypto.subtle.verify('Ed25519', key, signature, encode(text));
  },
};

async function digest(algorithm: 'SHA-256' | 'SHA-512', text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(algorithm, encode(text)));
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
