// The gateway on Node as a process of its own, over a store in a folder: what an operator of it meets.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { generateReleaseKeys, parseSigningKey } from '../../src/artifact/release-keys.ts';
import { DEFAULT_POLICY } from '../../src/publisher/policy.ts';
import { publishComponent } from '../../src/publisher/publish.ts';
import { createFilesystemStore } from '../../src/store/filesystem.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { makeBody } from '../fixtures/gateway-bed.ts';
import { SHARED_TOOLS } from '../fixtures/shared-tools.ts';
import { ask, startProcess, type TestProcess } from './dev-process.ts';

const BODY = JSON.stringify(makeBody());
const JSON_TYPE = { 'content-type': 'application/json' };

let directory = '';
let env: Record<string, string> = {};
const processes: TestProcess[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wasmpay-node-'));
  const keys = await generateReleaseKeys();
  const published = await publishComponent({
    bankId: 'meridian',
    component: new Uint8Array(await validatorFromCoreWat()),
    store: createFilesystemStore(join(directory, 'store')),
    signingKey: await parseSigningKey(JSON.stringify(keys.private)),
    audience: 'test.example',
    policy: DEFAULT_POLICY,
    tools: SHARED_TOOLS,
    clock: () => Date.now(),
    stopwatch: () => performance.now(),
  });
  expect(published.ok).toBe(true);
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

afterEach(async () => {
  for (const each of processes.splice(0)) await each.end('SIGKILL');
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** A gateway that listens, and its port. */
async function serve(changes: Record<string, string> = {}): Promise<TestProcess & { readonly port: number }> {
  const started = startProcess(['src/entry/node.ts'], { ...env, ...changes }, 'wasmpay gateway  http');
  processes.push(started);
  await started.ready();
  return { ...started, port: Number(/http:\/\/[\d.]+:(\d+)/.exec(started.output())?.[1]) };
}

/** A request whose body is sent by and by: `rest` sends what is left of it. */
async function openRequest(port: number) {
  const sent = request({
    host: '127.0.0.1',
    port,
    path: '/v1/banks/meridian/validate',
    method: 'POST',
    headers: { ...JSON_TYPE, 'content-length': Buffer.byteLength(BODY) },
    agent: false,
  });
  sent.write(BODY.slice(0, 20));
  await once(sent, 'socket');
  return {
    async rest() {
      sent.end(BODY.slice(20));
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      return {
        status: response.statusCode,
        connection: response.headers.connection,
        body: JSON.parse(await text(response)) as Record<string, unknown>,
      };
    },
  };
}

describe('a gateway on Node', () => {
  it('decides, and says that it is alive and ready', async () => {
    const { port } = await serve();
    const answer = await ask(port, '/v1/banks/meridian/validate', {
      method: 'POST',
      headers: JSON_TYPE,
      body: BODY,
    });
    expect(JSON.parse(answer.body)).toMatchObject({
      decision: 'approve',
      decided_by: 'validator',
      release: 1,
    });
    expect((await ask(port, '/healthz')).status).toBe(200);
    expect(await ask(port, '/readyz')).toEqual({ status: 200, body: '{"status":"ready"}' });
  });

  it('finds the bank in the subdomain', async () => {
    const { port } = await serve();
    const headers = { ...JSON_TYPE, host: `meridian.localhost:${port}` };
    const answer = await ask(port, '/v1/validate', { method: 'POST', headers, body: BODY });
    expect(JSON.parse(answer.body)).toMatchObject({ bank: 'meridian', decision: 'approve' });
  });

  it('writes one line of JSON a request, without the transaction', async () => {
    const gateway = await serve();
    await ask(gateway.port, '/v1/banks/meridian/validate', {
      method: 'POST',
      headers: JSON_TYPE,
      body: BODY,
    });
    await expect.poll(() => gateway.output()).toContain('"event":"request"');
    const line = gateway
      .output()
      .split('\n')
      .find((each) => each.startsWith('{'));
    expect(JSON.parse(line ?? '')).toMatchObject({ event: 'request', bank: 'meridian', decision: 'approve' });
  });

  it('goes on answering where nobody reads its log any more', async () => {
    const gateway = spawn(process.execPath, ['src/entry/node.ts'], { env: { ...process.env, ...env } });
    try {
      gateway.stdout.destroy();
      let said = '';
      const port = (): number => Number(/http:\/\/[\d.]+:(\d+)/.exec(said)?.[1]);
      gateway.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await expect.poll(port, { timeout: 20_000 }).toBeGreaterThan(0);
      for (let count = 0; count < 5; count += 1) {
        expect((await ask(port(), '/healthz')).status).toBe(200);
        // The line goes out at the end of the turn, and its failure comes later.
        await sleep(50);
      }
      expect(gateway.exitCode).toBe(null);
    } finally {
      gateway.kill('SIGKILL');
    }
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('answers what came before %s, then ends with 0', async (signal) => {
    const gateway = await serve();
    const open = await openRequest(gateway.port);
    // The server must have seen it: what arrives after the end began is refused by the system.
    await sleep(300);
    const ended = gateway.end(signal);
    await sleep(300);
    expect(await open.rest()).toMatchObject({
      status: 200,
      connection: 'close',
      body: { decision: 'approve' },
    });
    expect((await ended).code).toBe(0);
  });

  it('says while it drains that it wants no more, and still answers', async () => {
    const gateway = await serve({ WASMPAY_DRAIN_SECONDS: '2' });
    expect((await ask(gateway.port, '/readyz')).status).toBe(200);
    const ended = gateway.end('SIGTERM');
    await sleep(300);
    const ready = await ask(gateway.port, '/readyz');
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.body)).toMatchObject({ code: 'not_ready' });
    const late = await ask(gateway.port, '/v1/banks/meridian/validate', {
      method: 'POST',
      headers: JSON_TYPE,
      body: BODY,
    });
    expect(late.status).toBe(200);
    expect((await ended).code).toBe(0);
  });

  it('ends at once when it is told twice', async () => {
    const gateway = await serve({ WASMPAY_DRAIN_SECONDS: '100' });
    const ended = gateway.end('SIGTERM');
    await sleep(200);
    process.kill(gateway.pid, 'SIGTERM');
    expect((await ended).code).toBe(1);
  });

  it('is what `wasmpay serve` starts, with options for variables, and ends with it', async () => {
    const served = startProcess(
      ['bin/wasmpay.js', 'serve', '--store', env['WASMPAY_STORE'] ?? '', '--port', '0'],
      { ...env, WASMPAY_STORE: '', PORT: 'x' },
      'wasmpay gateway  http',
    );
    processes.push(served);
    await served.ready();
    const port = Number(/http:\/\/[\d.]+:(\d+)/.exec(served.output())?.[1]);
    expect((await ask(port, '/readyz')).status).toBe(200);
    expect((await served.end('SIGTERM')).code).toBe(0);
    await expect(ask(port, '/healthz')).rejects.toThrow('ECONNREFUSED');
    const refused = startProcess(['bin/wasmpay.js', 'serve', '--port', '70000'], env, 'never');
    expect(await refused.ended).toBe(2);
    expect(refused.output()).toContain('PORT');
  });

  it('does not start with faults, and lists all of them', async () => {
    const started = startProcess(
      ['src/entry/node.ts'],
      { ...env, WASMPAY_AUDIENCE: '', WASMPAY_STORE: '', PORT: 'x' },
      'never',
    );
    expect(await started.ended).toBe(2);
    for (const name of ['WASMPAY_AUDIENCE', 'WASMPAY_STORE', 'PORT'])
      expect(started.output()).toContain(name);
  });

  it('does not start on a port that is taken, or with a store that is none', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const taken = startProcess(['src/entry/node.ts'], { ...env, PORT: String(port) }, 'never');
    expect(await taken.ended).toBe(2);
    expect(taken.output()).toContain(`port ${port}: EADDRINUSE`);
    other.close();
    const unknown = startProcess(['src/entry/node.ts'], { ...env, WASMPAY_STORE: 'ftp://x' }, 'never');
    expect(await unknown.ended).toBe(2);
    expect(unknown.output()).toContain('not a store address');
    const missing = startProcess(['src/entry/node.ts'], { ...env, WASMPAY_STORE: 'file:/nowhere' }, 'never');
    expect(await missing.ended).toBe(2);
    expect(missing.output()).toContain('/nowhere is no folder');
  });
});
