// `npm start` from outside: what a newcomer sees, who may publish, and what is left when it ends, however it ends.

import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { buildValidator } from '../../src/authoring/build-validator.ts';
import type { DecisionBody } from '../../src/core/decision.ts';
import { devDirectory } from '../../src/store/dev-store.ts';
import { plainValidator } from '../fixtures/components.ts';
import { jsonOf, runCommand } from '../cli/command.ts';
import { ask, childrenOf, freePort, isRunning, startDev, type DevProcess } from './dev-process.ts';

const ROOT = join(import.meta.dirname, '../..');
const JSON_TYPE = { 'content-type': 'application/json' };

let scratch = '';
let approving = '';
/** A transaction that the example of bank icamer denies. */
let euros = '';
const started: DevProcess[] = [];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wasmpay-dev-'));
  approving = join(scratch, 'approving.wasm');
  await writeFile(approving, await plainValidator());
  euros = await readFile(join(ROOT, 'examples/transactions/icamer-eur.json'), 'utf8');
  // Built here, so that no start below has to.
  for (const name of ['icamer-assemblyscript', 'meridian-typescript', 'nordhaven-typescript']) {
    await buildValidator({
      directory: join(ROOT, 'examples/validators', name),
      outDirectory: join(ROOT, 'build/validators'),
    });
  }
}, 300_000);
afterAll(async () => {
  for (const dev of started) await dev.end('SIGKILL');
  await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
});

let directories = 0;
const newDirectory = (): string => join(scratch, `dev-${(directories += 1)}`);

function start(directory: string, port: number | string): DevProcess {
  const dev = startDev(directory, port);
  started.push(dev);
  return dev;
}

