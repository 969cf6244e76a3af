// Python programs of ours in environments of their own below build/, at pinned versions. Nothing of the machine's own Python
// changes.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Makes `folder` an environment with `program` in it, by what pip takes after `install`; does nothing where it is there. Gives
 * what keeps it from being installed: then nothing is left of it.
 */
export async function installPythonProgram(
  folder: string,
  program: string,
  requirements: readonly string[],
): Promise<string | undefined> {
  if (existsSync(join(folder, 'bin', program))) return undefined;
  const fault = install(folder, program, requirements);
  if (fault !== undefined) await rm(folder, { recursive: true, force: true });
  return fault;
}

function install(folder: string, program: string, requirements: readonly string[]): string | undefined {
  const python = spawnSync('python3', ['-m', 'venv', folder], { encoding: 'utf8' });
  if (python.error !== undefined) return 'there is no python3';
  if (python.status !== 0) return 'python3 has no venv (Debian: apt-get install python3-venv)';
  const pip = join(folder, 'bin/pip');
  const installed = spawnSync(pip, ['install', '--quiet', ...requirements], { stdio: 'inherit' });
  return installed.status === 0 ? undefined : `${program} could not be installed`;
}
