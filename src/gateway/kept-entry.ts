// What is kept under one idempotency key, and what becomes of it: a claim of the request that is being answered, then its
// answer. Pure: each host reads an entry, applies one of these and writes what comes out, in one transaction. They hold
// one promise together: within KEEP_MS no two answers are ever kept under one key, whoever is late, crashed or alone.
//
// The clock is the host's, and may be set back. What is from the future has an age that says nothing: a claim then counts
// as ended, since it must not block its key; an answer counts as kept just now, since it was promised.

/** How long an answer is repeated, milliseconds: a day, as payment interfaces have it; at its very end it is over. */
export const KEEP_MS = 24 * 60 * 60 * 1000;

export interface KeptEntry {
  /** Keyed digest of the request. */
  readonly fingerprint: string;
  /** The request that claimed the key. */
  readonly claim: string;
  /** When it was claimed, or kept. */
  readonly atMs: number;
  /** When that ends. */
  readonly untilMs: number;
  /** The answer, once there is one. */
  readonly body?: string;
}

export interface ClaimRequest {
  readonly fingerprint: string;
  /** Names this request, and no other. */
  readonly claim: string;
  /** How long others wait for it at most, milliseconds: its holder may have crashed. */
  readonly leaseMs: number;
}

export type ClaimResult =
  /** The key is the claim's now: answer, then keep or release. */
  | { readonly kind: 'claimed' }
  | { readonly kind: 'kept'; readonly body: string }
  /** Another request with the same fingerprint is being answered. */
  | { readonly kind: 'busy' }
  /** The key belongs to a request with another fingerprint. */
  | { readonly kind: 'conflict' };

export interface KeepRequest {
  readonly fingerprint: string;
  readonly claim: string;
  readonly body: string;
}

/** `kept`: what is repeated from now on, which is an earlier answer where there was one. */
export type KeepResult = Extract<ClaimResult, { kind: 'kept' | 'conflict' }>;

/** `entry`: what is to be written; the same object where nothing is. */
export interface Change<R> {
  readonly entry: KeptEntry | undefined;
  readonly result: R;
}

/** Whether there is nothing in it any more. */
export function hasEnded(entry: KeptEntry, nowMs: number): boolean {
  return nowMs >= entry.untilMs || (entry.body === undefined && nowMs < entry.atMs);
}

export function claimEntry(
  entry: KeptEntry | undefined,
  { fingerprint, claim, leaseMs }: ClaimRequest,
  nowMs: number,
): Change<ClaimResult> {
  if (entry === undefined || hasEnded(entry, nowMs)) {
    const claimed = { fingerprint, claim, atMs: nowMs, untilMs: nowMs + leaseMs };
    return { entry: claimed, result: { kind: 'claimed' } };
  }
  if (entry.fingerprint !== fingerprint) return { entry, result: { kind: 'conflict' } };
  if (entry.body !== undefined)
    return { entry: redateEntry(entry, nowMs), result: { kind: 'kept', body: entry.body } };
  // A host may be asked again where its first answer was lost.
  return { entry, result: { kind: entry.claim === claim ? 'claimed' : 'busy' } };
}

/** Keeps an answer, whoever holds the claim by now: the first answer to the same request is the one that is repeated. */
export function keepEntry(
  entry: KeptEntry | undefined,
  { fingerprint, claim, body }: KeepRequest,
  nowMs: number,
): Change<KeepResult> {
  if (entry !== undefined && !hasEnded(entry, nowMs)) {
    if (entry.fingerprint !== fingerprint) return { entry, result: { kind: 'conflict' } };
    if (entry.body !== undefined)
      return { entry: redateEntry(entry, nowMs), result: { kind: 'kept', body: entry.body } };
  }
  const kept = { fingerprint, claim, atMs: nowMs, untilMs: nowMs + KEEP_MS, body };
  return { entry: kept, result: { kind: 'kept', body } };
}

/** Gives a claim back that ended without an answer to keep. Nobody else's, and no answer. */
export function releaseEntry(entry: KeptEntry | undefined, claim: string): KeptEntry | undefined {
  return entry?.body === undefined && entry?.claim === claim ? undefined : entry;
}

/** An answer from the future is kept from now on: not for longer than was promised. */
function redateEntry(entry: KeptEntry, nowMs: number): KeptEntry {
  return nowMs < entry.atMs ? { ...entry, atMs: nowMs, untilMs: nowMs + KEEP_MS } : entry;
}
