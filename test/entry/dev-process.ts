// Gateways as child processes with a folder and a port of their own, and what a test asks of them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { vi } from 'vitest';

import { requireNothingPlanted } from '../fixtures/planted.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface TestProcess {
  readonly pid: number;
  /** Everything written so far, both streams. */
  output(): string;
  /** Waits until the process says that it is ready. */
  ready(): Promise<void>;
  /** Sends a signal; gives exit code or signal, and how long the end took, milliseconds. */
  end(signal: NodeJS.Signals): Promise<{ code: number | NodeJS.Signals | null; durationMs: number }>;
  /** The exit code, once it ended by itself. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

export interface DevProcess extends TestProcess {
  readonly port: number | string;
}

/** Starts `node src/entry/dev.ts`. */
export function startDev(directory: string, port: number | string): DevProcess {
  const env = { WASMPAY_DIRECTORY: directory, PORT: String(port) };
  return { ...startProcess(['src/entry/dev.ts'], env, 'Ctrl-C'), port };
}

/** Starts `node` with `args` in the project's folder; it is ready once it has written `readyText`. */
export function startProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  readyText: string,
): TestProcess {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  const ended = once(child, 'exit').then(
    ([code, signal]: (number | NodeJS.Signals | null)[]) => code ?? signal ?? null,
  );
  return {
    pid: child.pid ?? 0,
    ended,
    output: () => output,
    async ready() {
      let exited = false;
      void ended.then(() => (exited = true));
      await vi.waitUntil(() => exited || output.includes(readyText), { timeout: 120_000, interval: 50 });
      if (exited) throw new Error(`it ended:\n${output}`);
    },
    async end(signal) {
      const startMs = performance.now();
      child.kill(signal);
      const code = await ended;
      requireNothingPlanted('the process', output);
      return { code, durationMs: performance.now() - startMs };
    },
  };
}

/** A port of 127.0.0.1 that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface DirectAnswer {
  readonly status: number;
  readonly body: string;
}

/** One request to 127.0.0.1 with the `Host` that a browser would send: `fetch` cannot set it. */
export async function ask(
  port: number,
  path: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<DirectAnswer> {
  const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** Processes of which `pid` is the parent, with the file that each runs. Linux and macOS. */
export async function childrenOf(pid: number): Promise<{ pid: number; command: string }[]> {
  const found = (await listProcesses()).filter(({ parent }) => parent === pid);
  return found.map((each) => ({ pid: each.pid, command: each.command }));
}

/** Whether a process is there and does anything: a dead one that no one has waited for does not. */
export async function isRunning(pid: number): Promise<boolean> {
  const found = (await listProcesses()).find((each) => each.pid === pid);
  return found !== undefined && !found.state.startsWith('Z');
}

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

async function listProcesses(): Promise<ProcessRow[]> {
  return process.platform === 'linux' ? listLinuxProcesses() : listPosixProcesses();
}

async function listLinuxProcesses(): Promise<ProcessRow[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const rows = await Promise.all(
    names.map(async (name) => {
      // A process may end while it is being looked at.
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      const [, command = '', state = '', parent = ''] = /^\d+ \((.*)\) (\S) (\d+)/s.exec(stat) ?? [];
      return stat === '' ? [] : [{ pid: Number(name), parent: Number(parent), state, command }];
    }),
  );
  return rows.flat();
}

async function listPosixProcesses(): Promise<ProcessRow[]> {
  const child = spawn('ps', ['-A', '-o', 'pid=,ppid=,state=,comm='], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return (await text(child.stdout))
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, state = '', ...command] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), state, command: command.join(' ') };
    });
}
