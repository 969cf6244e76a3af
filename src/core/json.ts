// A strict reader of RFC 8259 that loses nothing: numbers stay the text they were, a member that comes twice is a
// fault and not a silent choice, `__proto__` is a name like any other. JSON.parse does none of the three, and money
// needs all of them. It trusts nothing; text longer than the caller's limit is the caller's to refuse.

import { MAX_JSON_DEPTH } from './limits.ts';

/** A number as it was written. It is never made a double, so nothing can round it. */
export class JsonNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

export type JsonArray = readonly JsonValue[];

/** Members in the order of the text. A map, so that no member's name can reach a prototype. */
export type JsonObject = ReadonlyMap<string, JsonValue>;

export type JsonValue = null | boolean | string | JsonNumber | JsonArray | JsonObject;

/** Where and why a text is no JSON. The message holds nothing of the text. */
export interface JsonFault {
  readonly message: string;
  /** UTF-16 code units from the start, from 0. */
  readonly offset: number;
  /** From 1; a line ends with a line feed. */
  readonly line: number;
  /** UTF-16 code units from the start of the line, from 1. */
  readonly column: number;
  /** RFC 6901. Present for a duplicate member only: its names are of the text. */
  readonly pointer?: string;
}

export type JsonResult =
  { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly fault: JsonFault };

/**
 * Reads one JSON text (RFC 8259, a byte order mark is not part of it). Refuses duplicate members, whose names are
 * compared after their escapes were resolved, and nesting deeper than {@link MAX_JSON_DEPTH}. A lone surrogate, raw
 * or escaped, is let through, since the RFC's grammar has it: whoever needs Unicode text refuses it (as
 * parse-transaction does).
 */
export function parseJson(text: string): JsonResult {
  const reader = new Reader(text);
  const value = reader.readText();
  return value === undefined ? { ok: false, fault: reader.describeFault() } : { ok: true, value };
}

/** What comes next of an array that is read item by item. */
export type JsonItem =
  /** `at`: how far the text is read. */
  | { readonly kind: 'item'; readonly value: JsonValue; readonly at: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'no_array' }
  /** An item goes on for longer than it may. */
  | { readonly kind: 'too_long' }
  | { readonly kind: 'fault'; readonly fault: JsonFault };

/**
 * Reads `text`, one JSON array, an item at a time, so that its reader can stop or take a breath in between. Each item may
 * be nested as deep as a text of its own, and take `maxItemLength` UTF-16 code units. After anything but an item there
 * is nothing more.
 */
export function createJsonItems(text: string, maxItemLength: number): () => JsonItem {
  const reader = new Reader(text);
  let index = 0;
  return () => reader.readItem(index++, maxItemLength);
}

/** The RFC 6901 pointer to a member, from the names on the way to it. */
export function toPointer(names: readonly string[]): string {
  return names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_E = 0x45;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
  [0x2f, '/'],
  [0x62, '\b'],
  [LOWER_F, '\f'],
  [LOWER_N, '\n'],
  [0x72, '\r'],
  [LOWER_T, '\t'],
]);

const HEX_4 = /^[0-9a-fA-F]{4}$/;

// Every read* answers undefined after it noted a fault; JSON has no undefined, so this is unambiguous and costs less
// than exceptions, whose traces an attacker would make us capture.
class Reader {
  private readonly text: string;
  private at = 0;
  private faultMessage = '';
  private faultAt = 0;
  /** Names from a duplicate member up to the root. */
  private duplicate: string[] | undefined;
  /** No value starts after this. */
  private bound = Infinity;

  constructor(text: string) {
    this.text = text;
  }

  readText(): JsonValue | undefined {
    this.skipSpace();
    const value = this.readValue(0);
    if (value === undefined) return undefined;
    this.skipSpace();
    return this.at === this.text.length ? value : this.fail('more text after the value', this.at);
  }

