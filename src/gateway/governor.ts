// What one bank's validator may take of the process that all of them share. A guest call cannot be interrupted, and while
// it runs nobody else is answered: so the dear ones are rationed, and a validator that keeps hitting its limits is left
// alone for a while. Whoever is not run is answered by the release's fallback.

import type { VerifiedRelease } from '../artifact/release.ts';
import type { Clock } from '../core/clock.ts';
import type { Failure } from '../core/failure.ts';
import type { CallOutcome } from '../sandbox/sandbox.ts';
import { createLruMap } from './lru-map.ts';

/** The rations of one bank in one process. Fuel is the sandbox's: 0.6 ns a unit as a rule, 4 ns at worst. */
export interface Rations {
  /** All calls of a bank together, fuel a second: about a third of what a process has. One second's worth at once. */
  readonly fuelPerSecond: number;
  /** A call above this much fuel is dear: it holds the thread for 1 to 8 ms, where a usual one takes 0.1. */
  readonly dearFuel: number;
  /** Dear calls of a bank, fuel a second: half a per cent of the time, so that neighbours' p99 stays what it is. */
  readonly dearFuelPerSecond: number;
  /** Dear calls that may come at once, fuel: one of the largest, two of half its size. */
  readonly dearBurstFuel: number;
  /** This many calls that hit a limit, one after the other, pause the validator. */
  readonly limitsBeforePause: number;
  /** First and longest pause, milliseconds; each pause that ends in another limit doubles it. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** A bank has neighbours while another one called within this time, milliseconds. Alone, it may take everything. */
  readonly neighbourMs: number;
}

export const DEFAULT_RATIONS: Rations = {
  fuelPerSecond: 500_000_000,
  dearFuel: 2_000_000,
  dearFuelPerSecond: 10_000_000,
  dearBurstFuel: 35_000_000,
  limitsBeforePause: 3,
  firstPauseMs: 2_000,
  longestPauseMs: 60_000,
  neighbourMs: 1_000,
};

/** Runs guest calls within their bank's rations. */
export interface Governor {
  /**
   * Runs `call` unless the bank's rations are used up: then the outcome is a failure with a code of its own. So it is
   * where `refuseLate` gives one just before the start; for the bank's rations, such a call has never been.
   */
  run(
    release: VerifiedRelease,
    call: () => Promise<CallOutcome>,
    refuseLate?: () => Failure | undefined,
  ): Promise<CallOutcome>;
  /**
   * As `run`, of up to `count` calls in one: `call` gives the outcomes of those that were made, at least one. Each counts
   * as if it had come alone, and until they have ended all of them are taken to run. Refused are all `count`.
   */
  runSeveral(
    release: VerifiedRelease,
    count: number,
    call: () => Promise<readonly CallOutcome[]>,
    refuseLate?: () => Failure | undefined,
  ): Promise<readonly CallOutcome[]>;
}

/** Most banks that are watched. About 200 bytes each; the one that called longest ago is forgotten first. */
const MAX_BANKS = 10_000;

/** Most calls of one bank that wait for another of its calls. */
const MAX_WAITING = 256;

/** After this long, milliseconds, a call that gave no answer counts as lost, and others do not wait for it any more. */
const LOST_MS = 10_000;

/** What a trap is taken to have used for each millisecond that it took, since it hides how much fuel that was. */
const FUEL_PER_MS = 1_750_000;

interface Account {
  /** Whose calls these are: another artifact or policy starts with a clean account. */
  release: VerifiedRelease;
  used: Bucket;
  usedDearly: Bucket;
  /** Fuel of the last call, of several in one the dearest's; undefined before the first one ended. */
  lastFuel: number | undefined;
  /** Calls that run, each of several in one. */
  running: number;
  /** When the last call started. */
  startedAtMs: number;
  readonly waiting: (() => void)[];
  limitsInARow: number;
  pauseMs: number;
  /** When the last pause started. */
  pausedAtMs: number;
}

/** A level that falls by the second. */
interface Bucket {
  level: number;
  atMs: number;
}

