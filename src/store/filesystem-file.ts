// The filesystem store's single files and folders: reading, hashing and durable writing, and system errors by code.
// Symbolic links are never followed, and nothing but a regular file is an object.

import { createHash } from 'node:crypto';
import { closeSync, constants, lstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

const READ_CHUNK_BYTES = 1024 * 1024;

// O_NONBLOCK: opening a FIFO that someone left there must not hang.
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** An object's file, open; undefined where there is none. Anything but a regular file is an error. */
export async function openObject(
  path: string,
): Promise<{ handle: FileHandle; sizeBytes: number } | undefined> {
  const handle = await unless('ENOENT', open(path, READ_FLAGS));
  if (handle === undefined) return undefined;
  const stat = await handle.stat();
  if (stat.isFile()) return { handle, sizeBytes: stat.size };
  await handle.close();
  throw new Error('not a file of the store');
}

export async function readWhole(handle: FileHandle, sizeBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes;) {
    const { bytesRead } = await handle.read(bytes, at, sizeBytes - at, at);
    if (bytesRead === 0) throw new Error('file ended early');
    at += bytesRead;
  }
  return bytes;
}

export async function hashFile(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(READ_CHUNK_BYTES);
  for (let at = 0; ;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, bytesRead));
    at += bytesRead;
  }
}

export function hashBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await using handle = await open(path, CREATE_FLAGS, 0o600);
  await handle.writeFile(bytes);
  await handle.sync();
}

export async function syncFolder(path: string): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  await handle.sync();
}

/** The hash of a file, for a section under the lock, which must not wait; undefined where there is none. */
export function hashFileNow(path: string): string | undefined {
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

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** `pending`, or undefined where it fails with the system error `code`. */
export async function unless<T>(code: string, pending: Promise<T>): Promise<T | undefined> {
  try {
    return await pending;
  } catch (error) {
    if (codeOf(error) === code) return undefined;
    throw error;
  }
}
