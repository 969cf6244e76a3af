// What `npm pack` puts into the package besides the files that are there: dist/, the command as JavaScript with what it reads;
// npm-shrinkwrap.json; and a package.json without what is for development. npm runs this before it packs, and with --clean
// afterwards, which puts everything back; so does `npm run postpack` after a packing that was broken off.

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { pin, type Lockfile } from './package/shrinkwrap.ts';
import { writeTree } from './package/tree.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const SHRINKWRAP = join(ROOT, 'npm-shrinkwrap.json');
const MANIFEST = join(ROOT, 'package.json');
/** The checkout's own package.json, for as long as the package's is in its place. */
const KEPT_MANIFEST = join(ROOT, 'build/package/package.json');

const { values } = parseArgs({ options: { clean: { type: 'boolean', default: false } } });
await putBack();
if (!values.clean) await build();

async function build(): Promise<void> {
  const files = await writeTree(ROOT, DIST);
  const text = await readFile(MANIFEST, 'utf8');
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lockfile;
  const { manifest, shrinkwrap } = pin(JSON.parse(text) as Record<string, unknown>, lock);
  await mkdir(dirname(KEPT_MANIFEST), { recursive: true });
  await writeFile(`${KEPT_MANIFEST}.tmp`, text);
  await rename(`${KEPT_MANIFEST}.tmp`, KEPT_MANIFEST);
  await writeFile(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
  await writeFile(SHRINKWRAP, `${JSON.stringify(shrinkwrap, null, 2)}\n`);
  // npm's own answer is on standard output.
  const pinned = Object.keys(shrinkwrap.packages).length - 1;
  console.error(`dist  ${files.length} files; npm-shrinkwrap.json  ${pinned} packages`);
}

/** A shrinkwrap that stayed would take the place of package-lock.json. */
async function putBack(): Promise<void> {
  if (existsSync(KEPT_MANIFEST)) await rename(KEPT_MANIFEST, MANIFEST);
  await rm(DIST, { recursive: true, force: true });
  await rm(SHRINKWRAP, { force: true });
}
