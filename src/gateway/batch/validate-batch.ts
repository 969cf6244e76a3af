// The handler of the route that decides about many transactions at once. It reads all of them, counts all of them, and
// answers with one line for each while they are being decided.

import { MAX_BATCH_BYTES } from '../../core/limits.ts';
import type { Clock } from '../../core/clock.ts';
import { WasmpayError, type ErrorCode } from '../../core/error.ts';
import type { FailureCode } from '../../core/failure.ts';
import type { BankAsker } from '../ask-bank.ts';
import type { Breathe } from '../breathe.ts';
import type { Chain } from '../chain.ts';
import { problemOf } from '../decide.ts';
import { keepAlive, refuse, type GatewayContext } from '../context.ts';
import type { BatchEvent } from '../event.ts';
import { RESPONSE_HEADERS, type Problem, type ProblemCode } from '../problem.ts';
import type { BodyRules } from '../read-body.ts';
import { describeRefusal, refuseLate, type Inquiry, type Reception, type Refused } from '../reception.ts';
import type { Timer } from '../timer.ts';
import { formatLine } from './batch-lines.ts';
import { readBatch, type BatchItem } from './read-batch.ts';
import { startBatch, type ItemResult } from './run-batch.ts';

/** What a batch's body may be. */
const BATCH: BodyRules = {
  maxBytes: MAX_BATCH_BYTES,
  mediaTypes: ['application/json', 'application/x-ndjson'],
};

const HEADERS = { ...RESPONSE_HEADERS, 'content-type': 'application/x-ndjson' };

export interface ValidateBatchOptions {
  readonly reception: Reception;
  readonly asker: BankAsker;
  readonly chain: Chain | undefined;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly breathe: Breathe;
  readonly onEvent: (event: BatchEvent) => void;
}

interface Admitted {
  readonly kind: 'admitted';
  readonly items: readonly BatchItem[];
}

/** Answers a request for a batch. Rejects on a bug only. */
export function createValidateBatch(options: ValidateBatchOptions): (c: GatewayContext) => Promise<Response> {
  const { reception, chain, breathe } = options;

  const admit = async (c: GatewayContext, inquiry: Inquiry): Promise<Admitted | Refused> => {
    const received = await reception.receive(c, inquiry, undefined, BATCH);
    if (received.kind === 'problem') return received;
    // A key stands for one payment. One for many would repeat all of them where one is to be asked anew.
    if (c.req.raw.headers.has('idempotency-key')) return { kind: 'problem', problem: NOT_REPEATABLE };
    const batch = await readBatch(received, chain, breathe);
    if (!batch.ok) return { kind: 'problem', problem: batch.problem };
    const { caller } = received;
    const { deadline } = inquiry;
    const more = batch.items.length - 1;
    const verdict = more === 0 ? ALLOWED : await caller.countMore(more, deadline);
    if (!verdict.allowed) {
      const { retryAfterS } = verdict;
      return { kind: 'problem', problem: describeRefusal({ kind: 'rate_limited', caller, retryAfterS }) };
    }
    return deadline.isOver() ? refuseLate(inquiry) : { kind: 'admitted', items: batch.items };
  };

  return async (c) => {
    const inquiry = reception.begin(c);
    const admission = await reception.awaitInTime(c, inquiry, admit(c, inquiry), () => refuseLate(inquiry));
    if (admission.kind === 'problem') return refuse(c, admission.problem);
    return new Response(streamAnswers(options, c, inquiry, admission.items), { headers: HEADERS });
  };
}

const ALLOWED = { allowed: true } as const;

const NOT_REPEATABLE: Problem = {
  code: 'invalid_batch',
  details: { detail: 'Idempotency-Key goes with a single transaction' },
};

/** The answer's body, made while it is being read; whoever stops reading ends the work. */
function streamAnswers(
  { asker, chain, clock, timer, onEvent }: ValidateBatchOptions,
  c: GatewayContext,
  { deadline, timing }: Inquiry,
  items: readonly BatchItem[],
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const startedAtMs = clock();
  const tally = createTally();
  const { processor, key } = c.get('trace');
  let cancel = (): void => {};
  return new ReadableStream<Uint8Array>({
    start(controller) {
      let index = 0;
      const run = startBatch({
        asker,
        items,
        isChain: chain !== undefined,
        limits: { deadline, timing, evaluatedAtMs: startedAtMs },
        waitUntil: (work) => keepAlive(c, work),
        write(results) {
          let text = '';
          for (const result of results) {
            tally.add(result);
            text += formatLine(index++, result);
          }
          controller.enqueue(encoder.encode(text));
        },
      });
      const stopTimer = timer(deadline.leftMs(), () => run.endLate());
      cancel = () => run.stop();
      const close = async (): Promise<void> => {
        let fault: ErrorCode | undefined;
        try {
          await run.done;
          if (index === items.length) controller.close();
        } catch (error) {
          // A bug: what was written stands, and that the rest is missing is seen by its end.
          fault = error instanceof WasmpayError ? error.code : 'internal';
          controller.error(error);
        } finally {
          stopTimer();
          onEvent({
            event: 'batch',
            durationMs: clock() - startedAtMs,
            items: items.length,
            isComplete: index === items.length,
            ...tally.read(),
            releases: run
              .releases()
              .map(({ bank, number, artifact }) => ({ bank, release: number, artifact })),
            ...(processor !== undefined && { processor }),
            ...(key !== undefined && { key }),
            ...(fault !== undefined && { error: fault }),
          });
        }
      };
      keepAlive(c, close());
    },
    cancel: () => cancel(),
  });
}

/** Counts results for the log. */
function createTally() {
  let approved = 0;
  let denied = 0;
  const failures: Partial<Record<FailureCode, number>> = {};
  const problems: Partial<Record<ProblemCode, number>> = {};
  return {
    add(result: ItemResult): void {
      if (result.kind === 'decided') {
        if (result.body.decision === 'approve') approved += 1;
        else denied += 1;
        const { failure } = result.body;
        if (failure !== undefined) failures[failure] = (failures[failure] ?? 0) + 1;
      } else {
        const { code } = problemOf(result);
        problems[code] = (problems[code] ?? 0) + 1;
      }
    },
    read: () => ({ approved, denied, failures, problems }),
  };
}
