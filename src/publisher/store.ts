// Stage 6, store: component and artifact under the names of their digests. Both are create-only: what is there under
// a digest already is the same bytes, or the store is not to be trusted and is told apart by reading.

import { hexOf, sha256, type Digest } from '../artifact/digest.ts';
import { WasmpayError } from '../core/error.ts';
import { artifactKey, componentKey } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Bundle } from './bundle.ts';
import { shieldFromCollection } from './releases/collection-marks.ts';

/** What was written; `false` where the object was there already. */
export interface Stored {
  readonly component: boolean;
  readonly artifact: boolean;
}

/**
 * Stores both objects. Throws `store_unavailable`, or `store_conflict` where other bytes sit under a digest or a garbage
 * collection is deleting one of them.
 */
export async function storeArtifact(
  store: ObjectStore,
  component: { readonly digest: Digest; readonly bytes: Uint8Array },
  bundle: Bundle,
): Promise<Stored> {
  const componentAt = componentKey(hexOf(component.digest));
  const artifactAt = artifactKey(hexOf(bundle.digest));
  // Before the writes: what is found there already must not be deleted before a release names it.
  await shieldFromCollection(store, [componentAt, artifactAt]);
  return {
    component: await putOnce(store, componentAt, component.bytes, component.digest),
    artifact: await putOnce(store, artifactAt, bundle.bytes, bundle.digest),
  };
}

async function putOnce(store: ObjectStore, key: string, bytes: Uint8Array, digest: Digest): Promise<boolean> {
  const put = await store.put(key, bytes, { kind: 'absent' });
  if (put.kind === 'stored') return true;
  const existing = await store.get(key);
  if (existing.kind === 'found' && (await sha256(existing.object.bytes)) === digest) return false;
  throw new WasmpayError(
    'store_conflict',
    `the store holds other bytes under ${key}; delete that object and publish again`,
  );
}
