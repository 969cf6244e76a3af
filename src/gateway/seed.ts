// The seed of a guest's randomness: a keyed hash of bank and transaction. The same payment always meets the same
// random numbers, and whoever sends payments cannot choose them.

import { WasmpayError } from '../core/error.ts';
import type { Bank, Transaction } from '../core/transaction.ts';

/** 32 bytes for one bank and one transaction. */
export type Seeder = (slug: string, transaction: Transaction) => Promise<Uint8Array>;

/** Shortest key, bytes: that of the hash's output (RFC 2104, 3). */
export const MIN_SEED_KEY_BYTES = 32;

/** HMAC-SHA-256 of `message` under `key`. */
export type Hmac = (key: Uint8Array, message: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/**
 * A seeder: `hmac` under `key` of {@link encodeSeedInput}. Throws `config_invalid` for a key under
 * {@link MIN_SEED_KEY_BYTES}.
 */
export function createSeeder(key: Uint8Array, hmac: Hmac = createWebHmac()): Seeder {
  if (key.byteLength < MIN_SEED_KEY_BYTES) {
    throw new WasmpayError('config_invalid', `the seed key is shorter than ${MIN_SEED_KEY_BYTES} bytes`);
  }
  return async (slug, transaction) => hmac(key, encodeSeedInput(slug, transaction));
}

/** Web Crypto's, for one key, which is imported at first use: Workers do no such work outside a request. */
export function createWebHmac(): Hmac {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  // The key and not its promise: in Workers a promise belongs to the request that made it.
  let imported: CryptoKey | undefined;
  return async (key, message) => {
    imported ??= await crypto.subtle.importKey('raw', new Uint8Array(key), algorithm, false, ['sign']);
    return new Uint8Array(await crypto.subtle.sign('HMAC', imported, new Uint8Array(message)));
  };
}

/** First field of the encoding; a change of the encoding changes it. */
const DOMAIN = 'wasmpay-seed/1';

/**
 * The canonical encoding: {@link DOMAIN}, the slug, then the transaction's fields in the contract's order, `amount`
 * as decimal digits; each as `<length>:<text>`, the length in UTF-16 code units, all in UTF-8. No two transactions
 * share one, however their fields are cut: lengths say where each ends, and their texts are well-formed.
 */
export function encodeSeedInput(slug: string, transaction: Transaction): Uint8Array<ArrayBuffer> {
  const { id, origin, destination, amount, status } = transaction;
  const head = field(DOMAIN) + field(slug) + field(id) + bankFields(origin) + bankFields(destination);
  const tail = field(amount.name) + field(amount.symbol) + field(amount.amount.toString()) + field(status);
  return new TextEncoder().encode(head + tail);
}

function bankFields(bank: Bank): string {
  return field(bank.id) + field(bank.name) + field(bank.country) + field(bank.currency);
}

function field(text: string): string {
  return `${text.length}:${text}`;
}
