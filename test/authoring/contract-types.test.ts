// TypeScript types of the contracts, made of their WIT.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { findContract } from '../../src/authoring/contract.ts';
import { contractTypes, writeTypes } from '../../src/authoring/contract-types.ts';
import { projectRoot } from '../../src/authoring/toolchain.ts';
import { CONTRACT_VERSIONS, changedContract, contractWit } from '../fixtures/components.ts';

const FOLDER = join(projectRoot, 'src/authoring/typescript');

describe('types of a contract', () => {
  it.each(CONTRACT_VERSIONS)('are the ones that the examples of %s are edited with', async (version) => {
    const kept = await readFile(join(FOLDER, `wasmpay-platform-${version}.d.ts`), 'utf8');
    expect(await contractTypes(findContract(`wasmpay:platform@${version}`))).toBe(kept);
  });

  it('follow the WIT: a member that it gains, a case that it gains', () => {
    const wit = changedContract('status: string,', 'status: string, purpose-code: string,', '0.2.0').replace(
      'approve,',
      'approve, ask-again(string),',
    );
    const types = writeTypes('0.2.0', wit);
    expect(types).toContain('readonly purposeCode: string;');
    expect(types).toContain("{ readonly tag: 'ask-again'; readonly val: string }");
  });

  it.each([
    ['a type that has no counterpart here', 'amount: s64', 'amount: option<s64>'],
    ['a type that nobody declared', 'amount: currency', 'amount: money'],
    ['another kind of type', 'record currency', 'flags currency'],
    ['another function', 'validate: func(', 'check: func('],
  ])('are refused for %s', (_, from, to) => {
    expect(contractWit()).toContain(from);
    expect(() => writeTypes('0.1.0', changedContract(from, to))).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
  });
});
