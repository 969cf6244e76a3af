// From the core module that a compiler made to a component, in a process of its own.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import type { Adapter, AssembleRequest, AssembleResponse } from './assemble-component.ts';
import { readContractSource } from './contract.ts';
import type { BuildOptions } from './languages/language.ts';
import { projectRoot, runNode } from './toolchain.ts';

export interface AssembleOptions {
  /** For messages. */
  readonly language: string;
  readonly core: string;
  readonly output: string;
  readonly adapter?: Adapter;
}

/** Makes the component. Throws `build_failed` where the core module does not fit the contract. */
export async function assembleComponent(
  { language, core, output, adapter }: AssembleOptions,
  { contract, world, timeoutMs }: BuildOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const request: AssembleRequest = {
    core,
    witSource: await readContractSource(contract),
    world,
    output,
    ...(adapter !== undefined && { adapter }),
  };
  const { exitCode, stdout, stderr } = await runNode(
    join(projectRoot, 'src/authoring/assemble-component.ts'),
    [],
    { input: request, ...(timeoutMs !== undefined && { timeoutMs }) },
  );
  if (exitCode !== 0) throw new WasmpayError('build_failed', `the component tools crashed: ${stderr}`);
  const { failure } = JSON.parse(stdout) as AssembleResponse;
  if (failure !== undefined) throw new WasmpayError('build_failed', `${language}: ${failure}`);
  return new Uint8Array(await readFile(output));
}
