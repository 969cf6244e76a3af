import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseJson } from '../../src/core/json.ts';
import { MAX_STRING_BYTES } from '../../src/core/limits.ts';
import { parseTransaction, type TransactionResult } from '../../src/core/parse-transaction.ts';
import { MAX_AMOUNT, MIN_AMOUNT } from '../../src/core/transaction.ts';
import { makeBody } from '../fixtures/gateway-bed.ts';
import { PLANTED, PLANTED_AMOUNT } from '../fixtures/planted.ts';

function parse(text: string): TransactionResult {
  const json = parseJson(text);
  if (!json.ok) throw new Error(json.fault.message);
  return parseTransaction(json.value);
}

/** `pointer code` of every fault. */
function faultsOf(text: string): string[] {
  const result = parse(text);
  return result.ok ? [] : result.faults.map(({ pointer, code }) => `${pointer} ${code}`);
}

const GOOD = JSON.stringify(makeBody());
const withAmount = (source: string): string => GOOD.replace(String(PLANTED_AMOUNT), source);

/** The good transaction with the member at `path` replaced, or removed. */
function change(path: readonly string[], value: unknown): string {
  const body = makeBody();
  let parent = body;
  for (const name of path.slice(0, -1)) parent = parent[name] as Record<string, unknown>;
  const last = path.at(-1) ?? '';
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return JSON.stringify(body);
}

const STRINGS = [
  ['id'],
  ...['origin', 'destination'].flatMap((bank) =>
    ['id', 'name', 'country', 'currency'].map((name) => [bank, name]),
  ),
  ['amount', 'name'],
  ['amount', 'symbol'],
  ['status'],
];
const FREE_STRINGS = STRINGS.filter((path) => path.join('.') !== 'destination.id');

test('a good transaction is read', () => {
  expect(parse(GOOD)).toEqual({
    ok: true,
    transaction: { ...makeBody(), amount: { name: `${PLANTED} Euro`, symbol: '€', amount: PLANTED_AMOUNT } },
  });
});

test('members that the contract does not know are let through and left out', () => {
  const text = GOOD.replace('{', '{"metadata":{"deep":[1,{"x":null}]},"__proto__":{"id":"other"},');
  expect(parse(text)).toEqual(parse(GOOD));
});

describe('strings', () => {
  test.each(STRINGS)('%s %s is required and must be a string', (...path) => {
    const pointer = `/${path.join('/')}`;
    expect(faultsOf(change(path, undefined))).toEqual([`${pointer} required`]);
    for (const other of [null, 1, true, ['a'], { a: 'b' }]) {
      expect(faultsOf(change(path, other))).toEqual([`${pointer} not_a_string`]);
    }
  });

  test.each(FREE_STRINGS)('%s %s is taken at the longest and refused over it', (...path) => {
    const pointer = `/${path.join('/')}`;
    for (const unit of ['a', 'é', '€', '😀']) {
      const unitBytes = new TextEncoder().encode(unit).length;
      const longest =
        unit.repeat(Math.floor(MAX_STRING_BYTES / unitBytes)) + 'x'.repeat(MAX_STRING_BYTES % unitBytes);
      expect(faultsOf(change(path, longest.slice(unit.length)))).toEqual([]);
      expect(faultsOf(change(path, longest))).toEqual([]);
      expect(faultsOf(change(path, `${longest}x`))).toEqual([`${pointer} too_long`]);
    }
  });

  test.each(STRINGS)('%s %s must be well-formed Unicode', (...path) => {
    for (const text of ['\ud800', 'a\udc00', '\udc00\ud800']) {
      expect(faultsOf(change(path, text))).toEqual([`/${path.join('/')} not_unicode`]);
    }
  });

  test('ids must not be empty, everything else may be', () => {
    const ids = new Set(['id', 'origin.id', 'destination.id']);
    for (const path of STRINGS) {
      expect(faultsOf(change(path, ''))).toEqual(ids.has(path.join('.')) ? [`/${path.join('/')} empty`] : []);
    }
  });

  test('the destination must have a slug, the origin need not', () => {
    for (const id of ['a b', '../x', '-', 'a'.repeat(64)]) {
      expect(faultsOf(change(['destination', 'id'], id))).toEqual(['/destination/id not_a_bank_id']);
      expect(faultsOf(change(['origin', 'id'], id))).toEqual([]);
    }
  });
});

