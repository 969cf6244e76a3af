// Kept answers on Node, as the gateway sees them: steps go to the thread that has the file, and come back. A thread that
// ended is started anew; what it had not answered then rejects.

import { Worker } from 'node:worker_threads';

import { WasmpayError } from '../core/error.ts';
import type { IdempotencyStore } from '../gateway/idempotency.ts';
import type { KeptStep, StepResult } from './kept-answers-table.ts';
import type { ThreadOptions, ThreadReply, ThreadRequest } from './kept-answers-thread.ts';

export interface KeptAnswersOptions extends ThreadOptions {
  /** What the thread runs: it calls `serveKeptAnswers`. */
  readonly script: URL;
  /** Takes what went wrong, for people: at most once in {@link REPORT_EVERY_MS}. */
  readonly onFault: (message: string) => void;
}

export interface KeptAnswersFile extends IdempotencyStore {
  /** Ends the thread. */
  close(): Promise<void>;
}

/** Most steps that wait for the thread: a disk that hangs must not fill the memory. */
export const MAX_WAITING_STEPS = 10_000;

/** A thread that ended is started anew at most this often, milliseconds. */
const RESTART_EVERY_MS = 1_000;

const REPORT_EVERY_MS = 10_000;

interface Waiting {
  resolve(result: StepResult): void;
  reject(error: unknown): void;
}

/** Opens the file in a thread. Rejects with `config_invalid` where that cannot be. */
export async function openKeptAnswers(options: KeptAnswersOptions): Promise<KeptAnswersFile> {
  const { script, file, maxBytes, onFault } = options;
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let startedAtMs = -Infinity;
  let reportedAtMs = -Infinity;
  let thread: Worker | undefined;

  const report = (message: string): void => {
    if (performance.now() - reportedAtMs < REPORT_EVERY_MS) return;
    reportedAtMs = performance.now();
    onFault(message);
  };

  /** Starts a thread; gives what it says first. */
  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      startedAtMs = performance.now();
      const workerData: ThreadOptions = { file, maxBytes };
      // It needs no secret of the environment.
      const started = new Worker(script, { workerData, env: {} });
      thread = started;
      started.unref();
      started.on('message', (reply: ThreadReply) => {
        if (reply.kind === 'ready') resolve();
        else if (reply.kind === 'refused') reject(new WasmpayError('config_invalid', reply.message));
        else settle(reply);
      });
      started.on('error', (error) => report(`its thread failed: ${String(error)}`));
      started.on('exit', () => {
        if (thread !== started) return;
        thread = undefined;
        reject(new WasmpayError('store_unavailable', 'the thread ended'));
        for (const [id, each] of waiting) {
          waiting.delete(id);
          each.reject(new WasmpayError('store_unavailable', 'the thread ended'));
        }
      });
    });

  const settle = (reply: Extract<ThreadReply, { id: number }>): void => {
    const found = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.kind === 'done') found?.resolve(reply.result);
    else {
      report(reply.message);
      found?.reject(new WasmpayError('store_unavailable', reply.message));
    }
  };

  const run = (step: KeptStep): Promise<StepResult> => {
    if (thread === undefined && performance.now() - startedAtMs >= RESTART_EVERY_MS)
      start().catch((error: unknown) => report(String(error)));
    const running = thread;
    if (running === undefined || waiting.size >= MAX_WAITING_STEPS)
      return Promise.reject(new WasmpayError('store_unavailable', 'kept answers are out of reach'));
    return new Promise<StepResult>((resolve, reject) => {
      const request: ThreadRequest = { id: (lastId += 1), step };
      waiting.set(request.id, { resolve, reject });
      running.postMessage(request, []);
    });
  };

  await start();
  return {
    claim: (name, request) => run({ kind: 'claim', name, request }) as ReturnType<IdempotencyStore['claim']>,
    keep: (name, request) => run({ kind: 'keep', name, request }) as ReturnType<IdempotencyStore['keep']>,
    async release(name, claim) {
      await run({ kind: 'release', name, claim });
    },
    async close() {
      startedAtMs = Infinity;
      await thread?.terminate();
    },
  };
}
