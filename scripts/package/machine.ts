// A machine that has seen nothing of this project: an empty home, no npm cache, and the Node and npm that the system has. What
// is kept of this one is how the network is reached. Every program that is started here is ended here.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';

/** Longest that one program may take, milliseconds: an installation over a slow line. */
const TIMEOUT_MS = 300_000;

/** How a network is reached; nothing of what a user set for themselves. */
const NETWORK =
  /^(?:https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_(?:file|dir)|npm_config_(?:registry|cafile|https?_proxy|noproxy))$/i;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Machine {
  /** A new folder on it. */
  folder(name: string): Promise<string>;
  /** Runs a program until it ends. Throws where it does not end with 0. */
  run(program: string, args: readonly string[], cwd: string): Promise<string>;
  /** Runs a program until it ends, however it does. */
  try(program: string, args: readonly string[], cwd: string): Promise<Finished>;
  /** Starts a program that goes on. Its standard error is for the caller to read. */
  start(
    program: string,
    args: readonly string[],
    cwd: string,
    env: Readonly<Record<string, string>>,
  ): ChildProcess;
}

/** A machine whose disk is `root`, an empty folder; `registry` is npm's. */
export async function createMachine(root: string, registry: string): Promise<Machine> {
  const home = join(root, 'home');
  await mkdir(home);
  const env: Record<string, string> = {
    HOME: home,
    // Scripts of npm find the project's own programs first; whoever installs the package has none of them.
    PATH: (process.env['PATH'] ?? '')
      .split(delimiter)
      .filter((folder) => !folder.includes('node_modules') && !folder.includes('node-gyp-bin'))
      .join(delimiter),
    npm_config_registry: registry,
    npm_config_update_notifier: 'false',
  };
  for (const [name, value] of Object.entries(process.env))
    if (NETWORK.test(name) && value !== undefined) env[name] ??= value;

  const machine: Machine = {
    async folder(name) {
      const folder = join(root, name);
      await mkdir(folder, { recursive: true });
      return folder;
    },
    async run(program, args, cwd) {
      const { code, stdout, stderr } = await machine.try(program, args, cwd);
      if (code === 0) return stdout;
      throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
    },
    async try(program, args, cwd) {
      const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      const timer = setTimeout(() => endGroup(child), TIMEOUT_MS);
      try {
        const [stdout, stderr, [code]] = await Promise.all([
          text(child.stdout),
          text(child.stderr),
          once(child, 'close') as Promise<[number | null]>,
        ]);
        return { code, stdout, stderr };
      } finally {
        clearTimeout(timer);
      }
    },
    start: (program, args, cwd, more) =>
      spawn(program, args, {
        cwd,
        env: { ...env, ...more },
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      }),
  };
  return machine;
}

/** Kills a program that {@link Machine} started, and what that started. */
export function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
