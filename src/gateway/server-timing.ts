// The `server-timing` header: where a request's time went. Durations alone, and of our own stages alone; it goes to
// callers that have proven who they are, since how long a refusal took could tell others what was wrong.

/** Milliseconds of a steady clock, with fractions where the runtime gives them. workerd's stands still while code runs. */
export type Stopwatch = () => number;

/** Milliseconds that the stages of a request took. A stage that did not run, or did not end, is absent. */
export interface Timing {
  readonly startedAtMs: number;
  auth?: number;
  release?: number;
  artifact?: number;
  sandbox?: number;
}

const STAGES = ['auth', 'release', 'artifact', 'sandbox'] as const;

/** The header's value, with the total up to `nowMs`: `auth;dur=0.1, release;dur=0, total;dur=1.4`. */
export function formatServerTiming(timing: Timing, nowMs: number): string {
  let text = '';
  for (const stage of STAGES) {
    const durationMs = timing[stage];
    if (durationMs !== undefined) text += `${stage};dur=${roundMs(durationMs)}, `;
  }
  return `${text}total;dur=${roundMs(nowMs - timing.startedAtMs)}`;
}

/** To one decimal: finer would tell how long a comparison took. Several times faster than `toFixed`. */
function roundMs(durationMs: number): number {
  return Math.max(0, Math.round(durationMs * 10) / 10);
}
