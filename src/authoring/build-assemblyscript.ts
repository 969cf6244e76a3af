// A validator in AssemblyScript: what its author writes is `validate(transaction: Transaction): bool`, or `: Verdict` for
// contract 0.2.0; the library in assemblyscript/ and a generated entry make a component of it. The same source gives the
// same bytes.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import { assemblyScriptEntry } from './assemblyscript-entry.ts';
import type { CompileRequest, CompileResponse } from './compile-assemblyscript.ts';
import { readContractSource } from './contract.ts';
import type { BuildOptions, BuildResult } from './languages/language.ts';
import { sourceError } from './source-error.ts';
import { FRESH_COMPILERS, projectRoot } from './toolchain.ts';

/**
 * Builds a component from AssemblyScript. Throws `source_invalid` for faults in the source, `build_failed` when a tool
 * crashes, hangs or refuses what the compiler made.
 */
export async function buildAssemblyScript(options: BuildOptions): Promise<BuildResult> {
  const { version, id } = options.contract;
  const entry = assemblyScriptEntry(version, options.source.replace(/\.ts$/, ''), options.world);
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
    const { exitCode, stdout, stderr } = await (options.compilers ?? FRESH_COMPILERS).run(
      join(projectRoot, 'src/authoring/compile-assemblyscript.ts'),
      request,
      options.timeoutMs,
    );
    if (exitCode !== 0)
      throw new WasmpayError('build_failed', `the AssemblyScript compiler crashed: ${stderr}`);
    const { faults, warnings, failure } = JSON.parse(stdout) as CompileResponse;
    if (faults.length > 0) throw sourceError('AssemblyScript', faults, options);
    if (failure !== undefined) throw new WasmpayError('build_failed', `AssemblyScript: ${failure}`);
    return { component: new Uint8Array(await readFile(output)), log: [...warnings] };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