async function decide(port: number, bank: string, transaction: string, headers = {}) {
  const { status, body } = await ask(port, '/v1/validate', {
    method: 'POST',
    headers: { ...JSON_TYPE, host: `${bank}.localhost:${port}`, ...headers },
    body: transaction,
  });
  return { status, ...(JSON.parse(body) as { decision?: string; release?: number; artifact?: string }) };
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

interface Control {
  readonly url: string;
  readonly token: string;
}

async function readControl(directory: string): Promise<Control> {
  return JSON.parse(await readFile(join(directory, 'control.json'), 'utf8')) as Control;
}

describe('the folder of npm start', () => {
  it('is the checkout’s unless WASMPAY_DIRECTORY names another, from the working directory', () => {
    expect(devDirectory({})).toBe(join(ROOT, '.wasmpay'));
    expect(devDirectory({ WASMPAY_DIRECTORY: '' })).toBe(join(ROOT, '.wasmpay'));
    expect(devDirectory({ WASMPAY_DIRECTORY: '/elsewhere' })).toBe('/elsewhere');
    expect(devDirectory({ WASMPAY_DIRECTORY: 'here' })).toBe(join(process.cwd(), 'here'));
  });
});

describe('a running gateway', () => {
  let directory = '';
  let port = 0;
  let dev: DevProcess;

  beforeAll(async () => {
    directory = newDirectory();
    port = await freePort();
    dev = start(directory, port);
    await dev.ready();
  });

  it('prints four requests to try, which work', async () => {
    const lines = dev.output().match(/^ {2}curl .*$/gm) ?? [];
    expect(lines).toHaveLength(4);
    const decisions = [];
    for (const line of lines) {
      const [, host = '', path = '', file = ''] =
        /^ {2}curl http:\/\/([^/]+)(\/\S+) -H 'content-type: application\/json' --data @(\S+)$/.exec(line) ??
        [];
      expect(host).toMatch(new RegExp(`(^|\\.)localhost:${port}$`));
      const body = await readFile(join(ROOT, file), 'utf8');
      const answer = await ask(port, path, { method: 'POST', headers: { ...JSON_TYPE, host }, body });
      expect(answer.status, answer.body).toBe(200);
      const { decision, decided_by: decidedBy, reason } = JSON.parse(answer.body) as DecisionBody;
      decisions.push(`${decidedBy} ${decision} ${reason?.code ?? ''}`.trimEnd());
    }
    expect(decisions).toEqual([
      'validator approve',
      'validator deny unspecified',
      'validator approve',
      'validator deny AM02',
    ]);
  });

  it('says that it is open, and answers /healthz', async () => {
    expect(dev.output()).toContain('open');
    expect(await ask(port, '/healthz')).toMatchObject({ status: 200 });
  });

  it('listens on loopback only', async (context) => {
    context.skip(process.platform !== 'linux', 'only Linux lists its sockets in files');
    // Column 2 is the local address, in hexadecimal, little endian; state 0A is LISTEN.
    const tables = await Promise.all(
      ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
    );
    const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
    const listening = tables
      .flatMap((table) => table.split('\n'))
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => state === '0A' && local?.endsWith(`:${hexPort}`));
    expect(listening.map(([, local]) => local)).toEqual([`0100007F:${hexPort}`]);
  });

  it('takes another component from wasmpay publish for its next decisions, without a restart', async () => {
    const before = await decide(port, 'icamer', euros);
    expect(before).toMatchObject({ status: 200, decision: 'deny', release: 1 });
    const env = { WASMPAY_DIRECTORY: directory };
    const published = await runCommand(['publish', 'icamer', approving, '--json'], { env });
    expect(published.code, published.stderr).toBe(0);
    const { release, previous } = jsonOf(published) as {
      release: { number: number; artifact: string };
      previous: number;
    };
    expect([release.number, previous]).toEqual([2, 1]);
    await expect
      .poll(() => decide(port, 'icamer', euros), { timeout: 10_000, interval: 250 })
      .toMatchObject({ decision: 'approve', release: 2, artifact: release.artifact });
  });

  it('keeps its secrets to their owner', async () => {
    expect(await modeOf(directory)).toBe(0o700);
    for (const file of ['control.json', 'signing-key.json', 'trusted-keys.json', 'seed-key', 'lock']) {
      expect(await modeOf(join(directory, file)), file).toBe(0o600);
    }
    const { token } = await readControl(directory);
    const key = JSON.parse(await readFile(join(directory, 'signing-key.json'), 'utf8')) as { d: string };
    expect(dev.output()).not.toContain(token);
    expect(dev.output()).not.toContain(key.d);
  });

  it('lets nobody publish but who can read its folder', async () => {
    const { url, token } = await readControl(directory);
    const control = new URL(url);
    const controlPort = Number(control.port);
    expect(control.hostname).toBe('127.0.0.1');
    const authorization = `Bearer ${token}`;
    const refusals: [string, Record<string, string>, number][] = [
      ['no token', {}, 401],
      ['another token', { authorization: `Bearer ${'x'.repeat(token.length)}` }, 401],
      ['a page’s request', { authorization, origin: 'http://evil.example' }, 403],
      ['a sandboxed page’s request', { authorization, origin: 'null' }, 403],
      ['a page of the gateway', { authorization, origin: `http://127.0.0.1:${controlPort}` }, 403],
      ['a cross-site fetch', { authorization, 'sec-fetch-site': 'cross-site' }, 403],
      ['a name rebound to loopback', { authorization, host: `evil.example:${controlPort}` }, 403],
      ['the host without its port', { authorization, host: '127.0.0.1' }, 403],
    ];
    for (const [title, headers, status] of refusals) {
      const list = await ask(controlPort, '/v1/objects?prefix=', { headers });
      expect(list.status, title).toBe(status);
      const put = await ask(controlPort, '/v1/objects/planted', {
        method: 'PUT',
        headers: { ...headers, 'if-none-match': '*' },
        body: 'planted',
      });
      expect(put.status, title).toBe(status);
    }
    const allowed = await ask(controlPort, '/v1/objects?prefix=', { headers: { authorization } });
    expect(allowed.status).toBe(200);
    expect(allowed.body).toContain('banks/icamer/current');
    expect(allowed.body).not.toContain('planted');
    const preflight = await ask(controlPort, '/v1/objects', {
      method: 'OPTIONS',
      headers: { origin: 'http://evil.example', 'access-control-request-method': 'PUT' },
    });
    expect(preflight.status).toBe(403);
  });

  it('refuses a second start over its folder, and over its port', async () => {
    const [otherPort, otherDirectory] = [await freePort(), newDirectory()];
    const sameFolder = start(directory, otherPort);
    const samePort = start(otherDirectory, port);
    const sameBoth = start(directory, port);
    expect(await Promise.all([sameFolder.ended, samePort.ended, sameBoth.ended])).toEqual([1, 1, 1]);
    expect(sameFolder.output()).toContain(String(dev.pid));
    expect(samePort.output()).toContain(`port ${port}`);
    expect(samePort.output()).toContain('PORT=');
    expect(sameBoth.output()).toContain(String(dev.pid));
    for (const each of [sameFolder, samePort, sameBoth]) expect(each.output()).not.toMatch(/^ {4}at /m);
    // Neither took what is the running one's, nor left anything locked.
    expect(await readdir(otherDirectory)).not.toContain('lock');
    expect(await ask(port, '/healthz')).toMatchObject({ status: 200 });
    await readControl(directory);
  });
});

