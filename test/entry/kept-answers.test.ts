// Kept answers on Node: the table in its file, and the thread that has it.

import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { MAX_WAITING_STEPS, openKeptAnswers, type KeptAnswersFile } from '../../src/entry/kept-answers.ts';
import {
  openKeptAnswersTable,
  type KeptAnswersTable,
  type KeptStep,
} from '../../src/entry/kept-answers-table.ts';
import { KEEP_MS } from '../../src/gateway/kept-entry.ts';
import { describeIdempotencyStore } from '../fixtures/idempotency-contract.ts';

const SCRIPT = new URL('../../src/entry/node.ts', import.meta.url);
const MEGABYTE = 1024 * 1024;
const NOW_MS = 1_700_000_000_000;

let directory = '';
let count = 0;
const opened: { close(): unknown }[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wasmpay-kept-'));
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const newFile = (): string => join(directory, `${(count += 1)}.sqlite`);

async function openTable(file: string, maxBytes = 64 * MEGABYTE): Promise<KeptAnswersTable> {
  const table = await openKeptAnswersTable(file, maxBytes);
  opened.push(table);
  return table;
}

async function openThread(file: string, maxBytes = 64 * MEGABYTE): Promise<KeptAnswersFile> {
  const store = await openKeptAnswers({
    script: SCRIPT,
    file,
    maxBytes,
    onFault: (text) => faults.push(text),
  });
  opened.push(store);
  return store;
}
const faults: string[] = [];

const claim = (name: string, leaseMs = 1_000): KeptStep => ({
  kind: 'claim',
  name,
  request: { fingerprint: 'f', claim: 'a', leaseMs },
});
const keep = (name: string, body = 'x'): KeptStep => ({
  kind: 'keep',
  name,
  request: { fingerprint: 'f', claim: 'a', body },
});
const look = (name: string): KeptStep => ({
  kind: 'claim',
  name,
  request: { fingerprint: 'f', claim: 'other', leaseMs: 1_000 },
});

describe('the thread', () => {
  let store: KeptAnswersFile;
  beforeAll(async () => {
    store = await openKeptAnswers({
      script: SCRIPT,
      file: join(directory, 'contract.sqlite'),
      maxBytes: 64 * MEGABYTE,
      onFault: (text) => faults.push(text),
    });
  });
  afterAll(() => store.close());
  describeIdempotencyStore(() => store, sleep);

  it('shares a file with another one', async () => {
    const file = newFile();
    const [one, two] = [await openThread(file), await openThread(file)];
    const request = { fingerprint: 'f', leaseMs: 60_000 };
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        (index % 2 === 0 ? one : two).claim('k', { ...request, claim: `${index}` }),
      ),
    );
    expect(results.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
    await one.keep('k', { fingerprint: 'f', claim: '0', body: 'x' });
    expect(await two.claim('k', { ...request, claim: 'z' })).toEqual({ kind: 'kept', body: 'x' });
  });

  it('rejects while the file is locked, holds up nobody else, and goes on afterwards', async () => {
    const file = newFile();
    const store = await openThread(file);
    const other = new DatabaseSync(file, { timeout: 5_000 });
    opened.push(other);
    other.exec('BEGIN IMMEDIATE');
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 5);
    const startedMs = performance.now();
    const claims = Array.from({ length: 20 }, (_, index) =>
      store.claim(`k${index}`, { fingerprint: 'f', claim: 'a', leaseMs: 1_000 }),
    );
    for (const claiming of claims)
      await expect(claiming).rejects.toMatchObject({ code: 'store_unavailable' });
    // The lock's wait once or twice, not once a claim.
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    clearInterval(turning);
    expect(turns).toBeGreaterThan(20);
    expect(faults.join()).toContain('locked');
    other.exec('ROLLBACK');
    expect(await store.claim('k', { fingerprint: 'f', claim: 'a', leaseMs: 1_000 })).toEqual({
      kind: 'claimed',
    });
  });

  it('reads what it kept where there is no room for more, also in one batch with what fails', async () => {
    const store = await openThread(newFile(), 128 * 1024);
    const request = { fingerprint: 'f', claim: 'a' };
    await store.keep('first', { ...request, body: 'x' });
    const large = 'y'.repeat(200_000);
    const [read, failed] = await Promise.allSettled([
      store.claim('first', { ...request, leaseMs: 1_000 }),
      store.keep('large', { ...request, body: large }),
    ]);
    expect(read).toEqual({ status: 'fulfilled', value: { kind: 'kept', body: 'x' } });
    expect(failed).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } });
  });

  it('takes no more steps than may wait for it', async () => {
    const file = newFile();
    const store = await openThread(file);
    const claims = Array.from({ length: MAX_WAITING_STEPS + 1 }, (_, index) =>
      store.claim(`${index}`, { fingerprint: 'f', claim: 'a', leaseMs: 1_000 }),
    );
    await expect(claims.at(-1)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await claims.at(-2)).toEqual({ kind: 'claimed' });
    await Promise.all(claims.slice(0, -1));
  });

  it('is started anew once it ended, and what waited for it rejects', async () => {
    const file = newFile();
    // A thread that ends at its second step.
    const dying = join(directory, 'dying.mjs');
    await writeFile(
      dying,
      `import { parentPort } from 'node:worker_threads';
       parentPort.postMessage({ kind: 'ready' });
       let steps = 0;
       parentPort.on('message', ({ id }) => {
         if ((steps += 1) === 2) process.exit(1);
         parentPort.postMessage({ kind: 'done', id, result: { kind: 'claimed' } });
       });`,
    );
    const store = await openKeptAnswers({
      script: new URL(`file://${dying}`),
      file,
      maxBytes: MEGABYTE,
      onFault: () => {},
    });
    opened.push(store);
    const ask = () => store.claim('k', { fingerprint: 'f', claim: 'a', leaseMs: 1_000 });
    expect(await ask()).toEqual({ kind: 'claimed' });
    await expect(ask()).rejects.toMatchObject({ code: 'store_unavailable' });
    await vi.waitFor(async () => expect(await ask()).toEqual({ kind: 'claimed' }), { timeout: 5_000 });
  });

  it('says why it cannot open a file', async () => {
    const open = (file: string) =>
      openKeptAnswers({ script: SCRIPT, file, maxBytes: MEGABYTE, onFault: () => {} });
    const text = newFile();
    await writeFile(text, 'this is no database, and long enough to be looked at '.repeat(40));
    await expect(open(text)).rejects.toMatchObject({ code: 'config_invalid' });
    await expect(open(join(directory, 'none', 'a.sqlite'))).rejects.toMatchObject({ code: 'config_invalid' });
  });
});

