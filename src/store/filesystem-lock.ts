// The filesystem store's lock: comparing and renaming is one step under a lock that the kernel gives back when its
// holder dies, the write lock of an empty SQLite database. Files named after a process id cannot do that soundly: an
// id is reused, means something else in another container, and two processes that clear one stale file undo each
// other.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** The lock's file in the store's root. */
export const LOCK_FILE = '.lock.sqlite';

/** How long a write waits for other writers, milliseconds. Each holds the lock for about one rename. */
const LOCK_WAIT_MS = 10_000;

/**
 * Runs `section`, which is synchronous so that nobody waits on a holder that waits, while no other process does. Throws
 * where the lock stays busy for {@link LOCK_WAIT_MS}.
 */
export async function withLock<T>(base: string, section: () => T): Promise<T> {
  const database = new DatabaseSync(join(base, LOCK_FILE), { timeout: 0 });
  try {
    const start = performance.now();
    for (let waitMs = 1; !tryLock(database); waitMs = Math.min(waitMs + 1, 10)) {
      if (performance.now() - start > LOCK_WAIT_MS) throw new Error('lock is busy');
      await sleep(waitMs);
    }
    return section();
  } finally {
    database.close(); // ends the transaction, and with it the lock
  }
}

/** SQLite's result code for a lock that another connection holds (sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5;

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN IMMEDIATE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
