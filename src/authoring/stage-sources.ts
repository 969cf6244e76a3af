// An author's source files, copied into a build's own folder: plain files of the language's endings and nothing else. What
// steers a toolchain (a manifest, a build script, a linker's script, a link to somewhere) never gets there.

import { lstat, mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WasmpayError } from '../core/error.ts';

/** Most bytes of one source file. */
export const MAX_SOURCE_BYTES = 1024 * 1024;
/** Most source files. */
export const MAX_SOURCES = 200;

/** Some compilers put a file's time into what they make. */
const EPOCH_S = 0;

/** A copied file: its path relative to the folder, with slashes, and its text. */
export interface StagedSource {
  readonly path: string;
  readonly text: string;
}

/** One step of a path that compilers and shells take as it is, and that does not begin with a dot. */
const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/**
 * Copies the files of `directory` that end with one of `extensions` to `target`; folders in `skip` are left out. Throws
 * `usage` where there are too many or one is too large. Links, dot files and odd names are not copied.
 */
export async function stageSources(
  directory: string,
  target: string,
  extensions: readonly string[],
  skip: readonly string[] = [],
): Promise<StagedSource[]> {
  const staged: StagedSource[] = [];
  const walk = async (below: string): Promise<void> => {
    const entries = await readdir(join(directory, below), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (!PLAIN_NAME.test(entry.name)) continue;
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!skip.includes(path)) await walk(path);
      } else if (entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension))) {
        staged.push({ path, text: await readSource(join(directory, path), path) });
        if (staged.length > MAX_SOURCES)
          throw new WasmpayError('usage', `${directory}: more than ${MAX_SOURCES} source files`);
      }
    }
  };
  await walk('');
  for (const { path, text } of staged) await writeStaged(join(target, path), text);
  return staged;
}

/** Writes a file of a build, with the time that all of them have. */
export async function writeStaged(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  await utimes(file, EPOCH_S, EPOCH_S);
}

async function readSource(file: string, path: string): Promise<string> {
  if ((await lstat(file)).size > MAX_SOURCE_BYTES)
    throw new WasmpayError('usage', `${path}: more than ${MAX_SOURCE_BYTES} bytes`);
  return await readFile(file, 'utf8');
}
