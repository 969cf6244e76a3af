// Compilers that are there before they are needed, for an author who builds at every save: their modules are loaded, and what
// V8 makes of them is made. Each run has a process of its own as ever; only its start lies before the save.

import { finishNode, startNode, type Compilers, type NodeProcess } from './toolchain.ts';

/** Compilers that get ready between builds. Disposing them ends those that wait. */
export interface ReadyCompilers extends Compilers, Disposable {
  /** Starts a process for each script that was run so far, and each of `scripts`, that has none waiting. */
  getReady(scripts?: readonly string[]): void;
}

/** What tells a script to warm up before it reads its request. */
export const READY_ARGUMENT = '--ready';

export function createReadyCompilers(): ReadyCompilers {
  const used = new Set<string>();
  const waiting = new Map<string, NodeProcess>();
  return {
    async run(script, request, timeoutMs) {
      used.add(script);
      const ready = waiting.get(script);
      waiting.delete(script);
      // One that ended while it waited is of no use.
      const child = ready?.exitCode === null && ready.signalCode === null ? ready : startNode(script, []);
      return finishNode(child, script, { input: request, ...(timeoutMs !== undefined && { timeoutMs }) });
    },
    getReady(scripts = []) {
      for (const script of new Set([...used, ...scripts])) {
        if (waiting.has(script)) continue;
        const child = startNode(script, [READY_ARGUMENT]);
        // What fails now fails again when it is run, and is told then.
        child.on('error', () => waiting.delete(script));
        waiting.set(script, child);
      }
    },
    [Symbol.dispose]() {
      for (const child of waiting.values()) child.kill('SIGKILL');
      waiting.clear();
    },
  };
}
