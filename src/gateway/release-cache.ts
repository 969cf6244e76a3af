// Which release a bank runs now, as far as this isolate knows. The bucket is not trusted: only what `verify` accepted
// is ever served, a number never goes back, and what is bad or gone in storage leaves the last good release in use
// until its limits. Source: design, "Caching".

import type { VerifiedRelease } from '../artifact/release.ts';
import { CLOCK_SKEW_S } from '../artifact/verify-release.ts';
import type { Clock } from '../core/clock.ts';
import { WasmpayError, type ErrorCode } from '../core/error.ts';
import { MAX_RELEASE_BYTES } from '../core/limits.ts';
import { currentReleaseKey } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { CacheEvent, CacheEventCode } from './event.ts';
import type { Freshness } from './freshness.ts';
import { createLruMap } from './lru-map.ts';
import { createSingleFlight } from './single-flight.ts';
import type { Timer, WaitUntil } from './timer.ts';

export interface ReleaseCacheOptions {
  readonly store: ObjectStore;
  /** Throws `release_invalid`. Bytes come straight from the bucket. */
  readonly verify: (token: Uint8Array, slug: string) => Promise<VerifiedRelease>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly freshness: Freshness;
  readonly onEvent: (event: CacheEvent) => void;
}

/** `unavailable`: storage failed, or holds nothing that verifies, and no release that may still be used is known. */
export type ReleaseLookup =
  | { readonly kind: 'release'; readonly release: VerifiedRelease }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unavailable' };

export interface ReleaseCache {
  /** The current release of a bank. Never rejects. `slug` must be one: it becomes a storage key. */
  get(slug: string, waitUntil: WaitUntil): Promise<ReleaseLookup>;
  /** Banks remembered: with a release, and without one. For tests and gauges. */
  readonly sizes: { readonly known: number; readonly unknown: number };
}

interface Known {
  readonly release: VerifiedRelease;
  readonly etag: string;
  /** When the read started that last confirmed it. */
  readonly confirmedAtMs: number;
}

