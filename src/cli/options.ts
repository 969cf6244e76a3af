// Reads a command's arguments and the files that they name. Every fault is a `usage` error with what to type instead.

import { open, readFile } from 'node:fs/promises';
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

import { WasmpayError } from '../core/error.ts';
import { MAX_COMPONENT_BYTES } from '../core/limits.ts';
import { DEFAULT_POLICY, parsePolicy, type Policy } from '../publisher/policy.ts';
import { formatCount } from './terminal.ts';

/**
 * Options and the arguments that `positionals` name; those in brackets, at the end, may be left out. Throws `usage` where
 * the command line has others.
 */
export function parseOptions(
  args: readonly string[],
  positionals: readonly string[],
  options: ParseArgsOptionsConfig,
): { arguments: string[]; options: Record<string, string | boolean | undefined> } {
  try {
    const parsed = parseArgs({
      args: joinDashedValues(args, options),
      options,
      allowPositionals: true,
      strict: true,
    });
    const needed = positionals.filter((name) => !name.startsWith('['));
    const { length } = parsed.positionals;
    if (length < needed.length || length > positionals.length) {
      throw new TypeError(
        `it takes ${positionals.join(' ') || 'no arguments'}, and got ${formatCount(length, 'argument')}`,
      );
    }
    return {
      arguments: parsed.positionals,
      options: parsed.values as Record<string, string | boolean | undefined>,
    };
  } catch (cause) {
    throw new WasmpayError('usage', cause instanceof Error ? cause.message : 'bad arguments', { cause });
  }
}

/**
 * `--key-id -abc` as `--key-id=-abc`: a key's id may begin with a dash. What is an option of the command stays one, and what
 * begins with two dashes is taken for a mistyped one.
 */
function joinDashedValues(args: readonly string[], options: ParseArgsOptionsConfig): string[] {
  const shorts = Object.values(options).map(({ short }) => `-${short ?? ''}`);
  const joined: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const [arg = '', next = ''] = [args[index], args[index + 1]];
    // What follows is no option.
    if (arg === '--') return [...joined, ...args.slice(index)];
    const takesValue = arg.startsWith('--') && options[arg.slice(2)]?.type === 'string';
    if (takesValue && /^-[^-]/.test(next) && !shorts.includes(next)) {
      joined.push(`${arg}=${next}`);
      index += 1;
    } else joined.push(arg);
  }
  return joined;
}

/**
 * Reads a component's file. One byte more than a component may have is read at most: the publisher then refuses it
 * as too large without anyone having held all of it.
 */
export async function readComponentFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(MAX_COMPONENT_BYTES + 1);
  try {
    await using file = await open(path, 'r');
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.slice(0, length);
  } catch (cause) {
    throw new WasmpayError('usage', `cannot read ${path}: ${errnoOf(cause)}`, { cause });
  }
}

/** Reads a text file that an option names. */
export async function readTextFile(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new WasmpayError('usage', `cannot read ${path} (${option}): ${errnoOf(cause)}`, { cause });
  }
}

/** The operator's own tiers, or the ones that come with this version. */
export async function readPolicy(path: string | undefined): Promise<Policy> {
  if (path === undefined) return DEFAULT_POLICY;
  const text = await readTextFile(path, '--policy');
  try {
    return parsePolicy(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof WasmpayError) throw cause;
    throw new WasmpayError('config_invalid', `${path} is no JSON`, { cause });
  }
}

function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
