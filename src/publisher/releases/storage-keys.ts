// Where release management keeps what no gateway reads. The rest of the bucket's layout is in store/keys.ts.

import { isSlug } from '../../core/bank.ts';

/** A publication that waits: unsigned, without authority. `artifactHex` is 64 hexadecimal digits. */
export const candidateKey = (slug: string, artifactHex: string): string =>
  `banks/${slug}/candidates/${artifactHex}`;

/** What `wasmpay gc` has seen unreferenced, and since when. */
export const COLLECTION_KEY = 'gc/marks';

export const BANKS_PREFIX = 'banks/';

export const PROCESSORS_PREFIX = 'processors/';

/** All numbered releases of a bank. */
export const releasesPrefix = (slug: string): string => `banks/${slug}/releases/`;

/** All candidates of a bank. */
export const candidatesPrefix = (slug: string): string => `banks/${slug}/candidates/`;

/** All numbered records of a processor. */
export const recordsPrefix = (processor: string): string => `${PROCESSORS_PREFIX}${processor}/records/`;

/** The bank that a key under {@link BANKS_PREFIX} belongs to; undefined where that is no slug. */
export function slugOfKey(key: string): string | undefined {
  const slug = key.startsWith(BANKS_PREFIX) ? key.split('/')[1] : undefined;
  return slug !== undefined && isSlug(slug) ? slug : undefined;
}
