// The object store in a folder of a local file system, for one machine and any number of processes. It trusts the
// folder's owner and refuses the rest: keys that could name another path, and symbolic links on the way to an object.
//
// One file an object, holding exactly its bytes. `/` in a key is a folder; the object's own file ends in `@`, which
// no key contains, so `a` (file `a@`) and `a/b` (folder `a`) live side by side; pieces of a segment that is longer
// than a file name may be start with `+`. Names that start with a dot are the store's own and never objects.
//
// A write goes to a file in `.tmp`, is synced, then linked (create) or renamed (replace) into place and its folder
// synced: a crash leaves the old object or the new. ETags are the SHA-256 of the bytes, so a compare-and-swap
// compares content: after A → B → A the first ETag matches again.
//
// Comparing and renaming is one step under a lock that the kernel gives back when its holder dies: the write lock of
// an empty SQLite database. Files named after a process id cannot do that soundly: an id is reused, means something
// else in another container, and two processes that clear one stale file undo each other.

import { createHash, randomUUID } from 'node:crypto';
import { closeSync, constants, lstatSync, openSync, readSync, renameSync, unlinkSync } from 'node:fs';
import { link, lstat, mkdir, open, readdir, realpath, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { WasmpayError } from '../core/error.ts';
import { isStorageKey } from './object-store.ts';
import type { ListedObject, ObjectStore } from './object-store.ts';

const MAX_PAGE_OBJECTS = 1_000;

/** Longest name that is made of a key, characters. File systems take 255 bytes; `@` and `+` are added. */
const MAX_PIECE_LENGTH = 200;

/** How long a write waits for other writers, milliseconds. Each holds the lock for about one rename. */
const LOCK_WAIT_MS = 10_000;

/** A temporary file older than this is a leftover if its process is gone, milliseconds. */
const LEFTOVER_AGE_MS = 60_000;

/** A temporary file older than this is a leftover whoever has its process id now, milliseconds. */
const ABANDONED_AGE_MS = 24 * 60 * 60 * 1_000;

const READ_CHUNK_BYTES = 1024 * 1024;

// O_NONBLOCK: opening a FIFO that someone left there must not hang.
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

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
        const temporary = join(base, '.tmp', `${process.pid}-${randomUUID()}`);
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

    async list({ prefix, cursor = '', limit = MAX_PAGE_OBJECTS }) {
      return await answer(async () => {
        const base = await root();
        const keys: string[] = [];
        await collectKeys(base, '', prefix, keys);
        // Storage keys are ASCII, so the order of UTF-16 units is that of UTF-8 bytes; a cursor is the last key.
        const rest = keys.filter((key) => key > cursor).sort();
        const page = rest.slice(0, Math.min(Math.max(limit, 1), MAX_PAGE_OBJECTS));
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

// ── Keys and paths ─────────────────────────────────────────────────────────────────────────────────────────────

function requireStorageKey(key: string): void {
  if (!isStorageKey(key)) throw new WasmpayError('store_key_invalid', 'not a storage key');
}

/** The path of `key` below the root. No component starts with a dot or is longer than a file name may be. */
function placeOf(key: string): string {
  const folders = key.split('/').map((segment) => {
    const pieces = [];
    for (let at = 0; at < segment.length; at += MAX_PIECE_LENGTH) {
      pieces.push(segment.slice(at, at + MAX_PIECE_LENGTH));
    }
    return pieces.join('/+');
  });
  return `${folders.join('/')}@`;
}

/** The path of `key`; undefined where a folder on its way is missing. A link on its way is an error. */
async function findPlace(base: string, key: string): Promise<string | undefined> {
  const place = placeOf(key).split('/');
  let folder = base;
  for (const name of place.slice(0, -1)) {
    folder = join(folder, name);
    if (!(await isFolder(folder))) return undefined;
  }
  return join(base, ...place);
}

async function makePlace(base: string, key: string): Promise<string> {
  const place = placeOf(key).split('/');
  let folder = base;
  for (const name of place.slice(0, -1)) {
    const parent = folder;
    folder = join(folder, name);
    if (await isFolder(folder)) continue;
    await unless('EEXIST', mkdir(folder, { mode: 0o700 }));
    if (!(await isFolder(folder))) throw new Error('folder vanished');
    await syncFolder(parent);
  }
  return join(base, ...place);
}

async function isFolder(path: string): Promise<boolean> {
  const stat = await unless('ENOENT', lstat(path));
  if (stat !== undefined && !stat.isDirectory()) throw new Error('not a folder of the store');
  return stat !== undefined;
}

async function exists(path: string): Promise<boolean> {
  return (await unless('ENOENT', lstat(path))) !== undefined;
}

/** Adds the keys under `place`, a folder's path below the root, that start with `prefix`. */
async function collectKeys(base: string, place: string, prefix: string, keys: string[]): Promise<void> {
  for (const entry of await readdir(join(base, place), { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const path = place === '' ? entry.name : `${place}/${entry.name}`;
    const key = path.replaceAll('/+', '').replace(/@$/, '');
    if (entry.isDirectory() && (prefix.startsWith(key) || key.startsWith(prefix))) {
      await collectKeys(base, path, prefix, keys);
    }
    // A file that someone else put there under a name that `placeOf` never gives is not an object.
    const isObject = entry.isFile() && isStorageKey(key) && placeOf(key) === path;
    if (isObject && key.startsWith(prefix)) keys.push(key);
  }
}

// ── Bytes ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** An object's file, open; undefined where there is none. Anything but a regular file is an error. */
async function openObject(path: string): Promise<{ handle: FileHandle; sizeBytes: number } | undefined> {
  const handle = await unless('ENOENT', open(path, READ_FLAGS));
  if (handle === undefined) return undefined;
  const stat = await handle.stat();
  if (stat.isFile()) return { handle, sizeBytes: stat.size };
  await handle.close();
  throw new Error('not a file of the store');
}

async function readWhole(handle: FileHandle, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes;) {
    const { bytesRead } = await handle.read(bytes, at, sizeBytes - at, at);
    if (bytesRead === 0) throw new Error('file ended early');
    at += bytesRead;
  }
  return bytes;
}

async function hashFile(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(READ_CHUNK_BYTES);
  for (let at = 0; ;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
  }
}

function hashBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await using handle = await open(path, CREATE_FLAGS, 0o600);
  await handle.writeFile(bytes);
  await handle.sync();
}

async function syncFolder(path: string): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  await handle.sync();
}

// ── Deciding steps ─────────────────────────────────────────────────────────────────────────────────────────────

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

function hashFileNow(path: string): string | undefined {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  const descriptor = openSync(path, READ_FLAGS);
  try {
    const hash = createHash('sha256');
    const chunk = new Uint8Array(READ_CHUNK_BYTES);
    for (;;) {
      const count = readSync(descriptor, chunk);
      if (count === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Runs `section`, which is synchronous so that nobody waits on a holder that waits, while no other process does. */
async function withLock<T>(base: string, section: () => T): Promise<T> {
  const database = new DatabaseSync(join(base, '.lock.sqlite'), { timeout: 0 });
  try {
    const start = performance.now();
    for (let waitMs = 1; !tryLock(database); waitMs = Math.min(waitMs + 1, 10)) {
      if (performance.now() - start > LOCK_WAIT_MS) throw new Error('lock is busy');
      await sleep(waitMs);
    }
    return section();
  } finally {
    database.close(); // ends the transaction, and with it the lock
  }
}

/** SQLite's result code for a lock that another connection holds (sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5;

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN IMMEDIATE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}

// ── The root ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Makes the root and its `.tmp`, clears what crashed writers left there, and answers the root's real path. */
async function prepareRoot(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const base = await realpath(directory);
  const temporaryFolder = join(base, '.tmp');
  await unless('EEXIST', mkdir(temporaryFolder, { mode: 0o700 }));
  if (!(await isFolder(temporaryFolder))) throw new Error('folder vanished');
  const lock = await unless('ENOENT', lstat(join(base, '.lock.sqlite')));
  if (lock !== undefined && !lock.isFile()) throw new Error('lock is not a file of the store');
  for (const name of await readdir(temporaryFolder)) {
    const stat = await unless('ENOENT', lstat(join(temporaryFolder, name)));
    if (stat === undefined) continue;
    const ageMs = Date.now() - stat.mtimeMs;
    const isLeftover = ageMs > LEFTOVER_AGE_MS && !isAlive(Number.parseInt(name, 10));
    if (isLeftover || ageMs > ABANDONED_AGE_MS) await rm(join(temporaryFolder, name), { force: true });
  }
  return base;
}

function isAlive(processId: number): boolean {
  try {
    return processId > 0 && process.kill(processId, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

// ── Errors ─────────────────────────────────────────────────────────────────────────────────────────────────────

async function answer<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof WasmpayError) throw cause;
    throw new WasmpayError('store_unavailable', 'the file system did not answer', { cause });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** `pending`, or undefined where it fails with the system error `code`. */
async function unless<T>(code: string, pending: Promise<T>): Promise<T | undefined> {
  try {
    return await pending;
  } catch (error) {
    if (codeOf(error) === code) return undefined;
    throw error;
  }
}
