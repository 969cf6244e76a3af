// The work of a batch: its items to their banks, in calls that several items of one bank share, at most four banks at a
// time. Banks take turns, so a slow or a hostile one holds up its own items and no others'. Items are answered in the
// order of the request; what is done first waits for those before it. After the deadline, or once nobody listens, nothing
// more is started.

import type { VerifiedRelease } from '../../artifact/release.ts';
import { MAX_CALLS_TOGETHER } from '../../core/limits.ts';
import type { Asked, BankAsker, Limits } from '../ask-bank.ts';
import { findUnreleased, joinAnswers } from '../chain.ts';
import type { DecideResult } from '../decide.ts';
import type { Refused } from '../reception.ts';
import type { ReleaseLookup } from '../release-cache.ts';
import type { WaitUntil } from '../timer.ts';
import type { BatchItem } from './read-batch.ts';

/** Most banks of a batch that are asked at the same time: in Workers each is an isolate. */
const MAX_BANKS_AT_ONCE = 4;

/** Most releases of a batch that are read at the same time: Workers have six connections for a request. */
const MAX_LOOKUPS_AT_ONCE = 6;

/** What came of an item. */
export type ItemResult = DecideResult | Refused;

export interface BatchRun {
  /** Ends once every item has an answer, or after `stop`. Rejects on a bug only. */
  readonly done: Promise<void>;
  /** Answers what is left by its fallback, or by why there is none: the deadline is over. */
  endLate(): void;
  /** Starts nothing more: nobody listens. */
  stop(): void;
  /** Releases that were found. */
  releases(): readonly VerifiedRelease[];
}

export interface BatchRunOptions {
  readonly asker: BankAsker;
  readonly items: readonly BatchItem[];
  /** Whether a chain is asked, whose answers list its stages. */
  readonly isChain: boolean;
  readonly limits: Limits & { readonly evaluatedAtMs: number };
  readonly waitUntil: WaitUntil;
  /** Takes the results of the next items, in order. */
  readonly write: (results: readonly ItemResult[]) => void;
}

/** An item that is on its way. */
interface Pending {
  readonly index: number;
  readonly item: Extract<BatchItem, { ok: true }>;
  /** Banks whose releases are not known yet. */
  unknown: number;
  /** What its banks said, by slug. */
  readonly answers: Map<string, Asked>;
  /** Banks that have not said anything yet. */
  unanswered: number;
}

/** A bank that items of the batch need. */
interface Bank {
  readonly slug: string;
  readonly items: Pending[];
  lookup?: ReleaseLookup;
  /** Items that it is to be asked about, from `next` on. */
  readonly queue: Pending[];
  next: number;
  isWaiting: boolean;
}

