// How the command line reaches the store of a running `npm start`: one process owns the R2 folder, all others go
// through its loopback control port. The files below are readable by their owner only; the control port's address and
// token are there for as long as the gateway runs.

import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { WasmpayError } from '../core/error.ts';
import { createHttpStore } from './http-client.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * The folder in which `npm start` keeps what it stores and its keys: `.wasmpay` of the checkout, or the one that
 * WASMPAY_DIRECTORY names, relative to the working directory.
 */
export function devDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const named = env['WASMPAY_DIRECTORY'] ?? '';
  return named === '' ? join(import.meta.dirname, '../../.wasmpay') : resolve(named);
}

/** Names in {@link devDirectory}. */
export const CONTROL_FILE = 'control.json';
export const SIGNING_KEY_FILE = 'signing-key.json';
export const TRUSTED_KEYS_FILE = 'trusted-keys.json';

/** What {@link CONTROL_FILE} holds. */
export interface DevControl {
  /** `http://127.0.0.1:PORT` of the control port. */
  readonly url: string;
  /** Bearer token of this run. */
  readonly token: string;
  /** The deployment that the running gateway is. */
  readonly audience: string;
  /** Process that serves the control port. */
  readonly pid: number;
}

export interface DevStore {
  readonly store: ObjectStore;
  readonly audience: string;
  /** Private JSON Web Key, as text. */
  readonly signingKey: string;
}

/** Reaches the `npm start` that runs over `directory`. Throws `usage` where there is none. */
export async function openDevStore(directory: string): Promise<DevStore> {
  try {
    const control = JSON.parse(await readFile(join(directory, CONTROL_FILE), 'utf8')) as DevControl;
    // Throws where the process is gone: one that was killed could not remove its file.
    process.kill(control.pid, 0);
    const signingKey = await readFile(join(directory, SIGNING_KEY_FILE), 'utf8');
    return { store: createHttpStore(control), audience: control.audience, signingKey };
  } catch (cause) {
    const message =
      'no gateway runs here: run "npm start" in another terminal of a checkout, or name a store with --store';
    throw new WasmpayError('usage', message, { cause });
  }
}
