// The object store in an S3 bucket: Amazon's, R2's S3 endpoint, Ceph, MinIO. It runs on Node and in workerd. It trusts
// the store to compare and write in one step (s3-probe.ts finds those that do not), and nothing else.
//
// Reads are sent again after an outage. A write is not simply sent again: its answer may be lost although it happened,
// and then the object that it made itself refuses the second one. So each write carries a mark of its own as user
// metadata, and where its fate is open the object is looked at. Equal bytes would not do for that: two writers that
// count from 5 to 6 write the same.
//
//   the object then          after 412, 409, 429    after 5xx, 408, a time-out, a broken connection
//   has our mark             stored                 stored
//   still fits the condition again                  again
//   is anything else         conflict               store_unavailable: it may have been ours before it was another's
//
// A deletion is sent once: a second one could meet what somebody has created since.

import { WasmpayError } from '../core/error.ts';
import { MAX_ARTIFACT_BYTES } from '../core/limits.ts';
import { MAX_KEY_LENGTH, clampPageLimit, isStorageKey, requireStorageKey } from './object-store.ts';
import type { ObjectStore, PutCondition, PutResult } from './object-store.ts';
import {
  createS3Requests,
  isRefusal,
  isS3Etag,
  isThrottled,
  isTransient,
  leavesOpen,
  toUnavailable,
  type S3Answer,
  type S3Failure,
  type S3RequestOptions,
} from './s3-requests.ts';

export interface S3StoreOptions extends S3RequestOptions {
  /**
   * How often a read, or a write that is known not to have happened, is sent: 3 times unless told. Three answers in a
   * row are not lost by chance, and a gateway waits for none of them longer than its own limit.
   */
  readonly maxAttempts?: number;
  /** Wait before the second attempt, milliseconds; doubles each time. 100 unless told: a broken node is out by then. */
  readonly retryDelayMs?: number;
  /** Wait after a 429, milliseconds: 1,100 unless told, for R2 lets one key change once a second. */
  readonly throttleDelayMs?: number;
  /** Names a write; never the same twice. Random unless told. */
  readonly nameWrite?: () => string;
}

const KEY_PREFIX = /^[A-Za-z0-9._/-]*$/;

/**
 * The store over `options.location`. Objects are at most `MAX_ARTIFACT_BYTES`. A cursor is the store's own. Where the
 * key may not list the bucket, Amazon answers 403 for what is not there, which is `store_unavailable`.
 */
