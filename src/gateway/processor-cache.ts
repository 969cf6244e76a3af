// Which record a processor has now, as far as this isolate knows. The windows and the distrust are record-cache's. Other
// than banks, processors are named by whoever connects: anybody can write a well-formed key of a processor that is none.
// So reads for names that no record is known of are rationed; who is known is never affected by it.

import type { VerifiedProcessor } from '../artifact/processor.ts';
import type { Clock } from '../core/clock.ts';
import { WasmpayError } from '../core/error.ts';
import { MAX_PROCESSOR_BYTES } from '../core/limits.ts';
import { currentProcessorKey } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { CacheEvent } from './event.ts';
import type { Freshness } from './freshness.ts';
import { createTokenBuckets, STANDARD_TIER, type RateTier } from './rate-limit.ts';
import { createRecordCache, type RecordCache } from './record-cache.ts';
import type { Timer } from './timer.ts';

export interface ProcessorCacheOptions {
  readonly store: ObjectStore;
  /** Throws `processor_invalid`. Bytes come straight from the bucket. */
  readonly verify: (token: Uint8Array, processor: string) => Promise<VerifiedProcessor>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly freshness: Freshness;
  readonly onEvent: (event: CacheEvent) => void;
}

/**
 * Reads of storage for names without a known record. A gateway that starts reads each of its processors once, and there
 * are hundreds of them rather than thousands; a flood of invented names costs a store no more than this.
 */
export const UNKNOWN_READS: RateTier = { requests: 200, perS: 4 };

/** An empty cache of processors' records. */
export function createProcessorCache(options: ProcessorCacheOptions): RecordCache<VerifiedProcessor> {
  const { store, onEvent, ...rest } = options;
  const ration = createTokenBuckets(new Map([[STANDARD_TIER, UNKNOWN_READS]]), options.clock, 1);
  return createRecordCache<VerifiedProcessor>({
    ...rest,
    store: {
      async get(key, condition) {
        // A read with a condition is of a name that is known.
        if (condition?.ifNoneMatch === undefined && !(await ration.take(STANDARD_TIER, '')).allowed)
          throw new WasmpayError('store_unavailable', 'too many unknown processors are asked for');
        return store.get(key, condition);
      },
    },
    keyOf: currentProcessorKey,
    maxBytes: MAX_PROCESSOR_BYTES,
    onFault: (fault, processor, error) =>
      onEvent({
        event: 'cache',
        code: `processor_${fault}`,
        ...(processor !== undefined && { processor }),
        ...(error !== undefined && { error }),
      }),
  });
}
