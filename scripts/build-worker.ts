// `npm run build`: writes the gateway's worker to build/worker/worker.js and holds it against two rules: a bound on its
// gzipped size, and what it may contain: no jco, no publisher, no Node shim, nothing of Node.

import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { bundleWorker } from '../src/entry/bundle-worker.ts';

/** Cloudflare takes 10 MB gzipped; start-up time grows with size, and what we have needs under half of this. */
const MAX_GZIPPED_BYTES = 80 * 1024;

/** Files that have no business in a data plane. */
const FORBIDDEN = [
  /node_modules\/@bytecodealliance\//,
  /^src\/(publisher|authoring|control|console|cli)\//,
  /^src\/store\/(?!r2\.ts|object-store\.ts|keys\.ts)/,
  /node_modules\/(acorn|esbuild|miniflare|wrangler|@aws-sdk)\//,
];

const directory = join(import.meta.dirname, '../build/worker');
const { source, inputs } = await bundleWorker();
const gzippedBytes = gzipSync(source).length;
const faults = Object.keys(inputs)
  .filter((file) => FORBIDDEN.some((pattern) => pattern.test(file)))
  .map((file) => `the worker contains ${file}`);
if (/\bfrom\s*"node:|\brequire\(/.test(source)) faults.push('the worker imports something of Node');
if (gzippedBytes > MAX_GZIPPED_BYTES)
  faults.push(`the worker has ${gzippedBytes} bytes gzipped, at most ${MAX_GZIPPED_BYTES}`);

console.log(
  `worker: ${source.length} bytes, ${gzippedBytes} gzipped (at most ${MAX_GZIPPED_BYTES}), ${Object.keys(inputs).length} files`,
);
for (const fault of faults) console.error(fault);
if (faults.length > 0) {
  process.exitCode = 1;
} else {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'worker.js.tmp'), source);
  await rename(join(directory, 'worker.js.tmp'), join(directory, 'worker.js'));
}
