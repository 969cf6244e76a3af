// `npm run build`: writes the gateway's workers to build/worker/, worker.js over R2 and worker-s3.js over other S3
// stores, and holds each against two rules: a bound on its gzipped size, and what it may contain: no jco, no publisher,
// no Node shim, nothing of Node, and of the stores only its own.

import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { S3_WORKER, bundleWorker } from '../src/entry/bundle-worker.ts';

interface WorkerRules {
  /** File in build/worker/. */
  readonly file: string;
  /** The bundle's entry; absent: the gateway over R2. */
  readonly entry?: string;
  /** Cloudflare takes 10 MB gzipped; start-up time grows with size. */
  readonly maxGzippedBytes: number;
  /** Files that have no business in this data plane. */
  readonly forbidden: readonly RegExp[];
}

const FORBIDDEN = [
  /node_modules\/@bytecodealliance\//,
  /^src\/(publisher|authoring|control|console|cli)\//,
  /node_modules\/(acorn|esbuild|miniflare|wrangler)\//,
];

/** What workerd has, and what the loader writes for each artifact. */
const RUNTIME = new Set(['cloudflare:workers', './guest.js']);

const WORKERS: readonly WorkerRules[] = [
  {
    file: 'worker.js',
    // What we have needs under half of this.
    maxGzippedBytes: 80 * 1024,
    forbidden: [
      ...FORBIDDEN,
      /^src\/store\/(?!r2\.ts|object-store\.ts|keys\.ts)/,
      /node_modules\/@(aws-sdk|smithy)\//,
    ],
  },
  {
    file: 'worker-s3.js',
    entry: S3_WORKER,
    // The S3 client alone takes 85 KiB.
    maxGzippedBytes: 180 * 1024,
    forbidden: [
      ...FORBIDDEN,
      /^src\/store\/(?!s3(-[a-z]+)?\.ts|object-store\.ts|keys\.ts)/,
      // The probe writes, and a gateway must not.
      /^src\/store\/s3-probe\.ts/,
      /xml-parser\.browser\.js$/,
    ],
  },
];

const directory = join(import.meta.dirname, '../build/worker');
await mkdir(directory, { recursive: true });
for (const rules of WORKERS) await buildWorker(rules);

/** Writes the worker, or what is wrong with it. */
async function buildWorker({ file, entry, maxGzippedBytes, forbidden }: WorkerRules): Promise<void> {
  const { source, inputs, imports } = await bundleWorker(entry);
  const gzippedBytes = gzipSync(source).length;
  const faults = Object.keys(inputs)
    .filter((input) => forbidden.some((pattern) => pattern.test(input)))
    .map((input) => `${file} contains ${input}`);
  for (const path of imports) if (!RUNTIME.has(path)) faults.push(`${file} imports ${path}`);
  // What esbuild leaves where a package asks for a module whose name it computes.
  if (source.includes('Dynamic require of')) faults.push(`${file} holds a require that cannot be bundled`);
  if (gzippedBytes > maxGzippedBytes)
    faults.push(`${file} has ${gzippedBytes} bytes gzipped, at most ${maxGzippedBytes}`);

  console.log(
    `${file}: ${source.length} bytes, ${gzippedBytes} gzipped (at most ${maxGzippedBytes}), ${Object.keys(inputs).length} files`,
  );
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) {
    process.exitCode = 1;
    return;
  }
  await writeFile(join(directory, `${file}.tmp`), source);
  await rename(join(directory, `${file}.tmp`), join(directory, file));
}
