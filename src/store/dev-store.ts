// How the command line reaches the store of a running `npm start`: one process owns the R2 folder, all others go
// through its loopback control port. The files below are readable by their owner only; the control port's address and
// token are there for as long as the gateway runs.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { WasmpayError } from '../core/error.ts';
import { createHttpStore } from './http-client.ts';
import type { ObjectStore } from './object-store.ts';

/** The folder of the checkout in which `npm start` keeps what it stores and its keys. */
export const DEV_DIRECTORY = join(import.meta.dirname, '../../.wasmpay');

/** Names in {@link DEV_DIRECTORY}. */
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

/** Reaches the running `npm start`. Throws `usage` where there is none. */
export async function openDevStore(directory: string = DEV_DIRECTORY): Promise<DevStore> {
  try {
    const control = JSON.parse(await readFile(join(directory, CONTROL_FILE), 'utf8')) as DevControl;
    // Throws where the process is gone: one that was killed could not remove its file.
    process.kill(control.pid, 0);
    const signingKey = await readFile(join(directory, SIGNING_KEY_FILE), 'utf8');
    return { store: createHttpStore(control), audience: control.audience, signingKey };
  } catch (cause) {
    const message = 'no gateway runs here: run "npm start" in another terminal, or name a store with --store';
    throw new WasmpayError('usage', message, { cause });
  }
}
