// The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header): a string of RFC 9651, or the same characters
// without quotes, since most clients send a bare UUID. Both name one key. What could be read in two ways is refused: two
// headers, which arrive joined by a comma, and parameters.

export const IDEMPOTENCY_HEADER = 'idempotency-key';

/** Longest key, characters, without its quotes: what other payment interfaces take (Stripe), seven UUIDs. */
export const MAX_IDEMPOTENCY_KEY_LENGTH = 255;

const QUOTED = String.raw`"(?:[ !#-\[\]-~]|\\["\\]){1,${MAX_IDEMPOTENCY_KEY_LENGTH}}"`;
const BARE = String.raw`[A-Za-z0-9._~:/+=@-]{1,${MAX_IDEMPOTENCY_KEY_LENGTH}}`;

/** The header's values, as a regular expression that JSON Schema can have too. */
export const IDEMPOTENCY_KEY_PATTERN = `^(?:${QUOTED}|${BARE})$`;

/** What the header is, for who sent something else. */
export const IDEMPOTENCY_KEY_FORM =
  `Idempotency-Key is one string of 1 to ${MAX_IDEMPOTENCY_KEY_LENGTH} characters: in quotes (RFC 9651), or letters, ` +
  'digits and any of ._~:/+=@-';

const PATTERN = new RegExp(IDEMPOTENCY_KEY_PATTERN);

/** The key that a header names; undefined where it names none. */
export function parseIdempotencyKey(header: string): string | undefined {
  if (!PATTERN.test(header)) return undefined;
  return header.startsWith('"') ? header.slice(1, -1).replace(/\\(["\\])/g, '$1') : header;
}
