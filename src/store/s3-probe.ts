// Whether a store compares before it writes. Some S3 servers take `If-None-Match` and `If-Match` and ignore them: then
// two publishers overwrite each other's releases and nobody is told. So a publisher asks first. A gateway does not:
// it reads, with a key that may not write.
//
// The probe is one small object under a key of its own that stays: the next probe finds it there, probes at the same
// time do not disturb each other, and a publisher's key need not be allowed to delete.

import { WasmpayError } from '../core/error.ts';
import { requireStorageKey, type ObjectStore } from './object-store.ts';
import {
  createS3Requests,
  isRaceLost,
  isRefusal,
  isThrottled,
  toUnavailable,
  type S3Answer,
  type S3Condition,
  type S3Head,
  type S3Requests,
} from './s3-requests.ts';
import { createS3Store, randomName, waitOutThrottle, type S3StoreOptions } from './s3.ts';

/** Where the probe's object is, in the store's own key space. */
export const PROBE_KEY = 'probes/conditional-writes';

/** An ETag that no object has: MD5 gives it for nothing known, and the probe's own bytes have another. */
const FOREIGN_ETAG = '00000000000000000000000000000000';

/** Waits for one request. All of them are for one key, which R2 lets change once a second. */
const MAX_THROTTLES = 3;

const IGNORES = 'this store ignores conditional writes';

/**
 * The store for a publisher. It probes before its first write, and writes nothing where that throws (as
 * {@link probeConditionalWrites}); reading takes no right to write.
 */
export function createS3PublisherStore(options: S3StoreOptions): ObjectStore {
  const store = createS3Store(options);
  let probing: Promise<void> | undefined;
  return {
    ...store,
    async put(key, bytes, condition) {
      requireStorageKey(key);
      // A copy, for the caller may change its bytes while the store is being probed.
      const copy = new Uint8Array(bytes);
      probing ??= probeConditionalWrites(options);
      try {
        await probing;
      } catch (error) {
        // An outage may be over the next time.
        probing = undefined;
        throw error;
      }
      return await store.put(key, copy, condition);
    },
  };
}

/**
 * Throws `config_invalid` where the store ignores a condition or refuses one that holds, `store_unavailable` where it
 * does not answer. Costs six small requests, and one object of a few bytes that stays.
 */
export async function probeConditionalWrites(options: S3StoreOptions): Promise<void> {
  const requests = createS3Requests(options);
  const { prefix } = options.location;
  const key = prefix === '' ? PROBE_KEY : `${prefix}/${PROBE_KEY}`;
  const bytes = new TextEncoder().encode('conditional writes');
  const writer = (options.nameWrite ?? randomName)();
  const put = async (condition: S3Condition): Promise<S3Answer<string>> => {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await requests.put(key, bytes, condition, writer);
      if (answer.ok || attempt >= MAX_THROTTLES || !isThrottled(answer.failure)) return answer;
      await waitOutThrottle(options);
    }
  };

  // 412: an earlier probe's object is there, which is as good.
  const made = await put({ ifNoneMatch: '*' });
  if (!made.ok && !isConflict(made)) throw refuse(made);
  const again = await put({ ifNoneMatch: '*' });
  if (again.ok) throw new WasmpayError('config_invalid', `${IGNORES}: it created an object twice`);
  if (!isConflict(again)) throw refuse(again);

  // Both forms, for a store that does not know the one may take the other for no condition at all.
  for (const ifMatch of [`"${FOREIGN_ETAG}"`, FOREIGN_ETAG]) {
    const replaced = await put({ ifMatch });
    if (replaced.ok) {
      throw new WasmpayError('config_invalid', `${IGNORES}: it replaced an object that had another ETag`);
    }
    if (!isRefusal(replaced, 412) && !isRefusal(replaced, 400)) throw refuse(replaced);
  }

  const before = await lookAt(requests, key);
  for (const ifMatch of [`"${before.etag}"`, before.etag]) {
    const swapped = await put({ ifMatch });
    if (swapped.ok) return;
    if (!isConflict(swapped)) throw refuse(swapped);
  }
  // Another probe may have been faster: then the object is its, and a condition that holds was taken.
  const after = await lookAt(requests, key);
  if (after.writer !== before.writer || after.etag !== before.etag) return;
  throw new WasmpayError('config_invalid', 'this store refuses conditional writes whose condition holds');
}

async function lookAt(requests: S3Requests, key: string): Promise<S3Head> {
  const answer = await requests.head(key);
  if (!answer.ok) throw toUnavailable(answer.failure);
  if (answer.value === 'missing') throw new WasmpayError('store_unavailable', 'the probe object went away');
  return answer.value;
}

function isConflict(answer: S3Answer<string>): boolean {
  return !answer.ok && (isRefusal(answer, 412) || isRaceLost(answer.failure));
}

function refuse(answer: S3Answer<string>): WasmpayError {
  if (answer.ok) return new WasmpayError('internal', 'not a refusal');
  if (isRefusal(answer, 501))
    return new WasmpayError('config_invalid', 'this store has no conditional writes');
  return toUnavailable(answer.failure);
}
