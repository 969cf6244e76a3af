// Answers that are repeated: a request with an `Idempotency-Key` claims its key, is answered, and its answer is kept before
// anybody is told it. So under one key nobody is ever told two different answers that were to be kept. It knows nothing
// of what is answered: whoever uses it says which answers are kept.
//
// What it does where the store fails: a promise that cannot be kept is not given. Nothing runs without a claim, and an
// answer that could not be kept is not told; both are 503, and the same request may be sent again.

import { toHex } from '../artifact/digest.ts';
import { WasmpayError, type ErrorCode } from '../core/error.ts';
import { awaitAtMost, type Deadline } from './deadline.ts';
import type { ClaimRequest, ClaimResult, KeepRequest, KeepResult } from './kept-entry.ts';
import type { Problem } from './problem.ts';
import { createWebHmac, type Hmac } from './seed.ts';
import type { Timer, WaitUntil } from './timer.ts';

/** Where claims and answers are kept, by name. Each call is one transaction; each may be made again; each may reject. */
export interface IdempotencyStore {
  claim(name: string, request: ClaimRequest): Promise<ClaimResult>;
  /** Once it is answered, what was kept survives the process. */
  keep(name: string, request: KeepRequest): Promise<KeepResult>;
  /** Gives `claim` back, if it still holds the key without an answer. */
  release(name: string, claim: string): Promise<void>;
}

/** The store gave no answer, or an error. */
export interface IdempotencyEvent {
  readonly event: 'idempotency';
  readonly code: 'claim_failed' | 'keep_failed' | 'release_failed';
  /** Code of the error behind it; absent where there was no answer in time. */
  readonly error?: ErrorCode;
}

/**
 * How long a claim is waited for, milliseconds, where the deadline leaves more: the object of a key is near the caller
 * that made it, and a caller who is refused early can still ask elsewhere.
 */
export const CLAIM_WAIT_MS = 500;

/** How soon it is looked again whether another request has been answered, milliseconds: first, and at most. */
const FIRST_LOOK_MS = 5;
const MOST_LOOK_MS = 50;

/** A request, as far as it makes it the same one. */
export interface IdempotentRequest {
  /** Who sent it; undefined on an open gateway, where all share their keys. */
  readonly processor: string | undefined;
  readonly key: string;
  /** What is asked, and of whom: the same body elsewhere is another request. */
  readonly operation: string;
  readonly address: string;
  readonly body: string;
}

/** What a request is part of. */
export interface IdempotentCall {
  readonly deadline: Deadline;
  readonly waitUntil: WaitUntil;
  /** What is to be answered where the deadline ends now; undefined: what `work` says itself. */
  readonly setLate: (problem: Problem | undefined) => void;
}

/** `own`: what `work` gave. `replayed`: the body that was answered before. */
export type IdempotentAnswer<A> =
  | { readonly kind: 'own'; readonly answer: A; readonly isKept: boolean }
  | { readonly kind: 'replayed'; readonly body: string }
  | { readonly kind: 'problem'; readonly problem: Problem };

export interface Idempotency {
  /**
   * What was answered to this request before, or what `work` answers now; of that, what `bodyToKeep` gives is kept and
   * must be sent as it is. `work` runs at most once, and only with the key in hand. Problems: `idempotency_conflict`,
   * `idempotency_in_progress`, `store_unavailable`. Rejects as `work` does.
   */
  answer<A>(
    request: IdempotentRequest,
    call: IdempotentCall,
    work: () => Promise<A>,
    bodyToKeep: (answer: A) => string | undefined,
  ): Promise<IdempotentAnswer<A>>;
}

export interface IdempotencyOptions {
  readonly store: IdempotencyStore;
  /** The secret that digests are keyed with, by a key of their own that is derived from it. */
  readonly seedKey: Uint8Array;
  /** Takes several keys. Defaults to Web Crypto's. */
  readonly hmac?: Hmac | undefined;
  readonly timer: Timer;
  /** Names a claim: no two are the same. Defaults to random UUIDs. */
  readonly nameClaim?: () => string;
  readonly onEvent: (event: IdempotencyEvent) => void;
}

