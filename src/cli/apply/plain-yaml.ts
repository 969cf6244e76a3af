// The part of YAML 1.2 that releases.yaml is written in: mappings of texts, whole numbers and true or false. The library
// `yaml` reads it; here is refused what readers of YAML disagree about (`no`, `010`), and what makes a file say other than it
// shows (anchors, aliases, tags, merges, directives, several documents). Every fault is told at once, with its place. Its
// nodes are only walked, never made into values, so that no file is larger inside than outside.

import {
  Composer,
  CST,
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  Parser,
  Scalar,
  type Document,
  type ErrorCode,
  type ParsedNode,
  type YAMLMap,
} from 'yaml';

/** A place in the text. Line and column are from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface YamlFault extends Place {
  /** What is wrong, and what to do about it. */
  readonly message: string;
}

export interface YamlMember {
  /** Of the name. */
  readonly place: Place;
  readonly value: YamlValue;
}

/** A value, with the place where it begins; `empty` is null, and `faulty` was told as a fault already. */
export type YamlValue = Place &
  (
    | { readonly kind: 'mapping'; readonly members: ReadonlyMap<string, YamlMember> }
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'number'; readonly number: number }
    | { readonly kind: 'boolean'; readonly boolean: boolean }
    | { readonly kind: 'empty' | 'faulty' }
  );

/** Deepest nesting of mappings: releases.yaml has four levels. */
export const MAX_YAML_DEPTH = 8;

/** Most tokens, blank lines and comments among them: the most banks, with every member written out, take 2.1 million. */
export const MAX_YAML_TOKENS = 4_000_000;

/** Where reading stops: who has made so many faults has given something else. */
export const MAX_YAML_FAULTS = 1_000;

/** Reads a text; `value` is what could be read of it, to be used only where there is no fault. In the order of places. */
export function readPlainYaml(text: string): { value: YamlValue; faults: YamlFault[] } {
  const reader = new PlainYamlReader(text.startsWith('\ufeff') ? text.slice(1) : text);
  // The library makes an Error for each fault, of which a text may have millions, and where in it that was done says nothing.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const value = reader.read();
    return { value, faults: reader.sortFaults() };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Tokens that no plain file has. */
const REFUSED_TOKENS: Readonly<Record<string, string>> = {
  alias: 'is an alias: write out what is meant where it is meant',
  anchor: 'is an anchor: write out what is meant where it is meant',
  tag: 'is a tag: leave it out, or put a text that begins with it in quotes',
  'seq-item-ind': 'is an entry of a list: no list belongs here',
  'flow-seq-start': 'begins a list: no list belongs here',
  'explicit-key-ind': 'begins a name of another kind: names here are texts',
  'directive-line': 'is a directive: leave it out',
  'doc-end': 'ends the document: leave it out',
};

/** What to do about a fault that the library tells. */
const REMEDIES: Partial<Record<ErrorCode, string>> = {
  BAD_DQ_ESCAPE: String.raw`write a backslash as \\, or the text in single quotes`,
  BAD_INDENT: 'begin all names of a level in the same column, and end braces',
  BAD_SCALAR_START: 'put the text in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'put a text that holds a colon in quotes',
  MISSING_CHAR: 'end quotes and braces, and write a blank after a colon',
  UNEXPECTED_TOKEN: 'put a text that holds it in quotes',
};

// C0 without tab, line feed and carriage return, C1, what some readers take for the end of a line, a second byte order
// mark, and halves of characters.
const INVISIBLE =
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)|\p{Surrogate}/gu;

const WHOLE_NUMBER = /^(?:0|-?[1-9]\d{0,14})$/;

// Words and numbers that are one thing to YAML 1.1, another to 1.2, or that look like what they are not.
const AMBIGUOUS =
  /^(?:yes|no|on|off|y|n|true|false|null|~|=|<<|[-+]?\.(?:inf|nan)|[-+]?\.?\d[\d_.,:+\-a-ftotz x]*)$/i;

class PlainYamlReader {
  private readonly text: string;
  private readonly lines = new LineCounter();
  /** By their offsets, one for each: the first says most. */
  private readonly faults = new Map<number, YamlFault>();

  constructor(text: string) {
    this.text = text;
    for (let start = 0; start !== -1; start = text.indexOf('\n', start) + 1 || -1)
      this.lines.addNewLine(start);
  }

  read(): YamlValue {
    for (const { index } of this.text.matchAll(INVISIBLE)) {
      this.fail(
        index,
        'is a character that nobody sees: take it out, or write it as "\\u…" in double quotes',
      );
      if (this.isFull()) return this.faulty(0);
    }
    const document = this.compose();
    const root = document?.contents;
    if (document === undefined || !isMap(root)) {
      this.readErrors(document);
      if (this.faults.size === 0)
        this.fail(root?.range[0] ?? 0, 'is no mapping: write "banks:", and under it each bank');
      return this.faulty(0);
    }
    const value = this.readMapping(root);
    this.readErrors(document);
    return value;
  }

  sortFaults(): YamlFault[] {
    return [...this.faults].toSorted(([a], [b]) => a - b).map(([, fault]) => fault);
  }

