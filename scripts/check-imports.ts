// Holds the import table of the design against the sources: which folder of src/ may import which. Prints every
// import that breaks it and exits with 1.

import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What each folder may import: folders, single files of src/, and packages. `node:` stands for Node's own. */
const TABLE: Record<string, string> = {
  core: '',
  artifact: 'core jose',
  store: 'core node: @aws-sdk/client-s3 @cloudflare/workers-types',
  sandbox:
    'core artifact node: @bytecodealliance/preview2-shim @noble/ciphers @cloudflare/workers-types cloudflare:workers wasmpay:guest',
  gateway: 'core artifact store/object-store.ts store/keys.ts sandbox hono',
  publisher:
    'core artifact store/object-store.ts store/keys.ts node: @bytecodealliance/jco-transpile acorn esbuild',
  authoring:
    'core node: @bytecodealliance/jco assemblyscript componentize-qjs esbuild marked parse5 typescript wasmpay wasmpay:platform',
  control: 'core artifact store publisher node: hono',
  console: '',
  cli: 'core artifact store publisher sandbox authoring node: @hono/node-server @modelcontextprotocol/server yaml zod',
  entry:
    'core artifact store sandbox gateway publisher authoring control node: @hono/node-server miniflare esbuild @cloudflare/workers-types cloudflare:workers wasmpay:child',
};

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

const faults: string[] = [];
let checked = 0;
for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.ts')) continue;
  checked += 1;
  const folder = file.split('/')[0] ?? '';
  const allowed = TABLE[folder]?.split(' ');
  if (allowed === undefined) {
    faults.push(`src/${file}: folder ${folder} is not in the table`);
    continue;
  }
  const source = readFileSync(join(root, 'src', file), 'utf8');
  for (const match of source.matchAll(IMPORT)) {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    if (!isAllowed(specifier, file, folder, allowed)) faults.push(`src/${file} imports ${specifier}`);
  }
}
for (const fault of faults) console.error(fault);
console.log(`imports: ${checked} files, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;

function isAllowed(specifier: string, file: string, folder: string, allowed: readonly string[]): boolean {
  if (!specifier.startsWith('.')) {
    return allowed.some(
      (name) => name === specifier || specifier.startsWith(name.endsWith(':') ? name : `${name}/`),
    );
  }
  const target = relative(join(root, 'src'), resolve(root, 'src', dirname(file), specifier));
  if (target.startsWith('..')) return folder === 'cli' || folder === 'entry' || folder === 'publisher';
  return (
    target.startsWith(`${folder}/`) ||
    allowed.some((name) => target === name || target.startsWith(`${name}/`))
  );
}