export function createIdempotency(options: IdempotencyOptions): Idempotency {
  const { store, timer, onEvent, nameClaim = () => crypto.randomUUID() } = options;
  const digest = createDigest(options.seedKey, options.hmac);

  const report = (code: IdempotencyEvent['code'], error?: unknown): void =>
    onEvent({ event: 'idempotency', code, ...(error !== undefined && { error: codeOf(error) }) });

  const release = (name: string, claim: string, { waitUntil }: IdempotentCall): void =>
    // Nobody waits for it: where it fails, the claim ends by itself.
    waitUntil(store.release(name, claim).catch((error: unknown) => report('release_failed', error)));

  /** One try; undefined where the store gives no answer. A claim that comes too late is given back. */
  const tryClaim = async (name: string, request: ClaimRequest, call: IdempotentCall) => {
    const claiming = store.claim(name, request);
    try {
      const waitMs = Math.min(CLAIM_WAIT_MS, call.deadline.leftMs());
      return await awaitAtMost<ClaimResult | undefined>(claiming, waitMs, timer, () => {
        report('claim_failed');
        call.waitUntil(
          claiming.then(
            ({ kind }) => (kind === 'claimed' ? release(name, request.claim, call) : undefined),
            ignore,
          ),
        );
        return undefined;
      });
    } catch (error) {
      report('claim_failed', error);
      // It may have been made all the same, with the answer lost.
      release(name, request.claim, call);
      return undefined;
    }
  };

  /** Claims the key, waiting for whoever holds it; or says what there is instead. */
  const takeKey = async (
    name: string,
    request: Pick<ClaimRequest, 'fingerprint' | 'claim'>,
    call: IdempotentCall,
  ): Promise<Exclude<ClaimResult, { kind: 'busy' }> | { kind: 'problem'; problem: Problem }> => {
    const { deadline, setLate } = call;
    for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(lookMs * 2, MOST_LOOK_MS)) {
      if (deadline.isOver()) return { kind: 'problem', problem: IN_PROGRESS };
      // Nothing is answered after its deadline, so that nobody needs to wait for longer.
      const result = await tryClaim(name, { ...request, leaseMs: deadline.leftMs() }, call);
      if (result === undefined) return { kind: 'problem', problem: UNAVAILABLE };
      if (result.kind !== 'busy') return result;
      setLate(IN_PROGRESS);
      await new Promise<void>((resolve) => void timer(lookMs, resolve));
    }
  };

  return {
    async answer({ processor, key, operation, address, body }, call, work, bodyToKeep) {
      const { deadline, setLate } = call;
      if (deadline.isOver()) return { kind: 'problem', problem: UNAVAILABLE };
      const claim = nameClaim();
      const [name, fingerprint] = await Promise.all([
        digest('key', [processor ?? '', key]),
        digest('request', [operation, address, body]),
      ]);
      setLate(UNAVAILABLE);
      const taken = await takeKey(name, { fingerprint, claim }, call);
      if (taken.kind === 'problem') return taken;
      if (taken.kind === 'conflict') return { kind: 'problem', problem: CONFLICT };
      if (taken.kind === 'kept') return { kind: 'replayed', body: taken.body };
      if (deadline.isOver()) {
        release(name, claim, call);
        return { kind: 'problem', problem: UNAVAILABLE };
      }
      setLate(undefined);
      let answer: Awaited<ReturnType<typeof work>>;
      try {
        answer = await work();
      } catch (error) {
        release(name, claim, call);
        throw error;
      }
      const made = bodyToKeep(answer);
      if (made === undefined) {
        release(name, claim, call);
        return { kind: 'own', answer, isKept: false };
      }
      setLate(UNAVAILABLE);
      try {
        // Who waits for it has a deadline of its own; kept late it still serves who asks again.
        const kept = await store.keep(name, { fingerprint, claim, body: made });
        if (kept.kind === 'conflict') return { kind: 'problem', problem: CONFLICT };
        return kept.body === made
          ? { kind: 'own', answer, isKept: true }
          : { kind: 'replayed', body: kept.body };
      } catch (error) {
        report('keep_failed', error);
        release(name, claim, call);
        return { kind: 'problem', problem: UNAVAILABLE };
      }
    },
  };
}

const UNAVAILABLE: Problem = { code: 'store_unavailable' };
const CONFLICT: Problem = { code: 'idempotency_conflict' };
const IN_PROGRESS: Problem = { code: 'idempotency_in_progress' };

/** First field of all that is digested, and what the key for it is derived with; a change of the encoding changes it. */
const DOMAIN = 'wasmpay-idempotency/1';

/**
 * Keyed digests, 64 hexadecimal digits: HMAC-SHA-256 of a purpose and some texts, each as `<length>:<text>`, so that no two
 * lists of texts share an encoding. Whoever reads the store can neither tell nor guess what they are of.
 */
function createDigest(
  seedKey: Uint8Array,
  given: Hmac | undefined,
): (purpose: string, texts: readonly string[]) => Promise<string> {
  // Web Crypto's prepares one key only.
  const deriving = given ?? createWebHmac();
  const hmac = given ?? createWebHmac();
  let derived: Uint8Array | undefined;
  return async (purpose, texts) => {
    derived ??= await deriving(seedKey, new TextEncoder().encode(DOMAIN));
    const encoded = [DOMAIN, purpose, ...texts].map((text) => `${text.length}:${text}`).join('');
    return toHex(await hmac(derived, new TextEncoder().encode(encoded)));
  };
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof WasmpayError ? error.code : 'internal';
}

function ignore(): void {}
