// The part of YAML 1.2 that releases.yaml is written in: mappings of texts, whole numbers and true or false. What readers of
// YAML disagree about, or what makes a file say other than it shows (anchors, aliases, tags, merges, block texts, several
// documents, `no` and `010`), is a fault, never a guess. Every fault is told at once, with its place. Nothing in the
// text is expanded, so that no file is larger inside than outside.

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

/** Longest line, characters: a path, a digest and a comment fit many times. */
export const MAX_YAML_LINE = 4_096;

/** Where reading stops: who has made so many faults has given something else. */
export const MAX_YAML_FAULTS = 1_000;

/** Reads a text; `value` is what could be read of it, to be used only where there is no fault. */
export function readPlainYaml(text: string): { value: YamlValue; faults: YamlFault[] } {
  const reader = new PlainYamlReader(text);
  return { value: reader.read(), faults: reader.faults };
}

interface Line {
  readonly number: number;
  readonly indent: number;
  /** Without indentation and without blanks at its end. */
  readonly text: string;
}

/** Characters that begin something else than a text. */
const INDICATORS: Readonly<Record<string, string>> = {
  '&': 'is an anchor: write out what is meant where it is meant',
  '*': 'is an alias: write out what is meant where it is meant',
  '!': 'is a tag: leave it out',
  '|': 'begins a text of several lines: write it in one line, in quotes',
  '>': 'begins a text of several lines: write it in one line, in quotes',
  '[': 'begins a list: no list belongs here',
  ']': 'belongs to a list: no list belongs here',
  '{': 'begins a mapping: give it a name, and end it in the same line',
  '}': 'ends no mapping: put a text that holds it in quotes',
  ',': 'stands between nothing: put a text that begins with it in quotes',
  '?': 'begins a name of another kind: names here are texts',
  ':': 'has no name before it: write NAME: VALUE',
  '%': 'is a directive, which does not belong here: put a text that begins with it in quotes',
  '@': 'is reserved in YAML: put the text in quotes',
  '`': 'is reserved in YAML: put the text in quotes',
  '\t': 'is a tab: use blanks',
};

// C0 without tab, line feed and carriage return, C1, what some readers take for the end of a line, a second byte order
// mark, and halves of characters.
const FORBIDDEN =
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)|\p{Surrogate}/gu;

const WHOLE_NUMBER = /^(?:0|-?[1-9]\d{0,14})$/;

// Words and numbers that are one thing to YAML 1.1, another to 1.2, or that look like what they are not.
const AMBIGUOUS =
  /^(?:yes|no|on|off|y|n|true|false|null|=|<<|[-+]?\.(?:inf|nan)|[-+]?\.?\d[\d_.,:+\-a-ftotz x]*)$/i;

class PlainYamlReader {
  readonly faults: YamlFault[] = [];
  private readonly lines: readonly Line[];
  private next = 0;

  constructor(text: string) {
    const body = text.startsWith('\ufeff') ? text.slice(1) : text;
    this.lines = this.splitLines(body);
  }

  read(): YamlValue {
    this.skipStart();
    const first = this.lines[this.next];
    if (first === undefined) {
      if (this.faults.length === 0)
        this.fail({ line: 1, column: 1 }, 'the file is empty: write "banks:" and a bank');
      return { kind: 'faulty', line: 1, column: 1 };
    }
    if (first.text.startsWith('{')) {
      this.next += 1;
      const value = this.readInline(first, 0, 1);
      while (this.hasMore()) this.skipLine('comes after the end: the mapping before it is all of the file');
      return value;
    }
    const value = this.readMapping(first.indent, 1);
    while (this.hasMore()) {
      this.skipLine('is indented less than the first line: begin all names of a level in the same column');
    }
    return value;
  }

  private hasMore(): boolean {
    return this.next < this.lines.length && this.faults.length < MAX_YAML_FAULTS;
  }

