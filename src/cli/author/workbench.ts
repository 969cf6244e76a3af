// What `wasmpay dev` keeps between saves so that the next one is quick: compilers that are ready, tools and a sandbox in threads
// that stay, and what pure stages made of what did not change. None of it changes what comes out.

import { createReadyCompilers, type ReadyCompilers } from '../../authoring/ready-compilers.ts';
import type { Memory } from '../../publisher/memory.ts';
import { createResidentTools } from '../../publisher/workshop/resident-tools.ts';
import type { Tools } from '../../publisher/workshop/tools.ts';
import { openAuthorMemory } from './author-memory.ts';
import { createResidentRunner, type RunArtifact } from './run-artifact.ts';

export interface Workbench extends AsyncDisposable {
  readonly compilers: ReadyCompilers;
  readonly tools: Tools;
  readonly memory: Memory;
  readonly runArtifact: RunArtifact;
}

/** Disposing it ends every process and thread. */
export async function createWorkbench(): Promise<Workbench> {
  const compilers = createReadyCompilers();
  const resident = createResidentTools();
  const { memory, tools } = await openAuthorMemory(resident);
  const runner = createResidentRunner();
  return {
    compilers,
    tools,
    memory,
    runArtifact: runner.run,
    async [Symbol.asyncDispose]() {
      compilers[Symbol.dispose]();
      await Promise.all([resident[Symbol.asyncDispose](), runner[Symbol.asyncDispose]()]);
    },
  };
}
