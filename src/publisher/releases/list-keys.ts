// Every key below a prefix, over all pages of a listing.

import type { ObjectStore } from '../../store/object-store.ts';

/** Keys below `prefix`, in the store's order. Throws `store_unavailable`. */
export async function listKeys(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ prefix, ...(cursor !== undefined && { cursor }) });
    for (const { key } of page.objects) keys.push(key);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return keys;
}
