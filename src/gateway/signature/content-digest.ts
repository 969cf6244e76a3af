// The `content-digest` header (RFC 9530): what binds a signature over headers to a body. Every digest that it names must
// be the body's; an algorithm that is not active in the RFC's registry is refused, not passed over.

import type { Primitives } from '../primitives.ts';
import { parseByteSequences } from './structured-fields.ts';

/** Longest header, characters: both digests in base64 are 158. */
const MAX_HEADER_LENGTH = 512;

const ALGORITHMS = {
  'sha-256': { name: 'SHA-256', bytes: 32 },
  'sha-512': { name: 'SHA-512', bytes: 64 },
} as const;

type Algorithm = keyof typeof ALGORITHMS;

/** Whether the digests of a header are those of this body, which was decoded strictly: its UTF-8 is what came. */
export type BodyCheck = (body: string) => Promise<boolean>;

/** Reads the header; undefined where it says nothing that can be checked. */
export function parseContentDigest(
  header: string,
  { digest: compute }: Pick<Primitives, 'digest'>,
): BodyCheck | undefined {
  if (header.length > MAX_HEADER_LENGTH) return undefined;
  const digests = parseByteSequences(header);
  if (digests === undefined) return undefined;
  for (const [key, digest] of digests)
    if (!isAlgorithm(key) || ALGORITHMS[key].bytes !== digest.length) return undefined;
  return async (body) => {
    for (const [key, digest] of digests) {
      const actual = await compute(ALGORITHMS[key as Algorithm].name, body);
      // What is compared is no secret: the caller has sent both.
      if (!actual.every((byte, index) => byte === digest[index])) return false;
    }
    return true;
  };
}

function isAlgorithm(key: string): key is Algorithm {
  return Object.hasOwn(ALGORITHMS, key);
}