/** Starts the work of a batch. */
export function startBatch(options: BatchRunOptions): BatchRun {
  const { asker, items, isChain, limits, waitUntil, write } = options;
  const results: (ItemResult | undefined)[] = [];
  const banks = new Map<string, Bank>();
  /** Banks that have something to do and nobody who does it. */
  const ready: Bank[] = [];
  let running = 0;
  let written = 0;
  let hasEnded = false;
  let resolveDone = (): void => {};
  let rejectDone = (_error: unknown): void => {};
  const done = new Promise<void>((resolve, reject) => {
    resolveDone = resolve;
    rejectDone = reject;
  });

  const end = (): void => {
    hasEnded = true;
    resolveDone();
  };

  const fail = (error: unknown): void => {
    hasEnded = true;
    rejectDone(error);
  };

  const flush = (): void => {
    if (hasEnded) return;
    const from = written;
    while (results[written] !== undefined) written += 1;
    if (written > from) write(results.slice(from, written) as ItemResult[]);
    if (written === items.length) end();
  };

  const lookupOf = (slug: string): ReleaseLookup | undefined => banks.get(slug)?.lookup;

  const finish = (pending: Pending): void => {
    results[pending.index] = isChain
      ? joinAnswers(pending.item.places, pending.answers)
      : [...pending.answers.values()][0];
  };

  /** Every release of the item is known, or known not to be there. */
  const enqueue = (pending: Pending): void => {
    const unreleased = findUnreleased(pending.item.places, lookupOf);
    if (unreleased !== undefined) {
      results[pending.index] = unreleased;
      return;
    }
    for (const slug of slugsOf(pending.item)) {
      const bank = banks.get(slug) as Bank;
      bank.queue.push(pending);
      if (bank.isWaiting) continue;
      bank.isWaiting = true;
      ready.push(bank);
    }
  };

  const askNext = async (bank: Bank): Promise<void> => {
    const asked = bank.queue.slice(bank.next, bank.next + MAX_CALLS_TOGETHER);
    const { release } = bank.lookup as Extract<ReleaseLookup, { kind: 'release' }>;
    const transactions = asked.map(({ item }) => item.transaction);
    const answers = await asker.askSeveral(release, transactions, waitUntil, limits);
    for (const [index, answer] of answers.entries()) {
      const pending = asked[index];
      if (pending === undefined) break;
      pending.answers.set(bank.slug, answer);
      pending.unanswered -= 1;
      if (pending.unanswered === 0 && results[pending.index] === undefined) finish(pending);
    }
    bank.next += answers.length;
    running -= 1;
    // Behind the others: they take turns.
    bank.isWaiting = bank.next < bank.queue.length;
    if (bank.isWaiting) ready.push(bank);
    flush();
    pump();
  };

  const pump = (): void => {
    while (running < MAX_BANKS_AT_ONCE) {
      const bank = hasEnded ? undefined : ready.shift();
      if (bank === undefined) break;
      running += 1;
      askNext(bank).catch(fail);
    }
  };

  const lookUp = async (unseen: Bank[]): Promise<void> => {
    for (let bank = unseen.shift(); bank !== undefined; bank = hasEnded ? undefined : unseen.shift()) {
      bank.lookup = await asker.find(bank.slug, waitUntil, limits);
      for (const pending of bank.items) {
        pending.unknown -= 1;
        if (pending.unknown === 0 && results[pending.index] === undefined) enqueue(pending);
      }
      flush();
      pump();
    }
  };

  const pendings: Pending[] = [];
  for (const [index, item] of items.entries()) {
    if (!item.ok) {
      results[index] = { kind: 'problem', problem: item.problem };
      continue;
    }
    const slugs = slugsOf(item);
    const pending: Pending = {
      index,
      item,
      unknown: slugs.length,
      answers: new Map(),
      unanswered: slugs.length,
    };
    pendings.push(pending);
    for (const slug of slugs) {
      const bank = banks.get(slug) ?? { slug, items: [], queue: [], next: 0, isWaiting: false };
      banks.set(slug, bank);
      bank.items.push(pending);
    }
  }
  flush();
  const unseen = [...banks.values()];
  for (let slot = 0; slot < MAX_LOOKUPS_AT_ONCE; slot += 1) lookUp(unseen).catch(fail);

  return {
    done,
    stop: end,
    endLate() {
      for (const pending of pendings) {
        if (results[pending.index] !== undefined) continue;
        const unreleased = findUnreleased(pending.item.places, lookupOf);
        if (unreleased !== undefined) {
          results[pending.index] = unreleased;
          continue;
        }
        for (const slug of slugsOf(pending.item)) {
          const lookup = lookupOf(slug);
          if (pending.answers.has(slug) || lookup?.kind !== 'release') continue;
          const late = asker.answerLate(lookup.release, pending.item.transaction, limits.evaluatedAtMs);
          pending.answers.set(slug, late);
        }
        finish(pending);
      }
      flush();
    },
    releases: () =>
      [...banks.values()].flatMap(({ lookup }) => (lookup?.kind === 'release' ? [lookup.release] : [])),
  };
}

/** The banks of an item, each once. */
function slugsOf({ places }: Extract<BatchItem, { ok: true }>): readonly string[] {
  const [first] = places;
  return places.length === 1 && first !== undefined
    ? [first.bank]
    : [...new Set(places.map(({ bank }) => bank))];
}
