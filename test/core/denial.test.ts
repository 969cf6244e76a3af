import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';

import { UNSPECIFIED_DENIAL } from '../../src/core/decision.ts';
import { faultOfDenial } from '../../src/core/denial.ts';
import { FAILURE_CODES } from '../../src/core/failure.ts';
import { MAX_REASON_CODE_LENGTH, MAX_REASON_MESSAGE_BYTES } from '../../src/core/limits.ts';

describe('the code of a denial', () => {
  it.each(['AM04', 'AC06', 'X', '7', '1042', 'HOUSE-RULE-7', 'Limit.Daily', 'A"quote"', "A'<b>&", 'A~!'])(
    'may be %s',
    (code) => {
      expect(faultOfDenial(code, '')).toBeUndefined();
    },
  );

  it('has at most 35 characters', () => {
    expect(MAX_REASON_CODE_LENGTH).toBe(35);
    expect(faultOfDenial('A'.repeat(34), '')).toBeUndefined();
    expect(faultOfDenial('A'.repeat(35), '')).toBeUndefined();
    expect(faultOfDenial('A'.repeat(36), '')).toContain('35 characters');
    expect(faultOfDenial('A'.repeat(10_000_000), '')).toContain('35 characters');
  });

  it.each([
    ['nothing', ''],
    ['a space', 'AM 04'],
    ['a space at its end', 'AM04 '],
    ['a line feed at its end', 'AM04\n'],
    ['a tab', 'AM\t04'],
    ['a NUL', 'AM04\u0000'],
    ['DEL', 'AM04\u007f'],
    ['a letter that looks like one of ASCII', '\u0410M04'],
    ['a full-width letter', 'AM０４'],
    ['an emoji', 'AM04🏦'],
    ['a lone surrogate', 'AM04\ud800'],
    ['a lower-case letter first', 'am04'],
    ['a sign first', '-AM04'],
    ['a quote first', '"AM04'],
    ['an underscore first', '__proto__'],
  ])('is not taken with %s', (_what, code) => {
    expect(faultOfDenial(code, '')).toBeTypeOf('string');
  });

  it.each([UNSPECIFIED_DENIAL.code, ...FAILURE_CODES])(
    'is never the platform’s own %s, however it is written',
    (code) => {
      const capital = `${code.slice(0, 1).toUpperCase()}${code.slice(1)}`;
      for (const written of [code, code.toUpperCase(), capital, `${code} `, `${code}\u200b`])
        expect(faultOfDenial(written, ''), written).toBeTypeOf('string');
    },
  );

  it('is never a word of the platform’s to come: those begin with a lower-case letter', () => {
    assert(
      property(string({ minLength: 1, maxLength: 35 }), (code) => {
        if (faultOfDenial(code, '') === undefined) expect(code).toMatch(/^[A-Z0-9][!-~]*$/);
      }),
    );
    expect(faultOfDenial('tomorrow_s_failure', '')).toBeTypeOf('string');
  });
});

describe('the message of a denial', () => {
  it.each([
    '',
    'above 10,000.00 EUR',
    'says "no" \\ and <b>means</b> it & more',
    'Zürich 銀行 🏦',
    'חסום',
    'family: 👨\u200d👩\u200d👧',
    'no\u00a0break',
  ])('may be %j', (message) => {
    expect(faultOfDenial('AM04', message)).toBeUndefined();
  });

  it.each([
    ['ASCII', 'x', 1],
    ['two bytes', 'é', 2],
    ['three bytes', '銀', 3],
    ['four bytes', '🏦', 4],
  ])('has at most 512 bytes: %s', (_what, letter, bytes) => {
    expect(MAX_REASON_MESSAGE_BYTES).toBe(512);
    const fitting = Math.floor(512 / bytes);
    const padding = 'x'.repeat(512 - fitting * bytes);
    expect(faultOfDenial('AM04', letter.repeat(fitting - 1))).toBeUndefined();
    expect(faultOfDenial('AM04', letter.repeat(fitting) + padding)).toBeUndefined();
    expect(faultOfDenial('AM04', `${letter.repeat(fitting)}${padding}x`)).toContain('512 bytes');
    expect(faultOfDenial('AM04', letter.repeat(4_000_000))).toContain('512 bytes');
  });

  it('holds no control character', () => {
    const controls = [
      ...Array(0x20).keys(),
      0x7f,
      ...Array.from({ length: 0x20 }, (_, index) => 0x80 + index),
    ];
    for (const point of controls) {
      for (const at of ['x%', '%x', 'x%x'])
        expect(faultOfDenial('AM04', at.replace('%', String.fromCodePoint(point)))).toContain('control');
    }
  });

  it('holds nothing that ends a line or turns text around', () => {
    for (const mark of '\u2028\u2029\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069')
      expect(faultOfDenial('AM04', `paid${mark}denied`)).toContain('control');
    // Everything that Unicode calls so today.
    for (let point = 0; point <= 0xffff; point += 1) {
      const character = String.fromCharCode(point);
      if (/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(character))
        expect(faultOfDenial('AM04', character), point.toString(16)).toBeTypeOf('string');
    }
  });

  it('is Unicode', () => {
    for (const lone of ['\ud800', 'x\udfffx', '\udc00\ud800'])
      expect(faultOfDenial('AM04', lone)).toContain('Unicode');
  });
});

it('a fault says nothing of what the validator said', () => {
  const planted = 'Planted7c1f';
  const faults = [
    faultOfDenial(`${planted} x`, ''),
    faultOfDenial(planted.repeat(5), ''),
    faultOfDenial('AM04', `${planted}\n`),
    faultOfDenial('AM04', planted.repeat(99)),
  ];
  for (const fault of faults) {
    expect(fault).toBeTypeOf('string');
    expect(fault).not.toContain(planted);
  }
});
