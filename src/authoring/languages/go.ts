// Go: its own runtime with a collector comes along, so components are large; the standard library is there.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot, versionOf } from '../toolchain.ts';
import type { Language } from './language.ts';

const LIBRARY = 'src/authoring/go';

export const GO: Language = {
  name: 'go',
  title: 'Go',
  aliases: ['golang'],
  contracts: ['0.1.0', '0.2.0'],
  sourceFile: 'validator.go',
  extension: '.go',
  templateFolder: 'go',
  // Go's, for editors and `go test`: the build has one of its own.
  notSources: ['go.mod', 'go.sum'],
  inputs: [
    LIBRARY,
    'src/authoring/assemble.ts',
    'src/authoring/assemble-component.ts',
    'src/authoring/build-go.ts',
    'src/authoring/confine.ts',
    'src/authoring/repeated-imports.ts',
    'src/authoring/stage-sources.ts',
  ],
  bindings: [LIBRARY],
  compilerScripts: [],
  async findToolchain() {
    const { findGo } = await import('../go-toolchain.ts');
    return [(await findGo()).version, versionOf('@bytecodealliance/jco')];
  },
  build: async (options) => (await import('../build-go.ts')).buildGo(options),
  async editorFiles() {
    return [
      {
        path: '.contract/wasmpay/wasmpay.go',
        content: await readFile(join(projectRoot, LIBRARY, 'library/wasmpay.go'), 'utf8'),
      },
      { path: '.contract/wasmpay/go.mod', content: 'module wasmpay\n\ngo 1.24\n' },
    ];
  },
};
