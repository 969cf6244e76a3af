// The memory of an author's commands: build, test, bench and dev. Never of one that releases to a bank, and never of the
// gates of "deploy" and of agents' tools, which decide what is released.

import { privateCache } from '../../authoring/user-cache.ts';
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
  const folder = privateCache('stages');
  const deeper = folder === undefined ? undefined : createDiskMemory(folder, await describeStageTools());
  const memory = createMemory(deeper);
  return { memory, tools: createRememberingTools(tools, memory) };
}
