// The folder of `npm start`: the local signing key, what gateways trust, and a lock, since two processes over one R2
// folder lose each other's writes. Secrets are readable by their owner only.

import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { generateReleaseKeys, parseSigningKey, type SigningKey } from '../artifact/release-keys.ts';
import { WasmpayError } from '../core/error.ts';
import { SIGNING_KEY_FILE, TRUSTED_KEYS_FILE } from '../store/dev-store.ts';

const LOCK_FILE = 'lock';
const SEED_KEY_FILE = 'seed-key';

/** The deployment that releases of `npm start` are signed for. */
export const DEV_AUDIENCE = 'local';

export interface DevDirectory {
  readonly path: string;
  readonly signingKey: SigningKey;
  /** JSON Web Key Set, as text. */
  readonly trustedKeys: string;
  readonly seedKey: string;
}

/** Opens the folder for this process alone, making what is missing. Throws `config_invalid` where it is in use. */
export async function openDevDirectory(path: string): Promise<DevDirectory> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const lock = join(path, LOCK_FILE);
  await takeLock(lock);
  try {
    const signingKey = await readSigningKey(path);
    const trustedKeys = await readFile(join(path, TRUSTED_KEYS_FILE), 'utf8');
    const seedKey = await readOrMake(join(path, SEED_KEY_FILE), () => randomBytes(32).toString('hex'));
    return { path, signingKey, trustedKeys, seedKey };
  } catch (error) {
    rmSync(lock, { force: true });
    throw error;
  }
}

async function readSigningKey(path: string): Promise<SigningKey> {
  const privateFile = join(path, SIGNING_KEY_FILE);
  const existing = await readFile(privateFile, 'utf8').catch(() => undefined);
  if (existing !== undefined) return parseSigningKey(existing);
  const pair = await generateReleaseKeys();
  await writePrivateFile(join(path, TRUSTED_KEYS_FILE), JSON.stringify({ keys: [pair.public] }));
  await writePrivateFile(privateFile, JSON.stringify(pair.private));
  return parseSigningKey(JSON.stringify(pair.private));
}

async function readOrMake(file: string, make: () => string): Promise<string> {
  const existing = await readFile(file, 'utf8').catch(() => undefined);
  if (existing !== undefined) return existing;
  const made = make();
  await writePrivateFile(file, made);
  return made;
}

/** Writes a file whole or not at all, readable by its owner only. */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, file);
}

/** Removes `file` when this process ends, also by a signal: miniflare exits on those before anyone could wait. */
export function removeAtExit(file: string): void {
  process.on('exit', () => rmSync(file, { force: true }));
}

async function takeLock(lock: string): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await using file = await open(lock, 'wx', 0o600);
      await file.writeFile(String(process.pid));
      removeAtExit(lock);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
      if (isAlive(holder)) {
        throw new WasmpayError(
          'config_invalid',
          `a gateway of this checkout already runs, as process ${holder}; stop it first`,
        );
      }
      await rm(lock, { force: true });
    }
  }
  throw new WasmpayError(
    'config_invalid',
    `${lock} cannot be taken; delete it if no gateway of this checkout runs`,
  );
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