  readItem(index: number, maxLength: number): JsonItem {
    this.skipSpace();
    if (index === 0) {
      if (this.text.charCodeAt(this.at) !== OPEN_BRACKET) return { kind: 'no_array' };
      this.at += 1;
      this.skipSpace();
      if (this.text.charCodeAt(this.at) === CLOSE_BRACKET) return this.readEnd();
    } else {
      const code = this.text.charCodeAt(this.at);
      if (code === CLOSE_BRACKET) return this.readEnd();
      if (code !== COMMA)
        return this.describeItemFault(
          this.fail('a comma or a closing bracket must stand here', this.at),
          index,
        );
      this.at += 1;
      this.skipSpace();
    }
    this.bound = this.at + maxLength;
    const value = this.readValue(0);
    if (this.at > this.bound) return { kind: 'too_long' };
    return value === undefined ? this.describeItemFault(value, index) : { kind: 'item', value, at: this.at };
  }

  private readEnd(): JsonItem {
    this.at += 1;
    this.skipSpace();
    if (this.at === this.text.length) return { kind: 'end' };
    return this.describeItemFault(this.fail('more text after the value', this.at), 0);
  }

  private describeItemFault(_none: undefined, index: number): JsonItem {
    this.duplicate?.push(String(index));
    return { kind: 'fault', fault: this.describeFault() };
  }

  describeFault(): JsonFault {
    const offset = this.faultAt;
    const before = this.text.slice(0, offset);
    const lineStart = before.lastIndexOf('\n') + 1;
    let line = 1;
    for (let at = before.indexOf('\n'); at !== -1; at = before.indexOf('\n', at + 1)) line += 1;
    const fault = { message: this.faultMessage, offset, line, column: offset - lineStart + 1 };
    return this.duplicate === undefined
      ? fault
      : { ...fault, pointer: toPointer(this.duplicate.toReversed()) };
  }

  private fail(message: string, at: number): undefined {
    this.faultMessage = at >= this.text.length ? 'the text ends too early' : message;
    this.faultAt = Math.min(at, this.text.length);
    return undefined;
  }

