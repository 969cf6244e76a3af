// Which store an address means.

import { resolve } from 'node:path';

import { WasmpayError } from '../core/error.ts';
import { createFilesystemStore } from './filesystem.ts';
import type { ObjectStore } from './object-store.ts';

/** Opens the store at `address`: `file:DIRECTORY`. Throws `usage` for anything else. */
export async function openStore(address: string): Promise<ObjectStore> {
  if (address.startsWith('file:')) return createFilesystemStore(resolve(address.slice('file:'.length)));
  throw new WasmpayError('usage', `${JSON.stringify(address)} is no store address: use file:DIRECTORY`);
}
