// What an answer means, whatever glue makes of it. That a guest's own answers get here is the hostile suite's.

import { describe, expect, it } from 'vitest';

import { CONTRACTS, type Contract } from '../../src/artifact/manifest.ts';
import { DEFAULT_GUEST_LIMITS } from '../../src/core/guest-limits.ts';
import { CONTRACT_CALLS } from '../../src/sandbox/contract-calls.ts';
import { createGuestPool } from '../../src/sandbox/guest-pool.ts';
import { guestCall } from '../fixtures/hosts.ts';
import { NO_MEMORY } from '../fixtures/metering.ts';

const approved = { ok: true, verdict: { kind: 'approve' } };

describe('the contract of the manifest', () => {
  /** Code that exports both contracts, as no publisher makes it: 0.1.0 approves, 0.2.0 denies. */
  const call = (contract: Contract, exports: Record<string, unknown>) =>
    createGuestPool({
      instantiate: () => exports,
      coreModules: new Map(),
      contract,
      imports: [],
      grants: [],
      limits: DEFAULT_GUEST_LIMITS,
      metering: NO_MEMORY,
      seed: new Uint8Array(32),
    }).call(guestCall()).outcome;
  const both = {
    'wasmpay:platform/validation@0.1.0': { validate: () => true },
    'wasmpay:platform/validation@0.2.0': {
      validate: () => ({ tag: 'deny', val: { code: 'AM04', message: '' } }),
    },
    validation: { validate: () => true },
  };

  it('says which export is called', () => {
    expect(call('wasmpay:platform@0.1.0', both)).toMatchObject({ verdict: { kind: 'approve' } });
    expect(call('wasmpay:platform@0.2.0', both)).toMatchObject({
      verdict: { kind: 'deny', denial: { code: 'AM04' } },
    });
  });

  it('says how the answer is read', () => {
    const [first, second] = Object.values(both);
    const swapped = {
      'wasmpay:platform/validation@0.1.0': second,
      'wasmpay:platform/validation@0.2.0': first,
    };
    for (const contract of CONTRACTS)
      expect(call(contract, swapped)).toMatchObject({ failure: { code: 'bad_output' } });
  });

  it('approves nothing where the code has another one', () => {
    const { 'wasmpay:platform/validation@0.1.0': only } = both;
    expect(call('wasmpay:platform@0.2.0', { 'wasmpay:platform/validation@0.1.0': only })).toMatchObject({
      kind: 'failure',
    });
  });
});

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