describe('every fault at once', () => {
  test('an empty object lacks five members', () => {
    expect(faultsOf('{}')).toEqual([
      '/id required',
      '/origin required',
      '/destination required',
      '/amount required',
      '/status required',
    ]);
  });

  test('faults of all levels come together', () => {
    const text = JSON.stringify({
      id: '',
      origin: { id: 1 },
      destination: [],
      amount: { amount: 1.5 },
      status: '\ud800',
    });
    expect(faultsOf(text)).toEqual([
      '/id empty',
      '/origin/id not_a_string',
      '/origin/name required',
      '/origin/country required',
      '/origin/currency required',
      '/destination not_an_object',
      '/amount/name required',
      '/amount/symbol required',
      '/amount/amount not_an_integer',
      '/status not_unicode',
    ]);
  });

  test.each(['null', '1', '"a"', '[]', 'true'])('%s is no transaction', (text) => {
    expect(faultsOf(text)).toEqual([' not_an_object']);
  });

  test('no fault quotes a value', () => {
    const result = parse(
      change(['destination', 'id'], 'planted value').replace(String(PLANTED_AMOUNT), '"planted"'),
    );
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).not.toContain('planted');
  });
});

describe('amounts', () => {
  test.each([
    ['0', 0n],
    ['-1', -1n],
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', MAX_AMOUNT],
    ['-9223372036854775808', MIN_AMOUNT],
  ])('%s arrives exactly, as a number and as a string', (source, amount) => {
    for (const text of [withAmount(source), withAmount(`"${source}"`)]) {
      expect(parse(text)).toMatchObject({ ok: true, transaction: { amount: { amount } } });
    }
  });

  test.each(['9223372036854775808', '-9223372036854775809', `1${'0'.repeat(60_000)}`])(
    'past s64 is refused, as a number and as a string',
    (source) => {
      expect(faultsOf(withAmount(source))).toEqual(['/amount/amount out_of_range']);
      expect(faultsOf(withAmount(`"${source}"`))).toEqual(['/amount/amount out_of_range']);
    },
  );

  test.each(['1.0', '0.5', '1e3', '1E0', '-0', '-0.0', '0e0', '9223372036854775807.0'])(
    'the number %s is refused, though it may have a whole value',
    (source) => {
      expect(faultsOf(withAmount(source))).toEqual(['/amount/amount not_an_integer']);
      expect(faultsOf(withAmount(`"${source}"`))).toEqual(['/amount/amount not_an_integer']);
    },
  );

  test.each(['', '+1', ' 1', '1 ', '01', '-01', '00', '--1', '-', '1,000', '0x10', '1n', '١', '1\\n', '1_0'])(
    'the string %j is refused',
    (source) => {
      expect(faultsOf(withAmount(`"${source}"`))).toEqual(['/amount/amount not_an_integer']);
    },
  );

  test.each(['null', 'true', '[1]', '{}'])('%s is no amount', (source) => {
    expect(faultsOf(withAmount(source))).toEqual(['/amount/amount not_an_integer']);
  });

  test('an amount is required', () => {
    expect(faultsOf(change(['amount', 'amount'], undefined))).toEqual(['/amount/amount required']);
  });

  test('every s64 survives, as a number and as a string', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: MIN_AMOUNT, max: MAX_AMOUNT }), (amount) => {
        for (const text of [withAmount(String(amount)), withAmount(`"${amount}"`)]) {
          expect(parse(text)).toMatchObject({ ok: true, transaction: { amount: { amount } } });
        }
      }),
    );
  });
});

test('no JSON makes it throw, and what it refuses has a fault', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      const json = parseJson(text);
      if (!json.ok) return;
      const result = parseTransaction(json.value);
      if (!result.ok) expect(result.faults.length).toBeGreaterThan(0);
    }),
  );
});
