// wasm-tools and jco in one thread that stays, for an author who makes one component after the other on a machine of their
// own: V8 has compiled both after the first. Nothing but what the author wrote meets anything of an earlier run; publishers,
// who are sent components by others, take the confined tools.

import { Worker } from 'node:worker_threads';

import { DEFAULT_BOUNDS } from './confined-process.ts';
import type { GenerateOutcome, Tools, WitOutcome } from './tools.ts';

/** What the thread is asked. */
export type ResidentRequest =
  | { readonly tool: 'wit'; readonly component: Uint8Array }
  | {
      readonly tool: 'generate';
      readonly component: Uint8Array;
      readonly options: Readonly<Record<string, unknown>>;
    };

/** What it answers. `isSpent`: a tool trapped, and its instance is not used again. */
export type ResidentAnswer = {
  readonly isSpent: boolean;
  readonly outcome: WitOutcome | GenerateOutcome;
};

/** Disposing the tools ends the thread. */
export function createResidentTools(): Tools & AsyncDisposable {
  let idle: Worker | undefined;

  const ask = async (request: ResidentRequest): Promise<WitOutcome | GenerateOutcome | string> => {
    // Two at once have a thread each; the one that is done last is kept.
    const worker = idle ?? startWorker();
    idle = undefined;
    const { promise, resolve } = Promise.withResolvers<ResidentAnswer | string>();
    const onError = (): void => resolve('it failed');
    const onExit = (): void => resolve('it ended without an answer');
    const timer = setTimeout(() => resolve('it took too long'), DEFAULT_BOUNDS.timeMs);
    worker.on('message', resolve).on('error', onError).on('exit', onExit);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    worker.postMessage(request);
    const answer = await promise;
    clearTimeout(timer);
    if (typeof answer === 'string' || answer.isSpent || idle !== undefined) {
      // Its listeners stay: a worker that is being ended may still report an error.
      await worker.terminate();
    } else {
      worker.off('message', resolve).off('error', onError).off('exit', onExit);
      idle = worker;
    }
    return typeof answer === 'string' ? answer : answer.outcome;
  };

  return {
    async printWit(component) {
      const outcome = await ask({ tool: 'wit', component });
      return typeof outcome === 'string' ? { kind: 'failed', reason: outcome } : (outcome as WitOutcome);
    },
    async generate(component, options) {
      const outcome = await ask({ tool: 'generate', component, options });
      return typeof outcome === 'string' ? { ok: false, reason: outcome } : (outcome as GenerateOutcome);
    },
    async [Symbol.asyncDispose]() {
      await idle?.terminate();
      idle = undefined;
    },
  };
}

function startWorker(): Worker {
  return new Worker(new URL('resident-worker.ts', import.meta.url), {
    // Not the caller's environment nor its terminal: a panic prints guest text. Nobody reads the two streams.
    env: {},
    execArgv: ['--no-warnings'],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
}
