// Runs a script of ours on a guest's bytes in a process that can do nothing else: no environment, no file but our own
// code to read, no child, no thread, no addon, no code from strings, where the system allows it no network, and a
// bound on time, memory and output. What it answers is as little trusted as the guest.

import { spawn, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { decodeMessage, encodeMessage, type Message } from '../../core/frames.ts';
import { CODE_ROOT, OUR_CODE } from './our-code.ts';

export interface ProcessBounds {
  /** Longest run. */
  readonly timeMs: number;
  /** Most resident memory, where the system tells (Linux). */
  readonly memoryBytes: number;
  /** Most bytes of answer. */
  readonly outputBytes: number;
}

/**
 * The dearest component that toolchains make here (StarlingMonkey, 12 MB) takes 8 s and 1.1 GiB on a slow machine.
 */
export const DEFAULT_BOUNDS: ProcessBounds = {
  timeMs: 60_000,
  memoryBytes: 2 * 1024 ** 3,
  outputBytes: 128 * 1024 * 1024,
};

export type ConfinedResult =
  | { readonly ok: true; readonly message: Message }
  /** `reason` is of our own making: nothing that the process wrote is in it. */
  | { readonly ok: false; readonly reason: string };

/** Often enough that nothing swells by much in between. */
const WATCH_EVERY_MS = 25;

/** A process that waits for its one message. Disposing it ends it where it has not ended. */
export interface ConfinedProcess extends Disposable {
  /** Hands it the message, and takes its one message. To be called once. Never rejects. */
  run(input: Message, bounds?: ProcessBounds): Promise<ConfinedResult>;
}

export interface ConfinedOptions {
  /** The only paths that it can read. */
  readonly readable?: readonly string[];
  /** For V8, of how it compiles; never of what it allows. */
  readonly flags?: readonly string[];
}

/** Runs `script` (a module of ours) with one message as its input, and takes its one message. Never rejects. */
export async function runConfined(
  script: URL,
  input: Message,
  bounds: ProcessBounds = DEFAULT_BOUNDS,
  options: ConfinedOptions = {},
): Promise<ConfinedResult> {
  using child = startConfined(script, options);
  return await child.run(input, bounds);
}

/** Starts `script` before there is a message for it: until then it loads our own code, and nothing of a guest. */
export function startConfined(
  script: URL,
  { readable = OUR_CODE, flags = [] }: ConfinedOptions = {},
): ConfinedProcess {
  const { promise, resolve } = Promise.withResolvers<ConfinedResult>();
  const [command, ...args] = [
    ...withoutNetwork(),
    process.execPath,
    ...nodeOptions(readable),
    ...flags,
    fileURLToPath(script),
  ];
  const child = spawn(command, args, {
    env: {},
    cwd: CODE_ROOT,
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  let bounds = DEFAULT_BOUNDS;
  let timer: NodeJS.Timeout | undefined;
  let watch: NodeJS.Timeout | undefined;
  const end = (result: ConfinedResult): void => {
    clearTimeout(timer);
    clearInterval(watch);
    // The whole group: the process may be behind one that took its network away.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killGroup(child.pid);
    resolve(result);
  };
  const checkMemory = async (): Promise<void> => {
    const bytes = await residentBytes(child.pid);
    if (bytes > bounds.memoryBytes)
      end({ ok: false, reason: `it used more than ${bounds.memoryBytes} bytes of memory` });
  };
  const chunks: Buffer[] = [];
  let received = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    received += chunk.length;
    chunks.push(chunk);
    if (received > bounds.outputBytes)
      end({ ok: false, reason: `it answered more than ${bounds.outputBytes} bytes` });
  });
  child.on('error', () => end({ ok: false, reason: 'it could not be started' }));
  child.on('close', (code) => {
    const message = code === 0 ? decodeMessage(Buffer.concat(chunks)) : undefined;
    end(message === undefined ? { ok: false, reason: 'it ended without an answer' } : { ok: true, message });
  });
  child.stdin.on('error', () => {
    // It ended before it had read everything; its end says so.
  });
  return {
    async run(input, given = DEFAULT_BOUNDS) {
      bounds = given;
      timer = setTimeout(
        () => end({ ok: false, reason: `it took longer than ${bounds.timeMs} ms` }),
        bounds.timeMs,
      );
      watch = setInterval(() => void checkMemory(), WATCH_EVERY_MS);
      child.stdin.end(encodeMessage(input));
      const result = await promise;
      // One that had ended before leaves no timer behind.
      clearTimeout(timer);
      clearInterval(watch);
      return result;
    },
    [Symbol.dispose]() {
      end({ ok: false, reason: 'nobody waits for it' });
    },
  };
}

function nodeOptions(readable: readonly string[]): string[] {
  return [
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--disallow-code-generation-from-strings',
    '--max-old-space-size=1024',
    // Of a wasm memory, pages: 1 GiB. wasm-tools itself runs as wasm.
    '--wasm-max-mem-pages=16384',
    '--no-warnings',
  ];
}

let networkless: readonly string[] | undefined;

/** The command that takes the network away, where this system lets us: a network namespace of its own. */
function withoutNetwork(): readonly string[] {
  if (networkless === undefined) {
    const command = ['unshare', '--net', '--map-root-user'];
    const [name, ...args] = command;
    const tried = spawnSync(String(name), [...args, 'true'], { stdio: 'ignore', timeout: 5_000 });
    networkless = tried.status === 0 ? command : [];
  }
  return networkless;
}

/** Whether confined processes have no network on this system. */
export const isNetworkConfined = (): boolean => withoutNetwork().length > 0;

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}

/** Resident memory of a process; 0 where the system does not tell. */
async function residentBytes(pid: number | undefined): Promise<number> {
  try {
    const pages = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1];
    return Number(pages) * 4096;
  } catch {
    return 0;
  }
}
