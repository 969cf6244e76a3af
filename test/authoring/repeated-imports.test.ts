// Imports that a linker wrote twice get names of their own; everything else stays as it is.

import { parse, print } from '@bytecodealliance/jco';
import { expect, it } from 'vitest';

import { BinaryFault } from '../../src/core/binary-reader.ts';
import { nameRepeatedImports } from '../../src/authoring/repeated-imports.ts';

const module = (imports: string): string => `(module
  (type (func (param i32) (result i32)))
  (type (func))
  ${imports}
  (memory 1)
  (func (export "run") (call 0 (i32.const 1)) drop)
  (data (i32.const 0) "\\02\\00"))`;

const rewrite = async (imports: string): Promise<WebAssembly.ModuleImportDescriptor[]> => {
  const rewritten = nameRepeatedImports(await parse(module(imports)));
  return WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array(rewritten)));
};

it('names the second and the third after the first, in their order', async () => {
  const imports = `(import "w" "write" (func (type 0))) (import "w" "read" (func (type 1)))
    (import "w" "write" (func (type 0))) (import "x" "write" (func (type 0))) (import "w" "write" (func (type 1)))`;
  expect((await rewrite(imports)).map(({ module: from, name }) => `${from} ${name}`)).toEqual([
    'w write',
    'w read',
    'w write_2',
    'x write',
    'w write_3',
  ]);
});

it('leaves a module as it is that repeats none, or imports nothing', async () => {
  for (const imports of ['(import "w" "write" (func (type 0)))', '(func (type 0) (i32.const 0))']) {
    const bytes = await parse(module(imports));
    expect(await print(nameRepeatedImports(bytes))).toBe(await print(bytes));
  }
});

it('keeps the length of a section right beyond one byte', async () => {
  const imports = Array.from({ length: 60 }, () => '(import "some" "name" (func (type 0)))').join('\n');
  const names = (await rewrite(imports)).map(({ name }) => name);
  expect(names).toHaveLength(60);
  expect(names.at(-1)).toBe('name_60');
});

it('takes no module that ends early, or imports what Go never does', async () => {
  const bytes = await parse(module('(import "w" "write" (func (type 0)))'));
  // Eight bytes of header, the types, then the imports' section of 13 bytes.
  const start = bytes.indexOf(2, 8 + 2 + (bytes[9] ?? 0));
  for (let end = start + 1; end < start + 13; end += 1)
    expect(() => nameRepeatedImports(bytes.subarray(0, end)), String(end)).toThrow(BinaryFault);
  const memory = await parse('(module (import "w" "memory" (memory 1)))');
  expect(() => nameRepeatedImports(memory)).toThrow(BinaryFault);
});
