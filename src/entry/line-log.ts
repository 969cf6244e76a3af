// Log lines: those of one turn of the event loop go out in one write, since each write is a system call, dearer than the
// decision that it tells of.

/** Most characters that wait for the turn's end. */
const MAX_WAITING = 64 * 1024;

export interface LineLog {
  /** Takes one line, without its end. */
  write(line: string): void;
  /** Writes what waits. To be called before the process ends. */
  flush(): void;
}

/**
 * A log whose lines go to `output` in the order in which they came, at the latest when the turn ends: joined by line
 * feeds, without one at the end. `output` must not throw.
 */
export function createLineLog(output: (lines: string) => void): LineLog {
  let waiting = '';
  const flush = (): void => {
    if (waiting === '') return;
    const lines = waiting;
    waiting = '';
    output(lines);
  };
  return {
    write(line) {
      if (waiting === '') setImmediate(flush);
      waiting += waiting === '' ? line : `\n${line}`;
      if (waiting.length >= MAX_WAITING) flush();
    },
    flush,
  };
}
