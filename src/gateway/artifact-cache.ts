// Artifacts that this isolate holds. They are immutable and named by their digest, so what is here is right for ever;
// only room is short. Nothing is kept or used before `readArtifact` found its digest to be the one asked for.

import type { Artifact } from '../artifact/artifact.ts';
import { hexOf, type Digest } from '../artifact/digest.ts';
import type { Clock } from '../core/clock.ts';
import { WasmpayError, type ErrorCode } from '../core/error.ts';
import { MAX_ARTIFACT_BYTES } from '../core/limits.ts';
import { artifactKey } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { CacheEvent, CacheEventCode } from './event.ts';
import type { Freshness } from './freshness.ts';
import { createLruMap } from './lru-map.ts';
import { createSingleFlight } from './single-flight.ts';
import type { Timer, WaitUntil } from './timer.ts';

export interface ArtifactCacheOptions {
  readonly store: ObjectStore;
  /** Checks the digest before it believes a byte; throws `artifact_invalid` or `manifest_invalid`. */
  readonly readArtifact: (bytes: Uint8Array<ArrayBuffer>, digest: Digest) => Promise<Artifact>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly freshness: Freshness;
  readonly onEvent: (event: CacheEvent) => void;
  readonly mirror?: ArtifactMirror;
}

/**
 * A second level that instances share: the data centre's cache. Its bytes are believed no more than the store's, and only
 * what was found to be right is put there. May reject: that counts as nothing there.
 */
export interface ArtifactMirror {
  get(digest: Digest): Promise<Uint8Array<ArrayBuffer> | undefined>;
  put(digest: Digest, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

export interface ArtifactCache {
  /**
   * The artifact, or undefined where it cannot be had now: storage failed or took too long, it is missing, or its
   * bytes are not what the digest names. Never rejects.
   */
  get(digest: Digest, waitUntil: WaitUntil): Promise<Artifact | undefined>;
  /**
   * Whether the last attempt to load it failed for storage alone, which gave no answer. False where storage answered,
   * with nothing or with other bytes: that is in the hands of whoever can write to the bucket.
   */
  isOutage(digest: Digest): boolean;
  /** Bytes kept. For tests and gauges. */
  readonly sizeBytes: number;
}

/** Failures remembered, at most. Digests come from signed releases alone, so this many means many broken banks. */
const MAX_FAILURES = 1_000;

/** How long the mirror is waited for, milliseconds: it is in the same building, and the store comes after it. */
const MIRROR_WAIT_MS = 100;

/** An empty artifact cache. One artifact larger than the budget is used and not kept. */
export function createArtifactCache(options: ArtifactCacheOptions): ArtifactCache {
  const { store, readArtifact, clock, timer, freshness, onEvent, mirror } = options;
  const kept = createLruMap<Artifact>(freshness.artifactBudgetBytes, (artifact) => artifact.sizeBytes);
  /** When a digest could last not be loaded. */
  const failed = createLruMap<number>(MAX_FAILURES);
  /** Digests whose last attempt got no answer from storage. */
  const outages = createLruMap<true>(MAX_FAILURES);
  const noteOutage = (digest: Digest, error: ErrorCode | undefined): void => {
    if (error === 'store_unavailable') outages.set(digest, true);
    else outages.delete(digest);
  };
  const loads = createSingleFlight<Artifact | undefined>({
    clock,
    timer,
    waitMs: freshness.storeWaitMs,
    lifetimeMs: freshness.readLifetimeMs,
  });

  const report = (code: CacheEventCode, artifact: Digest, error?: ErrorCode): void => {
    onEvent({ event: 'cache', code, artifact, ...(error === undefined ? {} : { error }) });
  };

  const keep = (digest: Digest, artifact: Artifact): Artifact => {
    kept.set(digest, artifact);
    failed.delete(digest);
    outages.delete(digest);
    return artifact;
  };

  const loadFromMirror = async (digest: Digest): Promise<Artifact | undefined> => {
    if (mirror === undefined) return undefined;
    let cancel = (): void => {};
    const late = new Promise<undefined>((resolve) => {
      cancel = timer(MIRROR_WAIT_MS, () => resolve(undefined));
    });
    try {
      const bytes = await Promise.race([mirror.get(digest), late]);
      return bytes === undefined ? undefined : keep(digest, await readArtifact(bytes, digest));
    } catch {
      return undefined;
    } finally {
      cancel();
    }
  };

  const load = async (digest: Digest, waitUntil: WaitUntil): Promise<Artifact | undefined> => {
    const fail = (code: CacheEventCode, error?: ErrorCode): undefined => {
      failed.set(digest, clock());
      noteOutage(digest, code === 'artifact_read_failed' ? error : undefined);
      report(code, digest, error);
    };
    const mirrored = await loadFromMirror(digest);
    if (mirrored !== undefined) return mirrored;
    let result;
    try {
      result = await store.get(artifactKey(hexOf(digest)), { maxBytes: MAX_ARTIFACT_BYTES });
    } catch (cause) {
      return fail('artifact_read_failed', codeOf(cause));
    }
    if (result.kind !== 'found') return fail('artifact_missing');
    const { bytes } = result.object;
    try {
      const artifact = keep(digest, await readArtifact(bytes, digest));
      if (mirror !== undefined) waitUntil(mirror.put(digest, bytes).catch(() => {}));
      return artifact;
    } catch (cause) {
      return fail('artifact_rejected', codeOf(cause));
    }
  };

  return {
    async get(digest, waitUntil) {
      const artifact = kept.get(digest);
      if (artifact !== undefined) return artifact;
      const failedAtMs = failed.get(digest);
      const sinceMs = failedAtMs === undefined ? undefined : clock() - failedAtMs;
      if (sinceMs !== undefined && sinceMs >= 0 && sinceMs <= freshness.retryMs) return undefined;
      try {
        return await loads.run(digest, () => load(digest, waitUntil), waitUntil);
      } catch (cause) {
        noteOutage(digest, codeOf(cause));
        report('artifact_read_failed', digest, codeOf(cause));
        return undefined;
      }
    },
    isOutage: (digest) => outages.get(digest) === true,
    get sizeBytes() {
      return kept.cost;
    },
  };
}

function codeOf(cause: unknown): ErrorCode {
  return cause instanceof WasmpayError ? cause.code : 'internal';
}
