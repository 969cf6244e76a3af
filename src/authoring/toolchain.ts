// Finds the compilers that npm installed, whatever the working directory, and runs them in a process of their own:
// they work on an author's bytes, may crash, loop or call process.exit, and must not take the caller with them.

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { WasmpayError } from '../core/error.ts';

/** The project's folder: of a checkout, or `dist` of an installed package, which has the same folders. */
export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

/** Longest that one compiler may run, milliseconds: 15 times what a QuickJS build took on two busy cores. */
export const COMPILER_TIMEOUT_MS = 60_000;

/** Most that a compiler may print, bytes: it goes into an error message. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** Folder of an installed package. Throws `toolchain_missing` where it is not installed. */
export function findPackage(name: string): string {
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    if (existsSync(join(folder, name, 'package.json'))) return join(folder, name);
  }
  throw new WasmpayError(
    'toolchain_missing',
    `the npm package ${name} is not installed: run npm ci in a checkout, or install the package again`,
  );
}

/** Version of an installed package, from its package.json. */
export function versionOf(name: string): string {
  const { version } = JSON.parse(readFileSync(join(findPackage(name), 'package.json'), 'utf8')) as {
    version: string;
  };
  return `${name}@${version}`;
}

/** What a finished compiler left behind. */
export interface ProcessResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a builder runs its compilers' scripts: each in a process of its own. */
export interface Compilers {
  /** Runs a script of ours that reads a request as JSON on standard input. Throws as {@link runNode}. */
  run(script: string, request: unknown, timeoutMs?: number): Promise<ProcessResult>;
}

/** Starts a process for each run. */
export const FRESH_COMPILERS: Compilers = {
  run: (script, request, timeoutMs) =>
    runNode(script, [], { input: request, ...(timeoutMs !== undefined && { timeoutMs }) }),
};

/**
 * Runs a script with this Node, its request as JSON on standard input, without the caller's environment. Throws
 * `build_failed` when it does not end within `timeoutMs` or prints without end.
 */
export async function runNode(
  script: string,
  args: readonly string[],
  options: { cwd?: string; input?: unknown; timeoutMs?: number } = {},
): Promise<ProcessResult> {
  return finishNode(startNode(script, args, options.cwd), script, options);
}

/** A started script that waits for its request. */
export type NodeProcess = ChildProcessByStdio<Writable, Readable, Readable>;

export function startNode(script: string, args: readonly string[], cwd?: string): NodeProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
    cwd: cwd ?? dirname(script),
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Hands a started script its request and waits for its end. Throws as {@link runNode}. */
export async function finishNode(
  child: NodeProcess,
  script: string,
  options: { input?: unknown; timeoutMs?: number },
): Promise<ProcessResult> {
  const timeoutMs = options.timeoutMs ?? COMPILER_TIMEOUT_MS;
  return await new Promise<ProcessResult>((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    const fail = (why: string): void => {
      child.kill('SIGKILL');
      reject(new WasmpayError('build_failed', `${script} ${why}`));
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
      resolve({ exitCode: exitCode ?? (signal === null ? 1 : 128), ...output });
    });
    // A child that died early closes its input; its exit code tells the story.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input === undefined ? '' : JSON.stringify(options.input));
  });
}