export function createS3Store(options: S3StoreOptions): ObjectStore {
  const requests = createS3Requests(options);
  const { maxAttempts = 3, retryDelayMs = 100, nameWrite = randomName } = options;
  const root = options.location.prefix === '' ? '' : `${options.location.prefix}/`;
  const wait = async (attempt: number, failure: S3Failure): Promise<void> => {
    if (isThrottled(failure)) await waitOutThrottle(options);
    else await new Promise((resolve) => setTimeout(resolve, retryDelayMs * 2 ** attempt));
  };

  /** The value of the first attempt that gives one. */
  async function askAgain<T>(ask: () => Promise<S3Answer<T>>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await ask();
      if (answer.ok) return answer.value;
      if (attempt + 1 >= maxAttempts || !isTransient(answer.failure)) throw toUnavailable(answer.failure);
      await wait(attempt, answer.failure);
    }
  }

  async function write(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    condition: PutCondition,
  ): Promise<PutResult> {
    const writer = nameWrite();
    let isQuoted = true;
    let mayHaveHappened = false;
    let last: S3Failure | undefined;
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const header =
        condition.kind === 'absent'
          ? ({ ifNoneMatch: '*' } as const)
          : { ifMatch: isQuoted ? `"${condition.etag}"` : condition.etag };
      const answer = await requests.put(key, bytes, header, writer);
      if (answer.ok) return { kind: 'stored', etag: answer.value };
      last = answer.failure;
      mayHaveHappened ||= leavesOpen(last);
      const isConditionRefused = isRefusal(answer, 412);
      if (!mayHaveHappened) {
        // Amazon's answer to a replacement of what is not there.
        if (condition.kind === 'matches' && isRefusal(answer, 404, 'NoSuchKey')) return { kind: 'conflict' };
        if (condition.kind === 'absent' && isConditionRefused) return { kind: 'conflict' };
        if (!isConditionRefused && !isTransient(last)) throw toUnavailable(last);
      }

      const there = await askAgain(() => requests.head(key));
      if (there !== 'missing' && there.writer === writer) return { kind: 'stored', etag: there.etag };
      const holds =
        condition.kind === 'absent'
          ? there === 'missing'
          : there !== 'missing' && there.etag === condition.etag;
      if (!holds && !mayHaveHappened) return { kind: 'conflict' };
      if (!holds) break;
      // Ceph and others take an ETag only without the quotation marks that belong to it.
      if (isConditionRefused && isQuoted && condition.kind === 'matches') isQuoted = false;
      else if (attempt + 1 < maxAttempts) await wait(attempt, last);
    }
    const cause = last === undefined ? undefined : toUnavailable(last);
    const message = mayHaveHappened
      ? 'the object store lost the answer to a write; read before writing again'
      : 'the object store refuses a write whose condition holds';
    throw new WasmpayError('store_unavailable', message, { cause });
  }

  return {
    async get(key, { ifNoneMatch, maxBytes = MAX_ARTIFACT_BYTES } = {}) {
      requireStorageKey(key);
      const limit = Math.floor(Math.min(maxBytes, MAX_ARTIFACT_BYTES));
      const etag = ifNoneMatch !== undefined && isS3Etag(ifNoneMatch) ? ifNoneMatch : undefined;
      const found = await askAgain(() => requests.get(root + key, limit, etag));
      if (found === 'too-large') throw tooLarge(limit);
      if (found === 'missing' || found === 'not-modified') return { kind: found };
      return { kind: 'found', object: { key, ...found } };
    },

    async put(key, bytes, condition) {
      requireStorageKey(key);
      if (bytes.length > MAX_ARTIFACT_BYTES) throw tooLarge(MAX_ARTIFACT_BYTES);
      if (condition.kind === 'matches' && !isS3Etag(condition.etag)) return { kind: 'conflict' };
      // A copy, for the caller may change its bytes while they are being sent.
      return await write(root + key, new Uint8Array(bytes), condition);
    },

    async list({ prefix, cursor, limit }) {
      if (prefix.length > MAX_KEY_LENGTH || !KEY_PREFIX.test(prefix)) return { objects: [] };
      const page = await askAgain(() => requests.list(root + prefix, clampPageLimit(limit), cursor));
      const objects = page.objects.map((object) => ({ ...object, key: object.key.slice(root.length) }));
      const isOurs = page.objects.every(({ key }) => key.startsWith(root + prefix));
      if (!isOurs)
        throw new WasmpayError('store_unavailable', 'the object store lists what was not asked for');
      return {
        // Others may keep objects in the bucket, too.
        objects: objects.filter(({ key }) => isStorageKey(key)),
        ...(page.token !== undefined && { cursor: page.token }),
      };
    },

    async delete(key) {
      requireStorageKey(key);
      const answer = await requests.delete(root + key);
      if (!answer.ok) throw toUnavailable(answer.failure);
    },
  };
}

/** A name that no other write has. */
export const randomName = (): string => crypto.randomUUID();

/** Waits until a store that answered 429 may answer again. */
export async function waitOutThrottle({ throttleDelayMs = 1_100 }: S3StoreOptions): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, throttleDelayMs));
}

function tooLarge(maxBytes: number): WasmpayError {
  return new WasmpayError('store_object_too_large', `object is larger than ${maxBytes} bytes`);
}
