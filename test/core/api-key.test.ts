// The text of an API key: what it says, and that nothing else is taken for one.

import * as fc from 'fast-check';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { formatApiKey, MAX_API_KEY_LENGTH, parseApiKey } from '../../src/core/api-key.ts';
import { crc32 } from '../../src/core/crc32.ts';

const SECRET = '0123456789abcdef'.repeat(4);
const KEY = formatApiKey('acme-pay', 'k1a2b3c4', SECRET);

const hex = (length: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const slug = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
const keyId = fc.stringMatching(/^[a-z0-9]{8}$/);

describe('an API key', () => {
  it('says whose it is', () => {
    expect(parseApiKey(KEY)).toEqual({ processor: 'acme-pay', keyId: 'k1a2b3c4', text: KEY });
  });

  it('reads back, whatever its parts are', () => {
    fc.assert(
      fc.property(slug, keyId, hex(64), (processor, id, secret) => {
        const text = formatApiKey(processor, id, secret);
        expect(text.length).toBeLessThanOrEqual(MAX_API_KEY_LENGTH);
        expect(parseApiKey(text)).toEqual({ processor, keyId: id, text });
      }),
    );
  });

  it('is none with any one character changed, left out or doubled', () => {
    for (let at = 0; at < KEY.length; at += 1) {
      const other = KEY[at] === '0' ? '1' : '0';
      for (const middle of [other, '', `${KEY[at]}${KEY[at]}`, '_', KEY[at]?.toUpperCase() ?? ''])
        if (middle !== KEY[at])
          expect(parseApiKey(KEY.slice(0, at) + middle + KEY.slice(at + 1)), `at ${at}`).toBeUndefined();
    }
  });

  it('is none with two neighbours exchanged', () => {
    for (let at = 0; at + 1 < KEY.length; at += 1) {
      const [a, b] = [KEY[at], KEY[at + 1]];
      if (a === b) continue;
      expect(parseApiKey(`${KEY.slice(0, at)}${b}${a}${KEY.slice(at + 2)}`), `at ${at}`).toBeUndefined();
    }
  });

  it.each([
    '',
    ' ',
    `${KEY} `,
    ` ${KEY}`,
    `${KEY}\n`,
    KEY.toUpperCase(),
    KEY.replace('wpk', 'wpx'),
    formatApiKey('-acme', 'k1a2b3c4', SECRET),
    formatApiKey('acme-', 'k1a2b3c4', SECRET),
    formatApiKey('Acme', 'k1a2b3c4', SECRET),
    formatApiKey('', 'k1a2b3c4', SECRET),
    formatApiKey('a/../b', 'k1a2b3c4', SECRET),
    formatApiKey('a'.repeat(64), 'k1a2b3c4', SECRET),
    formatApiKey('acme', 'k1a2b3c', SECRET),
    formatApiKey('acme', 'K1a2b3c4', SECRET),
    formatApiKey('acme', 'k1a2b3c4', SECRET.slice(1)),
    formatApiKey('acme', 'k1a2b3c4', SECRET.toUpperCase()),
  ])('is not %j', (text) => {
    expect(parseApiKey(text)).toBeUndefined();
  });

  it('is no text at random', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(parseApiKey(text)).toBeUndefined();
        expect(parseApiKey(`wpk_acme_k1a2b3c4_${text}`)).toBeUndefined();
      }),
    );
  });
});

it('computes the CRC-32 that everybody does', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => crc32(bytes) === zlibCrc32(bytes)));
});
