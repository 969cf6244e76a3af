// The object store in a folder of a local file system, for one machine and any number of processes. It trusts the
// folder's owner and refuses the rest: keys that could name another path, and symbolic links on the way to an object.
//
// One file an object, holding exactly its bytes, where filesystem-path.ts says. A write goes to a file in `.tmp`, is
// synced, then linked (create) or, under the lock of filesystem-lock.ts, renamed (replace) into place and its folder
// synced: a crash leaves the old object or the new. ETags are the SHA-256 of the bytes, so a compare-and-swap compares
// content: after A → B → A the first ETag matches again.

import { randomUUID } from 'node:crypto';
import { lstatSync, renameSync, unlinkSync } from 'node:fs';
import { link, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import {
  codeOf,
  hashBytes,
  hashFile,
  hashFileNow,
  openObject,
  readWhole,
  syncFolder,
  writeDurably,
} from './filesystem-file.ts';
import { withLock } from './filesystem-lock.ts';
import {
  collectKeys,
  exists,
  findPlace,
  makePlace,
  placeOf,
  prepareRoot,
  TEMPORARY_FOLDER,
} from './filesystem-path.ts';
import { clampPageLimit, requireStorageKey } from './object-store.ts';
import type { ListedObject, ObjectStore } from './object-store.ts';

/**
 * The store in `directory`, which is created (mode 0700) on first use. Node only. Two keys that differ in case need a
 * file system that tells them apart. `list` hashes the objects of its page to know their ETags.
 */
export function createFilesystemStore(directory: string): ObjectStore {
  let prepared: Promise<string> | undefined;
  const root = async (): Promise<string> => {
    prepared ??= prepareRoot(directory);
    try {
      return await prepared;
    } catch (error) {
      prepared = undefined;
      throw error;
    }
  };

  return {
    async get(key, { ifNoneMatch, maxBytes = Infinity } = {}) {
      requireStorageKey(key);
      return await answer(async () => {
        const path = await findPlace(await root(), key);
        const file = path === undefined ? undefined : await openObject(path);
        if (file === undefined) return { kind: 'missing' };
        await using handle = file.handle;
        if (file.sizeBytes > maxBytes) {
          if (ifNoneMatch !== undefined && (await hashFile(handle)) === ifNoneMatch) {
            return { kind: 'not-modified' };
          }
          throw new WasmpayError('store_object_too_large', `object is larger than ${maxBytes} bytes`);
        }
        const bytes = await readWhole(handle, file.sizeBytes);
        const etag = hashBytes(bytes);
        if (etag === ifNoneMatch) return { kind: 'not-modified' };
        return { kind: 'found', object: { key, bytes, etag } };
      });
    },

    async put(key, bytes, condition) {
      requireStorageKey(key);
      const copy = new Uint8Array(bytes);
      return await answer(async () => {
        const base = await root();
        const path = condition.kind === 'absent' ? await makePlace(base, key) : await findPlace(base, key);
        if (path === undefined) return { kind: 'conflict' };
        // Saves writing an artifact that is there already; link() below is what decides.
        if (condition.kind === 'absent' && (await exists(path))) return { kind: 'conflict' };
        const temporary = join(base, TEMPORARY_FOLDER, `${process.pid}-${randomUUID()}`);
        try {
          await writeDurably(temporary, copy);
          const isStored =
            condition.kind === 'absent'
              ? await linkIfAbsent(temporary, path)
              : await withLock(base, () => renameIfMatches(temporary, path, condition.etag));
          if (!isStored) return { kind: 'conflict' };
          await syncFolder(dirname(path));
          return { kind: 'stored', etag: hashBytes(copy) };
        } finally {
          await rm(temporary, { force: true });
        }
      });
    },

    async list({ prefix, cursor = '', limit }) {
      return await answer(async () => {
        const base = await root();
        const keys: string[] = [];
        await collectKeys(base, '', prefix, keys);
        // Storage keys are ASCII, so the order of UTF-16 units is that of UTF-8 bytes; a cursor is the last key.
        const rest = keys.filter((key) => key > cursor).sort();
        const page = rest.slice(0, clampPageLimit(limit));
        const objects: ListedObject[] = [];
        for (const key of page) {
          const file = await openObject(join(base, placeOf(key)));
          if (file === undefined) continue;
          await using handle = file.handle;
          objects.push({ key, sizeBytes: file.sizeBytes, etag: await hashFile(handle) });
        }
        const last = page.at(-1);
        return { objects, ...(last !== undefined && page.length < rest.length ? { cursor: last } : {}) };
      });
    },

    async delete(key) {
      requireStorageKey(key);
      await answer(async () => {
        const base = await root();
        const path = await findPlace(base, key);
        if (path === undefined) return;
        if (await withLock(base, () => unlinkIfPresent(path))) await syncFolder(dirname(path));
      });
    },
  };
}

/** Creates `path` if it is not there. link() is one step for every process, and a replacer needs the object to be there. */
async function linkIfAbsent(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Under the lock: replaces the object if its bytes still have `etag`. */
function renameIfMatches(temporary: string, path: string, etag: string): boolean {
  if (hashFileNow(path) !== etag) return false;
  renameSync(temporary, path);
  return true;
}

/** Under the lock, for a replacer must not bring back what was deleted since it compared. */
function unlinkIfPresent(path: string): boolean {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
  unlinkSync(path);
  return true;
}

async function answer<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof WasmpayError) throw cause;
    throw new WasmpayError('store_unavailable', 'the file system did not answer', { cause });
  }
}
