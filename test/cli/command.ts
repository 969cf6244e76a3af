// The real command as a child process, and what its tests look at: exit code and both outputs, byte for byte.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../bin/wasmpay.js', import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** The Node that starts the command; this process's own unless told. */
  readonly node?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What standard input gives; it is closed at once unless told. */
  readonly input?: string;
}

/** Runs `wasmpay` with `args` until it ends. */
export async function runCommand(
  args: readonly string[],
  { node = process.execPath, env = {}, cwd = ROOT, input }: CommandOptions = {},
): Promise<CommandResult> {
  const child = spawn(node, [COMMAND, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

/** Standard output, which must be one JSON value and nothing else. */
export function jsonOf({ stdout }: CommandResult): Record<string, unknown> {
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** Codes of the refusals in a `--json` answer. */
export function refusalCodesOf(result: CommandResult): string[] {
  return (jsonOf(result)['refusals'] as { code: string }[]).map(({ code }) => code);
}

/** The code of an `--json` error. */
export function errorCodeOf(result: CommandResult): string {
  return (jsonOf(result)['error'] as { code: string }).code;
}

/** Characters that a terminal would obey or hide, in what the command wrote anywhere. */
export function unprintableIn({ stdout, stderr }: CommandResult): string[] {
  const hidden = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
  return Array.from(`${stdout}${stderr}`).filter((character) => hidden.test(character) && character !== '\n');
}
