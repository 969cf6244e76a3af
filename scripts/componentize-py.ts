// `npm run setup:python`: installs what builds validators in Python, at its pinned version and by its pinned hashes, into an
// environment of its own below build/. Nothing of the machine's own Python changes.
//
// Needs Python 3.10 or later with venv (Debian: apt-get install python3-venv). Without them it ends with 2: nothing was
// installed. Run again, it does nothing.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { ENVIRONMENT, REQUIREMENTS } from '../src/authoring/python-toolchain.ts';

const missing = existsSync(join(ENVIRONMENT, 'bin/componentize-py')) ? undefined : await install();
if (missing !== undefined) console.error(`skipped: ${missing}; no validator in Python can be built`);
process.exitCode = missing === undefined ? 0 : 2;

/** Gives what keeps it from being installed. */
async function install(): Promise<string | undefined> {
  const python = spawnSync('python3', ['-m', 'venv', ENVIRONMENT], { encoding: 'utf8' });
  if (python.error !== undefined) return 'there is no python3';
  if (python.status !== 0) {
    await rm(ENVIRONMENT, { recursive: true, force: true });
    return 'python3 has no venv (Debian: apt-get install python3-venv)';
  }
  const pip = join(ENVIRONMENT, 'bin/pip');
  const args = [
    'install',
    '--quiet',
    '--no-deps',
    '--only-binary=:all:',
    '--require-hashes',
    '-r',
    REQUIREMENTS,
  ];
  if (spawnSync(pip, args, { stdio: 'inherit' }).status === 0) return undefined;
  await rm(ENVIRONMENT, { recursive: true, force: true });
  return 'componentize-py could not be installed';
}
