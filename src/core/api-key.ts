// The text of an API key, both ways: `wpk_<processor>_<key id>_<secret>_<check>`. It says whose key it is, so that one
// record is to be read and not all; the check shows a mistyped, cut or invented key before anything is read. It is no
// secret and proves nothing: that is what the 256 random bits are for. The prefix lets scanners find keys in what should
// hold none.

import { isSlug } from './bank.ts';
import { crc32 } from './crc32.ts';

/** What a well-formed key says about itself: nothing of it is proven. */
export interface ApiKeyClaim {
  /** Slug of the processor. */
  readonly processor: string;
  readonly keyId: string;
  /** All of it: what the record holds the SHA-256 of. */
  readonly text: string;
}

/** Random bytes of a key. */
export const API_KEY_SECRET_BYTES = 32;

/** Longest key, characters: prefix, a DNS label, id, secret, check, and what joins them. */
export const MAX_API_KEY_LENGTH = 4 + 63 + 1 + 8 + 1 + 64 + 1 + 8;

const PREFIX = 'wpk';
const KEY_ID = /^[a-z0-9]{8}$/;
// No part holds an underscore, so there is one way to split it.
const API_KEY = /^wpk_([a-z0-9-]{1,63})_([a-z0-9]{8})_([0-9a-f]{64})_([0-9a-f]{8})$/;

/** Whether `text` can be the id of an API key. */
export function isApiKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

/** The text of a key. `secretHex` are 64 hexadecimal digits, lower case. */
export function formatApiKey(processor: string, keyId: string, secretHex: string): string {
  const body = `${PREFIX}_${processor}_${keyId}_${secretHex}`;
  return `${body}_${checkOf(body)}`;
}

/** Reads a key's text; undefined where it is none, or its check does not hold. */
export function parseApiKey(text: string): ApiKeyClaim | undefined {
  if (text.length > MAX_API_KEY_LENGTH) return undefined;
  const [, processor = '', keyId = '', , check] = API_KEY.exec(text) ?? [];
  if (!isSlug(processor) || check === undefined) return undefined;
  if (check !== checkOf(text.slice(0, -check.length - 1))) return undefined;
  return { processor, keyId, text };
}

function checkOf(body: string): string {
  return crc32(new TextEncoder().encode(body)).toString(16).padStart(8, '0');
}
