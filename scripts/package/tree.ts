// dist/: the project's folders, with JavaScript in the place of the TypeScript that the command runs, and everything else that
// it reads as it is. Paths between them are the same as in a checkout.

import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

import { collectModules, TYPESCRIPT_DATA } from './javascript.ts';

/** What bin/wasmpay.js loads. */
const ENTRIES = ['src/cli/author/compiled-code.ts', 'src/cli/main.ts'];

/** Folders that the command reads data from. */
const DATA = ['schemas', 'src', 'templates', 'wit'];

/** Writes the tree of the project in `root` to `out`, a folder that is not there yet. Gives its files, sorted. */
export async function writeTree(root: string, out: string): Promise<readonly string[]> {
  const files: string[] = [];
  const place = async (path: string): Promise<string> => {
    const file = join(out, path);
    await mkdir(dirname(file), { recursive: true });
    files.push(path);
    return file;
  };
  for (const { path, code } of await collectModules(root, ...ENTRIES))
    await writeFile(await place(path), code);
  for (const folder of DATA) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
        .slice(root.length)
        .split(sep)
        .filter((part) => part !== '')
        .join('/');
      if (!entry.isFile() || !isData(path)) continue;
      await cp(join(root, path), await place(path));
    }
  }
  const { name, version, type } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    type: string;
  };
  await writeFile(await place('package.json'), `${JSON.stringify({ name, version, type }, null, 2)}\n`);
  return files.sort();
}

/** Of sources, only what is no module of ours. */
function isData(path: string): boolean {
  return !path.endsWith('.ts') || TYPESCRIPT_DATA.some((folder) => path.startsWith(folder));
}
