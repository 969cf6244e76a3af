// What a confined process may read where the package is installed: in somebody's project, among other packages.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OUR_CODE } from '../../../src/publisher/workshop/our-code.ts';

const SOURCE = fileURLToPath(new URL('../../../src/publisher/workshop/our-code.ts', import.meta.url));
const NEEDED = [
  '@bytecodealliance/jco-transpile',
  '@bytecodealliance/preview2-shim',
  '@noble/ciphers',
  'jose',
];

let project = '';

beforeEach(async () => {
  project = await realpath(await mkdtemp(join(tmpdir(), 'wasmpay-our-code-')));
});
afterEach(async () => {
  await rm(project, { recursive: true, force: true });
});

/** What our code finds from `dist` of a package in `home`. Its types are taken away, as in the package. */
async function findFrom(home: string): Promise<string[]> {
  const script = join(home, 'dist/src/publisher/workshop/our-code.mjs');
  await mkdir(dirname(script), { recursive: true });
  const code = stripTypeScriptTypes(await readFile(SOURCE, 'utf8'));
  await writeFile(script, `${code}\nconsole.log(JSON.stringify(OUR_CODE));`);
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  return JSON.parse(stdout) as string[];
}

const place = async (folder: string, names: readonly string[]): Promise<void> => {
  for (const name of names) await mkdir(join(folder, name), { recursive: true });
};

describe('our code', () => {
  it('is, in a checkout, its sources and its packages', () => {
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    expect(OUR_CODE).toEqual(['src', 'package.json', 'node_modules'].map((name) => join(root, name)));
  });

  it('is, installed beside its packages, dist and the folder of packages; not the project around it', async () => {
    const packages = join(project, 'node_modules');
    await place(packages, NEEDED);
    const home = join(packages, 'wasmpay-gateway');
    const found = await findFrom(home);
    expect(found).toEqual([join(home, 'dist/src'), join(home, 'dist/package.json'), packages]);
  });

  it('is, with some packages below it and some beside it, both folders', async () => {
    const packages = join(project, 'node_modules');
    const home = join(packages, 'wasmpay-gateway');
    await place(packages, NEEDED);
    await place(join(home, 'node_modules'), ['@bytecodealliance/preview2-shim']);
    const found = await findFrom(home);
    expect(found.slice(2)).toEqual([packages, join(home, 'node_modules')]);
  });

  it('is, with all packages below it, as after a global installation, nothing that lies beside it', async () => {
    const beside = join(project, 'lib/node_modules');
    const home = join(beside, 'wasmpay-gateway');
    await place(beside, ['somebody-elses', ...NEEDED]);
    await place(join(home, 'node_modules'), NEEDED);
    const found = await findFrom(home);
    expect(found.slice(2)).toEqual([join(home, 'node_modules')]);
  });
});
