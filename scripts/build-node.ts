// `npm run build:node`: the gateway on Node as one file, build/node/gateway.js, which needs nothing but Node. A server or
// an image then holds no package manager, no compiler and no package that only development needs.

import { mkdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');
const OUT_FILE = join(ROOT, 'build/node/gateway.js');

await mkdir(join(OUT_FILE, '..'), { recursive: true });
await build({
  entryPoints: [join(ROOT, 'src/entry/node.ts')],
  outfile: OUT_FILE,
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  legalComments: 'linked',
  // Packages in CommonJS ask for Node's own modules at run time.
  banner: {
    js: "import { createRequire as createNodeRequire } from 'node:module';\nconst require = createNodeRequire(import.meta.url);",
  },
});
const { size } = await stat(OUT_FILE);
console.log(`${relative(ROOT, OUT_FILE)}  ${(size / 1024).toFixed(0)} KiB`);
