// Letting others have the thread. What runs guests in its own process must do so between the calls of one request, and
// each call that waits for it gets a turn of the event loop of its own: those of all requests come one after the other.

/** Comes back once others have had the thread. */
export type Breathe = () => Promise<void>;

/** `nextTurn` calls what it is given in a later turn of the event loop: `setImmediate`. */
export function createBreath(nextTurn: (go: () => void) => unknown): Breathe {
  const waiting: (() => void)[] = [];
  const release = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) nextTurn(release);
  };
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 1) nextTurn(release);
    });
}
