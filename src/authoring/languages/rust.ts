// Rust: small, quick modules; amounts are i64, and a sum that overflows traps.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot, versionOf } from '../toolchain.ts';
import type { Language } from './language.ts';

const LIBRARY = 'src/authoring/rust';

export const RUST: Language = {
  name: 'rust',
  title: 'Rust',
  aliases: ['rs'],
  contracts: ['0.1.0', '0.2.0'],
  sourceFile: 'src/lib.rs',
  extension: '.rs',
  templateFolder: 'rust',
  // Cargo's, for editors and `cargo test`: the build does not read them.
  notSources: ['Cargo.toml', 'Cargo.lock'],
  inputs: [
    LIBRARY,
    'src/authoring/assemble.ts',
    'src/authoring/assemble-component.ts',
    'src/authoring/build-rust.ts',
    'src/authoring/confine.ts',
    'src/authoring/repeated-imports.ts',
    'src/authoring/rust-toolchain.ts',
    'src/authoring/stage-sources.ts',
  ],
  bindings: [LIBRARY],
  compilerScripts: [],
  async findToolchain() {
    const { findRust } = await import('../rust-toolchain.ts');
    const { version, linkerVersion, librarySource } = await findRust();
    const libraries = librarySource === undefined ? [] : ['rust libraries from source'];
    return [version, linkerVersion, ...libraries, versionOf('@bytecodealliance/jco')];
  },
  build: async (options) => (await import('../build-rust.ts')).buildRust(options),
  async editorFiles() {
    return [
      {
        path: '.contract/wasmpay/src/lib.rs',
        content: await readFile(join(projectRoot, LIBRARY, 'wasmpay.rs'), 'utf8'),
      },
      {
        path: '.contract/wasmpay/Cargo.toml',
        content: '[package]\nname = "wasmpay"\nversion = "0.1.0"\nedition = "2024"\npublish = false\n',
      },
    ];
  },
};
