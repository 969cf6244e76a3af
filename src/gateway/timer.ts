// Waiting, as an argument: tests hand in a timer that they move by hand.

/** Calls `fire` once after `delayMs` and gives what cancels it. */
export type Timer = (delayMs: number, fire: () => void) => () => void;

/** The runtime's own timer. */
export const runtimeTimer: Timer = (delayMs, fire) => {
  const id = setTimeout(fire, delayMs);
  return () => clearTimeout(id);
};

/** Keeps a request's context alive until `work` ended, as Workers' `waitUntil`; on Node there is nothing to keep. */
export type WaitUntil = (work: Promise<unknown>) => void;
