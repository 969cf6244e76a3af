// Which signed, numbered record somebody has now, as far as this isolate knows: a bank's release, a processor's record.
// The bucket is not trusted: only what `verify` accepted is ever served, a number never goes back, and what is bad or
// gone in storage leaves the last good record in use until its limits. Source: design, "Caching".

import { CLOCK_SKEW_S } from '../artifact/verify-release.ts';
import type { Clock } from '../core/clock.ts';
import { WasmpayError, type ErrorCode } from '../core/error.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Freshness } from './freshness.ts';
import { createLruMap } from './lru-map.ts';
import { createSingleFlight } from './single-flight.ts';
import type { Timer, WaitUntil } from './timer.ts';

/** What every such record says of itself. */
export interface NumberedRecord {
  readonly number: number;
  readonly notBeforeS: number;
  readonly notAfterS: number;
}

/** What can be wrong with a record that was read. */
export type RecordFault =
  'read_failed' | 'rejected' | 'rolled_back' | 'not_yet_valid' | 'expired' | 'vanished' | 'served_stale';

export interface RecordCacheOptions<R extends NumberedRecord> {
  readonly store: Pick<ObjectStore, 'get'>;
  /** Where the current record of `name` is. */
  readonly keyOf: (name: string) => string;
  /** Largest record, bytes. */
  readonly maxBytes: number;
  /** Throws what makes a record not to be believed. Bytes come straight from the bucket. */
  readonly verify: (token: Uint8Array, name: string) => Promise<R>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly freshness: Freshness;
  /** `name` is absent where no record of it was ever verified, since then it is a caller's. */
  readonly onFault: (fault: RecordFault, name: string | undefined, error: ErrorCode | undefined) => void;
}

/** `unavailable`: storage failed, or holds nothing that verifies, and no record that may still be used is known. */
export type RecordLookup<R> =
  | { readonly kind: 'found'; readonly record: R }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unavailable' };

export interface RecordCache<R> {
  /**
   * The current record of `name`. Never rejects. `name` must be a slug: it becomes a storage key. A caller that has
   * `leftMs` waits no more than half of it for a newer record than the one that is known, so that it can still use it.
   */
  get(name: string, waitUntil: WaitUntil, leftMs?: number): Promise<RecordLookup<R>>;
  /** Names remembered: with a record, and without one. For tests and gauges. */
  readonly sizes: { readonly known: number; readonly unknown: number };
}

interface Known<R> {
  readonly record: R;
  readonly etag: string;
  /** When the read started that last confirmed it. */
  readonly confirmedAtMs: number;
}

