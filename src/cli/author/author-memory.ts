// The memory of an author's commands: build, test, bench and dev. Never of one that releases to a bank, and never of the
// gates of "deploy" and of agents' tools, which decide what is released.

import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { userCache } from '../../authoring/user-cache.ts';
import { createMemory, type Memory } from '../../publisher/memory.ts';
import { createRememberingTools } from '../../publisher/workshop/remembering-tools.ts';
import { CONFINED_TOOLS, type Tools } from '../../publisher/workshop/tools.ts';
import { createDiskMemory } from './disk-memory.ts';
import { describeStageTools } from './stage-tools.ts';

export interface AuthorMemory {
  readonly memory: Memory;
  readonly tools: Tools;
}

/** Opens this user's memory, and tools that ask it before they run; where it cannot be kept on disk, one of this process. */
export async function openAuthorMemory(tools: Tools = CONFINED_TOOLS): Promise<AuthorMemory> {
  const folder = await privateFolder('stages');
  const deeper = folder === undefined ? undefined : createDiskMemory(folder, await describeStageTools());
  const memory = createMemory(deeper);
  return { memory, tools: createRememberingTools(tools, memory) };
}

/** A folder of the user's cache that nobody else may write to; undefined where there can be none. */
async function privateFolder(name: string): Promise<string | undefined> {
  try {
    const folder = join(await userCache(), name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // A link could lead to a folder of this user's that holds something else.
    const stat = lstatSync(folder);
    const isOurs =
      process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o022) === 0);
    return stat.isDirectory() && isOurs ? folder : undefined;
  } catch {
    return undefined;
  }
}
