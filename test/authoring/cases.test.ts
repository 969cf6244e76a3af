// cases.json: what is read of it, and how its faults are told.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { CasesError, MAX_CASES, parseCases, type CasesFault } from '../../src/authoring/cases.ts';
import { projectRoot } from '../../src/authoring/toolchain.ts';

const EXAMPLES = join(projectRoot, 'examples/validators');

const BANK = { id: 'bank_001', name: 'First', country: 'USA', currency: 'USD' };
const TRANSACTION = {
  id: 'txn_1',
  origin: BANK,
  destination: { ...BANK, id: 'mybank' },
  amount: { name: 'Euro', symbol: '€', amount: 100 },
  status: 'pending',
};
const CASE = { name: 'a case', expect: 'approve', transaction: TRANSACTION };

/** A file with one case, one member a line, `change` put over it. */
function fileWith(change: object): string {
  return JSON.stringify({ cases: [{ ...CASE, ...change }] }, undefined, 2);
}

/** The faults of a file. */
function faultsOf(text: string): readonly CasesFault[] {
  try {
    parseCases(text, 'cases.json');
  } catch (error) {
    if (error instanceof CasesError && error.code === 'cases_invalid') return error.faults;
    throw error;
  }
  return [];
}

describe('cases.json', () => {
  it.each(readdirSync(EXAMPLES))('of the example %s is read, every amount exactly', (example) => {
    const text = readFileSync(join(EXAMPLES, example, 'cases.json'), 'utf8');
    const digits = [...text.matchAll(/"amount": "?(-?\d+)/g)].map((match) => match[1]);
    const cases = parseCases(text, 'cases.json');
    expect(cases.map(({ transaction }) => String(transaction.amount.amount))).toEqual(digits);
  });

  it('has a clock and a bound of fuel, where a case names them', () => {
    const [first] = parseCases(
      fileWith({ evaluated_at: '2026-03-29T01:00:00.5Z', most_fuel: 5 }),
      'cases.json',
    );
    expect(first).toMatchObject({ evaluatedAtMs: Date.UTC(2026, 2, 29, 1, 0, 0, 500), mostFuel: 5 });
    const [plain] = parseCases(fileWith({}), 'cases.json');
    expect(plain?.evaluatedAtMs).toBe(Date.UTC(2026, 0, 1, 12));
  });

  it.each<[string, object, string, string]>([
    ['another answer', { expect: 'approved' }, '/cases/0/expect', '"approve" or "deny"'],
    ['no name', { name: '' }, '/cases/0/name', 'what the case shows'],
    ['a member misspelt', { expects: 'deny' }, '/cases/0/expects', 'no member that belongs here'],
    ['a reason to approve', { reason: { code: 'AM02' } }, '/cases/0/reason', '"deny" only'],
    ['a reason without a code', { expect: 'deny', reason: {} }, '/cases/0/reason/code', 'is missing'],
    [
      'a code of the platform',
      { expect: 'deny', reason: { code: 'trap' } },
      '/cases/0/reason',
      'no validator',
    ],
    ['a time without a zone', { evaluated_at: '2026-01-01T12:00:00' }, '/cases/0/evaluated_at', 'in UTC'],
    ['a time that is none', { evaluated_at: '2026-13-01T12:00:00Z' }, '/cases/0/evaluated_at', 'in UTC'],
    ['no fuel', { most_fuel: 0 }, '/cases/0/most_fuel', 'from 1'],
    ['no transaction', { transaction: undefined }, '/cases/0/transaction', 'is missing'],
    [
      'a fraction',
      { transaction: { ...TRANSACTION, amount: { ...TRANSACTION.amount, amount: 1.5 } } },
      '/cases/0/transaction/amount/amount',
      'an integer',
    ],
    [
      'a member that no gateway reads',
      { transaction: { ...TRANSACTION, origin: { ...BANK, contry: 'USA' } } },
      '/cases/0/transaction/origin/contry',
      'no member that belongs here',
    ],
  ])('is refused with place and way out for %s', (_, change, pointer, message) => {
    const faults = faultsOf(fileWith(change));
    expect(faults).toEqual([
      {
        pointer,
        line: expect.any(Number) as number,
        column: expect.any(Number) as number,
        message: expect.stringContaining(message) as string,
      },
    ]);
  });

  it('tells line and column of a fault, whatever stands before it', () => {
    const text = `{ "cases": [\n  ${JSON.stringify({ ...CASE, name: 'a "quoted" [name], {' })},\n  {\n    "name": "b", "expect": "no",\n "transaction": ${JSON.stringify(TRANSACTION)} } ] }`;
    const [fault] = faultsOf(text);
    expect(fault).toMatchObject({ pointer: '/cases/1/expect', line: 4, column: 28 });
    expect(text.split('\n')[3]?.slice(27)).toMatch(/^"no"/);
  });

  it('tells every fault at once, each with its place', () => {
    const cases = [{ ...CASE, expect: 'maybe' }, CASE, { ...CASE }];
    expect(faultsOf(JSON.stringify({ cases, more: 1 })).map(({ pointer }) => pointer)).toEqual([
      '/more',
      '/cases/0/expect',
      '/cases/1/name',
      '/cases/2/name',
    ]);
  });

  it.each([
    ['no JSON', '{ "cases": [', 1],
    ['a member twice', '{ "cases": [],\n"cases": [] }', 2],
    ['a list', '[]', 1],
    ['no cases', '{}', 1],
    ['an empty list of cases', '{\n "cases": [] }', 2],
  ])('is refused for %s', (_, text, line) => {
    const [fault, ...others] = faultsOf(text);
    expect([fault?.line, others]).toEqual([line, []]);
  });

  it(`holds ${MAX_CASES} cases, and not one more`, () => {
    const cases = Array.from({ length: MAX_CASES + 1 }, (_, i) => ({ ...CASE, name: String(i) }));
    expect(parseCases(JSON.stringify({ cases: cases.slice(1) }), 'cases.json')).toHaveLength(MAX_CASES);
    expect(faultsOf(JSON.stringify({ cases }))).toMatchObject([{ pointer: '/cases' }]);
  });
});

describe('schemas/cases.schema.json', () => {
  interface Schema {
    readonly properties?: Readonly<Record<string, Schema & { readonly $ref?: string }>>;
    readonly required?: readonly string[];
    readonly $defs?: Readonly<Record<string, Schema>>;
  }
  const schema = JSON.parse(readFileSync(join(projectRoot, 'schemas/cases.schema.json'), 'utf8')) as Schema;
  const members = (name: string): string[] => Object.keys(schema.$defs?.[name]?.properties ?? {});

  it('has the members that are read, and no others', () => {
    const value = {
      ...CASE,
      expect: 'deny',
      reason: { code: 'AM02', message: '' },
      evaluated_at: '2026-01-01T12:00:00Z',
      most_fuel: 1,
    };
    expect(members('case').sort()).toEqual(Object.keys(value).sort());
    expect(Object.keys(schema.$defs?.['case']?.properties?.['reason']?.properties ?? {})).toEqual([
      'code',
      'message',
    ]);
    expect(members('transaction').sort()).toEqual(Object.keys(TRANSACTION).sort());
    expect(members('bank').sort()).toEqual(Object.keys(BANK).sort());
    expect(members('currency').sort()).toEqual(Object.keys(TRANSACTION.amount).sort());
    expect(faultsOf(JSON.stringify({ $schema: 'x', cases: [value] }))).toEqual([]);
  });

  it('requires what is required', () => {
    for (const name of schema.$defs?.['case']?.required ?? [])
      expect(faultsOf(fileWith({ [name]: undefined })), name).toHaveLength(1);
    for (const name of schema.$defs?.['transaction']?.required ?? [])
      expect(faultsOf(fileWith({ transaction: { ...TRANSACTION, [name]: undefined } })), name).toHaveLength(
        1,
      );
  });
});
