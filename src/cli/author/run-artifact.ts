// An artifact in the production sandbox: its trial, as when it is published, and calls. In confined processes, or, for one who
// does it at every save, in a thread that stays.

import { Worker } from 'node:worker_threads';

import { WasmpayError } from '../../core/error.ts';
import { longestHoldMs } from '../../core/guest-limits.ts';
import type { Prepared } from '../../publisher/prepare.ts';
import type { Result } from '../../publisher/refusal.ts';
import { judgeTrial, tryArtifact, type Trial } from '../../publisher/trial.ts';
import { DEFAULT_BOUNDS, startConfined } from '../../publisher/workshop/confined-process.ts';
import type { CaseRun, WireCall } from '../../sandbox/node/case-calls.ts';
import type { ResidentAnswer, ResidentRequest } from '../../sandbox/node/resident-worker.ts';
import { TRIAL_SCRIPT } from '../publish.ts';

/** What an artifact did. */
export interface ArtifactRun {
  readonly trial: Result<Trial>;
  readonly runs: readonly CaseRun[];
  /** What the guest printed, of each call. */
  readonly outputs: readonly Uint8Array[];
}

export type RunArtifact = (prepared: Prepared, calls: readonly WireCall[]) => Promise<ArtifactRun>;

const CASES_SCRIPT = new URL('../../sandbox/node/cases-child.ts', import.meta.url);
const RESIDENT_SCRIPT = new URL('../../sandbox/node/resident-worker.ts', import.meta.url);

/** Longest time for all calls, milliseconds: twice what the worst guest may take for each, and the start of a process. */
function boundMs({ policy }: Prepared, calls: readonly WireCall[]): number {
  return DEFAULT_BOUNDS.timeMs + Math.ceil(2 * calls.length * longestHoldMs(policy.limits));
}

/**
 * Runs one artifact in two confined processes at once, one for the trial and one for the calls. They start now, and load while
 * the artifact is made; disposing it ends those that were not needed.
 */
export function createConfinedRunner(): { readonly run: RunArtifact } & Disposable {
  const trialChild = startConfined(TRIAL_SCRIPT);
  const casesChild = startConfined(CASES_SCRIPT);
  return {
    async run(prepared, calls) {
      const { bundle, policy } = prepared;
      const input = { value: { digest: bundle.digest, policy, calls }, blobs: [bundle.bytes] };
      const bounds = { ...DEFAULT_BOUNDS, timeMs: boundMs(prepared, calls) };
      const [trial, run] = await Promise.all([
        tryArtifact(bundle, policy, trialChild),
        casesChild.run(input, bounds),
      ]);
      if (!run.ok) throw new WasmpayError('internal', `the cases could not be run: ${run.reason}`);
      return { trial, runs: run.message.value as readonly CaseRun[], outputs: run.message.blobs };
    },
    [Symbol.dispose]() {
      trialChild[Symbol.dispose]();
      casesChild[Symbol.dispose]();
    },
  };
}

/** Runs in one thread; disposing it ends the thread. */
export function createResidentRunner(): { readonly run: RunArtifact } & AsyncDisposable {
  let worker: Worker | undefined;
  return {
    async run(prepared, calls) {
      const { bundle, policy } = prepared;
      worker ??= new Worker(RESIDENT_SCRIPT, {
        // Not the author's environment, nor their terminal.
        env: {},
        execArgv: ['--no-warnings'],
        stdout: true,
        stderr: true,
      });
      const { promise, resolve } = Promise.withResolvers<ResidentAnswer | string>();
      const timer = setTimeout(() => resolve('it took too long'), boundMs(prepared, calls));
      const onError = (error: unknown): void =>
        resolve(error instanceof Error ? error.message : String(error));
      const onExit = (): void => resolve('its thread ended');
      worker.on('message', resolve).on('error', onError).on('exit', onExit);
      const request: ResidentRequest = { digest: bundle.digest, bytes: bundle.bytes, policy, calls };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
      worker.postMessage(request);
      const answer = await promise;
      clearTimeout(timer);
      if (typeof answer !== 'string') {
        worker.off('message', resolve).off('error', onError).off('exit', onExit);
        return { trial: judgeTrial(answer.trial), runs: answer.runs, outputs: answer.outputs };
      }
      // Its listeners stay: a worker that is being ended may still report an error.
      await worker.terminate();
      worker = undefined;
      throw new WasmpayError('build_failed', `the cases could not be run: ${answer}`);
    },
    async [Symbol.asyncDispose]() {
      await worker?.terminate();
      worker = undefined;
    },
  };
}
