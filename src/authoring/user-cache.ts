// Where compilers keep what is the same for every validator: a folder of this user's.

import { lstatSync, mkdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

function pathOfCache(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'wasmpay');
}

/** The folder, made where it is not there. XDG_CACHE_HOME moves it. */
export async function userCache(): Promise<string> {
  const folder = pathOfCache();
  await mkdir(folder, { recursive: true });
  return folder;
}

/**
 * A folder in it for what is believed when it is read again. Undefined where there can be none, or where somebody else may write
 * to it or to one of the two around it: who may do that can put another one in its place.
 */
export function privateCache(name: string): string | undefined {
  const cache = pathOfCache();
  const folder = join(cache, name);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return [folder, cache, dirname(cache)].every(isOnlyOurs) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** Of this user's, no link to another place, and closed to others. */
function isOnlyOurs(folder: string): boolean {
  const stat = lstatSync(folder);
  if (!stat.isDirectory()) return false;
  return process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o022) === 0);
}
