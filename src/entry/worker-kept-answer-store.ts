// Kept answers in workerd, as the gateway sees them: each name is an object of `KeptAnswer`, which may be anywhere and may
// just be moving.

import type { IdempotencyStore } from '../gateway/idempotency.ts';
import type { ClaimRequest, ClaimResult, KeepRequest, KeepResult } from '../gateway/kept-entry.ts';

/** What an object is asked: a step of {@link IdempotencyStore}. */
export interface KeptAnswerStub {
  claim(request: ClaimRequest): Promise<ClaimResult>;
  keep(request: KeepRequest): Promise<KeepResult>;
  release(claim: string): Promise<void>;
}

/** The binding of the class `KeptAnswer`, as far as it is used. */
export interface KeptAnswerNamespace {
  idFromName(name: string): object;
  get(id: object): KeptAnswerStub;
}

/** The store whose entries are the objects of `namespace`. Rejects as their calls do. */
export function createKeptAnswerStore(namespace: KeptAnswerNamespace): IdempotencyStore {
  const objectOf = (name: string) => namespace.get(namespace.idFromName(name));
  return {
    claim: (name, request) => retry(() => objectOf(name).claim(request)),
    keep: (name, request) => retry(() => objectOf(name).keep(request)),
    release: async (name, claim) => objectOf(name).release(claim),
  };
}

/** An object that is moved or updated rejects what it is doing; each step may be made again, by a new stub. */
async function retry<R>(step: () => Promise<R>): Promise<R> {
  try {
    return await step();
  } catch (error) {
    const { retryable, overloaded } = error as { retryable?: unknown; overloaded?: unknown };
    if (retryable !== true || overloaded === true) throw error;
    return step();
  }
}