/** A governor without a history. */
export function createGovernor(clock: Clock, rations: Rations = DEFAULT_RATIONS): Governor {
  const accounts = createLruMap<Account>(MAX_BANKS);
  let latest = { bank: '', atMs: Number.NEGATIVE_INFINITY };
  let latestOther = latest;
  /** Calls that run now, of all banks. */
  let runningOfAll = 0;

  const accountOf = (release: VerifiedRelease): Account => {
    const known = accounts.get(release.bank);
    if (known !== undefined && (known.release === release || isSameValidator(known.release, release))) {
      known.release = release;
      return known;
    }
    const account = createAccount(release, clock());
    accounts.set(release.bank, account);
    return account;
  };

  const noteCaller = (bank: string, nowMs: number): void => {
    if (latest.bank !== bank) latestOther = latest;
    latest = { bank, atMs: nowMs };
  };

  const refuse = (account: Account, nowMs: number): Failure | undefined => {
    if (nowMs >= account.pausedAtMs && nowMs < account.pausedAtMs + account.pauseMs) {
      return { code: 'paused', detail: `it hit its limits ${account.limitsInARow} times in a row` };
    }
    if (nowMs - latestOther.atMs > rations.neighbourMs) return undefined;
    if (drain(account.used, rations.fuelPerSecond, nowMs) >= rations.fuelPerSecond) {
      return { code: 'share_exceeded', detail: 'all calls' };
    }
    if (drain(account.usedDearly, rations.dearFuelPerSecond, nowMs) >= rations.dearBurstFuel) {
      return { code: 'share_exceeded', detail: 'dear calls' };
    }
    return undefined;
  };

  /** Calls that run already count as dear as the last one was; before the first one has ended, nobody knows. */
  const mustWait = ({ running, startedAtMs, lastFuel, usedDearly }: Account): boolean => {
    if (running === 0 || clock() - startedAtMs >= LOST_MS) return false;
    if (lastFuel === undefined) return true;
    return lastFuel > rations.dearFuel && usedDearly.level + running * lastFuel >= rations.dearBurstFuel;
  };

  const settle = (
    account: Account,
    outcomes: readonly CallOutcome[],
    startedAtMs: number,
    besides: number,
  ): void => {
    const nowMs = clock();
    // Calls at the same time have shared the time that has passed.
    const elapsedMs = Math.max(0, nowMs - startedAtMs) / Math.max(1, besides);
    drain(account.used, rations.fuelPerSecond, nowMs);
    drain(account.usedDearly, rations.dearFuelPerSecond, nowMs);
    let mostFuel = 0;
    for (const outcome of outcomes) {
      const fuel = fuelOf(outcome, elapsedMs);
      mostFuel = Math.max(mostFuel, fuel);
      account.used.level += fuel;
      if (fuel > rations.dearFuel) account.usedDearly.level += fuel;
      noteLimit(account, outcome, nowMs);
    }
    account.lastFuel = mostFuel;
  };

  const noteLimit = (account: Account, outcome: CallOutcome, nowMs: number): void => {
    if (!hitLimit(outcome)) {
      account.limitsInARow = 0;
      account.pauseMs = 0;
      return;
    }
    account.limitsInARow += 1;
    // After a pause a single call decides whether there is another.
    if (account.limitsInARow < rations.limitsBeforePause) return;
    account.pauseMs = Math.min(rations.longestPauseMs, Math.max(rations.firstPauseMs, 2 * account.pauseMs));
    account.pausedAtMs = nowMs;
  };

  const runSeveral: Governor['runSeveral'] = async (release, count, call, refuseLate) => {
    const account = accountOf(release);
    noteCaller(release.bank, clock());
    while (mustWait(account)) {
      if (account.waiting.length >= MAX_WAITING)
        return failed({ code: 'share_exceeded', detail: 'waiting calls' }, count);
      await new Promise<void>((resolve) => account.waiting.push(resolve));
    }
    const startedAtMs = clock();
    const refusal = refuseLate?.() ?? refuse(account, startedAtMs);
    if (refusal !== undefined) return failed(refusal, count);
    account.running += count;
    account.startedAtMs = startedAtMs;
    runningOfAll += 1;
    const besides = runningOfAll;
    let outcomes: readonly CallOutcome[] | undefined;
    try {
      outcomes = await call();
      return outcomes;
    } finally {
      account.running -= count;
      if (outcomes !== undefined) settle(account, outcomes, startedAtMs, (besides + runningOfAll) / 2);
      runningOfAll -= 1;
      // Each of them looks for itself again. Nobody waits where nothing runs.
      if (!mustWait(account)) for (const go of account.waiting.splice(0)) go();
    }
  };

  return {
    async run(release, call, refuseLate) {
      const [outcome] = await runSeveral(release, 1, async () => [await call()], refuseLate);
      return outcome as CallOutcome;
    },
    runSeveral,
  };
}

/** A renewed release runs the same validator. */
function isSameValidator(a: VerifiedRelease, b: VerifiedRelease): boolean {
  return a.artifact === b.artifact && JSON.stringify(a.policy) === JSON.stringify(b.policy);
}

function createAccount(release: VerifiedRelease, nowMs: number): Account {
  return {
    release,
    used: { level: 0, atMs: nowMs },
    usedDearly: { level: 0, atMs: nowMs },
    lastFuel: undefined,
    running: 0,
    startedAtMs: Number.NEGATIVE_INFINITY,
    waiting: [],
    limitsInARow: 0,
    pauseMs: 0,
    pausedAtMs: Number.NEGATIVE_INFINITY,
  };
}

/** Lets the bucket run out up to now; gives its level. A clock that was set back drains nothing. */
function drain(bucket: Bucket, perSecond: number, nowMs: number): number {
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  bucket.level = Math.max(0, bucket.level - (elapsedMs * perSecond) / 1000);
  bucket.atMs = nowMs;
  return bucket.level;
}

/**
 * What a call counts for. Time counts only where fuel says nothing, since it is the machine's as much as the guest's: a
 * process that others slow down must not take its healthy banks for dear ones.
 */
function fuelOf(outcome: CallOutcome, elapsedMs: number): number {
  const isKnown = outcome.kind === 'verdict' || outcome.failure.code === 'fuel_exhausted';
  const fuel = isKnown ? outcome.fuel : Math.min(outcome.fuel, elapsedMs * FUEL_PER_MS);
  return fuel + (outcome.makingFuel ?? 0);
}

function hitLimit(outcome: CallOutcome): boolean {
  if (outcome.kind === 'verdict') return false;
  const { code } = outcome.failure;
  return code === 'fuel_exhausted' || code === 'memory_exceeded';
}

function failed(failure: Failure, count: number): readonly CallOutcome[] {
  const outcome: CallOutcome = { kind: 'failure', failure, fuel: 0 };
  return Array.from({ length: count }, () => outcome);
}