/** An empty release cache. */
export function createReleaseCache(options: ReleaseCacheOptions): ReleaseCache {
  const { store, verify, clock, timer, freshness, onEvent } = options;
  const known = createLruMap<Known>(freshness.maxBanks);
  /** When a bank was last seen to have no release. */
  const unknown = createLruMap<number>(freshness.maxUnknownBanks);
  /** When a bank's last read failed; removed by one that did not. */
  const failed = createLruMap<number>(freshness.maxBanks);
  const reads = createSingleFlight<ReleaseLookup>({
    clock,
    timer,
    waitMs: freshness.storeWaitMs,
    lifetimeMs: freshness.readLifetimeMs,
  });

  const report = (code: CacheEventCode, slug: string, error?: ErrorCode): void => {
    const bank = known.get(slug) === undefined ? {} : { bank: slug };
    onEvent({ event: 'cache', code, ...bank, ...(error === undefined ? {} : { error }) });
  };

  /** Reads storage and keeps what it says. Never rejects; `unavailable` is a read that gave nothing to rely on. */
  const read = async (slug: string): Promise<ReleaseLookup> => {
    const startedAtMs = clock();
    const fail = (code: CacheEventCode, cause?: unknown): ReleaseLookup => {
      failed.set(slug, clock());
      report(code, slug, cause === undefined ? undefined : codeOf(cause));
      return { kind: 'unavailable' };
    };
    const confirm = (release: VerifiedRelease, etag: string): ReleaseLookup => {
      const current = known.get(slug);
      if (current !== undefined && release.number < current.release.number)
        return fail('release_rolled_back');
      // A slow read may end after a later one: it must not make the bank's release look older than it is.
      if (current?.release.number !== release.number || current.confirmedAtMs <= startedAtMs) {
        known.set(slug, { release, etag, confirmedAtMs: startedAtMs });
      }
      failed.delete(slug);
      unknown.delete(slug);
      return { kind: 'release', release };
    };

    const last = known.get(slug);
    let result;
    try {
      result = await store.get(currentReleaseKey(slug), {
        maxBytes: MAX_RELEASE_BYTES,
        ...(last === undefined ? {} : { ifNoneMatch: last.etag }),
      });
    } catch (cause) {
      // Too large is the bucket's fault and not an outage, but leaves the gateway in the same place.
      return fail('release_read_failed', cause);
    }
    if (result.kind === 'missing') {
      // Absence proves nothing: whoever can delete an object must not be able to stop a bank that we know.
      if (last !== undefined && isUsable(last.release, clock())) return fail('release_vanished');
      failed.delete(slug);
      unknown.set(slug, startedAtMs);
      return { kind: 'unknown' };
    }
    if (result.kind === 'not-modified') {
      if (last === undefined) return fail('release_read_failed');
      return isUsable(last.release, clock()) ? confirm(last.release, last.etag) : fail('release_expired');
    }
    let release;
    try {
      release = await verify(result.object.bytes, slug);
    } catch (cause) {
      return fail('release_rejected', cause);
    }
    if (!hasStarted(release, clock())) return fail('release_not_yet_valid');
    if (hasEnded(release, clock())) return fail('release_expired');
    return confirm(release, result.object.etag);
  };

  const start = (slug: string, waitUntil: WaitUntil): void => {
    const key = copyOf(slug);
    reads.start(key, () => read(key), waitUntil);
  };

  const serveStale = (slug: string): ReleaseLookup => {
    const last = known.get(slug);
    const nowMs = clock();
    if (last === undefined || !isUsable(last.release, nowMs)) return { kind: 'unavailable' };
    if (ageOf(last.confirmedAtMs, nowMs) > freshness.staleMs) return { kind: 'unavailable' };
    report('release_served_stale', slug);
    return { kind: 'release', release: last.release };
  };

  return {
    async get(slug, waitUntil) {
      const nowMs = clock();
      const last = known.get(slug);
      const ageMs = last === undefined ? undefined : ageOf(last.confirmedAtMs, nowMs);
      const isBackingOff = isWithin(failed.get(slug), nowMs, freshness.retryMs);
      if (last !== undefined && ageMs !== undefined && isUsable(last.release, nowMs)) {
        if (ageMs <= freshness.freshMs) return { kind: 'release', release: last.release };
        if (ageMs <= freshness.refreshMs) {
          if (!isBackingOff) start(slug, waitUntil);
          return { kind: 'release', release: last.release };
        }
      } else if (isWithin(unknown.get(slug), nowMs, freshness.unknownMs)) return { kind: 'unknown' };
      if (isBackingOff) return serveStale(slug);
      const key = copyOf(slug);
      const lookup = await reads
        .run(key, () => read(key), waitUntil)
        .catch((cause: unknown): ReleaseLookup => {
          report('release_read_failed', slug, codeOf(cause));
          return { kind: 'unavailable' };
        });
      return lookup.kind === 'unavailable' ? serveStale(slug) : lookup;
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

function isUsable(release: VerifiedRelease, nowMs: number): boolean {
  return hasStarted(release, nowMs) && !hasEnded(release, nowMs);
}

function hasStarted(release: VerifiedRelease, nowMs: number): boolean {
  return nowMs >= (release.notBeforeS - CLOCK_SKEW_S) * 1000;
}

/** As RFC 7519's `exp`: the end itself is too late. */
function hasEnded(release: VerifiedRelease, nowMs: number): boolean {
  return nowMs >= release.notAfterS * 1000;
}

/**
 * The same characters in memory of their own. V8 may keep a slice as a view of the whole text it was cut from; as a
 * key of ours it would keep a body of 64 KiB alive for each name that somebody tries.
 */
function copyOf(slug: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(slug));
}

function codeOf(cause: unknown): ErrorCode {
  return cause instanceof WasmpayError ? cause.code : 'internal';
}
