// Values that begin with a dash: one key id of 64 does.

import { expect, it } from 'vitest';

import { parseOptions } from '../../src/cli/options.ts';

const OPTIONS = {
  'key-id': { type: 'string' },
  json: { type: 'boolean', default: false },
  file: { type: 'string', short: 'f' },
} as const;

const parse = (...args: string[]) => parseOptions(args, ['[BANK]'], OPTIONS);

it.each<[string, string[], object]>([
  ['an id after a blank', ['--key-id', '-Ab_-9', 'bank'], { 'key-id': '-Ab_-9', json: false }],
  ['an id after an equals sign', ['--key-id=-Ab', 'bank'], { 'key-id': '-Ab', json: false }],
  ['an option after it', ['--key-id', '-Ab', '--json', 'bank'], { 'key-id': '-Ab', json: true }],
  ['standard input', ['--file', '-', 'bank'], { file: '-', json: false }],
  ['nothing of what follows --', ['--json', '--', 'bank'], { json: true }],
])('takes %s', (_name, args, options) => {
  const parsed = parse(...args);
  expect({ ...parsed.options }).toEqual(options);
  expect(parsed.arguments).toEqual(['bank']);
});

it.each([
  ['a mistyped option for a value', ['--key-id', '--jsno']],
  ['another option for a value', ['--key-id', '-f', 'x']],
  ['an unknown short option', ['-x']],
  ['a dashed word after a flag', ['--json', '-abc']],
  ['a value that is not there', ['--key-id']],
])('does not take %s', (_name, args) => {
  expect(() => parse(...args)).toThrow(expect.objectContaining({ code: 'usage' }));
});

it('leaves what follows -- as it is', () => {
  expect(parse('--', '-dashed').arguments).toEqual(['-dashed']);
  expect(() => parse('--', '--key-id', '-x')).toThrow(expect.objectContaining({ code: 'usage' }));
});
