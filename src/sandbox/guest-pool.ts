// The instances of one artifact in one isolate. A guest call takes the cached instance or a new one; afterwards the
// instance is put back to how it was made, or thrown away. No transaction meets a trace of an earlier one.

import type { Failure } from '../core/failure.ts';
import { createGuestInstance, createMeterOf, type GuestCode, type GuestInstance } from './guest-instance.ts';
import { checkInitialSizes } from './meter.ts';
import { createCallFailure, judgeCall, type JudgedCall } from './guest-call.ts';
import type { CallOutcome, GuestCall } from './sandbox.ts';

export interface GuestPool {
  /** Runs one call. Never throws. */
  call(call: GuestCall): PoolCall;
  /**
   * The state that the next transaction will meet, byte for byte: of the kept instance, or of a new one. Undefined where
   * no instance can be made or put back. For the trial, which compares the two.
   */
  readState(): readonly unknown[] | undefined;
}

/** A call, and what it took beside its fuel. */
export interface PoolCall extends JudgedCall {
  /** Pages of 64 KiB of the guest's memories at its end; none where there was no instance. */
  readonly pages: number;
  /** See {@link CallOutcome}; 0 where the instance was kept, or was the first. */
  readonly makingFuel: number;
}

/** What a sandbox answers for a call of a pool. */
export function outcomeOf({ outcome, makingFuel }: PoolCall): CallOutcome {
  return makingFuel === 0 ? outcome : { ...outcome, makingFuel };
}

/** Runs the first of `calls` on a pool, as {@link Sandbox.callSeveral} promises; `fuel` is what one may use. */
export function callSeveral(
  pool: Pick<GuestPool, 'call'>,
  calls: readonly GuestCall[],
  fuel: number,
): CallOutcome[] {
  const outcomes: CallOutcome[] = [];
  let usedFuel = 0;
  for (const call of calls) {
    const outcome = outcomeOf(pool.call(call));
    outcomes.push(outcome);
    usedFuel += outcome.fuel + (outcome.makingFuel ?? 0);
    if (outcome.kind === 'failure' || usedFuel >= fuel) break;
  }
  return outcomes;
}

/**
 * What the host does for a page of a new instance, as fuel of 2 ns: memory is looked through for what is not zero, with
 * a page fault for each 4 KiB, 28 microseconds in all.
 */
const FUEL_PER_NEW_PAGE = 14_000;

/** A pool that keeps one instance: a guest call is synchronous, so no two ever run at once in an isolate. */
export function createGuestPool(code: GuestCode): GuestPool {
  let idle: GuestInstance | undefined;
  /** Whether there was an instance before: a new one is then the guest's doing. */
  let hasMade = false;
  const tooLarge = checkInitialSizes(code.limits, code.metering);
  const newPages = code.metering.initialPages;

  /** The kept instance, or a new one; or the call that failed for there was none. */
  const take = (): GuestInstance | PoolCall => {
    if (tooLarge !== undefined) return failed(tooLarge, 0);
    const kept = idle;
    idle = undefined;
    if (kept !== undefined) return kept;
    const meter = createMeterOf(code);
    meter.beginInstantiation();
    try {
      const made = createGuestInstance(code, meter);
      const failure = meter.failure();
      return failure === undefined ? made : failed(failure, meter.usedFuel(true));
    } catch (error) {
      return { ...createCallFailure(error, meter, undefined), pages: 0, makingFuel: 0 };
    }
  };

  return {
    call(call) {
      const isKept = idle !== undefined;
      const isFirst = !hasMade;
      hasMade = true;
      const instance = take();
      if ('outcome' in instance) return instance;
      const makingFuel =
        isKept || isFirst ? 0 : instance.meter.usedFuel(false) + newPages * FUEL_PER_NEW_PAGE;
      const judged = judgeCall(instance, call);
      const pages = instance.meter.usedPages();
      const isClean =
        judged.outcome.kind === 'verdict' && !instance.meter.isDirty() && !instance.state.movedResource;
      if (isClean && instance.memento?.restore() === true) idle = instance;
      return { ...judged, pages, makingFuel };
    },
    readState() {
      const instance = take();
      if ('outcome' in instance || instance.memento === undefined) return undefined;
      idle = instance;
      return instance.memento.read();
    },
  };
}

/** A call that no instance was there for. */
export function failed(failure: Failure, fuel: number): PoolCall {
  return { outcome: { kind: 'failure', failure, fuel }, output: [], pages: 0, makingFuel: 0 };
}
