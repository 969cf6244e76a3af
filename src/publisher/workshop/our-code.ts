// Where our own code and the packages that it needs lie on this machine: the only files that a confined process reads.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The folder that holds `src`: of a checkout, or `dist` of an installed package. */
export const CODE_ROOT = join(import.meta.dirname, '../../..');

/** Packages that confined scripts import. */
const NEEDED = [
  '@bytecodealliance/jco-transpile',
  '@bytecodealliance/preview2-shim',
  '@noble/ciphers',
  'jose',
];

/**
 * Our sources, and the folders of packages in which npm put what they import: beside them in a checkout, below or beside the
 * package where it is installed.
 */
export const OUR_CODE: readonly string[] = [
  join(CODE_ROOT, 'src'),
  join(CODE_ROOT, 'package.json'),
  ...new Set(NEEDED.flatMap(findFolderOf)),
];

function findFolderOf(name: string): string[] {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const found = folders.find((folder) => existsSync(join(folder, name)));
  return found === undefined ? [] : [found];
}
