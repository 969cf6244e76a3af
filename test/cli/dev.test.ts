// `wasmpay dev`: a save, and what the gateway answers afterwards.

import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ask, startProcess, type TestProcess } from '../entry/dev-process.ts';
import { runCommand } from './command.ts';

interface DevEvent {
  readonly event: 'started' | 'released' | 'kept';
  readonly serving: number | null;
  readonly url?: string;
  readonly failed?: readonly string[];
  readonly refusals?: readonly { readonly code: string }[];
  readonly error?: { readonly code: string };
}

let folder = '';
let temporary = '';
let project = '';
let dev: TestProcess;
let port = 0;
let body = '';

/** Everything that was told so far. */
const events = (): DevEvent[] =>
  dev
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as DevEvent);

/** Changes the source; gives what is told of it. */
async function save(change: (source: string) => string): Promise<DevEvent | undefined> {
  const before = events().length;
  const file = join(project, 'validator.ts');
  await writeFile(file, change(await readFile(file, 'utf8')));
  await expect.poll(() => events().length, { timeout: 100_000 }).toBeGreaterThan(before);
  return events().at(-1);
}

async function decision(): Promise<unknown> {
  const headers = { 'content-type': 'application/json', host: `mybank.localhost:${port}` };
  const answer = await ask(port, '/v1/validate', { method: 'POST', headers, body });
  return (JSON.parse(answer.body) as { decision?: unknown }).decision;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-dev-test-'));
  temporary = await mkdtemp(join(folder, 'tmp-'));
  project = join(folder, 'mybank');
  expect((await runCommand(['new', project, '--lang', 'assemblyscript'])).code).toBe(0);
  const { cases } = JSON.parse(await readFile(join(project, 'cases.json'), 'utf8')) as {
    cases: readonly { transaction: object }[];
  };
  body = JSON.stringify(cases[0]?.transaction);
  const env = { TMPDIR: temporary };
  dev = startProcess(['bin/wasmpay.js', 'dev', project, '--port', '0', '--json'], env, '"released"');
  await dev.ready();
  port = Number(new URL(events()[0]?.url ?? '').port);
});
afterAll(async () => {
  await dev.end('SIGKILL');
  await rm(folder, { recursive: true });
});

describe('wasmpay dev', () => {
  it('serves the project as its bank', async () => {
    expect(events().map(({ event, serving }) => [event, serving])).toEqual([
      ['started', null],
      ['released', 1],
    ]);
    expect(events()[0]?.url).toBe(`http://mybank.localhost:${port}/v1/validate`);
    expect(await decision()).toBe('approve');
  });

  it('answers by the rule that was saved, also where it breaks a case, and says which', async () => {
    const told = await save((source) => source.replace('10_000_00', '100_00'));
    expect(told).toMatchObject({
      event: 'released',
      serving: 2,
      failed: ['250.00 EUR', '10,000.00 EUR, the most'],
    });
    expect(await decision()).toBe('deny');
    expect(await save((source) => source.replace('100_00', '10_000_00'))).toMatchObject({
      serving: 3,
      failed: [],
    });
    expect(await decision()).toBe('approve');
  });

  it('goes on with the last good one after a save that does not build, and after one that would not be published', async () => {
    const broken = await save((source) => source.replace('const MOST', 'cons MOST'));
    expect(broken).toMatchObject({ event: 'kept', serving: 3, error: { code: 'source_invalid' } });
    expect(await decision()).toBe('approve');
    const looping = await save((source) =>
      source.replace('cons MOST', 'const MOST').replace('const amount', 'while (true) {}\n  const amount'),
    );
    expect(looping).toMatchObject({ event: 'kept', serving: 3, refusals: [{ code: 'trial_failed' }] });
    expect(await decision()).toBe('approve');
    expect(await save((source) => source.replace('while (true) {}', ''))).toMatchObject({
      event: 'released',
      serving: 4,
    });
  });

  it('ends on a signal with everything that it started, and leaves nothing behind', async () => {
    expect((await dev.end('SIGINT')).code).toBe(0);
    await expect(decision()).rejects.toThrow('ECONNREFUSED');
    expect(await readdir(temporary)).toEqual([]);
  });
});
