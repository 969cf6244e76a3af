// One piece of work a key, however many ask. A caller waits for a bounded time; the work goes on without it and still
// does its good. In workerd the promise of one request may be awaited by another, but dies with its request unless
// `waitUntil` holds it: so every flight is handed to it, and one that outlived its lifetime counts as lost.

import type { Clock } from '../core/clock.ts';
import { WasmpayError } from '../core/error.ts';
import type { Timer, WaitUntil } from './timer.ts';

export interface SingleFlightOptions {
  readonly clock: Clock;
  readonly timer: Timer;
  /** From the start of the work: who comes later waits for less. */
  readonly waitMs: number;
  /** After this long without an end, the next caller starts the work anew. */
  readonly lifetimeMs: number;
}

export interface SingleFlight<V> {
  /**
   * Joins the work for `key`, or starts it. Rejects as the work does, or with `store_unavailable` when the wait is
   * over first; after `mostMs` at the latest, where the caller has less time than that.
   */
  run(key: string, work: () => Promise<V>, waitUntil: WaitUntil, mostMs?: number): Promise<V>;
  /** Starts the work unless it is under way; nobody waits for it, and its failure is the work's own to report. */
  start(key: string, work: () => Promise<V>, waitUntil: WaitUntil): void;
  /** Keys whose work is under way. */
  readonly size: number;
}

interface Flight<V> {
  readonly result: Promise<V>;
  readonly startedAtMs: number;
}

/** A single flight without any work yet. */
export function createSingleFlight<V>(options: SingleFlightOptions): SingleFlight<V> {
  const { clock, timer, waitMs, lifetimeMs } = options;
  const flights = new Map<string, Flight<V>>();

  const board = (key: string, work: () => Promise<V>, waitUntil: WaitUntil): Flight<V> => {
    const nowMs = clock();
    const current = flights.get(key);
    // A flight from the future means that the clock was set back: its age says nothing.
    if (current !== undefined && nowMs >= current.startedAtMs && nowMs - current.startedAtMs < lifetimeMs) {
      return current;
    }
    const flight: Flight<V> = { result: work(), startedAtMs: nowMs };
    flights.set(key, flight);
    const land = (): void => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    waitUntil(flight.result.then(land, land));
    return flight;
  };

  return {
    run(key, work, waitUntil, mostMs = Infinity) {
      const flight = board(key, work, waitUntil);
      const leftMs = Math.min(flight.startedAtMs + waitMs - clock(), mostMs);
      return new Promise<V>((resolve, reject) => {
        const cancel = timer(Math.max(leftMs, 0), () =>
          reject(new WasmpayError('store_unavailable', 'no answer within the wait')),
        );
        flight.result.then(resolve, reject).finally(cancel);
      });
    },
    start(key, work, waitUntil) {
      board(key, work, waitUntil);
    },
    get size() {
      return flights.size;
    },
  };
}
