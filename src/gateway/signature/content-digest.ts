// The `content-digest` header (RFC 9530): what binds a signature over headers to a body. Every digest that it names must
// be the body's; an algorithm that is not active in the RFC's registry is refused, not passed over.

import { parseByteSequences } from './structured-fields.ts';

/** Longest header, characters: both digests in base64 are 158. */
const MAX_HEADER_LENGTH = 512;

const ALGORITHMS: ReadonlyMap<string, { readonly name: string; readonly bytes: number }> = new Map([
  ['sha-256', { name: 'SHA-256', bytes: 32 }],
  ['sha-512', { name: 'SHA-512', bytes: 64 }],
]);

/** Whether the digests of a header are those of these bytes. */
export type BodyCheck = (body: Uint8Array<ArrayBuffer>) => Promise<boolean>;

/** Reads the header; undefined where it says nothing that can be checked. */
export function parseContentDigest(header: string): BodyCheck | undefined {
  if (header.length > MAX_HEADER_LENGTH) return undefined;
  const digests = parseByteSequences(header);
  if (digests === undefined) return undefined;
  for (const [key, digest] of digests) if (ALGORITHMS.get(key)?.bytes !== digest.length) return undefined;
  return async (body) => {
    for (const [key, digest] of digests) {
      const actual = new Uint8Array(await crypto.subtle.digest(ALGORITHMS.get(key)?.name ?? '', body));
      // What is compared is no secret: the caller has sent both.
      if (!actual.every((byte, index) => byte === digest[index])) return false;
    }
    return true;
  };
}
