// What an installation holds against what the package pins.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import type { Lockfile } from './shrinkwrap.ts';

/** What decides about the bytes of a component or of an artifact; without the programs of single systems. */
export const SHAPERS = [
  '@bytecodealliance/jco',
  '@bytecodealliance/jco-transpile',
  '@bytecodealliance/preview2-shim',
  'acorn',
  'assemblyscript',
  'componentize-qjs',
  'esbuild',
  'typescript',
] as const;

/**
 * An older one for jco-std, beside ours: npm prefers what that package's optional peer dependency asks for where a lockfile does
 * not say otherwise. Nothing here runs jco-std.
 */
const TOLERATED = new Set(['@bytecodealliance/preview2-shim@0.25.0']);

export interface Comparison {
  readonly faults: readonly string[];
  /** Packages that were compared. */
  readonly compared: number;
  /** `jco@1.35.0`, for each of {@link SHAPERS}. */
  readonly shapers: readonly string[];
}

/** Compares what the package in `directory`/node_modules finds, and everything that lies there, with its shrinkwrap. */
export async function compareVersions(directory: string, name: string): Promise<Comparison> {
  const home = join(directory, 'node_modules', name);
  const { packages } = await readJson<Lockfile>(join(home, 'npm-shrinkwrap.json'));
  const placed = await readJson<Lockfile>(join(directory, 'node_modules/.package-lock.json'));
  const faults: string[] = [];
  const pinned = new Set<string>();
  for (const [path, entry] of Object.entries(packages)) {
    const short = path.replace(/^.*node_modules\//, '');
    pinned.add(`${entry.name ?? short}@${entry.version}`);
    if (path === '' || path.indexOf('node_modules/', 1) !== -1) continue;
    const found = await versionAt(home, short);
    if (found === undefined && entry.optional === true) continue;
    if (found !== entry.version) faults.push(`${short} is ${found ?? 'missing'}, not ${entry.version}`);
  }
  for (const [path, entry] of Object.entries(placed.packages)) {
    const short = path.replace(/^.*node_modules\//, '');
    const id = `${entry.name ?? short}@${entry.version}`;
    if (short !== name && !pinned.has(id) && !TOLERATED.has(id))
      faults.push(`${id} is installed, and not pinned`);
  }
  const shapers = await Promise.all(SHAPERS.map(async (each) => `${each}@${await versionAt(home, each)}`));
  return { faults, compared: Object.keys(placed.packages).length - 1, shapers };
}

/** The version of `name` that a package in `home` gets. */
async function versionAt(home: string, name: string): Promise<string | undefined> {
  // Folders are the same for every name; for the names of Node's own modules it would tell none.
  for (const folder of createRequire(join(home, 'package.json')).resolve.paths('esbuild') ?? []) {
    const manifest = join(folder, name, 'package.json');
    if (existsSync(manifest)) return (await readJson<{ version: string }>(manifest)).version;
  }
  return undefined;
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8')) as T;
}
