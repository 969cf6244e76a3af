// Where a command's keys come from. A private key is a file, an environment variable, or with somebody else (a KMS, an
// HSM), who is asked through a command for each signature. No key is printed, and none is handed to a child process.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { parseSigningKey, parseTrustedKeys, trustOnly } from '../artifact/release-keys.ts';
import type { SigningKey, TrustedKeys } from '../artifact/release-keys.ts';
import { WasmpayError } from '../core/error.ts';
import { readTextFile } from './options.ts';

/** Variables that hold keys: the private one as a JSON Web Key, the trusted ones as a JSON Web Key Set. */
const SIGNING_KEY_VARIABLE = 'WASMPAY_SIGNING_KEY';
const TRUSTED_KEYS_VARIABLE = 'WASMPAY_TRUSTED_KEYS';

/** How long a command may take for one signature, milliseconds. A KMS answers in a second, a person at a token in ten. */
const SIGN_DEADLINE_MS = 60_000;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface KeyOptions {
  /** `--key FILE`. */
  readonly key: string | undefined;
  /** `--key-command COMMAND`, which goes with `--key-id`. */
  readonly keyCommand: string | undefined;
  readonly keyId: string | undefined;
  /** `--trusted-keys FILE`. */
  readonly trustedKeys: string | undefined;
}

/**
 * The keys that releases in a store are believed of, and the one to sign with. `purpose` is `read` where nothing is
 * signed: then trusted keys alone will do. Throws `usage`, `key_invalid`.
 */
export async function readKeys(
  options: KeyOptions,
  env: Environment,
  purpose: 'sign' | 'read',
): Promise<{ signingKey: SigningKey | undefined; trustedKeys: TrustedKeys }> {
  const trusted = await readTrustedKeys(options, env);
  const signingKey = await readSigningKey(options, env, trusted);
  if (signingKey === undefined && (purpose === 'sign' || trusted === undefined)) {
    throw new WasmpayError(
      'usage',
      purpose === 'sign'
        ? `--store goes with a signing key: --key FILE, --key-command COMMAND, or ${SIGNING_KEY_VARIABLE}`
        : `--store goes with --trusted-keys FILE, or ${TRUSTED_KEYS_VARIABLE}, or the signing key`,
    );
  }
  const trustedKeys = trusted ?? (signingKey === undefined ? new Map() : trustOnly(signingKey));
  if (signingKey !== undefined && !trustedKeys.has(signingKey.keyId)) {
    throw new WasmpayError(
      'key_invalid',
      `the signing key ${signingKey.keyId} is none of the trusted keys: gateways would refuse what it signs`,
    );
  }
  return { signingKey, trustedKeys };
}

async function readTrustedKeys(
  { trustedKeys: file }: KeyOptions,
  env: Environment,
): Promise<TrustedKeys | undefined> {
  if (file !== undefined) return parseTrustedKeys(await readTextFile(file, '--trusted-keys'));
  const json = env[TRUSTED_KEYS_VARIABLE] ?? '';
  return json === '' ? undefined : parseTrustedKeys(json);
}

async function readSigningKey(
  { key, keyCommand, keyId }: KeyOptions,
  env: Environment,
  trusted: TrustedKeys | undefined,
): Promise<SigningKey | undefined> {
  if (key !== undefined && keyCommand !== undefined)
    throw new WasmpayError('usage', '--key and --key-command name two signing keys; give one');
  if (keyCommand === undefined && keyId !== undefined)
    throw new WasmpayError('usage', '--key-id goes with --key-command');
  if (key !== undefined) return parseSigningKey(await readTextFile(key, '--key'));
  if (keyCommand !== undefined) return createCommandKey(keyCommand, keyId, trusted, env);
  const json = env[SIGNING_KEY_VARIABLE] ?? '';
  return json === '' ? undefined : parseSigningKey(json);
}

/** A key that a command signs with. The public half is one of the trusted keys: the command is believed nothing. */
function createCommandKey(
  command: string,
  keyId: string | undefined,
  trusted: TrustedKeys | undefined,
  env: Environment,
): SigningKey {
  const argv = parseCommand(command);
  if (keyId === undefined || trusted === undefined) {
    throw new WasmpayError(
      'usage',
      `--key-command goes with --key-id ID and the public key of that id: --trusted-keys FILE or ${TRUSTED_KEYS_VARIABLE}`,
    );
  }
  const publicKey = trusted.get(keyId);
  if (publicKey === undefined)
    throw new WasmpayError(
      'key_invalid',
      `--key-id is none of the trusted keys: ${[...trusted.keys()].join(', ')}`,
    );
  return { keyId, publicKey, sign: (bytes) => signByCommand(argv, bytes, env) };
}

/** `program argument argument`, split at blanks, or a JSON array of them where one holds a blank. There is no shell. */
function parseCommand(command: string): readonly [program: string, ...args: string[]] {
  let argv: unknown = command.split(/\s+/).filter((part) => part !== '');
  if (command.trimStart().startsWith('[')) {
    try {
      argv = JSON.parse(command);
    } catch (cause) {
      throw new WasmpayError('usage', '--key-command starts like a JSON array and is none', { cause });
    }
  }
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every((part) => typeof part === 'string'))
    throw new WasmpayError('usage', '--key-command names no program');
  return argv as [string, ...string[]];
}

async function signByCommand(
  [program, ...args]: readonly [string, ...string[]],
  bytes: Uint8Array<ArrayBuffer>,
  env: Environment,
): Promise<Uint8Array> {
  const { [SIGNING_KEY_VARIABLE]: _, ...passed } = env;
  const failed = (problem: string, cause?: unknown): WasmpayError =>
    new WasmpayError('key_invalid', `the key command ${problem}; nothing was signed`, { cause });
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: passed,
    signal: AbortSignal.timeout(SIGN_DEADLINE_MS),
  });
  // A command that needs no input may be gone before it was written.
  child.stdin.on('error', () => {});
  child.stdin.end(bytes);
  let answer: string;
  let code: number | null;
  try {
    [answer, [code]] = await Promise.all([
      text(child.stdout),
      once(child, 'close') as Promise<[number | null]>,
    ]);
  } catch (cause) {
    throw failed('could not be run, or took too long', cause);
  }
  if (code !== 0) throw failed(`ended with ${code ?? 'a signal'}`);
  const signature = answer.trim();
  // 64 bytes in base64url without padding.
  if (!/^[A-Za-z0-9_-]{86}$/.test(signature))
    throw failed('gave something else than a signature in base64url');
  return new Uint8Array(Buffer.from(signature, 'base64url'));
}
