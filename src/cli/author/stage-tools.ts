// What shapes the results of the publisher's stages beside their inputs: our own sources, the packages that they call, and Node.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { listFiles } from '../../authoring/build-validator.ts';
import { versionOf } from '../../authoring/toolchain.ts';

/** Folders of ours that stages are made of: a whole one, for nobody would keep a list of files right. */
const SOURCES = ['publisher', 'artifact', 'core'];

const PACKAGES = ['@bytecodealliance/jco-transpile', '@bytecodealliance/preview2-shim', 'acorn', 'esbuild'];

const ROOT = join(import.meta.dirname, '../..');

/** A text that is another one wherever a stage might give another result. */
export async function describeStageTools(root = ROOT): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of SOURCES) {
    for (const file of await listFiles(join(root, folder))) {
      const bytes = readFileSync(file);
      hash.update(`${relative(root, file)} ${bytes.length}\n`).update(bytes);
    }
  }
  return [process.version, ...PACKAGES.map(versionOf), hash.digest('hex')].join(' ');
}