  private compose(): Document.Parsed | undefined {
    // Names are compared in readMapping: the library compares each with every other.
    const options = {
      version: '1.2',
      schema: 'core',
      merge: false,
      strict: true,
      uniqueKeys: false,
    } as const;
    let first: Document.Parsed | undefined;
    for (const document of new Composer(options).compose(this.readTokens())) {
      if (first !== undefined) {
        this.fail(document.range[0], 'begins another document: a file is one');
        break;
      }
      first = document;
    }
    return first;
  }

  /** The library's parser, stopped where it would go too deep: what comes after it calls itself for each level. */
  private *readTokens(): Generator<CST.Token, void> {
    // What nobody sees was told; to the library some of it would be marks of its own.
    const text = this.faults.size === 0 ? this.text : this.text.replace(INVISIBLE, '\ufffd');
    const parser = new Parser();
    let isText = false;
    let tokens = 0;
    for (const lexeme of new Lexer().lex(text)) {
      const type: string | null | undefined = isText ? undefined : CST.tokenType(lexeme);
      isText = type === 'scalar';
      const refused = REFUSED_TOKENS[type ?? ''];
      if (refused !== undefined) this.fail(parser.offset, `${quoteText(lexeme)} ${refused}`);
      if (type === 'space' && lexeme.includes('\t'))
        this.fail(parser.offset + lexeme.indexOf('\t'), 'is a tab: use blanks');
      tokens += 1;
      if (tokens > MAX_YAML_TOKENS) {
        this.fail(
          parser.offset,
          `comes after ${MAX_YAML_TOKENS} tokens, the most that are read: split the file`,
        );
        return;
      }
      yield* parser.next(lexeme);
      const deepest = parser.stack[MAX_YAML_DEPTH + 1];
      if (CST.isCollection(deepest))
        this.fail(deepest.offset, `is nested deeper than ${MAX_YAML_DEPTH} levels: reading stopped here`);
      if (CST.isCollection(deepest) || this.isFull()) return;
    }
    yield* parser.end();
  }

  private readErrors(document: Document.Parsed | undefined): void {
    for (const { code, message, pos } of [...(document?.errors ?? []), ...(document?.warnings ?? [])]) {
      const remedy = REMEDIES[code] ?? 'write NAME: VALUE, with a blank after the colon';
      this.fail(pos[0], `${cutText(message.replace(/\s+/g, ' '))}: ${remedy}`);
    }
  }

  private readMapping(node: YAMLMap.Parsed): YamlValue {
    const members = new Map<string, YamlMember>();
    for (const { key, value } of node.items) {
      const place = this.placeOf(key.range[0]);
      const name = this.readName(key);
      const read = value === null ? this.faulty(key.range[0]) : this.readValue(value);
      if (value === null)
        this.fail(key.range[0], 'is no member: write NAME: VALUE, with a blank after the colon');
      if (name === undefined) continue;
      const first = members.get(name);
      if (first === undefined) members.set(name, { place, value: read });
      else
        this.fail(
          key.range[0],
          `${quoteText(name)} is there already, in line ${first.place.line}: write each name once`,
        );
    }
    return { kind: 'mapping', members, ...this.placeOf(node.range[0]) };
  }

  private readName(key: ParsedNode): string | undefined {
    const value = isScalar(key) ? this.readScalar(key) : this.faulty(key.range[0]);
    if (value.kind === 'text') return value.text;
    this.fail(key.range[0], 'is no text to every reader: put the name in quotes');
    return undefined;
  }

  private readValue(node: ParsedNode): YamlValue {
    if (isMap(node)) return this.readMapping(node);
    // Lists and aliases were told where they begin.
    return isScalar(node) ? this.readScalar(node) : this.faulty(node.range[0]);
  }

  /** By the source: what the library makes of it is what others might not. */
  private readScalar({ source: text, type, range: [offset] }: Scalar.Parsed): YamlValue {
    const place = this.placeOf(offset);
    if (type !== Scalar.PLAIN) {
      if (text.isWellFormed()) return { kind: 'text', text, ...place };
      return this.faulty(offset, 'has half a character: write both halves of it');
    }
    if (text === 'true' || text === 'false') return { kind: 'boolean', boolean: text === 'true', ...place };
    if (text === '' || text === '~' || text === 'null') return { kind: 'empty', ...place };
    if (WHOLE_NUMBER.test(text)) return { kind: 'number', number: Number(text), ...place };
    if (text.includes('\t')) return this.faulty(offset, 'holds a tab: use blanks, or put the text in quotes');
    if (!AMBIGUOUS.test(text)) return { kind: 'text', text, ...place };
    return this.faulty(
      offset,
      `${quoteText(text)} means different things to different readers: put it in quotes if it is a text; ` +
        'else write true, false or a plain whole number',
    );
  }

  private faulty(offset: number, message?: string): YamlValue {
    if (message !== undefined) this.fail(offset, message);
    return { kind: 'faulty', ...this.placeOf(offset) };
  }

  private isFull(): boolean {
    return this.faults.size >= MAX_YAML_FAULTS;
  }

  private fail(offset: number, message: string): void {
    if (!this.isFull() && !this.faults.has(offset))
      this.faults.set(offset, { ...this.placeOf(offset), message });
  }

  private placeOf(offset: number): Place {
    const { line, col } = this.lines.linePos(Math.min(offset, this.text.length));
    return { line, column: col };
  }
}

function cutText(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** For a message: as JSON, cut. */
function quoteText(text: string): string {
  return JSON.stringify(cutText(text));
}
