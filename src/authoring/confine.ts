// Runs a compiler on source that someone else wrote: without the caller's environment, in a folder of its own, with a bound
// on time, output and address space. Where bubblewrap works, the compiler sees that folder, itself and the system's libraries,
// and nothing else of the machine: no home, no /etc, no network, no other process. Where it does not, what builders check
// besides (which files a compiler read) is all there is, and the build says so.

import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { WasmpayError } from '../core/error.ts';
import { findPrograms } from './find-program.ts';
import { COMPILER_TIMEOUT_MS, type ProcessResult } from './toolchain.ts';

/** A compiler and what it may see. Paths are absolute. */
export interface CompilerRun {
  readonly program: string;
  readonly args: readonly string[];
  /** The folder that it works in and may write to: a new one for each build. */
  readonly directory: string;
  /** Folder below `directory` that it starts in. */
  readonly cwd: string;
  /** Besides the system's libraries: the toolchain itself. */
  readonly readable: readonly string[];
  /** A folder besides its own that it may write to: a compiler's cache. */
  readonly cache?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Most address space, bytes, where util-linux's prlimit is there. Go reserves more than it uses: none for it. */
  readonly addressBytes?: number;
  /** Most memory that it writes to, bytes, likewise: for tools that reserve far more addresses than they use. */
  readonly dataBytes?: number;
  readonly timeoutMs?: number;
}

/** What programs are linked against. No package of theirs, nothing of a user's. */
const SYSTEM_LIBRARIES = ['/lib', '/lib64', '/usr/lib', '/usr/lib64'];

/** rustc for an example takes 0.3 GiB, clang less. */
export const COMPILER_ADDRESS_BYTES = 4 * 1024 ** 3;

/** Most that a compiler may print, bytes: it goes into an error message. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** What builds say where nothing confines them. */
export const UNCONFINED =
  'bubblewrap (bwrap) is not there or may not make namespaces: the compiler ran with this user’s rights. Install it before you build what others wrote.';

const known = new Map<string, Promise<string | undefined>>();

/** The bubblewrap that works on this machine, asked once; undefined where there is none. */
export function findBubblewrap(): Promise<string | undefined> {
  const [program] = findPrograms('bwrap');
  if (program === undefined) return Promise.resolve(undefined);
  const asked = known.get(program) ?? probe(program);
  known.set(program, asked);
  return asked;
}

async function probe(program: string): Promise<string | undefined> {
  try {
    // Some containers have the program and may not make namespaces.
    const args = [...NAMESPACES, '--ro-bind', '/', '/', '--', program, '--version'];
    await promisify(execFile)(program, args, { env: {}, timeout: 10_000 });
    return program;
  } catch {
    return undefined;
  }
}

const NAMESPACES = ['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--clearenv'];

/**
 * Runs a compiler. Throws `build_failed` when it does not end in time, prints without end or cannot start; its exit code is
 * the caller's to judge.
 */
export async function runCompiler(run: CompilerRun): Promise<ProcessResult> {
  const [program, ...args] = await commandOf(run);
  const timeoutMs = run.timeoutMs ?? COMPILER_TIMEOUT_MS;
  const child = spawn(program, args, {
    cwd: run.cwd,
    env: { ...run.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that what it started ends with it.
    detached: true,
  });
  return await new Promise<ProcessResult>((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    const end = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    };
    const fail = (why: string): void => {
      end();
      reject(new WasmpayError('build_failed', `${run.program} ${why}`));
    };
    const timer = setTimeout(() => fail(`did not end within ${timeoutMs} ms`), timeoutMs);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        if (output[name].length > MAX_OUTPUT_BYTES) fail(`printed more than ${MAX_OUTPUT_BYTES} bytes`);
      });
    }
    child.on('error', (cause) => fail(`could not start: ${cause.message}`));
    child.on('close', (exitCode, signal) => {
      clearTimeout(timer);
      end();
      resolve({ exitCode: exitCode ?? (signal === null ? 1 : 128), ...output });
    });
  });
}

async function commandOf(run: CompilerRun): Promise<[string, ...string[]]> {
  const [prlimit] = findPrograms('prlimit');
  const limits =
    prlimit === undefined
      ? []
      : [
          prlimit,
          '--core=0',
          ...(run.addressBytes === undefined ? [] : [`--as=${run.addressBytes}`]),
          ...(run.dataBytes === undefined ? [] : [`--data=${run.dataBytes}`]),
          '--',
        ];
  const bubblewrap = await findBubblewrap();
  const command =
    bubblewrap === undefined
      ? [...limits, run.program, ...run.args]
      : [...limits, bubblewrap, ...confinement(run), '--', run.program, ...run.args];
  return command as [string, ...string[]];
}

function confinement({ program, directory, cwd, readable, cache, env }: CompilerRun): string[] {
  return [
    ...NAMESPACES,
    ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...[...SYSTEM_LIBRARIES, program, ...readable].flatMap((path) => ['--ro-bind-try', path, path]),
    ...['/dev/null', '/dev/urandom'].flatMap((path) => ['--dev-bind-try', path, path]),
    ...[directory, ...(cache === undefined ? [] : [cache])].flatMap((path) => ['--bind', path, path]),
    '--chdir',
    cwd,
  ];
}
