// A validator in AssemblyScript: what its author writes is `validate(transaction: Transaction): bool`, or `: Verdict` for
// contract 0.2.0; the library in
// assemblyscript/ and a generated entry make a component of it. The same source gives the same bytes.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import { assemblyScriptEntry } from './assemblyscript-entry.ts';
import type { CompileRequest, CompileResponse } from './compile-assemblyscript.ts';
import { readContractSource, type Contract } from './contract.ts';
import { projectRoot, runNode, sourceError } from './toolchain.ts';

/** What a builder needs. `source` is relative to `directory`; nothing outside `directory` is read for the author. */
export interface BuildOptions {
  readonly directory: string;
  readonly source: string;
  readonly contract: Contract;
  readonly world: string;
  /** Longest that each compiler may run, milliseconds. */
  readonly timeoutMs?: number;
}

/** A component and what the compilers said about it. */
export interface BuildResult {
  readonly component: Uint8Array<ArrayBuffer>;
  readonly log: string[];
}

/** Sources that, with the compilers' versions, decide what a build gives. Relative to the project. */
export const ASSEMBLYSCRIPT_INPUTS = [
  'src/authoring/assemblyscript',
  'src/authoring/assemblyscript-entry.ts',
  'src/authoring/compile-assemblyscript.ts',
  'src/authoring/build-assemblyscript.ts',
];

/** Packages whose versions do. AssemblyScript pins its binaryen, so its version stands for both. */
export const ASSEMBLYSCRIPT_PACKAGES = [
  'assemblyscript',
  '@bytecodealliance/jco',
  '@bytecodealliance/jco-transpile',
];

/**
 * Builds a component from AssemblyScript. Throws `usage` with `file:line:column: message` a line for faults in the
 * source, `build_failed` when a tool crashes, hangs or refuses what the compiler made.
 */
export async function buildAssemblyScript(options: BuildOptions): Promise<BuildResult> {
  const { version, id } = options.contract;
  const entry = assemblyScriptEntry(version, options.source.replace(/\.ts$/, ''));
  if (entry === undefined) throw new WasmpayError('usage', `AssemblyScript: no contract ${id}`);
  const scratch = await mkdtemp(join(tmpdir(), 'wasmpay-build-'));
  try {
    const output = join(scratch, 'component.wasm');
    const request: CompileRequest = {
      directory: options.directory,
      source: options.source,
      libraryDirectory: join(projectRoot, 'src/authoring/assemblyscript'),
      witSource: await readContractSource(options.contract),
      world: options.world,
      entry: entry.source,
      exports: [...entry.exports],
      output,
    };
    const { exitCode, stdout, stderr } = await runNode(
      join(projectRoot, 'src/authoring/compile-assemblyscript.ts'),
      [],
      { input: request, ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }) },
    );
    if (exitCode !== 0)
      throw new WasmpayError('build_failed', `the AssemblyScript compiler crashed: ${stderr}`);
    const { faults, warnings, failure } = JSON.parse(stdout) as CompileResponse;
    if (faults.length > 0) throw sourceError('AssemblyScript', faults);
    if (failure !== undefined) throw new WasmpayError('build_failed', `AssemblyScript: ${failure}`);
    return { component: new Uint8Array(await readFile(output)), log: [...warnings] };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
