// `wasmpay keys generate DIRECTORY`: the key pair that releases are signed with. The private part goes into a file that
// its owner alone can read, and nowhere else.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { generateReleaseKeys } from '../artifact/release-keys.ts';
import { WasmpayError } from '../core/error.ts';
import { parseOptions } from './options.ts';
import { printJson, printResult } from './terminal.ts';

const USAGE = `wasmpay keys generate DIRECTORY [--json]
  Makes an Ed25519 key pair: DIRECTORY/signing-key.json is secret, for "wasmpay publish --key"; the content of
  DIRECTORY/trusted-keys.json is what a gateway trusts (WASMPAY_TRUSTED_KEYS). Files that are there are left alone.`;

/** The command for main.ts. */
export const keysCommand = { usage: USAGE, run: runKeys };

async function runKeys(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['generate', 'DIRECTORY'], { json: { type: 'boolean', default: false } });
  const [action, directory] = parsed.arguments.map(String);
  if (action !== 'generate')
    throw new WasmpayError('usage', `there is no "keys ${action}"; use "keys generate"`);
  const keys = await generateReleaseKeys();
  const signingKeyFile = join(String(directory), 'signing-key.json');
  const trustedKeysFile = join(String(directory), 'trusted-keys.json');
  const trustedKeys = JSON.stringify({ keys: [keys.public] });
  await mkdir(String(directory), { recursive: true, mode: 0o700 });
  await createFile(signingKeyFile, JSON.stringify(keys.private), 0o600);
  await createFile(trustedKeysFile, trustedKeys, 0o644);
  if (parsed.options['json'] === true) {
    printJson({ keyId: keys.keyId, signingKeyFile, trustedKeysFile, trustedKeys: { keys: [keys.public] } });
  } else {
    printResult(
      `key           ${keys.keyId}\nsigning key   ${signingKeyFile}  (secret: keep it off the gateway and out of repositories)\n` +
        `trusted keys  ${trustedKeysFile}\n\nWASMPAY_TRUSTED_KEYS = '${trustedKeys}'`,
    );
  }
  return 0;
}

async function createFile(file: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(file, text, { mode, flag: 'wx' });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const problem =
      code === 'EEXIST' ? 'is there already; choose another directory' : `cannot be written: ${code}`;
    throw new WasmpayError('usage', `${file} ${problem}`, { cause });
  }
}
