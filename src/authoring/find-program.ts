// Finds the compilers that npm does not bring: on the PATH, and what they say of themselves.

import { execFile } from 'node:child_process';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { WasmpayError } from '../core/error.ts';

/** Longest that a compiler may take to say its version, milliseconds: a first start from a slow disk. */
const QUESTION_TIMEOUT_MS = 20_000;

/** Every program of one of these names on the PATH, in its order: all of the first name, then of the next. */
export function findPrograms(...names: readonly string[]): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name)).filter(isProgram));
  return [...new Set(found)];
}

/** Where a program really is: Debian's `clang-19` is a link into another folder, which the compiler looks about in. */
export function realProgram(path: string): string {
  return realpathSync(path);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const run = promisify(execFile);

/** What a program of the machine's own prints, trimmed; undefined where it fails. */
export async function ask(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  try {
    const options = { timeout: QUESTION_TIMEOUT_MS, env: { PATH: process.env['PATH'] ?? '', ...env } };
    return (await run(program, args, options)).stdout.trim();
  } catch {
    return undefined;
  }
}

/** The error for a part that is not there: what it is needed for, and what to do. */
export function missing(what: string, install: string): WasmpayError {
  return new WasmpayError('toolchain_missing', `${what} is not installed: ${install}`);
}
