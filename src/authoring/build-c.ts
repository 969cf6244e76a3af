// A validator in C: the author writes `validate` (wasmpay.h has its prototype for each contract); the library in c/ makes a core
// module of it. Freestanding: there is no C library and no system. The same source and the same clang give the same bytes.

import { mkdir, mkdtemp, readFile, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import { assembleComponent } from './assemble.ts';
import { checkCSources, SILENCED } from './c-source-check.ts';
import { findC, type CToolchain } from './c-toolchain.ts';
import { COMPILER_ADDRESS_BYTES, findBubblewrap, runCompiler, UNCONFINED } from './confine.ts';
import type { BuildOptions, BuildResult } from './languages/language.ts';
import { sourceError } from './source-error.ts';
import { stageSources, writeStaged } from './stage-sources.ts';
import { projectRoot, type ProcessResult } from './toolchain.ts';

const LIBRARY = join(projectRoot, 'src/authoring/c');

/** Bytes of the stack, at the bottom of memory: what runs out of it traps. */
const STACK_BYTES = 64 * 1024;

const COMPILER_OPTIONS = [
  '--target=wasm32-unknown-unknown',
  '-c',
  '-Os',
  '-ffreestanding',
  '-nostdinc',
  '-mbulk-memory',
  // Without GNU's additions, whose raw strings and trigraphs the check of the sources does not read.
  '-std=c17',
  '-fno-trigraphs',
  '-fvisibility=hidden',
  // A sum that overflows traps: a trap denies, and a wrong amount might not.
  '-fsanitize=signed-integer-overflow,shift,bounds,integer-divide-by-zero',
  '-fsanitize-trap=all',
  '-Wall',
  '-Wextra',
  '-fno-color-diagnostics',
  '-fno-caret-diagnostics',
  '-fno-diagnostics-fixit-info',
];

/** Builds a component from C. Throws `source_invalid`, `toolchain_missing`, `build_failed`. */
export async function buildC(options: BuildOptions): Promise<BuildResult> {
  const toolchain = await findC();
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'wasmpay-build-')));
  const log: string[] = [];
  try {
    const sources = await stageSources(options.directory, join(scratch, 'source'), ['.c', '.h'], ['build']);
    const faults = checkCSources(sources);
    if (!sources.some(({ path }) => path === options.source))
      faults.push(`${options.source} is not there, or no plain file`);
    if (faults.length > 0) throw sourceError('C', faults, options);
    if ((await findBubblewrap()) === undefined) log.push(UNCONFINED);
    for (const name of await readdir(LIBRARY))
      await writeStaged(join(scratch, 'library', name), await readFile(join(LIBRARY, name), 'utf8'));
    await mkdir(join(scratch, 'made'));

    const compiler = new CCompiler(options, toolchain, scratch);
    const objects: string[] = [];
    for (const { path } of sources.filter((source) => source.path.endsWith('.c'))) {
      objects.push(`../made/author-${objects.length}.o`);
      log.push(...(await compiler.compileAuthors(path, objects.at(-1) ?? '')));
    }
    await compiler.compileEntry('../made/entry.o');
    await compiler.link(['../made/entry.o', ...objects]);
    const core = join(scratch, 'made/core.wasm');
    const component = await assembleComponent(
      { language: 'C', core, output: join(scratch, 'component.wasm') },
      options,
    );
    return { component, log };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

class CCompiler {
  private readonly options: BuildOptions;
  private readonly toolchain: CToolchain;
  private readonly scratch: string;

  constructor(options: BuildOptions, toolchain: CToolchain, scratch: string) {
    this.options = options;
    this.toolchain = toolchain;
    this.scratch = scratch;
  }

  /** Compiles a file of the author's; gives its warnings. */
  async compileAuthors(path: string, object: string): Promise<string[]> {
    const { exitCode, stderr } = await this.clang('source', [...SILENCED, path, '-o', object]);
    const { faults, warnings } = readDiagnostics(stderr);
    if (exitCode === 0) return warnings;
    if (faults.length === 0) throw this.crashed(stderr);
    throw sourceError('C', faults, this.options);
  }

  async compileEntry(object: string): Promise<void> {
    // memcmp is not to be made of itself.
    const { exitCode, stderr } = await this.clang('library', ['-fno-builtin', 'entry.c', '-o', object]);
    if (exitCode !== 0) throw this.crashed(stderr);
  }

  async link(objects: readonly string[]): Promise<void> {
    const { exitCode, stderr } = await this.run(this.toolchain.linker, 'source', [
      '--no-entry',
      '--strip-all',
      '--stack-first',
      '-z',
      `stack-size=${STACK_BYTES}`,
      '--fatal-warnings',
      '-o',
      '../made/core.wasm',
      ...objects,
    ]);
    if (exitCode === 0) return;
    const symbols = [...stderr.matchAll(/undefined symbol: (\S+)/g)].map(([, symbol]) => symbol ?? '');
    if (symbols.length === 0) throw this.crashed(stderr);
    const { source } = this.options;
    const faults = [...new Set(symbols)].map((symbol) =>
      symbol === 'validate'
        ? `${source}:1:1: the contract asks for a function \`validate\`: wasmpay.h has its prototype`
        : `${source}: there is no ${symbol}: no C library is below a validator; wasmpay.h and string.h say what there is`,
    );
    throw sourceError('C', faults, this.options);
  }

  private clang(folder: string, args: readonly string[]): Promise<ProcessResult> {
    const macro = `WASMPAY_CONTRACT_${this.options.contract.version.replaceAll('.', '_')}`;
    return this.run(this.toolchain.clang, folder, [
      ...COMPILER_OPTIONS,
      '-isystem',
      '../library',
      '-isystem',
      this.toolchain.headers,
      '-iquote',
      '.',
      `-D${macro}`,
      ...args,
    ]);
  }

  private run(program: string, folder: string, args: readonly string[]): Promise<ProcessResult> {
    return runCompiler({
      program,
      args,
      directory: this.scratch,
      cwd: join(this.scratch, folder),
      readable: this.toolchain.readable,
      // What __DATE__ and __TIME__ say.
      env: { SOURCE_DATE_EPOCH: '0', TMPDIR: this.scratch, LC_ALL: 'C' },
      addressBytes: COMPILER_ADDRESS_BYTES,
      ...(this.options.timeoutMs !== undefined && { timeoutMs: this.options.timeoutMs }),
    });
  }

  private crashed(what: string): WasmpayError {
    return new WasmpayError('build_failed', `the C compiler failed: ${what.slice(0, 4096)}`);
  }
}

/** clang's lines: faults and warnings with their place, a note under what it belongs to. */
function readDiagnostics(stderr: string): { faults: string[]; warnings: string[] } {
  const faults: string[] = [];
  const warnings: string[] = [];
  let last = warnings;
  for (const line of stderr.split('\n')) {
    const found = /^(?:\.\/)?([^:\s][^:]*:\d+:\d+): (fatal error|error|warning|note): (.*)$/.exec(line);
    if (found === null) continue;
    const [, place, kind, message] = found;
    if (kind === 'note') {
      if (last.length > 0) last.push(`${last.pop()}\n  ${place}: ${message}`);
      continue;
    }
    last = kind === 'warning' ? warnings : faults;
    last.push(`${place}: ${kind === 'fatal error' ? 'error' : kind}: ${message}`);
  }
  return { faults, warnings };
}