describe('the table', () => {
  it('is for its owner alone, with the files beside it', async () => {
    const file = newFile();
    const table = await openTable(file);
    table.apply([claim('k')], NOW_MS);
    for (const each of [file, `${file}-wal`, `${file}-shm`])
      expect((await stat(each)).mode & 0o777, each).toBe(0o600);
  });

  it('of another version is refused, and left alone', async () => {
    const file = newFile();
    const database = new DatabaseSync(file);
    database.exec('CREATE TABLE kept (x); PRAGMA user_version = 2');
    database.close();
    await expect(openKeptAnswersTable(file, MEGABYTE)).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it('has what it kept after it was opened again', async () => {
    const file = newFile();
    (await openKeptAnswersTable(file, MEGABYTE)).apply([keep('k')], NOW_MS);
    const table = await openTable(file);
    expect(table.apply([look('k')], NOW_MS + KEEP_MS - 1)).toEqual([{ kind: 'kept', body: 'x' }]);
    expect(table.apply([look('k')], NOW_MS + KEEP_MS)).toEqual([{ kind: 'claimed' }]);
  });

  it('writes all of a batch or nothing, and reads what it kept where there is no room', async () => {
    const file = newFile();
    const table = await openTable(file, 256 * 1024);
    table.apply([keep('first')], NOW_MS);
    let kept = 0;
    expect(() => {
      for (; kept < 1_000; kept += 1) table.apply([keep(`k${kept}`, 'y'.repeat(2_000))], NOW_MS);
    }).toThrow('full');
    expect(kept).toBeGreaterThan(50);
    expect(() => table.apply([claim('small'), keep('large', 'y'.repeat(64_000))], NOW_MS)).toThrow('full');
    expect(table.apply([look('first')], NOW_MS)).toEqual([{ kind: 'kept', body: 'x' }]);
    // Nothing of the batch that failed is there.
    table.sweep(10_000, NOW_MS + KEEP_MS - 1);
    expect(table.apply([keep('small', 'z')], NOW_MS + KEEP_MS)).toEqual([{ kind: 'kept', body: 'z' }]);
    // What ended makes room.
    expect(table.sweep(10_000, NOW_MS + KEEP_MS)).toBe(kept + 1);
    table.apply([keep('large', 'y'.repeat(64_000))], NOW_MS + KEEP_MS);
    expect((await stat(file)).size).toBeLessThanOrEqual(256 * 1024);
  });

  it('removes what has ended, so much at a time and nothing else', async () => {
    const table = await openTable(newFile());
    table.apply(
      Array.from({ length: 25 }, (_, index) => keep(`old ${index}`)),
      NOW_MS,
    );
    table.apply([keep('young')], NOW_MS + 1);
    table.apply([claim('claimed', 5_000)], NOW_MS + KEEP_MS - 1_000);
    expect(table.sweep(10, NOW_MS + KEEP_MS - 1)).toBe(0);
    expect([1, 2, 3, 4].map(() => table.sweep(10, NOW_MS + KEEP_MS))).toEqual([10, 10, 5, 0]);
    expect(table.apply([look('young'), look('claimed')], NOW_MS + KEEP_MS)).toEqual([
      { kind: 'kept', body: 'x' },
      { kind: 'busy' },
    ]);
  });

  it('keeps nothing for longer than a day where the clock was set back', async () => {
    const table = await openTable(newFile());
    const nowMs = NOW_MS - 30 * KEEP_MS;
    table.apply([keep('k')], NOW_MS);
    expect(table.sweep(10, nowMs)).toBe(0);
    expect(table.apply([look('k')], nowMs + KEEP_MS - 1)).toEqual([{ kind: 'kept', body: 'x' }]);
    expect(table.sweep(10, nowMs + KEEP_MS)).toBe(1);
  });

  it('forgets what it removed', async () => {
    const file = newFile();
    const table = await openTable(file);
    table.apply([keep('k', 'planted-transaction-id')], NOW_MS);
    table.sweep(10, NOW_MS + KEEP_MS);
    table.close();
    opened.pop();
    expect(await readFile(file, 'latin1')).not.toContain('planted-transaction-id');
  });
});
