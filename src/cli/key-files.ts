// The files of a directory of keys. Secrets are created and never overwritten; the trusted keys, which are public, are
// replaced whole.

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { parseSigningKey, parseTrustedKeys } from '../artifact/release-keys.ts';
import { WasmpayError } from '../core/error.ts';

/** A public JSON Web Key, as it stands in a set. */
export type PublicKey = object;

/** Where things are in a directory of keys. */
export function keyFilesIn(directory: string) {
  return {
    signing: join(directory, 'signing-key.json'),
    next: join(directory, 'next-signing-key.json'),
    trusted: join(directory, 'trusted-keys.json'),
  };
}

/** The id of the key that signs, and the public keys that are trusted. Throws `usage`, `key_invalid`. */
export async function readKeyFiles(
  directory: string,
): Promise<{ signingKeyId: string; publicKeys: { keyId: string; jwk: PublicKey }[] }> {
  const files = keyFilesIn(directory);
  const signing = await parseSigningKey(await read(files.signing));
  const json = await read(files.trusted);
  const publicKeys: { keyId: string; jwk: PublicKey }[] = [];
  // As a whole, so that a private key among them is refused; then each, for its id.
  await parseTrustedKeys(json);
  for (const jwk of (JSON.parse(json) as { keys: PublicKey[] }).keys) {
    const [keyId] = (await parseTrustedKeys(JSON.stringify({ keys: [jwk] }))).keys();
    publicKeys.push({ keyId: String(keyId), jwk });
  }
  return { signingKeyId: signing.keyId, publicKeys };
}

/** Creates a file with `mode`. Throws `usage` where one is there: a secret is never overwritten. */
export async function createKeyFile(file: string, text: string, mode: number): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, text, { mode, flag: 'wx' });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const problem =
      code === 'EEXIST'
        ? 'is there already; it is left alone: choose another directory, or finish the rotation that it is of'
        : `cannot be written: ${code}`;
    throw new WasmpayError('usage', `${file} ${problem}`, { cause });
  }
}

/** Replaces the trusted keys, whole or not at all. */
export async function replaceTrustedKeys(directory: string, set: { keys: PublicKey[] }): Promise<void> {
  const { trusted } = keyFilesIn(directory);
  const temporary = `${trusted}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, JSON.stringify(set), { mode: 0o644, flag: 'wx' });
    await rename(temporary, trusted);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new WasmpayError(
      'usage',
      `${trusted} cannot be written: ${(cause as NodeJS.ErrnoException).code}`,
      { cause },
    );
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const problem = (cause as NodeJS.ErrnoException).code;
    throw new WasmpayError('usage', `${file} cannot be read (${problem}); "wasmpay keys generate" makes it`, {
      cause,
    });
  }
}
