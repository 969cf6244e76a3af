import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  createJsonItems,
  JsonNumber,
  parseJson,
  toPointer,
  type JsonFault,
  type JsonValue,
} from '../../src/core/json.ts';
import { MAX_JSON_DEPTH } from '../../src/core/limits.ts';

function read(text: string): JsonValue {
  const result = parseJson(text);
  if (!result.ok) throw new Error(`${result.fault.message} at ${result.fault.offset}`);
  return result.value;
}

function faultOf(text: string): JsonFault {
  const result = parseJson(text);
  if (result.ok) throw new Error('was read');
  return result.fault;
}

/** What JSON.parse would have given. */
function toPlain(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return Number(value.source);
  if (value instanceof Map) {
    const plain: Record<string, unknown> = {};
    for (const [name, member] of value) {
      Object.defineProperty(plain, name, {
        value: toPlain(member),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return plain;
  }
  return Array.isArray(value) ? value.map(toPlain) : value;
}

describe('what is JSON', () => {
  test.each([
    ['null', null],
    [' true ', true],
    ['\t\r\nfalse', false],
    ['"a"', 'a'],
    ['""', ''],
    ['[]', []],
    ['[ 1 , [ ] ]', [1, []]],
    ['{}', {}],
    ['{ "a" : { } , "b" : [ null ] }', { a: {}, b: [null] }],
    [String.raw`"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00x"`, '"\\/\b\f\n\r\té😀x'],
    [String.raw`"x\u0000"`, 'x\0'],
  ])('%s is read', (text, value) => {
    expect(toPlain(read(text))).toEqual(value);
  });

  test.each([
    '0',
    '-0',
    '10',
    '-1',
    '1.50',
    '1e3',
    '1E+3',
    '0.1e-7',
    '9007199254740993',
    `1${'0'.repeat(400)}`,
  ])('the number %s stays the text that it was', (text) => {
    expect(read(text)).toEqual(new JsonNumber(text));
    expect(read(`[${text}]`)).toEqual([new JsonNumber(text)]);
  });

  test('a member named __proto__ is a member and nothing else', () => {
    const value = read('{"__proto__":{"isAdmin":true},"constructor":1}') as Map<string, JsonValue>;
    expect([...value.keys()]).toEqual(['__proto__', 'constructor']);
    expect(Object.hasOwn({}, 'isAdmin')).toBe(false);
    expect('isAdmin' in {}).toBe(false);
  });

  test('a lone surrogate is let through for the caller to refuse', () => {
    expect(read(String.raw`"\ud800"`)).toBe('\ud800');
    expect(read('"\udc00"')).toBe('\udc00');
  });
});

describe('what is no JSON', () => {
  test.each([
    ['', 0],
    ['  ', 2],
    ['nul', 0],
    ['nullx', 4],
    ['True', 0],
    ['undefined', 0],
    ['NaN', 0],
    ['Infinity', 0],
    ["'a'", 0],
    ['"a', 2],
    ['"a\nb"', 2],
    ['"\u0000"', 1],
    [String.raw`"\x41"`, 2],
    [String.raw`"\u12"`, 3],
    [String.raw`"\u12g4"`, 3],
    [String.raw`"\u 123"`, 3],
    [String.raw`"\u+123"`, 3],
    ['"\\', 2],
    ['01', 1],
    ['-', 1],
    ['-a', 1],
    ['+1', 0],
    ['.5', 0],
    ['1.', 2],
    ['1.e1', 2],
    ['1e', 2],
    ['1e+', 3],
    ['0x10', 1],
    ['1_000', 1],
    ['1n', 1],
    ['[1,]', 3],
    ['[1 2]', 3],
    ['[,1]', 1],
    ['[', 1],
    ['{"a":1,}', 7],
    ['{a:1}', 1],
    ['{"a" 1}', 5],
    ['{"a":}', 5],
    ['{"a":1 "b":2}', 7],
    ['{"a":1', 6],
    ['{1:2}', 1],
    ['1 2', 2],
    ['{} {}', 3],
    ['// no\n1', 0],
    ['1 /* no */', 2],
    ['\ufeff1', 0],
    ['\u00a01', 0],
    ['\u000b1', 0],
  ])('%j is refused at its offset', (text, offset) => {
    expect(faultOf(text).offset).toBe(offset);
  });

  test('a fault names line and column', () => {
    expect(faultOf('{\n  "a": 1,\r\n  "b": x\n}')).toMatchObject({ offset: 20, line: 3, column: 8 });
    expect(faultOf('x')).toMatchObject({ line: 1, column: 1 });
    expect(faultOf('[1,\n')).toMatchObject({ line: 2, column: 1 });
  });

  test('no fault quotes the text', () => {
    expect(JSON.stringify(faultOf('{"planted": planted}'))).not.toContain('planted');
  });

  test.each([
    ['{"a":1,"a":1}', '/a', 7],
    [String.raw`{"a":1,"\u0061":2}`, '/a', 7],
    ['{"x":{"y":[0,{"a/b~":1,"a/b~":2}]}}', '/x/y/1/a~1b~0', 23],
    ['{"":1,"":2}', '/', 6],
    ['{"__proto__":1,"__proto__":2}', '/__proto__', 15],
  ])('the duplicate in %s is refused with its pointer', (text, pointer, offset) => {
    expect(faultOf(text)).toMatchObject({ pointer, offset });
  });

  test('a fault that is no duplicate has no pointer', () => {
    expect(faultOf('{"a":x}')).not.toHaveProperty('pointer');
  });

  test.each([
    ['[', ']'],
    ['{"a":', '}'],
  ])('nesting of %s is taken at the limit and refused over it', (open, close) => {
    const nest = (levels: number): string =>
      `${open.repeat(levels)}${open === '[' ? '' : '1'}${close.repeat(levels)}`;
    expect(parseJson(nest(MAX_JSON_DEPTH - 1)).ok).toBe(true);
    expect(parseJson(nest(MAX_JSON_DEPTH)).ok).toBe(true);
    expect(parseJson(nest(MAX_JSON_DEPTH + 1)).ok).toBe(false);
    expect(parseJson(open.repeat(30_000)).ok).toBe(false);
  });
});

test('a body full of members is read in linear time', () => {
  const members = Array.from({ length: 8_000 }, (_, index) => `"${index}":0`).join(',');
  expect((read(`{${members}}`) as Map<string, JsonValue>).size).toBe(8_000);
});

test('pointers escape what RFC 6901 escapes', () => {
  expect(toPointer(['a/b', '~1', ''])).toBe('/a~1b/~01/');
  expect(toPointer([])).toBe('');
});

describe('against JSON.parse', () => {
  const document = fc.jsonValue({ maxDepth: MAX_JSON_DEPTH - 1, stringUnit: 'binary' });

  test('the same value for every text that JSON.stringify writes', () => {
    fc.assert(
      fc.property(document, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(toPlain(read(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  test('random text is never thrown at, and what is read, JSON.parse reads as well', () => {
    const token = fc.constantFrom(
      ...Array.from('{}[]",:\\-+.eE0123456789 \n\tunltrfasd\u0000é😀'),
      '"a"',
      'true',
      'null',
      '\\u',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(token).map((tokens) => tokens.join('')),
    );
    fc.assert(
      fc.property(text, (text) => {
        const result = parseJson(text);
        if (result.ok) expect(toPlain(result.value)).toEqual(JSON.parse(text));
        else {
          expect(result.fault.offset).toBeLessThanOrEqual(text.length);
          // JSON.parse takes more in two cases only.
          const isStricter = result.fault.pointer !== undefined || result.fault.message.startsWith('nested');
          if (!isStricter) expect(() => JSON.parse(text) as unknown).toThrow();
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test('every text that was damaged in one place is judged as JSON.parse judges it', () => {
    fc.assert(
      fc.property(
        document,
        fc.nat(),
        fc.constantFrom('', '"', '{', '}', ',', '0', '\\', ' '),
        (value, at, put) => {
          const text = JSON.stringify(value);
          const place = at % (text.length + 1);
          const damaged = text.slice(0, place) + put + text.slice(place + 1);
          const result = parseJson(damaged);
          if (!result.ok && result.fault.pointer !== undefined) return;
          let isJson = true;
          try {
            JSON.parse(damaged);
          } catch {
            isJson = false;
          }
          if (isJson && !result.ok) expect(result.fault.message).toMatch(/^nested/);
          else expect(result.ok).toBe(isJson);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('an array that is read item by item', () => {
  interface Read {
    readonly values: readonly JsonValue[];
    readonly end: string;
    readonly fault?: JsonFault;
  }

  function readItems(text: string, maxItemLength = Infinity): Read {
    const next = createJsonItems(text, maxItemLength);
    const values: JsonValue[] = [];
    for (;;) {
      const item = next();
      if (item.kind === 'item') values.push(item.value);
      else return { values, end: item.kind, ...(item.kind === 'fault' && { fault: item.fault }) };
    }
  }

  const arrays = fc.array(fc.jsonValue(), { maxLength: 6 }).map((value) => JSON.stringify(value, null, 1));

  test('has the items of the array', () => {
    fc.assert(
      fc.property(arrays, (text) => {
        expect(readItems(text)).toEqual({ values: read(text), end: 'end' });
      }),
    );
  });

  test('that was damaged in one place has the fault of the whole', () => {
    fc.assert(
      fc.property(
        arrays,
        fc.nat(),
        fc.constantFrom('', ',', ']', '[', '{', '"', ' 1'),
        (text, place, more) => {
          const at = place % text.length;
          const damaged = text.slice(0, at) + more + text.slice(at + 1);
          const whole = parseJson(damaged);
          const { end, fault } = readItems(damaged);
          if (end === 'no_array') expect(damaged.trimStart().startsWith('[')).toBe(false);
          else if (whole.ok) expect(end).toBe('end');
          else expect(fault).toEqual(whole.fault);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test.each(['', '{}', '1', 'null', '"[]"', '\ufeff[]'])('is none: %j', (text) => {
    expect(readItems(text).end).toBe('no_array');
  });

  test('names the item of a member that comes twice', () => {
    expect(readItems('[0, {"a": [{"b": 1, "b": 2}]}]').fault?.pointer).toBe('/1/a/0/b');
  });

  test('has items as deep as texts of their own, and no deeper', () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(readItems(`[${deep(MAX_JSON_DEPTH)}]`).end).toBe('end');
    expect(readItems(`[${deep(MAX_JSON_DEPTH + 1)}]`).end).toBe('fault');
  });

  test.each([
    ['under', 9, 'end'],
    ['at', 10, 'end'],
    ['over', 11, 'too_long'],
  ])('has items %s their longest', (_where, length, end) => {
    const items = ['"'.padEnd(length - 1, 'x') + '"', '['.padEnd(length - 1) + ']', '1'.padEnd(length, '0')];
    for (const item of items) {
      expect(readItems(`[${item}]`, 10).end, item).toBe(end);
      expect(readItems(`[1,  ${item}  , 2]`, 10).end, item).toBe(end);
    }
  });

  test('stops within an item that goes on for too long', () => {
    const text = `[[${'1,'.repeat(1_000_000)}1]]`;
    const next = createJsonItems(text, 1_000);
    const startedAt = process.cpuUsage().user;
    expect(next().kind).toBe('too_long');
    const elsewhere = createJsonItems(text, Infinity);
    const betweenAt = process.cpuUsage().user;
    expect(elsewhere().kind).toBe('item');
    // A thousandth of it was read.
    expect(betweenAt - startedAt).toBeLessThan((process.cpuUsage().user - betweenAt) / 2 + 1_000);
  });
});
