// Where a command publishes to when the caller names a store.

import { resolve } from 'node:path';

import { WasmpayError } from '../core/error.ts';
import { createFilesystemStore } from '../store/filesystem.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Opens the store at `address`: `file:DIRECTORY`. Throws `usage` for anything else. */
export function openStore(address: string): ObjectStore {
  if (address.startsWith('file:')) return createFilesystemStore(resolve(address.slice('file:'.length)));
  throw new WasmpayError('usage', `${JSON.stringify(address)} is no store address: use file:DIRECTORY`);
}
