// Which store an address names: for commands, and for the gateway on Node.

import { resolve } from 'node:path';

import { WasmpayError } from '../core/error.ts';
import { createFilesystemStore } from './filesystem.ts';
import type { ObjectStore } from './object-store.ts';
import { parseS3Address, type S3Location } from './s3-address.ts';

/** What an address names. `r2` is a binding of the deployed gateway and has no address outside it. */
export type StoreAddress =
  | { readonly kind: 'file'; readonly directory: string }
  | { readonly kind: 's3'; readonly location: S3Location };

/** Reads `file:DIRECTORY` or `s3://BUCKET[/PREFIX]?region=…`. Throws `usage`, without repeating the address. */
export function parseStoreAddress(address: string): StoreAddress {
  if (address.startsWith('file:')) {
    const directory = address.slice('file:'.length);
    if (directory === '') throw new WasmpayError('usage', 'the store address file: names no directory');
    return { kind: 'file', directory: resolve(directory) };
  }
  if (address.startsWith('s3:')) {
    const parsed = parseS3Address(address);
    if (!parsed.ok) throw new WasmpayError('usage', `the store address ${parsed.fault}`);
    return { kind: 's3', location: parsed.location };
  }
  const hint = /^r2:?/i.test(address) ? ' (R2 is reached through its S3 endpoint, see docs/storage.md)' : '';
  throw new WasmpayError(
    'usage',
    `not a store address: use file:DIRECTORY or s3://BUCKET[/PREFIX]?region=REGION[&endpoint=URL]${hint}`,
  );
}

/**
 * Opens the store at `address`; throws `usage` as {@link parseStoreAddress}. The S3 client is
 * loaded by the first use, for no other store needs it; before its first write a store is asked whether it compares
 * before it writes (store/s3-probe: `config_invalid` where it does not).
 */
export function openStore(address: string): ObjectStore {
  const parsed = parseStoreAddress(address);
  if (parsed.kind === 'file') return createFilesystemStore(parsed.directory);
  return createDeferredStore(async () => {
    const { createS3PublisherStore } = await import('./s3-probe.ts');
    return createS3PublisherStore({ location: parsed.location });
  });
}

/** The store that `open` gives, asked for once, when it is first used; again after it failed. */
export function createDeferredStore(open: () => Promise<ObjectStore>): ObjectStore {
  let opening: Promise<ObjectStore> | undefined;
  const opened = async (): Promise<ObjectStore> => {
    opening ??= open();
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
  return {
    get: async (key, options) => await (await opened()).get(key, options),
    put: async (key, bytes, condition) => {
      // A copy, for the caller may change its bytes while the store is being opened.
      const copy = new Uint8Array(bytes);
      return await (await opened()).put(key, copy, condition);
    },
    list: async (options) => await (await opened()).list(options),
    delete: async (key) => {
      await (await opened()).delete(key);
    },
  };
}
