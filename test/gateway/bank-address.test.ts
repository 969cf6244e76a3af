import { describe, expect, test } from 'vitest';

import { createBankAddressReader } from '../../src/gateway/bank-address.ts';

const read = createBankAddressReader(['pay.example', 'EU.pay.example.', 'localhost']);

/** The slug in brackets, or the kind of the address. */
function nameOf(host: string, pathBank?: string): string {
  const address = read(host, pathBank);
  return address.kind === 'named' ? `[${address.slug}]` : address.kind;
}

describe('hosts', () => {
  test.each([
    ['icamer.pay.example', '[icamer]'],
    ['icamer.localhost:8787', '[icamer]'],
    ['ICAMER.Pay.Example', '[icamer]'],
    ['icamer.pay.example.', '[icamer]'],
    ['icamer.pay.example.:443', '[icamer]'],
    ['icamer.pay.example:', '[icamer]'],
    ['bank-002.pay.example', '[bank-002]'],
    ['icamer.eu.pay.example', '[icamer]'],
    ['pay.example', 'unnamed'],
    ['pay.example:8787', 'unnamed'],
    ['eu.pay.example', 'unnamed'],
    ['localhost:8787', 'unnamed'],
    ['127.0.0.1:8787', 'unnamed'],
    ['10.0.0.5', 'unnamed'],
    ['[::1]:8787', 'unnamed'],
    ['[2001:db8::1]', 'unnamed'],
    ['a.b.pay.example', 'unknown_bank'],
    ['a.icamer.localhost', 'unknown_bank'],
    ['bank_002.pay.example', 'unknown_bank'],
    ['-a.pay.example', 'unknown_bank'],
    ['.pay.example', 'unknown_bank'],
    [`${'a'.repeat(64)}.pay.example`, 'unknown_bank'],
    ['', 'not_found'],
    ['evil.example', 'not_found'],
    ['evilpay.example', 'not_found'],
    ['pay.example.evil.example', 'not_found'],
    ['icamer', 'not_found'],
    ['example', 'not_found'],
    ['icamer.pay.example..', 'not_found'],
    ['icamer.pay.example:http', 'not_found'],
    ['icamer.pay.example:123456', 'not_found'],
    ['icamer.pay.example@evil.example', 'not_found'],
    ['icamer.pay.example, icamer.pay.example', 'not_found'],
    ['icamer.pay.example/x', 'not_found'],
    ['icamer%2epay.example', 'not_found'],
    ['[::1', 'not_found'],
    ['[icamer]', 'not_found'],
    ['banĸ.pay.example', 'not_found'],
    ['\u212a.pay.example', 'not_found'],
    [`${'a.'.repeat(200)}pay.example`, 'not_found'],
    [`${'.'.repeat(250)}:x`, 'not_found'],
  ])('%s is %s', (host, expected) => {
    expect(nameOf(host)).toBe(expected);
  });

  test('loopback is bare even where it is no base domain', () => {
    expect(createBankAddressReader(['pay.example'])('localhost:8787')).toEqual({ kind: 'unnamed' });
    expect(createBankAddressReader(['pay.example'])('icamer.localhost').kind).toBe('not_found');
  });
});

describe('paths', () => {
  test.each([
    ['meridian', '[meridian]'],
    ['bank_002', '[bank-002]'],
    ['bank-002', '[bank-002]'],
    ['MERIDIAN', '[meridian]'],
    ['', 'unknown_bank'],
    ['..', 'unknown_bank'],
    ['a b', 'unknown_bank'],
    ['bank%5F002', 'unknown_bank'],
    ['__proto__', 'unknown_bank'],
    ['a'.repeat(64), 'unknown_bank'],
  ])('%j is %s', (pathBank, expected) => {
    expect(nameOf('pay.example', pathBank)).toBe(expected);
  });

  test('the path must agree with the subdomain', () => {
    expect(nameOf('bank-002.pay.example', 'bank_002')).toBe('[bank-002]');
    expect(nameOf('icamer.pay.example', 'meridian')).toBe('bank_mismatch');
  });

  test('no path makes a strange host known', () => {
    expect(nameOf('evil.example', 'meridian')).toBe('not_found');
    expect(nameOf('a.b.pay.example', 'meridian')).toBe('unknown_bank');
  });
});

test.each([
  '',
  '.',
  'pay..example',
  '*.pay.example',
  'https://pay.example',
  'pay.example:80',
  'pay_.example',
])('the base domain %j is refused', (domain) => {
  expect(() => createBankAddressReader([domain])).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  );
});
