// Bank ids and their slugs. A slug is the bank's id in DNS-label form: the subdomain and the storage key.

/** Longest bank id, in characters: a slug must fit one DNS label (RFC 1035, 63 octets). */
export const MAX_BANK_ID_LENGTH = 63;

/** A bank id: what has a slug, and nothing else. Without flags, so that it can be JSON Schema's `pattern` as well. */
export const BANK_ID = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether `text` can be a subdomain and a storage key: RFC 1123 label, lower case. */
export function isSlug(text: string): boolean {
  return SLUG.test(text);
}

/**
 * The slug of a bank id (`bank_002` → `bank-002`): lower case, `_` and `.` become `-`.
 * Undefined where the id has another character or the result is no DNS label.
 */
export function slugOf(bankId: string): string | undefined {
  // Before the case is changed: other letters (U+212A) have ASCII lower-case forms.
  if (!BANK_ID.test(bankId)) return undefined;
  return bankId.toLowerCase().replace(/[_.]/g, '-');
}
