// Bundles the gateway's workers, one over R2 and one over other S3 stores: first the child that runs inside a guest's
// isolate, then the gateway with the child's source in it. `npm start`, the tests and `wrangler deploy` all run the
// bundles that are made here.

import { build as bundle, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('../sandbox/workerd/child.ts', import.meta.url));
const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));

/** The gateway over other S3 stores than R2: it carries the S3 client, which the one over R2 does not. */
export const S3_WORKER = fileURLToPath(new URL('worker-s3.ts', import.meta.url));

const SHARED: BuildOptions = {
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'browser',
  conditions: ['workerd', 'worker', 'browser'],
  target: 'es2024',
  charset: 'utf8',
  legalComments: 'none',
  minifySyntax: true,
  minifyWhitespace: true,
  external: ['cloudflare:workers'],
  metafile: true,
  logLevel: 'silent',
};

export interface WorkerBundle {
  /** The worker's only module. */
  readonly source: string;
  /** Files of the bundle, relative to the working directory, with the bytes that each one adds. */
  readonly inputs: Metafile['inputs'];
  /** Modules that the bundle asks its runtime for. */
  readonly imports: readonly string[];
}

/** Bundles `entry` (the gateway's worker over R2 unless told otherwise). Throws esbuild's error, which names file and line. */
export async function bundleWorker(entry: string = WORKER): Promise<WorkerBundle> {
  const child = await bundle({ ...SHARED, entryPoints: [CHILD], plugins: [guestModule] });
  const worker = await bundle({
    ...SHARED,
    entryPoints: [entry],
    plugins: [childModule(textOf(child.outputFiles)), portableXmlParser],
  });
  const outputs = [child, worker].flatMap(({ metafile }) => Object.values(metafile?.outputs ?? {}));
  return {
    source: textOf(worker.outputFiles),
    inputs: { ...child.metafile?.inputs, ...worker.metafile?.inputs },
    imports: outputs.flatMap(({ imports }) => imports.map(({ path }) => path)),
  };
}

/** `wasmpay:guest` is a module that the loader writes for each artifact. */
const guestModule: Plugin = {
  name: 'wasmpay:guest',
  setup(build) {
    build.onResolve({ filter: /^wasmpay:guest$/ }, () => ({ path: './guest.js', external: true }));
  },
};

/** `wasmpay:child` is the child's bundled source. */
function childModule(source: string): Plugin {
  return {
    name: 'wasmpay:child',
    setup(build) {
      build.onResolve({ filter: /^wasmpay:child$/ }, () => ({ path: 'child.js', namespace: 'wasmpay' }));
      build.onLoad({ filter: /.*/, namespace: 'wasmpay' }, () => ({ contents: source, loader: 'text' }));
    },
  };
}

/**
 * The S3 client's XML parser for browsers needs `DOMParser`, which a worker has not: every error and every listing would
 * be a ReferenceError. The one for Node is plain JavaScript.
 */
const portableXmlParser: Plugin = {
  name: 'wasmpay:xml-parser',
  setup(build) {
    build.onResolve({ filter: /^\.\/xml-parser(\.js)?$/ }, ({ importer, resolveDir }) =>
      /[\\/]@aws-sdk[\\/]xml-builder[\\/]/.test(importer)
        ? { path: join(resolveDir, 'xml-parser.js') }
        : undefined,
    );
  },
};

function textOf(files: readonly { text: string }[] | undefined): string {
  const [file] = files ?? [];
  if (file === undefined) throw new Error('esbuild wrote nothing');
  return file.text;
}