  private skipSpace(): void {
    const { text } = this;
    let { at } = this;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== SPACE && code !== LINE_FEED && code !== CARRIAGE_RETURN && code !== TAB) break;
      at += 1;
    }
    this.at = at;
  }

  private readValue(depth: number): JsonValue | undefined {
    if (this.at > this.bound) return this.fail('too long', this.at);
    const code = this.text.charCodeAt(this.at);
    switch (code) {
      case QUOTE:
        return this.readString();
      case OPEN_BRACE:
        return this.readObject(depth + 1);
      case OPEN_BRACKET:
        return this.readArray(depth + 1);
      case LOWER_T:
        return this.readLiteral('true', true);
      case LOWER_F:
        return this.readLiteral('false', false);
      case LOWER_N:
        return this.readLiteral('null', null);
      default:
        return code === MINUS || isDigit(code)
          ? this.readNumber()
          : this.fail('a value must start here', this.at);
    }
  }

  private readLiteral<T extends JsonValue>(name: string, value: T): T | undefined {
    if (!this.text.startsWith(name, this.at)) return this.fail('a value must start here', this.at);
    this.at += name.length;
    return value;
  }

  private readObject(depth: number): JsonObject | undefined {
    if (depth > MAX_JSON_DEPTH) return this.fail(`nested deeper than ${MAX_JSON_DEPTH} levels`, this.at);
    const { text } = this;
    const members = new Map<string, JsonValue>();
    this.at += 1;
    this.skipSpace();
    if (text.charCodeAt(this.at) === CLOSE_BRACE) {
      this.at += 1;
      return members;
    }
    for (let count = 1; ; count += 1) {
      const nameAt = this.at;
      if (text.charCodeAt(nameAt) !== QUOTE) return this.fail('a member name must start here', nameAt);
      const name = this.readString();
      if (name === undefined) return undefined;
      this.skipSpace();
      if (text.charCodeAt(this.at) !== COLON) return this.fail('a colon must stand here', this.at);
      this.at += 1;
      this.skipSpace();
      const value = this.readValue(depth);
      if (value === undefined) {
        this.duplicate?.push(name);
        return undefined;
      }
      members.set(name, value);
      if (members.size !== count) {
        this.duplicate = [name];
        return this.fail('a member comes twice', nameAt);
      }
      this.skipSpace();
      const code = text.charCodeAt(this.at);
      if (code === CLOSE_BRACE) {
        this.at += 1;
        return members;
      }
      if (code !== COMMA) return this.fail('a comma or a closing brace must stand here', this.at);
      this.at += 1;
      this.skipSpace();
    }
  }

  private readArray(depth: number): JsonArray | undefined {
    if (depth > MAX_JSON_DEPTH) return this.fail(`nested deeper than ${MAX_JSON_DEPTH} levels`, this.at);
    const items: JsonValue[] = [];
    this.at += 1;
    this.skipSpace();
    if (this.text.charCodeAt(this.at) === CLOSE_BRACKET) {
      this.at += 1;
      return items;
    }
    for (;;) {
      const value = this.readValue(depth);
      if (value === undefined) {
        this.duplicate?.push(String(items.length));
        return undefined;
      }
      items.push(value);
      this.skipSpace();
      const code = this.text.charCodeAt(this.at);
      if (code === CLOSE_BRACKET) {
        this.at += 1;
        return items;
      }
      if (code !== COMMA) return this.fail('a comma or a closing bracket must stand here', this.at);
      this.at += 1;
      this.skipSpace();
    }
  }

  private readString(): string | undefined {
    const { text } = this;
    const start = this.at + 1;
    let at = start;
    let code = text.charCodeAt(at);
    // NaN, past the end, fails the comparison.
    while (code >= SPACE && code !== QUOTE && code !== BACKSLASH) {
      at += 1;
      code = text.charCodeAt(at);
    }
    if (code === QUOTE) {
      this.at = at + 1;
      return text.slice(start, at);
    }
    return this.readEscapedString(start, at);
  }

  /** Goes on with a string that starts at `start` and holds nothing unusual before `from`. */
  private readEscapedString(start: number, from: number): string | undefined {
    const { text } = this;
    let read = '';
    let copied = start;
    let at = from;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.at = at + 1;
        return read + text.slice(copied, at);
      }
      if (code !== BACKSLASH) {
        if (!(code >= SPACE)) return this.fail('a control character must be escaped', at);
        at += 1;
        continue;
      }
      read += text.slice(copied, at);
      const kind = text.charCodeAt(at + 1);
      if (kind === LOWER_U) {
        const digits = text.slice(at + 2, at + 6);
        if (!HEX_4.test(digits)) return this.fail('four hexadecimal digits must follow', at + 2);
        read += String.fromCharCode(Number.parseInt(digits, 16));
        at += 6;
      } else {
        const escaped = ESCAPES.get(kind);
        if (escaped === undefined) return this.fail('no such escape', at + 1);
        read += escaped;
        at += 2;
      }
      copied = at;
    }
  }

  private readNumber(): JsonNumber | undefined {
    const { text } = this;
    const start = this.at;
    let at = text.charCodeAt(start) === MINUS ? start + 1 : start;
    const first = text.charCodeAt(at);
    if (!isDigit(first)) return this.fail('a digit must stand here', at);
    at = first === ZERO ? at + 1 : skipDigits(text, at);
    if (first === ZERO && isDigit(text.charCodeAt(at))) return this.fail('a number has no leading zero', at);
    if (text.charCodeAt(at) === POINT) {
      if (!isDigit(text.charCodeAt(at + 1))) return this.fail('a digit must stand here', at + 1);
      at = skipDigits(text, at + 1);
    }
    const exponent = text.charCodeAt(at);
    if (exponent === LOWER_E || exponent === UPPER_E) {
      const sign = text.charCodeAt(at + 1);
      at += sign === PLUS || sign === MINUS ? 2 : 1;
      if (!isDigit(text.charCodeAt(at))) return this.fail('a digit must stand here', at);
      at = skipDigits(text, at);
    }
    this.at = at;
    return new JsonNumber(text.slice(start, at));
  }
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function skipDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text.charCodeAt(at))) at += 1;
  return at;
}
