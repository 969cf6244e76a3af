// Waits for a validator's folder to change: saves come in bursts, and what a build writes is no change.

import { watch } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** How long after the last event of a burst a folder counts as changed, milliseconds: editors write, rename and touch. */
const SETTLE_MS = 30;

export interface Watching extends Disposable {
  /** Resolves at the next change after the last one that was waited for; at once where it has been. */
  next(): Promise<void>;
}

/** Watches `directory` with all below; not what begins with a dot, and not `ignored`, a folder or file. */
export function watchFolder(directory: string, ignored: readonly string[]): Watching {
  let hasChanged = false;
  let wake: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const settle = (): void => {
    hasChanged = true;
    wake?.();
  };
  const watcher = watch(directory, { recursive: true }, (_, name) => {
    if (name !== null && isIgnored(directory, name, ignored)) return;
    clearTimeout(timer);
    timer = setTimeout(settle, SETTLE_MS);
  });
  return {
    async next() {
      if (!hasChanged) await new Promise<void>((resolve) => (wake = resolve));
      wake = undefined;
      hasChanged = false;
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

function isIgnored(directory: string, name: string, ignored: readonly string[]): boolean {
  if (name.split(/[\\/]/).some((part) => part.startsWith('.'))) return true;
  const file = join(directory, name);
  return ignored.some((path) => {
    const below = relative(path, file);
    return below === '' || (below !== '..' && !below.startsWith(`..${sep}`));
  });
}
