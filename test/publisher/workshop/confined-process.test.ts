import { mkdtempSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { afterAll, describe, expect, it } from 'vitest';

import {
  DEFAULT_BOUNDS,
  isNetworkConfined,
  runConfined,
  startConfined,
  type ProcessBounds,
} from '../../../src/publisher/workshop/confined-process.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SCRIPT = new URL('../../fixtures/confined/attacker.ts', import.meta.url);
const READABLE = [join(ROOT, 'src'), join(ROOT, 'test/fixtures/confined'), join(ROOT, 'package.json')];

const scratch = mkdtempSync(join(tmpdir(), 'confined-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function attack(name: string, target = '', bounds: Partial<ProcessBounds> = {}) {
  return runConfined(
    SCRIPT,
    { value: { attack: name, target }, blobs: [] },
    { ...DEFAULT_BOUNDS, ...bounds },
    { readable: READABLE },
  );
}

async function could(name: string, target = ''): Promise<unknown> {
  const run = await attack(name, target);
  return run.ok ? run.message.value : run.reason;
}

describe('a confined process', () => {
  it('has no environment', async () => {
    process.env['WASMPAY_PLANTED'] = 'secret';
    expect(await could('environment')).not.toContain('WASMPAY_PLANTED');
    delete process.env['WASMPAY_PLANTED'];
  });

  it('reads nothing but its own code and writes nothing', async () => {
    const secret = join(scratch, 'secret');
    writeFileSync(secret, 'x');
    expect(await could('read a file', secret)).toBe(false);
    expect(await could('read a file', '/etc/passwd')).toBe(false);
    expect(await could('read a file', join(ROOT, 'package.json'))).toBe(true);
    expect(await could('write a file', join(scratch, 'written'))).toBe(false);
    expect(await could('write a file', join(ROOT, 'src/written'))).toBe(false);
    expect(existsSync(join(scratch, 'written'))).toBe(false);
  });

  it('starts no process and no thread, loads no addon, evaluates no text', async () => {
    expect(await could('start a process')).toBe(false);
    expect(await could('start a thread')).toBe(false);
    expect(await could('load an addon', join(scratch, 'addon.node'))).toBe(false);
    expect(await could('evaluate text')).toEqual([false, false]);
  });

  it('reaches no network, where the system allows to take it away', async ({ skip }) => {
    skip(!isNetworkConfined(), 'this system has no network namespaces for us');
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      expect(await could('connect', String((server.address() as AddressInfo).port))).toBe(false);
    } finally {
      server.close();
    }
  });

  it('is ended after its time', async () => {
    const startMs = performance.now();
    expect(await attack('loop', '', { timeMs: 1_500 })).toEqual({
      ok: false,
      reason: 'it took longer than 1500 ms',
    });
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });

  it('is ended when it swells', async () => {
    const run = await attack('swell', '', { memoryBytes: 400 * 1024 * 1024, timeMs: 30_000 });
    expect(run).toMatchObject({ ok: false });
    expect(run.ok ? '' : run.reason).toMatch(/memory|without an answer/);
  });

  it('is ended when it floods', async () => {
    const run = await attack('flood', '', { outputBytes: 10 * 1024 * 1024 });
    expect(run).toEqual({ ok: false, reason: `it answered more than ${10 * 1024 * 1024} bytes` });
  });

  it.each(['exit', 'say nothing', 'lie'])('is not believed when it does this: %s', async (name) => {
    expect(await attack(name)).toEqual({ ok: false, reason: 'it ended without an answer' });
  });

  it('answers also when it was started long before, and has no more rights', async () => {
    using child = startConfined(SCRIPT, { readable: READABLE });
    await wait(500);
    const run = await child.run({ value: { attack: 'read a file', target: '/etc/passwd' }, blobs: [] });
    expect(run).toMatchObject({ ok: true, message: { value: false } });
  });

  it('is ended when nobody needs it, and by its time when it was started before', async () => {
    const child = startConfined(SCRIPT, { readable: READABLE });
    child[Symbol.dispose]();
    const input = { value: { attack: 'environment', target: '' }, blobs: [] };
    expect(await child.run(input)).toEqual({ ok: false, reason: 'nobody waits for it' });
    using looping = startConfined(SCRIPT, { readable: READABLE });
    const loop = { value: { attack: 'loop', target: '' }, blobs: [] };
    expect(await looping.run(loop, { ...DEFAULT_BOUNDS, timeMs: 1_500 })).toEqual({
      ok: false,
      reason: 'it took longer than 1500 ms',
    });
  });
});
