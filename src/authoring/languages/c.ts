// C: the smallest and quickest modules, and nothing between you and the bytes.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot, versionOf } from '../toolchain.ts';
import type { Language } from './language.ts';

const LIBRARY = 'src/authoring/c';

export const C: Language = {
  name: 'c',
  title: 'C',
  aliases: [],
  contracts: ['0.1.0', '0.2.0'],
  sourceFile: 'validator.c',
  extension: '.c',
  templateFolder: 'c',
  notSources: ['compile_flags.txt'],
  inputs: [
    LIBRARY,
    'src/authoring/assemble.ts',
    'src/authoring/assemble-component.ts',
    'src/authoring/build-c.ts',
    'src/authoring/c-source-check.ts',
    'src/authoring/c-toolchain.ts',
    'src/authoring/confine.ts',
    'src/authoring/repeated-imports.ts',
    'src/authoring/stage-sources.ts',
  ],
  bindings: [LIBRARY],
  compilerScripts: [],
  async findToolchain() {
    const { findC } = await import('../c-toolchain.ts');
    return [...(await findC()).versions, versionOf('@bytecodealliance/jco')];
  },
  build: async (options) => (await import('../build-c.ts')).buildC(options),
  async editorFiles({ version }) {
    const flags = [
      '--target=wasm32-unknown-unknown',
      '-std=c17',
      '-ffreestanding',
      '-Wall',
      '-Wextra',
      '-isystem.contract',
      `-DWASMPAY_CONTRACT_${version.replaceAll('.', '_')}`,
    ];
    return [
      // clangd's.
      { path: 'compile_flags.txt', content: `${flags.join('\n')}\n` },
      ...(await Promise.all(
        ['wasmpay.h', 'string.h'].map(async (name) => ({
          path: `.contract/${name}`,
          content: await readFile(join(projectRoot, LIBRARY, name), 'utf8'),
        })),
      )),
    ];
  },
};
