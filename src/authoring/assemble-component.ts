// A process of its own (see toolchain.ts): a core module in, a component of the contract out. Reads a request as JSON on
// standard input, answers with JSON on standard output: nothing, or `failure`.

import { readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { componentEmbed, componentNew } from '@bytecodealliance/jco';

/** What to assemble. Paths are absolute. */
export interface AssembleRequest {
  readonly core: string;
  readonly witSource: string;
  readonly world: string;
  /** Modules that turn imports of another kind into those of components: name and file. */
  readonly adapters: readonly (readonly [name: string, file: string])[];
  readonly output: string;
}

export interface AssembleResponse {
  readonly failure?: string;
}

const request = JSON.parse(await text(process.stdin)) as AssembleRequest;
process.stdout.write(JSON.stringify(await assemble(request)));

async function assemble(request: AssembleRequest): Promise<AssembleResponse> {
  const { witSource, world } = request;
  try {
    const binary = new Uint8Array(await readFile(request.core));
    const adapters: [string, Uint8Array][] = [];
    for (const [name, file] of request.adapters) adapters.push([name, new Uint8Array(await readFile(file))]);
    const embedded = await componentEmbed({ binary, witSource, world, stringEncoding: 'utf8' });
    await writeFile(request.output, await componentNew(embedded, adapters));
    return {};
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
