// `Idempotency-Key` on Node: gateways as processes of their own over one SQLite file, which end, are killed and start again.

import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { generateReleaseKeys, parseSigningKey, type SigningKey } from '../../src/artifact/release-keys.ts';
import { DEFAULT_POLICY } from '../../src/publisher/policy.ts';
import { publishComponent } from '../../src/publisher/publish.ts';
import { createFilesystemStore } from '../../src/store/filesystem.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { makeBody } from '../fixtures/gateway-bed.ts';
import { SHARED_TOOLS } from '../fixtures/shared-tools.ts';
import { startProcess, type TestProcess } from './dev-process.ts';

const KEY = '8e03978e-40d5-43e8-bc93-6894a57f9324';

let directory = '';
let signingKey: SigningKey;
let env: Record<string, string> = {};
let file = '';
let count = 0;
const processes: TestProcess[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wasmpay-node-kept-'));
  const keys = await generateReleaseKeys();
  signingKey = await parseSigningKey(JSON.stringify(keys.private));
  await publish('i32.const 1');
  env = {
    WASMPAY_AUDIENCE: 'test.example',
    WASMPAY_TRUSTED_KEYS: JSON.stringify({ keys: [keys.public] }),
    WASMPAY_SEED_KEY: 'a seed key of enough characters, for tests',
    WASMPAY_BASE_DOMAINS: 'localhost',
    WASMPAY_OPEN: 'loopback',
    WASMPAY_STORE: `file:${join(directory, 'store')}`,
    PORT: '0',
  };
});
beforeEach(() => {
  file = join(directory, `${(count += 1)}.sqlite`);
});
afterEach(async () => {
  for (const each of processes.splice(0)) await each.end('SIGKILL');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function publish(validateBody: string): Promise<void> {
  const published = await publishComponent({
    bankId: 'meridian',
    component: new Uint8Array(await validatorFromCoreWat({ validateBody })),
    store: createFilesystemStore(join(directory, 'store')),
    signingKey,
    audience: 'test.example',
    policy: DEFAULT_POLICY,
    tools: SHARED_TOOLS,
    clock: () => Date.now(),
    stopwatch: () => performance.now(),
  });
  expect(published.ok).toBe(true);
}

interface Gateway extends TestProcess {
  readonly port: number;
}

async function serve(changes: Record<string, string> = {}): Promise<Gateway> {
  const started = startProcess(
    ['src/entry/node.ts'],
    { ...env, WASMPAY_IDEMPOTENCY_FILE: file, ...changes },
    'wasmpay gateway  http',
  );
  processes.push(started);
  await started.ready();
  return { ...started, port: Number(/http:\/\/[\d.]+:(\d+)/.exec(started.output())?.[1]) };
}

interface Said {
  readonly status: number | undefined;
  readonly body: string;
  readonly replayed: unknown;
}

async function ask(
  { port }: Gateway,
  changes: Record<string, unknown> = {},
  headers: Record<string, string> = { 'idempotency-key': KEY },
): Promise<Said> {
  const sent = request({
    host: '127.0.0.1',
    port,
    path: '/v1/banks/meridian/validate',
    method: 'POST',
    headers: { host: 'localhost', 'content-type': 'application/json', ...headers },
    agent: false,
  });
  sent.end(JSON.stringify(makeBody(changes)));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return {
    status: response.statusCode,
    body: await text(response),
    replayed: response.headers['idempotency-replayed'],
  };
}

const codeOf = ({ body }: Said): unknown => (JSON.parse(body) as { code?: unknown }).code;

describe('a gateway on Node', () => {
  it('says for whom its promise holds, and repeats after it was killed and started anew', async () => {
    const first = await serve();
    expect(first.output()).toContain('Idempotency-Key holds for this host alone');
    const said = await ask(first);
    expect(said).toMatchObject({ status: 200, replayed: undefined });
    await first.end('SIGKILL');
    await publish('i32.const 0');
    const second = await serve();
    expect(await ask(second)).toEqual({ ...said, replayed: 'true' });
    expect(JSON.parse((await ask(second, {}, { 'idempotency-key': 'another' })).body)).toMatchObject({
      release: 2,
      decision: 'deny',
    });
    expect(codeOf(await ask(second, { id: 'txn_2' }))).toBe('idempotency_conflict');
    expect((await second.end('SIGTERM')).code).toBe(0);
  });

  it('shares its file with the other processes of the host', async () => {
    const [one, two] = await Promise.all([serve(), serve()]);
    const said = await Promise.all(
      Array.from({ length: 50 }, (_, index) => ask(index % 2 === 0 ? one : two)),
    );
    expect(new Set(said.map(({ body }) => body)).size).toBe(1);
    expect(said.filter(({ replayed }) => replayed === 'true')).toHaveLength(49);
  });

  it('waits for a claim whose holder is gone, and then runs itself', async () => {
    const gateway = await serve();
    await ask(gateway);
    const database = new DatabaseSync(file, { timeout: 5_000 });
    // As a gateway leaves it that was killed between claim and answer.
    const leave = (leaseMs: number): void => {
      const nowMs = Date.now();
      database
        .prepare("UPDATE kept SET body = NULL, claim = 'gone', at_ms = ?, until_ms = ?")
        .run(nowMs, nowMs + leaseMs);
    };
    leave(30_000);
    const headers = { 'idempotency-key': KEY, 'wasmpay-deadline-ms': '300' };
    const waiting = await ask(gateway, {}, headers);
    expect([waiting.status, codeOf(waiting)]).toEqual([409, 'idempotency_in_progress']);
    leave(400);
    const second = await ask(gateway);
    expect(second).toMatchObject({ status: 200, replayed: undefined });
    expect(await ask(gateway)).toEqual({ ...second, replayed: 'true' });
    database.close();
  });

  it('refuses to run while its file is locked, and decides without the header meanwhile', async () => {
    const gateway = await serve();
    await ask(gateway);
    const database = new DatabaseSync(file, { timeout: 5_000 });
    database.exec('BEGIN IMMEDIATE');
    const refused = await ask(gateway, {}, { 'idempotency-key': 'locked' });
    expect([refused.status, codeOf(refused)]).toEqual([503, 'store_unavailable']);
    expect((await ask(gateway, {}, {})).status).toBe(200);
    database.exec('ROLLBACK');
    database.close();
    expect((await ask(gateway, {}, { 'idempotency-key': 'locked' })).status).toBe(200);
  });

  it('refuses the header where it keeps nothing', async () => {
    const gateway = await serve({ WASMPAY_IDEMPOTENCY_FILE: '' });
    expect(gateway.output()).not.toContain('Idempotency-Key');
    expect(codeOf(await ask(gateway))).toBe('idempotency_unsupported');
  });

  it('does not start over a file that is none of its own', async () => {
    await appendFile(file, 'this is no database, and long enough to be looked at '.repeat(40));
    const started = startProcess(
      ['src/entry/node.ts'],
      { ...env, WASMPAY_IDEMPOTENCY_FILE: file },
      'wasmpay gateway  http',
    );
    processes.push(started);
    expect(await started.ended).toBe(2);
    expect(started.output()).toContain('cannot hold kept answers');
  });
});
