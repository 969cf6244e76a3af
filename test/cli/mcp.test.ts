// The Model Context Protocol server with the protocol's own client: the loop of an agent from broken code to a release that a
// person activates; over standard input and over HTTP; and what an agent does not get.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { jsonOf, runCommand } from './command.ts';
import { createReleaseTarget, paymentOf, readTemplate, type ReleaseTarget } from './release-target.ts';

const ROOT = join(import.meta.dirname, '../..');
const COMMAND = join(ROOT, 'bin/wasmpay.js');

let desk: ReleaseTarget;
let good = '';
const clients: Client[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  desk = await createReleaseTarget();
  good = await readTemplate();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const child of children.splice(0)) {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
});
afterAll(() => desk[Symbol.asyncDispose]());

async function connect(...args: string[]): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  clients.push(client);
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [COMMAND, 'mcp', ...desk.options, ...args],
      stderr: 'pipe',
    }),
  );
  return client;
}

interface Answer {
  readonly isError: boolean;
  readonly value: Record<string, unknown>;
}

async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<Answer> {
  const result = await client.callTool({ name, arguments: args }, { timeout: 110_000 });
  return {
    isError: result.isError === true,
    value: (result.structuredContent ?? {}) as Record<string, unknown>,
  };
}

function casesWith(expected: 'approve' | 'deny'): string {
  const transaction = paymentOf(1_000_001);
  return JSON.stringify({ cases: [{ name: 'one cent above the limit', expect: expected, transaction }] });
}

const build = { language: 'assemblyscript', bank: 'icamer' };

describe('an agent', () => {
  it('gets from broken code to a release that waits for a person', async () => {
    const client = await connect();
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toEqual([
      'read_contract',
      'build_validator',
      'inspect_component',
      'test_validator',
      'explain_failure',
      'publish_validator',
    ]);
    const contract = await client.callTool({
      name: 'read_contract',
      arguments: { language: 'assemblyscript' },
    });
    expect(JSON.stringify(contract.content)).toContain('record transaction');

    const broken = await call(client, 'build_validator', {
      ...build,
      source: good.replace('Verdict.approve()', 'approved'),
    });
    expect(broken).toMatchObject({
      isError: true,
      value: {
        error: {
          code: 'source_invalid',
          faults: [{ file: 'validator.ts', line: expect.any(Number) as number }],
        },
      },
    });

    const built = await call(client, 'build_validator', { ...build, source: good });
    expect(built).toMatchObject({ isError: false, value: { publishable: true, refusals: [] } });
    const component = String(built.value['component']);

    const failing = await call(client, 'test_validator', { component, cases: casesWith('approve') });
    expect(failing.value).toMatchObject({ passed: false, cases: [{ passed: false, decision: 'deny' }] });
    const passing = await call(client, 'test_validator', { component, cases: casesWith('deny') });
    expect(passing.value).toMatchObject({
      passed: true,
      cases: [{ passed: true, reason: { code: 'AM02' } }],
    });

    const published = await call(client, 'publish_validator', { component, bank: 'icamer' });
    expect(published).toMatchObject({
      isError: false,
      value: { published: true, activated: false, instead_of: null },
    });
    expect(await readdir(join(desk.folder, 'store/banks'), { recursive: true })).not.toContain(
      'icamer/current',
    );
    // What the agent cannot do, a person does.
    const refused = await client.callTool({ name: 'activate_release', arguments: {} }).then(
      (result) => result.isError === true,
      () => true,
    );
    expect(refused).toBe(true);
    const [, ...activation] = String(published.value['activation']).split(' ');
    const activated = await runCommand([...activation, '--json']);
    expect(activated.code, activated.stderr).toBe(0);
    expect(jsonOf(activated)['release']).toMatchObject({ bank: 'icamer', number: 1 });
  });

  it('activates where the person who started it said so', async () => {
    const client = await connect('--allow-activate', '--bank', 'icamer');
    const elsewhere = {
      bank: 'other',
      component: `sha256:${'0'.repeat(64)}`,
      artifact: `sha256:${'0'.repeat(64)}`,
    };
    for (const tool of ['publish_validator', 'activate_release']) {
      const refused = await call(client, tool, elsewhere);
      expect(JSON.stringify(refused.value), tool).toContain('publishes to icamer only');
    }
    const built = await call(client, 'build_validator', { ...build, source: `${good}\n// again` });
    const component = String(built.value['component']);
    const published = await call(client, 'publish_validator', { component, bank: 'icamer' });
    const { artifact } = published.value;
    const activated = await call(client, 'activate_release', { bank: 'icamer', artifact });
    expect(activated).toMatchObject({ isError: false, value: { activated: true, release: { number: 2 } } });
    const again = await call(client, 'activate_release', { bank: 'icamer', artifact });
    expect(again).toMatchObject({ isError: true, value: { refusals: [{ code: 'candidate_unknown' }] } });
  });

  it('is not let loose on every bank', async () => {
    const result = await runCommand(['mcp', ...desk.options, '--allow-activate']);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('--allow-activate goes with --bank');
  });

  it('is told what it did wrong, and goes on', async () => {
    const client = await connect();
    expect(await call(client, 'test_validator', { component: 'sha256:none' })).toMatchObject({
      isError: true,
      value: { error: { code: 'usage' } },
    });
    expect(await call(client, 'explain_failure', { code: 'fuel_exhausted' })).toMatchObject({
      isError: false,
    });
    expect(await call(client, 'explain_failure', { code: 'source_invalid' })).toMatchObject({
      isError: false,
    });
    expect(await call(client, 'explain_failure', { code: 'no_such_code' })).toMatchObject({ isError: true });
    const wrong = await client.callTool({ name: 'build_validator', arguments: { source: 1 } }).then(
      (result) => result.isError === true,
      () => true,
    );
    expect(wrong).toBe(true);
    expect(
      await call(client, 'build_validator', { ...build, bank: '../../etc', source: good }),
    ).toMatchObject({
      isError: true,
      value: { error: { code: 'usage' } },
    });
  });

  it('never sees the key, nor a file of this machine', async () => {
    const client = await connect();
    const reading = `import { x } from '${join(desk.folder, 'key.json')}';\n${good}`;
    const answer = await call(client, 'build_validator', { ...build, source: reading });
    expect(answer.isError).toBe(true);
    expect(JSON.stringify(answer.value)).not.toContain(desk.secret);
  });
});

