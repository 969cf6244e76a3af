// TypeScript: QuickJS runs it, in a component that carries QuickJS.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contractTypes } from '../contract-types.ts';
import { projectRoot, versionOf } from '../toolchain.ts';
import type { Language } from './language.ts';

const TSCONFIG = join(projectRoot, 'src/authoring/typescript/tsconfig.json');

export const TYPESCRIPT: Language = {
  name: 'typescript',
  title: 'TypeScript',
  aliases: ['ts'],
  contracts: ['0.1.0', '0.2.0'],
  sourceFile: 'validator.ts',
  extension: '.ts',
  templateFolder: 'typescript',
  notSources: ['tsconfig.json'],
  inputs: [
    'src/authoring/typescript',
    'src/authoring/typescript-entry.ts',
    'src/authoring/componentize-typescript.ts',
    'src/authoring/build-typescript.ts',
    'src/authoring/contract-types.ts',
  ],
  compilerScripts: [join(projectRoot, 'src/authoring/componentize-typescript.ts')],
  findToolchain: async () => ['typescript', 'esbuild', 'componentize-qjs'].map(versionOf),
  // Loaded when asked for: esbuild is not needed to say what languages there are.
  build: async (options) => (await import('../build-typescript.ts')).buildTypeScript(options),
  async editorFiles(contract) {
    const { compilerOptions } = JSON.parse(await readFile(TSCONFIG, 'utf8')) as { compilerOptions: object };
    // The options of the build's own check, so that an editor says what the build says.
    const config = { compilerOptions, include: ['*.ts', '.contract/*.d.ts'] };
    return [
      { path: 'tsconfig.json', content: `${JSON.stringify(config, undefined, 2)}\n` },
      { path: '.contract/validation.d.ts', content: await contractTypes(contract) },
    ];
  },
};
