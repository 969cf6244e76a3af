// Kept answers in workerd: one Durable Object an idempotency key of a processor, with SQLite storage. The object is the one
// place in the world where that key's steps happen, one after the other; its answers leave it only once what they
// rest on is written. An alarm empties it when the answer has ended.

import { DurableObject } from 'cloudflare:workers';

import {
  claimEntry,
  hasEnded,
  KEEP_MS,
  keepEntry,
  releaseEntry,
  type ClaimRequest,
  type ClaimResult,
  type KeepRequest,
  type KeepResult,
  type KeptEntry,
} from '../gateway/kept-entry.ts';
import type { KeptAnswerStub } from './worker-kept-answer-store.ts';

/** What the object keeps its entry under. */
const ENTRY = 'entry';

/**
 * The object. What a step writes without waiting in between, entry and alarm, is written together or not at all. Its class
 * is exported by each worker and named in wrangler.toml: renaming it needs a migration.
 */
export class KeptAnswer extends DurableObject implements KeptAnswerStub {
  async claim(request: ClaimRequest): Promise<ClaimResult> {
    const before = this.#read();
    const { entry, result } = claimEntry(before, request, Date.now());
    if (entry === before) return result;
    this.ctx.storage.kv.put(ENTRY, entry);
    // The answer that may come of it has ended by then: an alarm is paid for, and is set once.
    if (result.kind === 'claimed') await this.ctx.storage.setAlarm(Date.now() + request.leaseMs + KEEP_MS);
    return result;
  }

  async keep(request: KeepRequest): Promise<KeepResult> {
    const before = this.#read();
    const { entry, result } = keepEntry(before, request, Date.now());
    if (entry === before) return result;
    this.ctx.storage.kv.put(ENTRY, entry);
    if (before === undefined && entry !== undefined) await this.ctx.storage.setAlarm(entry.untilMs);
    return result;
  }

  async release(claim: string): Promise<void> {
    const before = this.#read();
    if (before !== undefined && releaseEntry(before, claim) === undefined) await this.ctx.storage.deleteAll();
  }

  override async alarm(): Promise<void> {
    const entry = this.#read();
    if (entry === undefined || hasEnded(entry, Date.now())) await this.ctx.storage.deleteAll();
    // Kept late, or a clock that was set back.
    else await this.ctx.storage.setAlarm(entry.untilMs);
  }

  #read(): KeptEntry | undefined {
    return this.ctx.storage.kv.get<KeptEntry>(ENTRY);
  }
}
