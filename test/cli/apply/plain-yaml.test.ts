// The YAML that releases.yaml is written in: what is read is what every reader of YAML reads, and what they disagree about, or
// what hides something, is told with its place.

import {
  array,
  assert,
  constant,
  constantFrom,
  dictionary,
  integer,
  letrec,
  oneof,
  property,
  string,
} from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  MAX_YAML_DEPTH,
  MAX_YAML_FAULTS,
  MAX_YAML_TOKENS,
  readPlainYaml,
  type YamlValue,
} from '../../../src/cli/apply/plain-yaml.ts';

/** The value without places. */
function plain(value: YamlValue): unknown {
  if (value.kind === 'text') return value.text;
  if (value.kind === 'number') return value.number;
  if (value.kind === 'boolean') return value.boolean;
  if (value.kind !== 'mapping') return null;
  return Object.fromEntries([...value.members].map(([name, member]) => [name, plain(member.value)]));
}

function read(text: string): unknown {
  const { value, faults } = readPlainYaml(text);
  expect(faults).toEqual([]);
  return plain(value);
}

const placesOf = (text: string): string[] =>
  readPlainYaml(text).faults.map(({ line, column }) => `${line}:${column}`);

describe('plain YAML', () => {
  it('is mappings of texts, whole numbers and true or false', () => {
    const text = [
      '--- # one document',
      '# a comment',
      'a: text with blanks   # and a comment',
      'b:',
      '    c: "quoted # \\u00e9"',
      '',
      "    'd e': 'it''s: so'",
      '    f: { g: 1, "h": -7, i: { j: true, k: }, l: sha256:ab, }',
      'm: null',
      'p:',
      'o: a#b:c',
    ].join('\n');
    const value = {
      a: 'text with blanks',
      b: { c: 'quoted # é', 'd e': "it's: so", f: { g: 1, h: -7, i: { j: true, k: null }, l: 'sha256:ab' } },
      m: null,
      p: null,
      o: 'a#b:c',
    };
    expect(read(text)).toEqual(value);
    expect(read(`\ufeff${text.replaceAll('\n', '\r\n')}\r\n`)).toEqual(value);
  });

  it('may have texts of several lines, and mappings in braces of several', () => {
    expect(read('a: |\n  b\n  c: d\ne: >-\n  f\n  g\nh: i\n  j\nk: "l\n  m"')).toEqual({
      a: 'b\nc: d\n',
      e: 'f g',
      h: 'i j',
      k: 'l m',
    });
    expect(read('a: {\n  b: 1, # one\n  c: 2\n}')).toEqual({ a: { b: 1, c: 2 } });
    expect(read(String.raw`a: "\x41\/\e"`)).toEqual({ a: 'A/\u001b' });
  });

  it('reads JSON', () => {
    const value = { banks: { icamer: { component: 'a.wasm', limits: { fuel: 1 } } } };
    for (const indent of [0, 2]) expect(read(JSON.stringify(value, null, indent))).toEqual(value);
  });

  it('keeps names of every object', () => {
    const { value } = readPlainYaml('__proto__: { constructor: 1 }');
    expect(value.kind === 'mapping' && [...value.members.keys()]).toEqual(['__proto__']);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('is read as it was written, whatever it holds', () => {
    const text = oneof(
      string({ unit: 'grapheme' }),
      constantFrom('yes', '010', '- a', 'a: b', ' #', "'", '"', '*a'),
    );
    const { tree } = letrec((tie) => ({
      tree: dictionary(text, oneof({ maxDepth: 3 }, text, integer(), constant(true), tie('tree')), {
        maxKeys: 4,
      }),
    }));
    const write = (value: unknown, indent: number): string =>
      typeof value === 'object' && value !== null
        ? Object.entries(value)
            .map(([name, inner]) => {
              const isBlock = typeof inner === 'object' && Object.keys(inner as object).length > 0;
              const shown = isBlock ? `\n${write(inner, indent + 2)}` : ` ${escape(inner)}\n`;
              return `${' '.repeat(indent)}${escape(name)}:${shown}`;
            })
            .join('')
        : '';
    // JSON's texts are YAML's, but for what no eye sees.
    const escape = (value: unknown): string =>
      JSON.stringify(value).replace(
        /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    assert(
      property(tree, (value) => {
        const written = write(value, 0);
        if (written === '') return;
        const { value: got, faults } = readPlainYaml(written);
        expect(faults).toEqual([]);
        expect(JSON.stringify(plain(got))).toBe(JSON.stringify(value));
      }),
    );
  });

  it('never fails for any text, and tells places that are in it', () => {
    const pieces = [
      'a',
      ': ',
      ':',
      '\n',
      '  ',
      '\n  ',
      '- ',
      '{',
      '}',
      '[',
      ',',
      '"',
      "'",
      '&x ',
      '*x',
      '!t',
      '|',
      '>',
      '#',
      '\t',
      '---',
      '\r',
    ];
    assert(
      property(array(constantFrom(...pieces), { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        const lines = text.split('\n');
        for (const { line, column } of readPlainYaml(text).faults) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
        }
      }),
    );
  });
});

describe('what is no plain YAML is told with its place:', () => {
  it.each([
    ['an anchor', 'a: &x 1', ['1:4']],
    ['an alias', 'a: *x', ['1:4']],
    ['an anchor and what is wrong below it', 'a: &x\n  b: [1]', ['1:4', '2:6']],
    ['a tag', 'a: !!binary aGk=', ['1:4']],
    ['a tag that would run code elsewhere', 'a: !!python/object/apply:os.system [id]', ['1:4', '1:36']],
    ['a merge', 'a:\n  <<: *x', ['2:3', '2:7']],
    ['a name that is an alias', '*x : 1', ['1:1']],
    ['a merge of what is written there', '<<: { a: 1 }', ['1:1']],
    ['a member that goes on after a text', 'a: b\n  c: d', ['1:4']],
    ['a list', 'a:\n- b\n- c', ['2:1', '3:1']],
    ['a list in one line', 'a: [b, c]', ['1:4']],
    ['a second document', 'a: 1\n---\nb: 2', ['2:1']],
    ['an end of the document', 'a: 1\n...', ['2:1']],
    ['a directive', '%YAML 1.1\n---\na: 1', ['1:1']],
    ['a name of another kind', '? a\n: b', ['1:1']],
    ['a name that is there', 'a: 1\nb: 2\na: 3', ['3:1']],
    ['a name that is there, in one line', 'a: { b: 1, "b": 2 }', ['1:12']],
    ['no as a value', 'a: no', ['1:4']],
    ['no as a name', 'no: 1', ['1:1']],
    ['an octal number', 'a: 010', ['1:4']],
    ['a hexadecimal number', 'a: 0x10', ['1:4']],
    ['a number with a point', 'a: 1.5', ['1:4']],
    ['a number with an exponent', 'a: 1e3', ['1:4']],
    ['sixty to the base', 'a: 12:30', ['1:4']],
    ['an underscore in a number', 'a: 1_000', ['1:4']],
    ['a number beyond what is exact', 'a: 9007199254740993', ['1:4']],
    ['a date', 'a: 2026-01-01', ['1:4']],
    ['a name that is a number', '12: a', ['1:1']],
    ['True', 'a: True', ['1:4']],
    ['a tab', 'a:\n\tb: 1', ['2:1']],
    ['a tab after a value', 'a: "b"\t', ['1:7']],
    ['a value beside a value', 'a: "b" c', ['1:8']],
    ['a colon in a text', 'a: b: c', ['1:4']],
    ['quotes without an end', 'a: "b\nc: \'d', ['2:6']],
    ['an escape that is none', String.raw`a: "\q"`, ['1:5']],
    ['an escape without its digits', String.raw`a: "\uZZZZ"`, ['1:5']],
    ['half a character', String.raw`a: "\ud800"`, ['1:4']],
    ['a line further in', 'a: 1\nb:\n  c: 1\n    d: 1\ne: 1', ['3:6']],
    ['a line further out', '  a: 1\nb: 1', ['2:1', '2:2', '2:4']],
    ['a line between', 'a:\n    b: 1\n  c: 1', ['3:1']],
    ['a mapping without an end', 'a: { b: 1', ['1:10']],
    ['a mapping of a name alone', 'a: { b }', ['1:6']],
    ['no colon', 'a', ['1:1']],
    ['a colon without a blank', 'a:1', ['1:1']],
    ['a character that nobody sees', 'a: b\u0000\u0085\u2028', ['1:5', '1:6', '1:7']],
    ['a return alone', 'a: 1\rb: 2', ['1:4', '1:5']],
    ['nothing', '', ['1:1']],
    ['comments alone', '# a\n', ['1:1']],
  ])('%s', (_, text, places) => {
    expect(placesOf(text)).toEqual(places);
  });
});

describe('a text that means to be large', () => {
  it('expands to nothing: aliases of aliases are faults', () => {
    const lines = ['a: &a { x: lol }'];
    for (let i = 0; i < 30; i += 1)
      lines.push(`b${i}: &b${i} { x: *${i === 0 ? 'a' : `b${i - 1}`}, y: *${i === 0 ? 'a' : `b${i - 1}`} }`);
    const { faults } = readPlainYaml(lines.join('\n'));
    expect(faults.length).toBeGreaterThanOrEqual(lines.length);
  });

  it.each([
    ['in one line', (depth: number) => `${'{ a: '.repeat(depth)}1${' }'.repeat(depth)}`],
    [
      'in lines',
      (depth: number) =>
        Array.from({ length: depth }, (_, i) => `${' '.repeat(i)}a:${i === depth - 1 ? ' 1' : ''}`).join(
          '\n',
        ),
    ],
  ])(`nests ${MAX_YAML_DEPTH} levels, and not one more, %s`, (_, nest) => {
    expect(placesOf(nest(MAX_YAML_DEPTH - 1))).toEqual([]);
    expect(placesOf(nest(MAX_YAML_DEPTH))).toEqual([]);
    expect(placesOf(nest(MAX_YAML_DEPTH + 1))).toHaveLength(1);
    expect(placesOf(nest(500))).toHaveLength(1);
  });

  it.each([
    ['lists', '['.repeat(100_000), '1:9'],
    ['lists in lines', '[\n'.repeat(100_000), '9:1'],
    ['lists by dashes', '- '.repeat(100_000), '1:17'],
    ['mappings', '{ a: '.repeat(100_000), '1:41'],
    ['names of another kind', '? '.repeat(100_000), '1:17'],
    ['mappings without names', ': '.repeat(100_000), '1:17'],
    ['mappings in lines', Array.from({ length: 20_000 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''), '9:9'],
  ])('is not read beyond its ninth level, of %s', (_, text, place) => {
    expect(readPlainYaml(text).value.kind).toBe('faulty');
    expect(placesOf(text).at(-1)).toBe(place);
  });

  it(`has ${MAX_YAML_TOKENS} tokens, and not one more`, () => {
    // Of `a: 1` a mark of the document, four tokens and one that says that a text follows, twice.
    const blank = MAX_YAML_TOKENS - 7;
    expect(placesOf(`a: 1${'\n'.repeat(blank)}`)).toEqual([]);
    expect(placesOf(`a: 1${'\n'.repeat(blank + 1)}`)).toEqual([`${blank + 1}:1`]);
  });

  it('leaves errors made elsewhere their traces', () => {
    const { stackTraceLimit } = Error;
    expect(placesOf('a: "\\q"')).toEqual(['1:5']);
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
  });

  it(`is given up after ${MAX_YAML_FAULTS} faults`, () => {
    expect(placesOf('a: 1\n'.repeat(MAX_YAML_FAULTS + 1))).toHaveLength(MAX_YAML_FAULTS);
    expect(placesOf('- a\n'.repeat(500_000))).toHaveLength(MAX_YAML_FAULTS);
    expect(placesOf('\u0000'.repeat(2_000_000))).toHaveLength(MAX_YAML_FAULTS);
    expect(placesOf(`a: "${String.raw`\q`.repeat(500_000)}"`)).toHaveLength(MAX_YAML_FAULTS);
    expect(placesOf(`a: ${' '.repeat(4_000_000)}b`)).toEqual([]);
  });
});
