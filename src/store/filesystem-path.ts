// The filesystem store's folders: its root, and where in it a key is. `/` in a key is a folder; the object's own file
// ends in `@`, which no key contains, so `a` (file `a@`) and `a/b` (folder `a`) live side by side; pieces of a segment
// that is longer than a file name may be start with `+`. Names that start with a dot are the store's own and never
// objects.

import { lstat, mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, syncFolder, unless } from './filesystem-file.ts';
import { LOCK_FILE } from './filesystem-lock.ts';
import { isStorageKey } from './object-store.ts';

/** Folder in the root that writes are made in before they are moved into place. */
export const TEMPORARY_FOLDER = '.tmp';

/** Longest name that is made of a key, characters. File systems take 255 bytes; `@` and `+` are added. */
const MAX_PIECE_LENGTH = 200;

/** A temporary file older than this is a leftover if its process is gone, milliseconds. */
const LEFTOVER_AGE_MS = 60_000;

/** A temporary file older than this is a leftover whoever has its process id now, milliseconds. */
const ABANDONED_AGE_MS = 24 * 60 * 60 * 1_000;

/** Makes the root and its `.tmp`, clears what crashed writers left there, and answers the root's real path. */
export async function prepareRoot(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const base = await realpath(directory);
  const temporaryFolder = join(base, TEMPORARY_FOLDER);
  await unless('EEXIST', mkdir(temporaryFolder, { mode: 0o700 }));
  if (!(await isFolder(temporaryFolder))) throw new Error('folder vanished');
  const lock = await unless('ENOENT', lstat(join(base, LOCK_FILE)));
  if (lock !== undefined && !lock.isFile()) throw new Error('lock is not a file of the store');
  for (const name of await readdir(temporaryFolder)) {
    const stat = await unless('ENOENT', lstat(join(temporaryFolder, name)));
    if (stat === undefined) continue;
    const ageMs = Date.now() - stat.mtimeMs;
    const isLeftover = ageMs > LEFTOVER_AGE_MS && !isAlive(Number.parseInt(name, 10));
    if (isLeftover || ageMs > ABANDONED_AGE_MS) await rm(join(temporaryFolder, name), { force: true });
  }
  return base;
}

function isAlive(processId: number): boolean {
  try {
    return processId > 0 && process.kill(processId, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** The path of `key` below the root. No component starts with a dot or is longer than a file name may be. */
export function placeOf(key: string): string {
  const folders = key.split('/').map((segment) => {
    const pieces = [];
    for (let at = 0; at < segment.length; at += MAX_PIECE_LENGTH) {
      pieces.push(segment.slice(at, at + MAX_PIECE_LENGTH));
    }
    return pieces.join('/+');
  });
  return `${folders.join('/')}@`;
}

/** The path of `key`; undefined where a folder on its way is missing. A link on its way is an error. */
export async function findPlace(base: string, key: string): Promise<string | undefined> {
  const place = placeOf(key).split('/');
  let folder = base;
  for (const name of place.slice(0, -1)) {
    folder = join(folder, name);
    if (!(await isFolder(folder))) return undefined;
  }
  return join(base, ...place);
}

export async function makePlace(base: string, key: string): Promise<string> {
  const place = placeOf(key).split('/');
  let folder = base;
  for (const name of place.slice(0, -1)) {
    const parent = folder;
    folder = join(folder, name);
    if (await isFolder(folder)) continue;
    await unless('EEXIST', mkdir(folder, { mode: 0o700 }));
    if (!(await isFolder(folder))) throw new Error('folder vanished');
    await syncFolder(parent);
  }
  return join(base, ...place);
}

async function isFolder(path: string): Promise<boolean> {
  const stat = await unless('ENOENT', lstat(path));
  if (stat !== undefined && !stat.isDirectory()) throw new Error('not a folder of the store');
  return stat !== undefined;
}

export async function exists(path: string): Promise<boolean> {
  return (await unless('ENOENT', lstat(path))) !== undefined;
}

/** Adds the keys under `place`, a folder's path below the root, that start with `prefix`. */
export async function collectKeys(
  base: string,
  place: string,
  prefix: string,
  keys: string[],
): Promise<void> {
  for (const entry of await readdir(join(base, place), { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const path = place === '' ? entry.name : `${place}/${entry.name}`;
    const key = path.replaceAll('/+', '').replace(/@$/, '');
    if (entry.isDirectory() && (prefix.startsWith(key) || key.startsWith(prefix))) {
      await collectKeys(base, path, prefix, keys);
    }
    // A file that someone else put there under a name that `placeOf` never gives is not an object.
    const isObject = entry.isFile() && isStorageKey(key) && placeOf(key) === path;
    if (isObject && key.startsWith(prefix)) keys.push(key);
  }
}
