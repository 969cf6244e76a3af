// Python: CPython runs it, in a component that carries CPython: 17 MB, too large to commit.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../toolchain.ts';
import type { Language } from './language.ts';

const LIBRARY = 'src/authoring/python';

export const PYTHON: Language = {
  name: 'python',
  title: 'Python',
  aliases: ['py'],
  contracts: ['0.1.0', '0.2.0'],
  sourceFile: 'validator.py',
  extension: '.py',
  templateFolder: 'python',
  notSources: ['pyrightconfig.json'],
  inputs: [
    LIBRARY,
    'src/authoring/build-python.ts',
    'src/authoring/confine.ts',
    'src/authoring/python-toolchain.ts',
    'src/authoring/stage-sources.ts',
    'src/authoring/trim-python-component.ts',
  ],
  compilerScripts: [],
  isBuiltWhereInstalled: true,
  differences: [
    'In Python there is no clock: asking for the time is a trap. `random` draws the same numbers for each payment. What you print is dropped.',
    "Python's standard library is there. Import all that you need at the top of the file: it is imported while the component is built, and later imports fail.",
  ],
  findToolchain: async () => [(await (await import('../python-toolchain.ts')).findPython()).version],
  build: async (options) => (await import('../build-python.ts')).buildPython(options),
  async editorFiles({ version }) {
    const stub = join(projectRoot, LIBRARY, version, 'wasmpay.pyi');
    const settings = { extraPaths: ['.contract'], pythonVersion: '3.14', exclude: ['build', '.venv'] };
    return [
      { path: '.contract/wasmpay.pyi', content: await readFile(stub, 'utf8') },
      // Pyright's and Pylance's.
      { path: 'pyrightconfig.json', content: `${JSON.stringify(settings, undefined, 2)}\n` },
    ];
  },
};
