// Whether traffic may be sent here. A gateway is alive once it answers; it is ready once its store answered, once: an
// outage later is no reason to take every instance out of the balancer, for decisions go on from what they hold.

import { currentReleaseKey } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { SingleFlight } from './single-flight.ts';
import type { WaitUntil } from './timer.ts';

export interface Readiness {
  /** Whether traffic may come. Asks the store until it has answered. Never rejects. */
  isReady(waitUntil: WaitUntil): Promise<boolean>;
}

/** No bank is called so: any answer will do, and "missing" is the usual one. */
const PROBE_KEY = currentReleaseKey('readiness-probe');

/**
 * `isDraining` says whether this gateway is about to end. `probes` bounds how long a question waits and how many are
 * asked at once.
 */
export function createReadiness(
  store: ObjectStore,
  probes: SingleFlight<void>,
  isDraining: () => boolean,
): Readiness {
  let hasAnswered = false;
  const probe = async (): Promise<void> => {
    await store.get(PROBE_KEY, { maxBytes: 1 });
    hasAnswered = true;
  };
  return {
    async isReady(waitUntil) {
      if (isDraining()) return false;
      if (!hasAnswered) await probes.run('probe', probe, waitUntil).catch(() => {});
      return hasAnswered;
    },
  };
}
