// AssemblyScript: a language that looks like TypeScript and compiles to small, quick modules without an engine.

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findPackage, projectRoot, versionOf } from '../toolchain.ts';
import type { Language, ProjectFile } from './language.ts';

/** The binding library, `import … from 'wasmpay'`. */
const LIBRARY = join(projectRoot, 'src/authoring/assemblyscript');

export const ASSEMBLYSCRIPT: Language = {
  name: 'assemblyscript',
  title: 'AssemblyScript',
  aliases: ['as', 'asc'],
  contracts: ['0.1.0', '0.2.0'],
  otherWorlds: ['validator-messenger'],
  sourceFile: 'validator.ts',
  extension: '.ts',
  templateFolder: 'assemblyscript',
  notSources: ['tsconfig.json'],
  inputs: [
    'src/authoring/assemblyscript',
    'src/authoring/assemblyscript-entry.ts',
    'src/authoring/compile-assemblyscript.ts',
    'src/authoring/build-assemblyscript.ts',
  ],
  compilerScripts: [join(projectRoot, 'src/authoring/compile-assemblyscript.ts')],
  // AssemblyScript pins its binaryen, so its version stands for both.
  findToolchain: async () =>
    ['assemblyscript', '@bytecodealliance/jco', '@bytecodealliance/jco-transpile'].map(versionOf),
  build: async (options) => (await import('../build-assemblyscript.ts')).buildAssemblyScript(options),
  async editorFiles() {
    const files: ProjectFile[] = [];
    for (const name of (await readdir(LIBRARY)).sort())
      files.push({
        path: `.contract/wasmpay/${name}`,
        content: await readFile(join(LIBRARY, name), 'utf8'),
      });
    // The language's own names (`i64`, `changetype`), as the installed compiler declares them.
    const standard = join(findPackage('assemblyscript'), 'std/assembly/index.d.ts');
    return [...files, { path: '.contract/assemblyscript.d.ts', content: await readFile(standard, 'utf8') }];
  },
};
