// The structured fields that signatures are made of: one reading for every text, or none.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  parseByteSequences,
  parseInnerLists,
  serializeInnerList,
  type BareItem,
  type InnerList,
} from '../../../src/gateway/signature/structured-fields.ts';

const key = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,10}$/);
const text = fc.string({ unit: fc.constantFrom(...printable()), maxLength: 20 });
const item: fc.Arbitrary<BareItem> = fc.oneof(
  fc
    .integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 })
    .map((value): BareItem => ({ kind: 'integer', value: value === 0 ? 0 : value })),
  text.map((value): BareItem => ({ kind: 'string', value })),
  fc
    .uint8Array({ maxLength: 20 })
    .map((value): BareItem => ({ kind: 'bytes', value: new Uint8Array(value) })),
);
const list: fc.Arbitrary<InnerList> = fc.record({
  items: fc.array(text, { maxLength: 5 }),
  parameters: fc
    .uniqueArray(fc.tuple(key, item), { selector: ([name]) => name })
    .map((each) => new Map(each)),
});

function printable(): string[] {
  return Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index));
}

describe('lists of strings', () => {
  it('read back as they were written, whatever is in them', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(key, list), { minLength: 1, selector: ([name]) => name }),
        (members) => {
          const header = members.map(([name, each]) => `${name}=${serializeInnerList(each)}`).join(', ');
          expect(parseInnerLists(header)).toEqual(new Map(members));
        },
      ),
    );
  });

  it('may have blanks where the RFC has them, and are signed without', () => {
    const header = ' a=( "x"   "y\\"\\\\" );  b=1;c="2" \t,\t d=()';
    const lists = parseInnerLists(header);
    expect([...(lists ?? [])].map(([name, each]) => [name, serializeInnerList(each)])).toEqual([
      ['a', '("x" "y\\"\\\\");b=1;c="2"'],
      ['d', '()'],
    ]);
  });

  it.each([
    '',
    ' ',
    'a',
    'a=',
    'a=1',
    'a="x"',
    'a=:YQ==:',
    'a=(',
    'a=("x"',
    'a=("x""y")',
    'a=("x",\t"y")',
    'a=("x"\t"y")',
    'a=(x)',
    'a=(1)',
    'a=("x";sf)',
    'a=("x");',
    'a=("x");b',
    'a=("x");b=',
    'a=("x");b=c',
    'a=("x");b=?1',
    'a=("x");b=1.5',
    'a=("x");b=1.',
    'a=("x");b=-0',
    'a=("x");b=01',
    'a=("x");b=+1',
    'a=("x");b=1000000000000000',
    'a=("x");b=@1659578233',
    'a=("x") ;b=1',
    'a=("x");b =1',
    'a=("x");b= 1',
    'a=("x");b=1;b=1',
    'a=("x");B=1',
    'a=("x");b="',
    'a=("x");b="\\n"',
    'a=("x");b="é"',
    'a=("x");b="\n"',
    'a=("x");b=\'c\'',
    'a=("x"), a=("y")',
    'a=("x"),',
    ',a=("x")',
    'a=("x"),,b=("y")',
    'a=("x") b=("y")',
    'a=("x")\n',
    'A=("x")',
    'a =("x")',
    'a= ("x")',
    '1a=("x")',
  ])('are not %j', (header) => {
    expect(parseInnerLists(header)).toBeUndefined();
  });
});

describe('byte sequences', () => {
  it('read back as they were written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const header = `sig=:${Buffer.from(bytes).toString('base64')}:`;
        expect(parseByteSequences(header)).toEqual(new Map([['sig', new Uint8Array(bytes)]]));
      }),
    );
  });

  it.each([
    'a=:YQ:',
    'a=:YQ=:',
    'a=:YQ===:',
    'a=:YR==:',
    'a=:Y:',
    'a=:Y Q==:',
    'a=:YQ==',
    'a=YQ==:',
    'a=:-_==:',
    'a=:YQ==:;b=1',
    'a="YQ=="',
    'a=1',
    'a=:YQ==:, a=:YQ==:',
    'a=()',
  ])('are not %j', (header) => {
    expect(parseByteSequences(header)).toBeUndefined();
  });
});

it('no text makes them throw, and what is read is read one way', () => {
  const pieces = fc.constantFrom(
    ...'ab=*()";:,1-.? \\\t'.split(''),
    '"x"',
    ':YQ==:',
    '("a" "b")',
    ';c=1',
    ', ',
    '\u0000',
    'é',
  );
  const header = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces).map((each) => each.join('')),
  );
  fc.assert(
    fc.property(header, (each) => {
      parseByteSequences(each);
      const lists = parseInnerLists(each);
      if (lists === undefined) return;
      const again = [...lists].map(([name, value]) => `${name}=${serializeInnerList(value)}`).join(', ');
      expect(parseInnerLists(again)).toEqual(lists);
    }),
    { numRuns: 20_000 },
  );
});

it('long texts take time in proportion to their length', () => {
  // A pattern that tries twice would not come back from these.
  for (const piece of ['"', '(', ' ', ';', 'a=(', '\\"', ':A', '"x" ', ';a=1', 'a,']) {
    const long = piece.repeat(200_000);
    for (const header of [long, `a=("x");b=${long}`, `a=(${long}`, `a="${long}`, `a=:${long}`]) {
      parseInnerLists(header);
      parseByteSequences(header);
    }
  }
});
