// Makes API keys. The text exists here and in what is shown once; the record holds its digest.

import { hexOf, sha256, toHex } from '../../artifact/digest.ts';
import type { ApiKeyEntry } from '../../artifact/processor.ts';
import { API_KEY_SECRET_BYTES, formatApiKey } from '../../core/api-key.ts';

/** Random bytes from a source that nobody can foresee. */
export type RandomBytes = (length: number) => Uint8Array;

export interface NewApiKey {
  /** A secret. */
  readonly text: string;
  readonly entry: ApiKeyEntry;
}

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 8;

/** A new key of the processor. */
export async function makeApiKey(options: {
  readonly processor: string;
  readonly random: RandomBytes;
  readonly nowS: number;
  /** How long it is valid; until it is revoked unless told. */
  readonly days?: number;
}): Promise<NewApiKey> {
  const { processor, random, nowS, days } = options;
  const id = Array.from(random(ID_LENGTH), (byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join('');
  const text = formatApiKey(processor, id, toHex(random(API_KEY_SECRET_BYTES)));
  const digest = await sha256(new TextEncoder().encode(text));
  const notAfterS = days === undefined ? undefined : nowS + days * 86_400;
  const entry = { id, sha256: hexOf(digest), createdS: nowS, ...(notAfterS !== undefined && { notAfterS }) };
  return { text, entry };
}
