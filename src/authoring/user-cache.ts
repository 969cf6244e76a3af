// Where compilers keep what is the same for every validator: a folder of this user's.

import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder, made where it is not there. XDG_CACHE_HOME moves it. */
export async function userCache(): Promise<string> {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'wasmpay');
  await mkdir(folder, { recursive: true });
  return folder;
}
