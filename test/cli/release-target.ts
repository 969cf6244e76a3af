// A place to release to for tests of commands: an empty store in a folder, with a key, and a validator's source that builds.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { generateReleaseKeys } from '../../src/artifact/release-keys.ts';

export interface ReleaseTarget extends AsyncDisposable {
  readonly folder: string;
  /** Options that name it. */
  readonly options: readonly string[];
  /** `d` of the signing key: no output may hold it. */
  readonly secret: string;
}

export async function createReleaseTarget(): Promise<ReleaseTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'wasmpay-target-'));
  const keys = await generateReleaseKeys();
  const key = join(folder, 'key.json');
  await writeFile(key, JSON.stringify(keys.private));
  const store = `file:${join(folder, 'store')}`;
  return {
    folder,
    options: ['--store', store, '--audience', 'pay.example', '--key', key],
    secret: String(keys.private.d),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** The template of AssemblyScript for contract 0.2.0: at most 10,000.00 EUR, as bank `icamer`. */
export async function readTemplate(language = 'assemblyscript'): Promise<string> {
  const file = join(import.meta.dirname, '../../templates', language, '0.2.0/validator.ts');
  return (await readFile(file, 'utf8')).replaceAll('{{bank}}', 'icamer');
}

/** A payment to `icamer` of so many cents. */
export function paymentOf(amount: number): object {
  const side = (id: string): object => ({ id, name: 'x', country: 'DE', currency: 'EUR' });
  return {
    id: 't',
    origin: side('bank_001'),
    destination: side('icamer'),
    amount: { name: 'Euro', symbol: '€', amount },
    status: 'pending',
  };
}
