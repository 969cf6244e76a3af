// Copies a `file:` store to a deployed R2 bucket with wrangler: for where no S3 key of R2 is at hand. Immutable objects
// go first and each bank's pointer last, so that no gateway meets a release whose artifact is not there yet. wrangler
// has no conditional writes: publish to one bucket from one machine at a time.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { createFilesystemStore } from '../src/store/filesystem.ts';

const ROOT = join(import.meta.dirname, '..');

/** Runs the project's wrangler; gives what it prints. Throws with its messages where it fails. */
export async function wrangler(...args: readonly string[]): Promise<string> {
  const binary = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');
  const { stdout } = await promisify(execFile)(process.execPath, [binary, ...args], { cwd: ROOT });
  return stdout;
}

/** Uploads every object under `directory` (a `file:` store) to `bucket`; gives the keys, in order. */
export async function uploadStore(directory: string, bucket: string): Promise<string[]> {
  const store = createFilesystemStore(directory);
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ prefix: '', ...(cursor !== undefined && { cursor }) });
    keys.push(...page.objects.map(({ key }) => key).filter(isForGateways));
    cursor = page.cursor;
  } while (cursor !== undefined);
  const isPointer = (key: string): boolean => key.endsWith('/current');
  const ordered = [...keys.filter((key) => !isPointer(key)), ...keys.filter(isPointer)];

  const scratch = await mkdtemp(join(tmpdir(), 'wasmpay-upload-'));
  try {
    for (const [index, key] of ordered.entries()) {
      const found = await store.get(key);
      if (found.kind !== 'found') throw new Error(`${key} went away during the upload; run it again`);
      const file = join(scratch, 'object');
      await writeFile(file, found.object.bytes);
      await wrangler('r2', 'object', 'put', `${bucket}/${key}`, '--file', file, '--remote', '--force');
      console.log(`${index + 1}/${ordered.length}  ${key}`);
    }
  } finally {
    await rm(scratch, { recursive: true });
  }
  return ordered;
}

/** Candidates and marks of the garbage collection are the publisher's own. */
function isForGateways(key: string): boolean {
  return !key.startsWith('gc/') && !key.includes('/candidates/');
}

if (import.meta.main) {
  const [directory, bucket] = process.argv.slice(2);
  if (directory === undefined || bucket === undefined) {
    console.error('usage: npm run r2:upload -- DIRECTORY BUCKET');
    process.exitCode = 2;
  } else {
    await uploadStore(directory, bucket);
  }
}
