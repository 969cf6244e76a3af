// The thread that kept answers are written in on Node: a disk that is slow, or a file that another process has locked,
// holds up nothing but what needs it. Steps that have come together are written together, in one transaction.

import { parentPort, workerData } from 'node:worker_threads';

import { WasmpayError } from '../core/error.ts';
import {
  openKeptAnswersTable,
  type KeptAnswersTable,
  type KeptStep,
  type StepResult,
} from './kept-answers-table.ts';

export interface ThreadOptions {
  readonly file: string;
  readonly maxBytes: number;
}

/** What the thread is sent. */
export interface ThreadRequest {
  readonly id: number;
  readonly step: KeptStep;
}

/** What it says: first whether it could open the file, then the end of each step. Errors are SQLite's own words. */
export type ThreadReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'done'; readonly id: number; readonly result: StepResult }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };

/** How often what has ended is removed where nobody asks for anything, milliseconds; and how much at once. */
const SWEEP_EVERY_MS = 60_000;
const SWEEP_MOST = 1_000;

/** Entries that are removed for each step: what ends is removed faster than what is new can come. */
const SWEEP_PER_STEP = 2;

/** Serves the thread that this runs in, until the process ends. */
export async function serveKeptAnswers(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new WasmpayError('internal', 'this is no thread');
  const say = (reply: ThreadReply): void => port.postMessage(reply);
  const { file, maxBytes } = workerData as ThreadOptions;
  let table: KeptAnswersTable;
  try {
    table = await openKeptAnswersTable(file, maxBytes);
  } catch (error) {
    say({ kind: 'refused', message: messageOf(error) });
    port.close();
    return;
  }

  let waiting: ThreadRequest[] = [];
  /** Whether it went well. */
  const write = (requests: readonly ThreadRequest[]): boolean => {
    try {
      const results = table.apply(
        requests.map(({ step }) => step),
        Date.now(),
      );
      for (const [index, { id }] of requests.entries()) say({ kind: 'done', id, result: results[index] });
      return true;
    } catch (error) {
      // Where there is no room any more, what was kept can still be read. Any other fault is everybody's: a file that
      // is locked would be waited for again and again.
      if (requests.length > 1 && isFull(error)) for (const request of requests) write([request]);
      else for (const { id } of requests) say({ kind: 'failed', id, message: messageOf(error) });
      return false;
    }
  };
  const flush = (): void => {
    const requests = waiting;
    waiting = [];
    if (write(requests)) sweep(requests.length * SWEEP_PER_STEP);
  };
  const sweep = (most: number): boolean => {
    try {
      return table.sweep(most, Date.now()) === most;
    } catch {
      // Whoever needs the room is told.
      return false;
    }
  };
  const sweepAll = (): void => {
    if (sweep(SWEEP_MOST)) setImmediate(sweepAll);
  };
  port.on('message', (request: ThreadRequest) => {
    if (waiting.length === 0) setImmediate(flush);
    waiting.push(request);
  });
  setInterval(sweepAll, SWEEP_EVERY_MS);
  say({ kind: 'ready' });
  sweepAll();
}

/** SQLITE_FULL, of the file's bound or of the disk. */
const FULL = 13;

function isFull(error: unknown): boolean {
  return (Number((error as { errcode?: unknown } | undefined)?.errcode) & 0xff) === FULL;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}
