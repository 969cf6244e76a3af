// The table of reason codes, and the page of the documentation that shows it.

import { readFileSync } from 'node:fs';

import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FAILURE_CODES } from '../../src/core/failure.ts';
import {
  DENIAL_REASONS,
  FAILURE_STATUS,
  OTHER_DENIAL,
  statusOfDenial,
  statusOfFailure,
  UNSPECIFIED_STATUS,
} from '../../src/core/reason-codes.ts';

const denials = [
  ...Object.keys(DENIAL_REASONS).map((code) => statusOfDenial(code)),
  OTHER_DENIAL,
  UNSPECIFIED_STATUS,
];
const failures = FAILURE_CODES.map((code) => statusOfFailure(code));

describe('reason codes', () => {
  it('have the form of ISO 20022 and ISO 8583', () => {
    for (const { iso20022, de39 } of [...denials, ...failures]) {
      expect(iso20022).toMatch(/^[A-Z][A-Z0-9]{3}$/);
      expect(de39).toMatch(/^\d{2}$/);
      // That is "approved".
      expect(de39).not.toBe('00');
    }
    for (const { name } of Object.values(DENIAL_REASONS)) expect(name).toMatch(/^[A-Z][A-Za-z]+$/);
  });

  it.each(['iso20022', 'de39'] as const)('never share %s between a denial and a failure', (member) => {
    const denied = new Set(denials.map((status) => status[member]));
    const failed = new Set(failures.map((status) => status[member]));
    expect([...denied].filter((code) => failed.has(code))).toEqual([]);
    expect(denied.size).toBeGreaterThan(10);
    expect(failed.size).toBeGreaterThan(2);
  });

  it('are none of a failure’s, whatever a validator says', () => {
    const isos = new Set(failures.map(({ iso20022 }) => iso20022));
    const de39s = new Set(failures.map(({ de39 }) => de39));
    const check = (code: string): void => {
      const status = statusOfDenial(code);
      expect(isos.has(status.iso20022), code).toBe(false);
      expect(de39s.has(status.de39), code).toBe(false);
    };
    for (const code of [...isos, ...de39s, ...FAILURE_CODES, 'AB01', 'AB05', 'AB08', 'AB09', 'AB11', 'AG11'])
      check(code);
    assert(property(string({ maxLength: 35 }), check));
  });

  it.each([
    ['AC01', 'AC01', '14'],
    ['AC04', 'AC04', '14'],
    ['AC06', 'AC06', '62'],
    ['AG01', 'AG01', '57'],
    ['AM02', 'AM02', '61'],
    ['AM04', 'AM04', '51'],
    ['AM05', 'AM05', '94'],
    ['MS03', 'MS03', '05'],
    ['RR04', 'RR04', '93'],
    ['unspecified', 'MS03', '05'],
    ['HOUSE-RULE-7', 'NARR', '05'],
    ['am04', 'NARR', '05'],
    ['ZZ99', 'NARR', '05'],
    // What this platform says of a validator that it could not reach.
    ['AB10', 'NARR', '05'],
    // Names of every object.
    ['constructor', 'NARR', '05'],
    ['__proto__', 'NARR', '05'],
    ['toString', 'NARR', '05'],
  ])('call %s %s and %s', (code, iso20022, de39) => {
    expect(statusOfDenial(code)).toEqual({ iso20022, de39 });
  });
});

describe('docs/reason-codes.md', () => {
  const page = readFileSync(new URL('../../docs/reason-codes.md', import.meta.url), 'utf8');

  /** The cells of each row of the table under a heading, without marks of code. */
  function rowsUnder(heading: string): string[][] {
    const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
    const lines = section.split('\n').filter((line) => line.startsWith('|'));
    return lines.slice(2).map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
  }

  it('shows every failure as it is answered', () => {
    expect(rowsUnder('We could not ask').map(([code, iso20022, , de39]) => [code, iso20022, de39])).toEqual(
      Object.entries(FAILURE_STATUS).map(([code, { iso20022, de39 }]) => [code, iso20022, de39]),
    );
  });

  it('shows every denial as it is answered', () => {
    expect(rowsUnder('The bank denied').map(([code, name, de39]) => [code, name, de39])).toEqual([
      ...Object.entries(DENIAL_REASONS).map(([code, { name, de39 }]) => [code, name, de39]),
      ['any other code', `${OTHER_DENIAL.iso20022}, Narrative`, OTHER_DENIAL.de39],
      [
        'unspecified',
        `${UNSPECIFIED_STATUS.iso20022}, ${DENIAL_REASONS[UNSPECIFIED_STATUS.iso20022]?.name}`,
        UNSPECIFIED_STATUS.de39,
      ],
    ]);
  });

  it('gives each code of data element 39 one meaning', () => {
    const meanings = new Map<string, Set<string>>();
    for (const heading of ['We could not ask', 'The bank denied']) {
      for (const row of rowsUnder(heading)) {
        const [de39 = '', meaning = ''] = row.slice(-2);
        meanings.set(de39, (meanings.get(de39) ?? new Set()).add(meaning));
      }
    }
    expect([...meanings].filter(([, found]) => found.size !== 1)).toEqual([]);
  });
});
