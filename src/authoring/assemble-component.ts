// A process of its own (see toolchain.ts): a core module in, a component of the contract out. Reads a request as JSON on
// standard input, answers with JSON on standard output: nothing, or `failure`.

import { readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco';
import { nameRepeatedImports } from './repeated-imports.ts';

/** What to assemble. Paths are absolute. */
export interface AssembleRequest {
  readonly core: string;
  readonly witSource: string;
  readonly world: string;
  /** A module, as text, that turns imports of another kind into those of components. */
  readonly adapter?: Adapter;
  readonly output: string;
}

export interface Adapter {
  /** The module that it stands in for: `wasi_snapshot_preview1`. */
  readonly name: string;
  /** WAT. */
  readonly source: string;
  /** What it imports, and the world that says so. */
  readonly witSource: string;
  readonly world: string;
}

export interface AssembleResponse {
  readonly failure?: string;
}

const request = JSON.parse(await text(process.stdin)) as AssembleRequest;
process.stdout.write(JSON.stringify(await assemble(request)));

async function assemble(request: AssembleRequest): Promise<AssembleResponse> {
  const { witSource, world } = request;
  try {
    const core = new Uint8Array(await readFile(request.core));
    const { adapter } = request;
    const adapters: [string, Uint8Array][] =
      adapter === undefined ? [] : [[adapter.name, await makeAdapter(adapter)]];
    const binary = adapter === undefined ? core : nameRepeatedImports(core);
    const embedded = await componentEmbed({ binary, witSource, world, stringEncoding: 'utf8' });
    await writeFile(request.output, await componentNew(embedded, adapters));
    return {};
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

async function makeAdapter({ source, witSource, world }: Adapter): Promise<Uint8Array> {
  return await componentEmbed({ binary: await parse(source), witSource, world, stringEncoding: 'utf8' });
}
