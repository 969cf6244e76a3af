// The WIT of a component as wasm-tools prints it, and with it wasm-tools' word on whether the component is valid.
// wasm-tools runs on the guest's bytes: it can panic, after which its instance answers no one, loop, or print the
// guest's text to stderr. So it runs in a worker of its own, with a time bound, and a worker that failed is not
// used again.

import { Worker } from 'node:worker_threads';

/** Longest time that wasm-tools may take, milliseconds. 12 MB take under a second; a loop must end some time. */
export const WIT_DEADLINE_MS = 20_000;

/** What wasm-tools says: the WIT, or why there is none, its own words, unchecked. */
export type WitOutcome =
  | { readonly kind: 'wit'; readonly wit: string }
  /** The component is not valid. */
  | { readonly kind: 'invalid'; readonly reason: string }
  /** wasm-tools panicked, ended or took too long. */
  | { readonly kind: 'failed'; readonly reason: string };

let idle: Worker | undefined;

/** Asks wasm-tools for the WIT of a component. Never rejects for what the bytes are. */
export async function printWit(bytes: Uint8Array, deadlineMs = WIT_DEADLINE_MS): Promise<WitOutcome> {
  const worker = idle ?? startWorker();
  idle = undefined;
  worker.ref();
  const { promise, resolve } = Promise.withResolvers<WitOutcome>();
  const onError = (error: unknown): void => resolve({ kind: 'failed', reason: String(error) });
  const onExit = (): void => resolve({ kind: 'failed', reason: 'it ended' });
  const timer = setTimeout(() => resolve({ kind: 'failed', reason: 'it took too long' }), deadlineMs);
  worker.on('message', resolve).on('error', onError).on('exit', onExit);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
  worker.postMessage(bytes);
  const outcome = await promise;
  clearTimeout(timer);
  if (outcome.kind === 'failed' || idle !== undefined) {
    // Its listeners stay: a worker that is being ended may still report an error.
    await worker.terminate();
  } else {
    worker.off('message', resolve).off('error', onError).off('exit', onExit);
    worker.unref();
    idle = worker;
  }
  return outcome;
}

function startWorker(): Worker {
  return new Worker(new URL('component-wit-worker.ts', import.meta.url), {
    // Not the host's environment, not its loaders, and not its terminal: a panic prints guest text. Nobody reads
    // the two streams, for reading keeps the process alive; a panic's few lines wait there until the worker ends.
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
}
