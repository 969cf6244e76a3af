// What every command on releases works on: a store, the deployment, and keys. Without --store it is the gateway that
// `npm start` runs on this machine.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseSigningKey, parseTrustedKeys } from '../artifact/release-keys.ts';
import { slugOf } from '../core/bank.ts';
import { WasmpayError } from '../core/error.ts';
import type { ReleaseDesk } from '../publisher/releases/next-release.ts';
import type { ReleaseSource } from '../publisher/releases/read-release.ts';
import { devDirectory, openDevStore, TRUSTED_KEYS_FILE } from '../store/dev-store.ts';
import { readKeys } from './signing-key.ts';
import { openStore } from '../store/store-address.ts';

/** Options of a command that reads releases. */
export const SOURCE_OPTIONS = {
  store: { type: 'string' },
  audience: { type: 'string' },
  key: { type: 'string' },
  'trusted-keys': { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** Options of a command that makes releases. */
export const DESK_OPTIONS = {
  ...SOURCE_OPTIONS,
  'key-command': { type: 'string' },
  'key-id': { type: 'string' },
} as const;

type Options = Record<string, string | boolean | undefined>;

/** Opens what releases are made on. Throws `usage`, `config_invalid`, `key_invalid`. */
export async function openDesk(options: Options): Promise<ReleaseDesk> {
  const { signingKey, ...source } = await openTarget(options, 'sign');
  if (signingKey === undefined) throw new WasmpayError('internal', 'there is no key to sign with');
  return { ...source, signingKey, clock: () => Date.now() };
}

/** Opens what releases are read of. Throws as {@link openDesk}. */
export async function openSource(options: Options): Promise<ReleaseSource> {
  const { signingKey: _, ...source } = await openTarget(options, 'read');
  return source;
}

async function openTarget(options: Options, purpose: 'sign' | 'read') {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const address = text('store');
  if (address === undefined) return openDevTarget();
  const audience = text('audience');
  if (audience === undefined || audience === '')
    throw new WasmpayError('usage', '--store goes with --audience NAME');
  const keys = await readKeys(
    {
      key: text('key'),
      keyCommand: text('key-command'),
      keyId: text('key-id'),
      trustedKeys: text('trusted-keys'),
    },
    process.env,
    purpose,
  );
  return { store: openStore(address), audience, ...keys };
}

async function openDevTarget() {
  const directory = devDirectory(process.env);
  const dev = await openDevStore(directory);
  const trusted = await readFile(join(directory, TRUSTED_KEYS_FILE), 'utf8');
  return {
    store: dev.store,
    audience: dev.audience,
    signingKey: await parseSigningKey(dev.signingKey),
    trustedKeys: await parseTrustedKeys(trusted),
  };
}

/** The slug of the bank that a command names. Throws `usage`. */
export function parseBank(text: string): string {
  const slug = slugOf(text);
  if (slug === undefined) throw new WasmpayError('usage', `${JSON.stringify(text)} is no bank id`);
  return slug;
}
