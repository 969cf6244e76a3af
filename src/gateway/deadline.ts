// How long an answer may take: what a caller may ask for, and how a request keeps to it. Nothing can be interrupted, so
// work that is late is left to end by itself, and what has not been started by then is not started.

import type { Clock } from '../core/clock.ts';
import type { Timer } from './timer.ts';

/** The header by which a caller says how long it waits, milliseconds. */
export const DEADLINE_HEADER = 'wasmpay-deadline-ms';

/** Shortest deadline, milliseconds: a storage that is near answers within it, so that a cold bank can be decided. */
export const LEAST_DEADLINE_MS = 50;

/** Deadlines of a gateway, milliseconds. */
export interface DeadlineRules {
  /** Where a caller names none. */
  readonly defaultMs: number;
  /** The longest that a caller may name. */
  readonly longestMs: number;
}

/** Processors give up after 2 s (Stripe, Adyen); the network takes its part of them. */
export const DEFAULT_DEADLINES: DeadlineRules = { defaultMs: 1_500, longestMs: 1_500 };

/** The deadline of one request. At its very end it is over. */
export interface Deadline {
  /** Milliseconds from its start to its end. */
  readonly totalMs: number;
  /** Never below 0. A clock that was set back does not make it longer than it was. */
  leftMs(): number;
  isOver(): boolean;
}

/** The deadline that a header asks for; undefined where it is no whole number within the rules. */
export function parseDeadline(header: string | null, rules: DeadlineRules): number | undefined {
  if (header === null) return rules.defaultMs;
  const totalMs = /^[1-9]\d{0,5}$/.test(header) ? Number(header) : 0;
  return totalMs >= LEAST_DEADLINE_MS && totalMs <= rules.longestMs ? totalMs : undefined;
}

/** A deadline that starts now. */
export function startDeadline(totalMs: number, clock: Clock): Deadline {
  const dueAtMs = clock() + totalMs;
  return {
    totalMs,
    leftMs: () => Math.min(Math.max(dueAtMs - clock(), 0), totalMs),
    isOver: () => clock() >= dueAtMs,
  };
}

/**
 * What `work` gives, or what `giveUp` does once `waitMs` have passed: then `work` goes on, and what comes of it is lost.
 * Rejects as `work` does within its time, and as `giveUp`.
 */
export function awaitAtMost<T>(work: Promise<T>, waitMs: number, timer: Timer, giveUp: () => T): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = timer(waitMs, () => {
      try {
        resolve(giveUp());
      } catch (error) {
        reject(error);
      }
    });
    work.then(resolve, reject).finally(cancel);
  });
}