describe('over HTTP', () => {
  async function serve(): Promise<string> {
    const child = spawn(process.execPath, [COMMAND, 'mcp', ...desk.options, '--http', '0'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.push(child);
    let said = '';
    for await (const chunk of child.stderr) {
      said += String(chunk);
      const url = /http:\/\/127\.0\.0\.1:\d+\/mcp/.exec(said)?.[0];
      if (url !== undefined) return url;
    }
    throw new Error(said);
  }

  it('tools are the same', async () => {
    const url = await serve();
    const client = new Client({ name: 'test', version: '1' });
    clients.push(client);
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    const built = await call(client, 'build_validator', { ...build, source: good });
    expect(built.isError).toBe(false);
    expect(await call(client, 'inspect_component', { component: built.value['component'] })).toMatchObject({
      value: { publishable: true },
    });
  });

  it('a page in a browser of this machine does not get in', async () => {
    const url = await serve();
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} });
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const foreign = await fetch(url, {
      method: 'POST',
      body,
      headers: { ...headers, origin: 'https://evil.example' },
    });
    expect(foreign.status).toBe(403);
    const rebound = await runRaw(new URL(url), body, 'evil.example');
    expect(rebound).toBe(403);
    expect((await fetch(url.replace('/mcp', '/'), { method: 'POST', body, headers })).status).toBe(404);
  });
});

/** A request with a `Host` that `fetch` cannot send: as after DNS rebinding. Gives the status. */
async function runRaw(url: URL, body: string, host: string): Promise<number> {
  const { request } = await import('node:http');
  const sent = request({
    host: '127.0.0.1',
    port: url.port,
    path: '/mcp',
    method: 'POST',
    headers: { host, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }];
  response.resume();
  return response.statusCode;
}
