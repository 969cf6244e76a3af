// The part of Structured Field Values (RFC 9651) that message signatures are made of: dictionaries whose members are byte
// sequences or lists of strings with parameters. It is stricter than the RFC where that allows two readings of one text:
// a key that comes twice is refused instead of the last one winning, and so is base64 that encodes the same bytes in
// another way. Everything else of the RFC (tokens, decimals, booleans, dates, items with parameters) is refused: no
// signature needs it. Time is linear in the length of the text, which the caller bounds.

export type BareItem =
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'bytes'; readonly value: Uint8Array<ArrayBuffer> };

/** `("a" "b");key=value`. */
export interface InnerList {
  readonly items: readonly string[];
  readonly parameters: ReadonlyMap<string, BareItem>;
}

/** Reads a dictionary of byte sequences without parameters; undefined where the text is none. */
export function parseByteSequences(text: string): ReadonlyMap<string, Uint8Array<ArrayBuffer>> | undefined {
  return parseDictionary(text, (scanner) => {
    const item = readBareItem(scanner);
    return item?.kind === 'bytes' ? item.value : undefined;
  });
}

/** Reads a dictionary of lists of strings; undefined where the text is none. */
export function parseInnerLists(text: string): ReadonlyMap<string, InnerList> | undefined {
  return parseDictionary(text, readInnerList);
}

/** The one text of a list (RFC 9651, 4.1.1.1): what a signature's parameters are signed as. */
export function serializeInnerList({ items, parameters }: InnerList): string {
  const list = items.map((item) => serializeString(item)).join(' ');
  const suffix = [...parameters].map(([key, item]) => `;${key}=${serializeBareItem(item)}`).join('');
  return `(${list})${suffix}`;
}

/** The text of a string that {@link parseInnerLists} can give. */
export function serializeString(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

function serializeBareItem(item: BareItem): string {
  if (item.kind === 'integer') return String(item.value);
  if (item.kind === 'string') return serializeString(item.value);
  return `:${btoa(String.fromCharCode(...item.value))}:`;
}

/** A text, and how far it was read. */
interface Scanner {
  readonly text: string;
  at: number;
}

function parseDictionary<V>(
  text: string,
  readValue: (scanner: Scanner) => V | undefined,
): ReadonlyMap<string, V> | undefined {
  const scanner: Scanner = { text, at: 0 };
  const members = new Map<string, V>();
  skip(scanner, SPACES);
  for (;;) {
    const key = take(scanner, KEY);
    if (key === undefined || members.has(key) || take(scanner, EQUALS) === undefined) return undefined;
    const value = readValue(scanner);
    if (value === undefined) return undefined;
    members.set(key, value);
    skip(scanner, BLANKS);
    if (scanner.at === text.length) return members;
    if (take(scanner, COMMA) === undefined) return undefined;
    skip(scanner, BLANKS);
  }
}

function readInnerList(scanner: Scanner): InnerList | undefined {
  if (take(scanner, OPEN) === undefined) return undefined;
  const items: string[] = [];
  skip(scanner, SPACES);
  while (take(scanner, CLOSE) === undefined) {
    const item = readString(scanner);
    if (item === undefined) return undefined;
    items.push(item);
    // One blank at least, or the end.
    if (take(scanner, SOME_SPACES) === undefined && scanner.text[scanner.at] !== ')') return undefined;
  }
  const parameters = readParameters(scanner);
  return parameters === undefined ? undefined : { items, parameters };
}

function readParameters(scanner: Scanner): ReadonlyMap<string, BareItem> | undefined {
  const parameters = new Map<string, BareItem>();
  while (take(scanner, SEMICOLON) !== undefined) {
    skip(scanner, SPACES);
    const key = take(scanner, KEY);
    if (key === undefined || parameters.has(key) || take(scanner, EQUALS) === undefined) return undefined;
    const item = readBareItem(scanner);
    if (item === undefined) return undefined;
    parameters.set(key, item);
  }
  return parameters;
}

function readBareItem(scanner: Scanner): BareItem | undefined {
  const digits = take(scanner, INTEGER);
  // A point would make a decimal of it. `-0` is the integer 0, which is written without a sign.
  if (digits !== undefined) {
    const value = Number(digits);
    return scanner.text[scanner.at] === '.' || Object.is(value, -0) ? undefined : { kind: 'integer', value };
  }
  const base64 = take(scanner, BYTES);
  if (base64 !== undefined) {
    const value = decodeBase64(base64.slice(1, -1));
    return value === undefined ? undefined : { kind: 'bytes', value };
  }
  const value = readString(scanner);
  return value === undefined ? undefined : { kind: 'string', value };
}

function readString(scanner: Scanner): string | undefined {
  return take(scanner, STRING)
    ?.slice(1, -1)
    .replace(/\\([\\"])/g, '$1');
}

// Each is tried where the last one ended (`y`), and none can match one text in two ways.
const KEY = /[a-z*][a-z0-9_.*-]*/y;
const EQUALS = /=/y;
const COMMA = /,/y;
const SEMICOLON = /;/y;
const OPEN = /\(/y;
const CLOSE = /\)/y;
const SPACES = / */y;
const SOME_SPACES = / +/y;
const BLANKS = /[ \t]*/y;
/** At most 15 digits (RFC 9651, 3.3.1), none of them in front for nothing. */
const INTEGER = /-?(?:0|[1-9]\d{0,14})(?!\d)/y;
const BYTES = /:[A-Za-z0-9+/]*={0,2}:/y;
const STRING = /"(?:[ !#-[\]-~]|\\[\\"])*"/y;

function take(scanner: Scanner, pattern: RegExp): string | undefined {
  pattern.lastIndex = scanner.at;
  const match = pattern.exec(scanner.text)?.[0];
  if (match !== undefined) scanner.at += match.length;
  return match;
}

function skip(scanner: Scanner, pattern: RegExp): void {
  take(scanner, pattern);
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The six bits of each character of the alphabet, by its code. */
const SIX_BITS = new Uint8Array(128);
for (let bits = 0; bits < ALPHABET.length; bits += 1) SIX_BITS[ALPHABET.charCodeAt(bits)] = bits;

/**
 * The bytes of the one base64 text (RFC 4648, 4) that stands for them; undefined for any other. {@link BYTES} has seen to
 * the alphabet. By hand: a signature is to be read for every request, and `atob` gives a text first.
 */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='));
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let bits = 0;
  let at = 0;
  for (let index = 0; index < text.length - padding; index += 1) {
    bits = (bits << 6) | (SIX_BITS[text.charCodeAt(index)] ?? 0);
    // Characters 1, 2 and 3 of four complete a byte each.
    const rest = 6 - 2 * (index % 4);
    if (rest === 6) continue;
    bytes[at] = bits >>> rest;
    at += 1;
    bits &= (1 << rest) - 1;
  }
  // What is left over are bits that no byte has: anything but zeros would be another text for the same bytes.
  return bits === 0 ? bytes : undefined;
}
