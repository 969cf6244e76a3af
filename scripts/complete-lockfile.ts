// Completes package-lock.json after `npm install`: npm leaves out optional packages of other platforms that its registry
// does not serve (a mirror may lack them), and then `npm ci` refuses the file as out of step. Adds each one with the
// version that its parent pins and the platform that its name tells; integrity is known only to a registry that has it.

import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

interface LockEntry {
  version?: string;
  dev?: boolean;
  optionalDependencies?: Record<string, string>;
  [member: string]: unknown;
}

const PLATFORM =
  /\b(linux|win32|darwin|android|freebsd|openharmony)-(arm64|arm|x64|ia32|ppc64|riscv64|s390x)\b/;

const file = join(import.meta.dirname, '../package-lock.json');
const lock = JSON.parse(await readFile(file, 'utf8')) as { packages: Record<string, LockEntry> };
const { packages } = lock;
let added = 0;

for (const [path, parent] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const isExact = /^\d+\.\d+\.\d+$/.test(version);
    const found = packages[locate(path, name)];
    if (found !== undefined && (!isExact || found.version === version)) continue;
    const platform = PLATFORM.exec(name);
    if (!isExact || platform === null) {
      throw new Error(`${name}@${version} is in no lockfile and is no package of one platform`);
    }
    const free = packages[`node_modules/${name}`] === undefined;
    packages[free ? `node_modules/${name}` : `${path}/node_modules/${name}`] = {
      version,
      cpu: [platform[2]],
      ...(parent.dev === true && { dev: true }),
      optional: true,
      os: [platform[1]],
    };
    console.log(`added ${name}@${version}`);
    added += 1;
  }
}

if (added > 0) {
  const [root, ...rest] = Object.entries(packages);
  if (root === undefined) throw new Error('the lockfile has no packages');
  rest.sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = Object.fromEntries([root, ...rest]);
  await writeFile(`${file}.tmp`, `${JSON.stringify(lock, null, 2)}\n`);
  await rename(`${file}.tmp`, file);
}
console.log(`${added} added`);

/** Where a package at `path` finds `name`: beside itself or further up. */
function locate(path: string, name: string): string {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages[candidate] !== undefined || folder === '') return candidate;
  }
}
