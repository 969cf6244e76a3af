// Kept answers in a SQLite file: one row an idempotency key, one transaction a batch of steps. Several processes of one host
// may have the file open at once. Everything here waits for the disk, so it runs in a thread of its own.

import { chmodSync, closeSync, openSync } from 'node:fs';

import { WasmpayError } from '../core/error.ts';
import {
  claimEntry,
  KEEP_MS,
  keepEntry,
  releaseEntry,
  type ClaimRequest,
  type ClaimResult,
  type KeepRequest,
  type KeepResult,
  type KeptEntry,
} from '../gateway/kept-entry.ts';

/** A step of {@link IdempotencyStore}, as data. */
export type KeptStep =
  | { readonly kind: 'claim'; readonly name: string; readonly request: ClaimRequest }
  | { readonly kind: 'keep'; readonly name: string; readonly request: KeepRequest }
  | { readonly kind: 'release'; readonly name: string; readonly claim: string };

export type StepResult = ClaimResult | KeepResult | undefined;

export interface KeptAnswersTable {
  /** All steps, or none. Once it has returned, answers among them survive the machine's end. Throws as SQLite does. */
  apply(steps: readonly KeptStep[], nowMs: number): StepResult[];
  /** Removes at most `most` entries that have ended; gives how many. Throws as SQLite does. */
  sweep(most: number, nowMs: number): number;
  close(): void;
}

/** How long another process's transaction is waited for, milliseconds. */
const LOCK_WAIT_MS = 1_000;

/** Changes with the table. */
const SCHEMA_VERSION = 1;

const SCHEMA = `
CREATE TABLE kept (
  name TEXT NOT NULL PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  claim TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  body TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_until ON kept (until_ms);
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Opens the file, or makes it, for its owner alone to read. It never grows past `maxBytes`: then a step that needs room
 * throws. Throws `config_invalid` where the file is none of ours, or cannot be written.
 */
export async function openKeptAnswersTable(file: string, maxBytes: number): Promise<KeptAnswersTable> {
  try {
    // SQLite gives the files beside it the same rights.
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    return await openTable(file, maxBytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new WasmpayError('config_invalid', `${file} cannot hold kept answers: ${reason}`, { cause });
  }
}

async function openTable(file: string, maxBytes: number): Promise<KeptAnswersTable> {
  // Not before it is needed: older Nodes have none.
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(file, { timeout: LOCK_WAIT_MS });
  const pragma = (text: string): unknown => Object.values(database.prepare(`PRAGMA ${text}`).get() ?? {})[0];

  if (pragma('journal_mode = WAL') !== 'wal') throw new Error('this file system has no shared memory');
  database.exec('PRAGMA secure_delete = ON; PRAGMA journal_size_limit = 67108864; BEGIN IMMEDIATE');
  const version = pragma('user_version');
  if (version === 0) database.exec(SCHEMA);
  database.exec('COMMIT');
  if (version !== 0 && version !== SCHEMA_VERSION) throw new Error('it was written by another version');
  database.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / Number(pragma('page_size')))}`);

  const select = database.prepare(
    'SELECT fingerprint, claim, at_ms AS atMs, until_ms AS untilMs, body FROM kept WHERE name = ?',
  );
  const replace = database.prepare('INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?, ?)');
  const remove = database.prepare('DELETE FROM kept WHERE name = ?');
  const removeEnded = database.prepare(
    'DELETE FROM kept WHERE name IN (SELECT name FROM kept WHERE until_ms <= ? ORDER BY until_ms LIMIT ?)',
  );
  // A clock that was set back: kept for no longer than was promised, from now on.
  const redate = database.prepare(
    'UPDATE kept SET at_ms = ?, until_ms = ? WHERE name IN (SELECT name FROM kept WHERE until_ms > ? LIMIT ?)',
  );

  const read = (name: string): KeptEntry | undefined => {
    const row = select.get(name) as (KeptEntry & { readonly body: string | null }) | undefined;
    if (row === undefined) return undefined;
    const { body, ...entry } = row;
    return body === null ? entry : { ...entry, body };
  };
  const write = (name: string, { fingerprint, claim, atMs, untilMs, body }: KeptEntry): void => {
    replace.run(name, fingerprint, claim, atMs, untilMs, body ?? null);
  };
  const applyStep = (step: KeptStep, nowMs: number): StepResult => {
    const before = read(step.name);
    const { entry, result } = changeEntry(before, step, nowMs);
    if (entry === undefined && before !== undefined) remove.run(step.name);
    else if (entry !== undefined && entry !== before) write(step.name, entry);
    return result;
  };
  const transact = <R>(work: () => R): R => {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite has ended the transaction by itself after some errors.
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  };

  return {
    apply(steps, nowMs) {
      // A claim that is lost with the machine was its own; an answer that was told must not be.
      const mustLast = steps.some(({ kind }) => kind === 'keep');
      database.exec(`PRAGMA synchronous = ${mustLast ? 'FULL' : 'NORMAL'}`);
      return transact(() => steps.map((step) => applyStep(step, nowMs)));
    },
    sweep(most, nowMs) {
      database.exec('PRAGMA synchronous = NORMAL');
      return transact(() => {
        redate.run(nowMs, nowMs + KEEP_MS, nowMs + KEEP_MS, most);
        return Number(removeEnded.run(nowMs, most).changes);
      });
    },
    close: () => database.close(),
  };
}

function changeEntry(
  entry: KeptEntry | undefined,
  step: KeptStep,
  nowMs: number,
): { readonly entry: KeptEntry | undefined; readonly result: StepResult } {
  if (step.kind === 'claim') return claimEntry(entry, step.request, nowMs);
  if (step.kind === 'keep') return keepEntry(entry, step.request, nowMs);
  return { entry: releaseEntry(entry, step.claim), result: undefined };
}
