// Load in short rounds, so that one lost connection or wrong answer costs its round and is told, and not the whole run.

import { load, type LoadResult, type Target } from './load.ts';

const ROUND_MS = 1_000;
/** A round that takes longer has lost an answer, milliseconds. */
const LONGEST_ROUND_MS = 10_000;
/** Bodies that a round may take: no gateway answers more in a second. */
const ROUND_BODIES = 20_000;

export interface RoundsResult extends LoadResult {
  /** What ended rounds early, in the order of time; their requests are not in the figures. Empty where all was well. */
  readonly faults: readonly string[];
}

/** As {@link load}, in rounds of a second that go on in `target.bodies` where the last one ended. */
export async function loadInRounds(
  target: Target,
  connections: number,
  durationMs: number,
): Promise<RoundsResult> {
  const latencies: number[] = [];
  const faults: string[] = [];
  let measuredMs = 0;
  let turn = 0;
  const endsAt = performance.now() + durationMs;
  while (performance.now() < endsAt) {
    const bodies = [...target.bodies.slice(turn), ...target.bodies.slice(0, turn)].slice(0, ROUND_BODIES);
    const startedAt = performance.now();
    try {
      const round = await Promise.race([
        load({ ...target, bodies }, connections, ROUND_MS),
        failAfter(LONGEST_ROUND_MS),
      ]);
      latencies.push(...round.latencies);
      measuredMs += performance.now() - startedAt;
      turn = (turn + round.requests) % target.bodies.length;
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
      // The other connections end with their round.
      const leftMs = startedAt + 2 * ROUND_MS - performance.now();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, leftMs)));
    }
  }
  const requests = latencies.length;
  return { requests, perSecond: (requests / measuredMs) * 1000, latencies, faults };
}

async function failAfter(ms: number): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
  throw new Error(`a round had not ended after ${ms} ms`);
}