  private splitLines(body: string): Line[] {
    const lines: Line[] = [];
    let number = 0;
    for (const raw of body.split('\n')) {
      number += 1;
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      for (const { index } of line.matchAll(FORBIDDEN)) {
        if (this.faults.length >= MAX_YAML_FAULTS) return [];
        this.fail(
          { line: number, column: index + 1 },
          'is a character that nobody sees: take it out, or write it as "\\u…" in double quotes',
        );
      }
      const indent = skipBlanks(line, 0);
      const text = trimBlanks(line.slice(indent));
      if (text === '' || text.startsWith('#')) continue;
      if (text.length <= MAX_YAML_LINE) lines.push({ number, indent, text });
      else
        this.fail(
          { line: number, column: indent + 1 },
          `is longer than ${MAX_YAML_LINE} characters: use several lines`,
        );
    }
    return lines;
  }

  /** A first `---` may be there; a file is one document. */
  private skipStart(): void {
    const first = this.lines[this.next];
    if (first?.indent === 0 && /^---(?: +#.*)?$/.test(first.text)) this.next += 1;
  }

  /** All lines from here that begin in the column of `indent`. */
  private readMapping(indent: number, depth: number): YamlValue {
    const members = new Map<string, YamlMember>();
    const { number: line } = this.lines[this.next] ?? { number: 1 };
    while (this.hasMore()) {
      const current = this.lines[this.next];
      if (current === undefined || current.indent < indent) break;
      if (current.indent > indent)
        this.skipLine('is indented further than its neighbours, and belongs to none');
      else this.readEntry(current, members, depth);
    }
    return { kind: 'mapping', members, line, column: indent + 1 };
  }

  private readEntry(line: Line, members: Map<string, YamlMember>, depth: number): void {
    this.next += 1;
    const place = placeIn(line, 0);
    if (line.indent === 0 && /^(?:---|\.\.\.)(?: |$)/.test(line.text)) {
      this.fail(place, 'begins another document: a file is one');
      this.skipDeeper(line.indent);
      return;
    }
    if (/^-(?: |$)/.test(line.text)) {
      this.fail(place, '"-" begins an entry of a list: no list belongs here');
      this.skipDeeper(line.indent);
      return;
    }
    const name = this.readName(line, 0, false);
    if (name === undefined) {
      this.skipDeeper(line.indent);
      return;
    }
    const at = this.skipProperties(line, skipBlanks(line.text, name.end));
    const value = isEnd(line.text, at)
      ? this.readBlock(line, at, depth)
      : this.readInline(line, at, depth + 1);
    this.add(members, name.text, place, value);
  }

  /** What is indented under a name; `empty` where nothing is. */
  private readBlock(line: Line, at: number, depth: number): YamlValue {
    const below = this.lines[this.next];
    if (below === undefined || below.indent <= line.indent) return { kind: 'empty', ...placeIn(line, at) };
    if (depth < MAX_YAML_DEPTH) return this.readMapping(below.indent, depth + 1);
    this.fail(placeIn(below, 0), `is nested deeper than ${MAX_YAML_DEPTH} levels`);
    this.skipDeeper(line.indent);
    return { kind: 'faulty', ...placeIn(line, at) };
  }

  /** A value that begins in the line of its name, and ends there. */
  private readInline(line: Line, start: number, depth: number): YamlValue {
    const { value, end } = this.readValue(line, start, false, depth);
    if (value.kind !== 'faulty') {
      const rest = skipBlanks(line.text, end);
      const isComment = line.text[rest] === '#' && rest > end;
      if (rest < line.text.length && !isComment)
        this.fail(
          placeIn(line, rest),
          'comes after the end of the value: put a text that holds it in quotes',
        );
    }
    const below = this.lines[this.next];
    if (below !== undefined && below.indent > line.indent) {
      if (value.kind !== 'faulty')
        this.fail(
          placeIn(below, 0),
          'goes on after a value that ended in the line before: write it in one line',
        );
      this.skipDeeper(line.indent);
    }
    return value;
  }

  private readValue(
    line: Line,
    start: number,
    inFlow: boolean,
    depth: number,
  ): { value: YamlValue; end: number } {
    const { text } = line;
    const place = placeIn(line, start);
    const first = text[start] ?? '';
    if (first === '{') return this.readFlow(line, start, depth);
    if (first === '"' || first === "'") {
      const quoted = this.readQuoted(line, start);
      if (quoted === undefined) return { value: { kind: 'faulty', ...place }, end: text.length };
      return { value: { kind: 'text', text: quoted.text, ...place }, end: quoted.end };
    }
    const wrong = INDICATORS[first];
    if (wrong !== undefined || /^-(?: |$)/.test(text.slice(start, start + 2))) {
      this.fail(
        place,
        wrong === undefined ? '"-" begins a list: no list belongs here' : `${quoteText(first)} ${wrong}`,
      );
      return { value: { kind: 'faulty', ...place }, end: text.length };
    }
    return this.readPlain(line, start, inFlow);
  }

  private readPlain(line: Line, start: number, inFlow: boolean): { value: YamlValue; end: number } {
    const place = placeIn(line, start);
    const end = endOfPlain(line.text, start, inFlow);
    const text = trimBlanks(line.text.slice(start, end));
    const fail = (message: string, at = place): { value: YamlValue; end: number } => {
      this.fail(at, message);
      return { value: { kind: 'faulty', ...place }, end: line.text.length };
    };
    const colon = /:(?: |$)/.exec(text)?.index;
    if (colon !== undefined)
      return fail('":" begins another value: put the text in quotes', placeIn(line, start + colon));
    if (text.includes('\t')) return fail('holds a tab: use blanks, or put the text in quotes');
    if (text === 'true' || text === 'false')
      return { value: { kind: 'boolean', boolean: text === 'true', ...place }, end };
    if (text === '~' || text === 'null') return { value: { kind: 'empty', ...place }, end };
    if (WHOLE_NUMBER.test(text)) return { value: { kind: 'number', number: Number(text), ...place }, end };
    if (AMBIGUOUS.test(text))
      return fail(
        `${quoteText(text)} means different things to different readers: put it in quotes if it is a text; ` +
          'else write true, false or a plain whole number',
      );
    return { value: { kind: 'text', text, ...place }, end };
  }

  /** `{ name: value, … }`, in one line. */
  private readFlow(line: Line, start: number, depth: number): { value: YamlValue; end: number } {
    const place = placeIn(line, start);
    const faulty = { value: { kind: 'faulty', ...place } as const, end: line.text.length };
    const stop = (at: number, message: string): { value: YamlValue; end: number } => {
      this.fail(placeIn(line, at), message);
      return faulty;
    };
    if (depth > MAX_YAML_DEPTH) return stop(start, `is nested deeper than ${MAX_YAML_DEPTH} levels`);
    const members = new Map<string, YamlMember>();
    let at = skipBlanks(line.text, start + 1);
    while (line.text[at] !== '}') {
      if (isEnd(line.text, at))
        return stop(start, 'the mapping does not end in this line: write "}" at its end');
      const nameAt = at;
      const name = this.readName(line, at, true);
      if (name === undefined) return faulty;
      at = this.skipProperties(line, skipBlanks(line.text, name.end));
      if (line.text[at] === ',' || line.text[at] === '}') {
        this.add(members, name.text, placeIn(line, nameAt), { kind: 'empty', ...placeIn(line, at) });
      } else {
        if (isEnd(line.text, at))
          return stop(start, 'the mapping does not end in this line: write "}" at its end');
        const { value, end } = this.readValue(line, at, true, depth + 1);
        if (value.kind === 'faulty') return faulty;
        this.add(members, name.text, placeIn(line, nameAt), value);
        at = skipBlanks(line.text, end);
      }
      if (line.text[at] === ',') at = skipBlanks(line.text, at + 1);
      else if (line.text[at] !== '}' && !isEnd(line.text, at))
        return stop(at, 'belongs to no value: write "," between members, and "}" at the end of the line');
    }
    return { value: { kind: 'mapping', members, ...place }, end: at + 1 };
  }

  /** A name and its colon; `end` is after it. */
  private readName(line: Line, start: number, inFlow: boolean): { text: string; end: number } | undefined {
    const { text } = line;
    const place = placeIn(line, start);
    const first = text[start] ?? '';
    if (first === '"' || first === "'") {
      const quoted = this.readQuoted(line, start);
      if (quoted === undefined) return undefined;
      const at = skipBlanks(text, quoted.end);
      const isFollowed = text[at] === ':' && (inFlow || isBlank(text[at + 1]));
      if (isFollowed) return { text: quoted.text, end: at + 1 };
      this.fail(placeIn(line, at), 'is no value yet: write NAME: VALUE, with a blank after the colon');
      return undefined;
    }
    const wrong = INDICATORS[first];
    if (wrong !== undefined) {
      this.fail(place, `${quoteText(first)} ${wrong}`);
      return undefined;
    }
    const found = (inFlow ? /:(?=[ ,}]|$)|[,[\]{}]| #/ : /:(?= |$)| #/).exec(text.slice(start));
    if (found?.[0] !== ':') {
      this.fail(place, 'is no member: write NAME: VALUE, with a blank after the colon');
      return undefined;
    }
    const name = trimBlanks(text.slice(start, start + found.index));
    const isText = !name.includes('\t') && name !== '~' && !WHOLE_NUMBER.test(name) && !AMBIGUOUS.test(name);
    if (isText) return { text: name, end: start + found.index + 1 };
    this.fail(place, `${quoteText(name)} is no text to every reader: put the name in quotes`);
    return undefined;
  }

  private readQuoted(line: Line, start: number): { text: string; end: number } | undefined {
    const { text } = line;
    const pattern = text[start] === '"' ? /"(?:[^"\\]|\\.)*"/y : /'(?:[^']|'')*'/y;
    pattern.lastIndex = start;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) {
      this.fail(placeIn(line, start), 'the quotes do not end in this line: write the text in one line');
      return undefined;
    }
    const end = start + found.length;
    if (found.startsWith("'")) return { text: found.slice(1, -1).replaceAll("''", "'"), end };
    try {
      // JSON's escapes are those of YAML that every reader knows; a tab may stand for itself.
      const decoded = JSON.parse(found.replaceAll('\t', String.raw`\t`)) as string;
      if (decoded.isWellFormed()) return { text: decoded, end };
    } catch {
      // Told below.
    }
    this.fail(
      placeIn(line, start),
      'has an escape that is none of JSON: use \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX',
    );
    return undefined;
  }

  /** Tells anchors and tags before a value, and goes on after them: the value may have faults of its own. */
  private skipProperties(line: Line, start: number): number {
    let at = start;
    for (;;) {
      const first = line.text[at] ?? '';
      if (first !== '&' && first !== '!') return at;
      this.fail(placeIn(line, at), `${quoteText(first)} ${INDICATORS[first] ?? ''}`);
      while (!isBlank(line.text[at])) at += 1;
      at = skipBlanks(line.text, at);
    }
  }

  private add(members: Map<string, YamlMember>, name: string, place: Place, value: YamlValue): void {
    const first = members.get(name);
    if (first === undefined) members.set(name, { place, value });
    else
      this.fail(
        place,
        `${quoteText(name)} is there already, in line ${first.place.line}: write each name once`,
      );
  }

  private skipLine(message: string): void {
    const line = this.lines[this.next];
    if (line === undefined) return;
    this.fail(placeIn(line, 0), message);
    this.next += 1;
    this.skipDeeper(line.indent);
  }

  private skipDeeper(indent: number): void {
    while ((this.lines[this.next]?.indent ?? -1) > indent) this.next += 1;
  }

  private fail({ line, column }: Place, message: string): void {
    if (this.faults.length < MAX_YAML_FAULTS) this.faults.push({ line, column, message });
  }
}

function placeIn(line: Line, at: number): Place {
  return { line: line.number, column: line.indent + at + 1 };
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (text[at] === ' ') at += 1;
  return at;
}

/** Without blanks at the end. Other spaces are characters of a text, and tabs are faults. */
function trimBlanks(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ') end -= 1;
  return text.slice(0, end);
}

function isBlank(character: string | undefined): boolean {
  return character === undefined || character === ' ';
}

/** Whether nothing but a comment is left. A `#` begins one only after a blank. */
function isEnd(text: string, at: number): boolean {
  return at >= text.length || (text[at] === '#' && text[at - 1] === ' ');
}

function endOfPlain(text: string, start: number, inFlow: boolean): number {
  const stop = (inFlow ? /[,[\]{}]| #/ : / #/).exec(text.slice(start));
  return stop === null ? text.length : start + stop.index;
}

/** For a message: as JSON, cut. */
function quoteText(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
