// The harness that a validator is plugged into: a component of world `validator-messenger`, which imports `validation` and
// exports it, and messaging. The platform's own is built of harness/, one folder for each version of the contract; a
// platform team that has another gives its component, or its folder.

import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { WasmpayError } from '../core/error.ts';
import { buildValidator, readDescriptor } from './build-validator.ts';
import { findContract } from './contract.ts';
import { projectRoot } from './toolchain.ts';

/**
 * Builds the harness in `folder`, the platform's own for `contract` (`wasmpay:platform@0.2.0`) unless told. Throws `usage` for
 * a folder of another world or contract, and what building throws.
 */
export async function buildHarness(contract: string, folder?: string): Promise<Uint8Array<ArrayBuffer>> {
  const { version } = findContract(contract);
  const directory = folder ?? join(projectRoot, 'src/authoring/harness', version);
  const descriptor = await readDescriptor(directory);
  if (descriptor.world !== 'validator-messenger')
    throw new WasmpayError('usage', `${directory}: a harness is of world "validator-messenger"`);
  if (descriptor.contract !== contract)
    throw new WasmpayError(
      'usage',
      `${directory} is a harness for ${descriptor.contract}, and the validator is of ${contract}`,
    );
  // Beside nothing of the project: where npm installed it, that folder may be read-only.
  const outDirectory = await mkdtemp(join(tmpdir(), 'wasmpay-harness-'));
  try {
    return (await buildValidator({ directory, outDirectory })).component;
  } finally {
    await rm(outDirectory, { recursive: true, force: true });
  }
}

/** Whether `path` is a folder, to be built, rather than a component. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
