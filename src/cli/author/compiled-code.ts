// Node's compiled form of our own sources, kept for the commands of authors: half of what a short one takes is to load them.
// bin/wasmpay.js loads this before anything else, and it loads nothing itself but what it needs.

import { readdirSync, rmSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

import { privateCache } from '../../authoring/user-cache.ts';

/** For whoever could write there could run code: what holds a signing key, or serves, compiles what it runs. */
const COMMANDS = new Set(['build', 'test', 'bench', 'dev']);

/** Files of compiled code, one a module and version of Node: ten times what one version needs. Above it, all of them go. */
const MOST_FILES = 4000;

/** Keeps what the command compiles, and takes what it finds there. Without it a command is only slower. */
export function keepCompiledCode(command: string | undefined): void {
  const folder = COMMANDS.has(command ?? '') ? privateCache('code') : undefined;
  if (folder === undefined) return;
  try {
    const versions = readdirSync(folder).map((name) => join(folder, name));
    const files = versions.reduce((sum, version) => sum + readdirSync(version).length, 0);
    if (files > MOST_FILES) for (const version of versions) rmSync(version, { recursive: true });
    enableCompileCache(folder);
  } catch {
    // Something else lies there.
  }
}
