// The storage that everything else is written against: flat keys, whole objects, and two conditional writes.
// An adapter trusts nothing above it: a hostile key is refused before it reaches a path or a URL.

import { WasmpayError } from '../core/error.ts';

/** One stored object. */
export interface StoredObject {
  readonly key: string;
  /** Memory of their own, not shared with anyone. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Opaque; changes whenever the bytes do. Without quotation marks. */
  readonly etag: string;
}

/** What a read gave. `not-modified` only where `ifNoneMatch` was asked for. */
export type GetResult =
  | { readonly kind: 'found'; readonly object: StoredObject }
  | { readonly kind: 'not-modified' }
  | { readonly kind: 'missing' };

export interface GetOptions {
  /** Answer `not-modified` when the object still has this ETag. */
  readonly ifNoneMatch?: string;
  /** Refuse a larger object (`store_object_too_large`) before its bytes are held in memory. */
  readonly maxBytes?: number;
}

/** A write is never unconditional: it creates an object, or it replaces exactly what was read. */
export type PutCondition = { readonly kind: 'absent' } | { readonly kind: 'matches'; readonly etag: string };

/** `conflict`: the condition did not hold, nothing was written. */
export type PutResult = { readonly kind: 'stored'; readonly etag: string } | { readonly kind: 'conflict' };

export interface ListOptions {
  readonly prefix: string;
  /** Where an earlier page said to go on. Opaque. */
  readonly cursor?: string;
  /** Objects a page, at most {@link MAX_PAGE_OBJECTS} (the default). */
  readonly limit?: number;
}

export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
}

export interface ListPage {
  /** In ascending order of their keys' UTF-8 bytes. */
  readonly objects: readonly ListedObject[];
  /** Present when there is more. */
  readonly cursor?: string;
}

/**
 * Object storage. Every method throws `WasmpayError`: `store_key_invalid` for a key outside
 * {@link isStorageKey}, `store_unavailable` (with its cause) when the store could not answer.
 */
export interface ObjectStore {
  get(key: string, options?: GetOptions): Promise<GetResult>;
  put(key: string, bytes: Uint8Array, condition: PutCondition): Promise<PutResult>;
  list(options: ListOptions): Promise<ListPage>;
  /** Deleting what is not there is no failure. */
  delete(key: string): Promise<void>;
}

/** Most objects on one page of a listing: the bound of S3 and R2 (whose list answers error 10022 above it). */
export const MAX_PAGE_OBJECTS = 1_000;

/** Longest key, bytes. S3 and R2 take 1,024; ours are under 160. */
export const MAX_KEY_LENGTH = 512;

const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/**
 * Whether every adapter can hold `key`: segments of `A–Z a–z 0–9 . _ -` that do not start with a dot, joined by
 * single slashes. So no key can climb out of a folder, hide a file, or need escaping in a URL.
 */
export function isStorageKey(key: string): boolean {
  return key.length <= MAX_KEY_LENGTH && key.split('/').every((segment) => SEGMENT.test(segment));
}

/** Throws `store_key_invalid` unless {@link isStorageKey}. The message does not repeat the key. */
export function requireStorageKey(key: string): void {
  if (!isStorageKey(key)) throw new WasmpayError('store_key_invalid', 'not a storage key');
}

/** The objects that a page may hold when `limit` are asked for: 1 to {@link MAX_PAGE_OBJECTS}. */
export function clampPageLimit(limit: number = MAX_PAGE_OBJECTS): number {
  return Math.min(Math.max(limit, 1), MAX_PAGE_OBJECTS);
}
