// What pure stages made, kept between an author's commands in a folder of this user's.
//
// An entry is found by what it was made of: the stage, all of its inputs, our own sources and the versions of the tools (see
// stage-tools.ts). It says that key itself, and starts with a digest of all that follows: what was cut off, garbled or put
// under another's name is no entry, and is made anew. Whoever can forge one is this user, for the folder is used only
// where nobody else may write to it. A forged one deceives this user's own tests; it reaches no release of a bank, for no command
// that makes one, or decides on one, gets this memory. "dev" signs for its own gateway only, with a key of its own.

import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { decodeMessage, encodeMessage, type Message } from '../../core/frames.ts';
import { keyOf, type Codec, type Memory } from '../../publisher/memory.ts';

export interface DiskBounds {
  /** Most bytes of all entries together; those that were used last stay. */
  readonly totalBytes: number;
  /** Most bytes of one entry. */
  readonly entryBytes: number;
}

/** The metered core module of QuickJS takes 1.9 MB, its glue 0.5: some twenty toolchains, versions and contracts. */
export const DISK_BOUNDS: DiskBounds = { totalBytes: 64 * 1024 * 1024, entryBytes: 16 * 1024 * 1024 };

const DIGEST_BYTES = 32;

/** Nothing else in the folder is touched. */
const OUR_NAME = /^(?:[0-9a-f]{64}|[0-9a-f-]{36}\.tmp)$/;

/**
 * A memory in `folder`, which is this user's alone. `tools` says what shapes results beside their inputs. Never throws for what
 * happens in the folder: a result that cannot be kept or read is made.
 */
export function createDiskMemory(folder: string, tools: string, bounds: DiskBounds = DISK_BOUNDS): Memory {
  return {
    recall<T>(stage: string, inputs: readonly (string | Uint8Array)[], make: () => T, codec: Codec<T>): T {
      const key = keyOf(`${tools}\0${stage}`, inputs);
      const path = join(folder, key);
      const kept = readEntry(path, key, bounds);
      const found = kept === undefined ? undefined : codec.decode(kept);
      if (found !== undefined) return found;
      const made = make();
      const keep = (result: Awaited<T>): void => {
        const message = codec.encode(result);
        if (message !== undefined) writeEntry(folder, key, message, bounds);
      };
      // What a stage failed with is its caller's to see.
      if (made instanceof Promise) void made.then(keep).catch(() => undefined);
      else keep(made as Awaited<T>);
      return made;
    },
  };
}

function readEntry(path: string, key: string, { entryBytes }: DiskBounds): Message | undefined {
  let file: number | undefined;
  try {
    // No link is followed, and no pipe waited for.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { size } = fstatSync(file);
    if (!fstatSync(file).isFile() || size > entryBytes) return undefined;
    const bytes = readFileSync(file);
    const body = bytes.subarray(DIGEST_BYTES);
    if (Buffer.compare(bytes.subarray(0, DIGEST_BYTES), digestOf(body)) !== 0) return undefined;
    const message = decodeMessage(body);
    const { key: said, value } = (message?.value ?? {}) as Record<string, unknown>;
    if (message === undefined || said !== key) return undefined;
    markUsed(file);
    return { value, blobs: message.blobs };
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function markUsed(file: number): void {
  try {
    futimesSync(file, new Date(), new Date());
  } catch {
    // It was read all the same.
  }
}

/** Readers see a whole entry or none; of two writers of one key, which write the same, one is last. */
function writeEntry(folder: string, key: string, { value, blobs }: Message, bounds: DiskBounds): void {
  const body = encodeMessage({ value: { key, value }, blobs });
  if (body.length + DIGEST_BYTES > bounds.entryBytes) return;
  const temporary = join(folder, `${randomUUID()}.tmp`);
  try {
    writeFileSync(temporary, Buffer.concat([digestOf(body), body]), { mode: 0o600, flag: 'wx' });
    renameSync(temporary, join(folder, key));
    dropOldest(folder, bounds.totalBytes);
  } catch {
    rmSync(temporary, { force: true });
  }
}

/** What a process left half written is old one day, and goes as well. */
function dropOldest(folder: string, totalBytes: number): void {
  const entries = readdirSync(folder).flatMap((name) => {
    if (!OUR_NAME.test(name)) return [];
    const stat = statSync(join(folder, name), { throwIfNoEntry: false });
    return stat?.isFile() === true ? [{ name, size: stat.size, usedMs: stat.mtimeMs }] : [];
  });
  entries.sort((a, b) => b.usedMs - a.usedMs);
  let total = 0;
  for (const { name, size } of entries) {
    total += size;
    if (total > totalBytes) rmSync(join(folder, name), { force: true });
  }
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
