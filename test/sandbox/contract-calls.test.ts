// What an answer means, whatever glue makes of it. That a guest's own answers get here is the hostile suite's.

import { describe, expect, it } from 'vitest';

import { CONTRACTS } from '../../src/artifact/manifest.ts';
import { CONTRACT_CALLS } from '../../src/sandbox/contract-calls.ts';

const approved = { ok: true, verdict: { kind: 'approve' } };

it('each contract has an export of its own', () => {
  expect(CONTRACTS.map((contract) => CONTRACT_CALLS[contract].exportName)).toEqual([
    'wasmpay:platform/validation@0.1.0',
    'wasmpay:platform/validation@0.2.0',
  ]);
});

describe('an answer under 0.1.0', () => {
  const { readAnswer } = CONTRACT_CALLS['wasmpay:platform@0.1.0'];

  it('is a bool; its denial is unspecified', () => {
    expect(readAnswer(true)).toEqual(approved);
    expect(readAnswer(false)).toEqual({
      ok: true,
      verdict: { kind: 'deny', denial: { code: 'unspecified' } },
    });
  });

  it.each([undefined, null, 1, 'true', {}, { tag: 'approve' }, () => true])(
    'is nothing else: %s',
    (answer) => {
      expect(readAnswer(answer)).toEqual({ ok: false, fault: `a ${typeof answer} is no bool` });
    },
  );
});

describe('an answer under 0.2.0', () => {
  const { readAnswer } = CONTRACT_CALLS['wasmpay:platform@0.2.0'];

  it('is a verdict', () => {
    expect(readAnswer({ tag: 'approve' })).toEqual(approved);
    expect(readAnswer({ tag: 'deny', val: { code: 'AM04', message: 'too little' } })).toEqual({
      ok: true,
      verdict: { kind: 'deny', denial: { code: 'AM04', message: 'too little' } },
    });
  });

  it('has no message where the message is empty', () => {
    expect(readAnswer({ tag: 'deny', val: { code: 'AM04', message: '' } })).toEqual({
      ok: true,
      verdict: { kind: 'deny', denial: { code: 'AM04' } },
    });
  });

  it('passes on code and message and nothing beside them', () => {
    const answer = { tag: 'deny', val: { code: 'AM04', message: 'x', iso20022: 'AB10' }, kind: 'approve' };
    expect(readAnswer(answer)).toEqual({
      ok: true,
      verdict: { kind: 'deny', denial: { code: 'AM04', message: 'x' } },
    });
  });

  it.each([
    undefined,
    null,
    true,
    1,
    'approve',
    [],
    {},
    { tag: 'APPROVE' },
    { tag: ['approve'] },
    { tag: 'approve', val: { code: 'AM04', message: '' } },
    { tag: 'deny' },
    { tag: 'deny', val: null },
    { tag: 'deny', val: 'AM04' },
    { tag: 'deny', val: { code: 'AM04' } },
    { tag: 'deny', val: { code: 4, message: '' } },
    { tag: 'deny', val: { code: ['AM04'], message: '' } },
    { tag: 'deny', val: { code: 'AM04', message: {} } },
    { tag: 'deny', val: { code: 'unspecified', message: '' } },
    { tag: 'deny', val: { code: 'TRAP', message: '' } },
    { tag: 'deny', val: { code: 'AM04', message: 'two\nlines' } },
  ])('is nothing else: %j', (answer) => {
    expect(readAnswer(answer)).toEqual({ ok: false, fault: expect.any(String) as string });
  });
});