it.each(['0', '80.5'])('npm start refuses PORT=%s', async (port) => {
  const dev = start(newDirectory(), port);
  expect(await dev.ended).toBe(1);
  expect(dev.output()).toContain('PORT');
});

describe('an end', () => {
  let directory = '';
  let port = 0;
  /** What was answered first under an idempotency key. */
  let kept: unknown;
  /** What the gateway of the test before this one left. */
  let dev: DevProcess | undefined;

  beforeAll(async () => {
    directory = newDirectory();
    port = await freePort();
  });
  afterEach(async () => {
    await dev?.end('SIGKILL');
  });

  it.each<[NodeJS.Signals, boolean]>([
    ['SIGINT', true],
    ['SIGTERM', true],
    // No one can clean up after this one: the lock that it leaves must not stop the next start.
    ['SIGKILL', false],
    ['SIGTERM', true],
  ])('by %s leaves nothing running, and the next start keeps what was released', async (signal, isClean) => {
    dev = start(directory, port);
    await dev.ready();
    const first = started.filter(({ port: used }) => used === port).length === 1;
    if (first) expect(dev.output()).toMatch(/published release 1 of bank icamer/);
    else expect(dev.output()).not.toMatch(/published|built/);
    expect(await decide(port, 'icamer', euros)).toMatchObject({ decision: 'deny', release: 1 });
    // To the millisecond of `evaluated_at`.
    const answer = await decide(port, 'icamer', euros, { 'idempotency-key': 'restarts' });
    kept ??= answer;
    expect(answer).toEqual(kept);
    expect(answer.status).toBe(200);

    const children = await childrenOf(dev.pid);
    expect(children.map(({ command }) => command)).toContain('workerd');
    const { durationMs } = await dev.end(signal);
    expect(durationMs).toBeLessThan(2_000);
    for (const { pid, command } of children) {
      await expect.poll(() => isRunning(pid), { timeout: 2_000, message: command }).toBe(false);
    }
    const left = await readdir(directory);
    expect(left.includes('lock')).toBe(!isClean);
    expect(left.includes('control.json')).toBe(!isClean);
    expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('by SIGKILL leaves no gateway that wasmpay publish would believe in', async () => {
    const gone = newDirectory();
    await mkdir(gone);
    const ended = start(newDirectory(), 0);
    await ended.ended;
    const control = { url: 'http://127.0.0.1:9', token: 'x', audience: 'local', pid: ended.pid };
    await writeFile(join(gone, 'control.json'), JSON.stringify(control));
    const result = await runCommand(['publish', 'icamer', approving, '--json'], {
      env: { WASMPAY_DIRECTORY: gone },
    });
    expect([result.code, jsonOf(result)['error']]).toEqual([2, expect.objectContaining({ code: 'usage' })]);
  });
});