/** An empty cache. */
export function createRecordCache<R extends NumberedRecord>(options: RecordCacheOptions<R>): RecordCache<R> {
  const { store, keyOf, maxBytes, verify, clock, timer, freshness, onFault } = options;
  const known = createLruMap<Known<R>>(freshness.maxBanks);
  /** When a name was last seen to have no record. */
  const unknown = createLruMap<number>(freshness.maxUnknownBanks);
  /** When a name's last read failed; removed by one that did not. */
  const failed = createLruMap<number>(freshness.maxBanks);
  const reads = createSingleFlight<RecordLookup<R>>({
    clock,
    timer,
    waitMs: freshness.storeWaitMs,
    lifetimeMs: freshness.readLifetimeMs,
  });

  const report = (fault: RecordFault, name: string, error?: ErrorCode): void =>
    onFault(fault, known.get(name) === undefined ? undefined : name, error);

  /** Reads storage and keeps what it says. Never rejects; `unavailable` is a read that gave nothing to rely on. */
  const read = async (name: string): Promise<RecordLookup<R>> => {
    const startedAtMs = clock();
    const fail = (fault: RecordFault, cause?: unknown): RecordLookup<R> => {
      failed.set(name, clock());
      report(fault, name, cause === undefined ? undefined : codeOf(cause));
      return { kind: 'unavailable' };
    };
    const confirm = (record: R, etag: string): RecordLookup<R> => {
      const current = known.get(name);
      if (current !== undefined && record.number < current.record.number) return fail('rolled_back');
      // A slow read may end after a later one: it must not make the record look older than it is.
      if (current?.record.number !== record.number || current.confirmedAtMs <= startedAtMs) {
        known.set(name, { record, etag, confirmedAtMs: startedAtMs });
      }
      failed.delete(name);
      unknown.delete(name);
      return { kind: 'found', record };
    };

    const last = known.get(name);
    let result;
    try {
      result = await store.get(keyOf(name), {
        maxBytes,
        ...(last === undefined ? {} : { ifNoneMatch: last.etag }),
      });
    } catch (cause) {
      // Too large is the bucket's fault and not an outage, but leaves the gateway in the same place.
      return fail('read_failed', cause);
    }
    if (result.kind === 'missing') {
      // Absence proves nothing: whoever can delete an object must not be able to shut out a name that we know.
      if (last !== undefined && isUsable(last.record, clock())) return fail('vanished');
      failed.delete(name);
      unknown.set(name, startedAtMs);
      return { kind: 'unknown' };
    }
    if (result.kind === 'not-modified') {
      if (last === undefined) return fail('read_failed');
      return isUsable(last.record, clock()) ? confirm(last.record, last.etag) : fail('expired');
    }
    let record;
    try {
      record = await verify(result.object.bytes, name);
    } catch (cause) {
      return fail('rejected', cause);
    }
    if (!hasStarted(record, clock())) return fail('not_yet_valid');
    if (hasEnded(record, clock())) return fail('expired');
    return confirm(record, result.object.etag);
  };

  const start = (name: string, waitUntil: WaitUntil): void => {
    const key = copyOf(name);
    reads.start(key, () => read(key), waitUntil);
  };

  const findStale = (name: string): R | undefined => {
    const last = known.get(name);
    const nowMs = clock();
    if (last === undefined || !isUsable(last.record, nowMs)) return undefined;
    return ageOf(last.confirmedAtMs, nowMs) > freshness.staleMs ? undefined : last.record;
  };

  const serveStale = (name: string): RecordLookup<R> => {
    const record = findStale(name);
    if (record === undefined) return { kind: 'unavailable' };
    report('served_stale', name);
    return { kind: 'found', record };
  };

  return {
    async get(name, waitUntil, leftMs = Infinity) {
      const nowMs = clock();
      const last = known.get(name);
      const ageMs = last === undefined ? undefined : ageOf(last.confirmedAtMs, nowMs);
      const isBackingOff = isWithin(failed.get(name), nowMs, freshness.retryMs);
      if (last !== undefined && ageMs !== undefined && isUsable(last.record, nowMs)) {
        if (ageMs <= freshness.freshMs) return { kind: 'found', record: last.record };
        if (ageMs <= freshness.refreshMs) {
          if (!isBackingOff) start(name, waitUntil);
          return { kind: 'found', record: last.record };
        }
      } else if (isWithin(unknown.get(name), nowMs, freshness.unknownMs)) return { kind: 'unknown' };
      if (isBackingOff) return serveStale(name);
      const key = copyOf(name);
      const lookup = await reads
        .run(key, () => read(key), waitUntil, findStale(name) !== undefined ? leftMs / 2 : Infinity)
        .catch((cause: unknown): RecordLookup<R> => {
          report('read_failed', name, codeOf(cause));
          return { kind: 'unavailable' };
        });
      return lookup.kind === 'unavailable' ? serveStale(name) : lookup;
    },
    get sizes() {
      return { known: known.size, unknown: unknown.size };
    },
  };
}

/** Infinite where the clock was set back past `sinceMs`: then nothing is known about its age. */
function ageOf(sinceMs: number, nowMs: number): number {
  return nowMs < sinceMs ? Infinity : nowMs - sinceMs;
}

function isWithin(sinceMs: number | undefined, nowMs: number, windowMs: number): boolean {
  return sinceMs !== undefined && ageOf(sinceMs, nowMs) <= windowMs;
}

function isUsable(record: NumberedRecord, nowMs: number): boolean {
  return hasStarted(record, nowMs) && !hasEnded(record, nowMs);
}

function hasStarted(record: NumberedRecord, nowMs: number): boolean {
  return nowMs >= (record.notBeforeS - CLOCK_SKEW_S) * 1000;
}

/** As RFC 7519's `exp`: the end itself is too late. */
function hasEnded(record: NumberedRecord, nowMs: number): boolean {
  return nowMs >= record.notAfterS * 1000;
}

/**
 * The same characters in memory of their own. V8 may keep a slice as a view of the whole text it was cut from; as a
 * key of ours it would keep a body of 64 KiB alive for each name that somebody tries.
 */
function copyOf(name: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(name));
}

function codeOf(cause: unknown): ErrorCode {
  return cause instanceof WasmpayError ? cause.code : 'internal';
}
