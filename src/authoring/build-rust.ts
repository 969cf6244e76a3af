// A validator in Rust: the author writes the crate `validator` with `pub fn validate(transaction: &Transaction)`; the library
// in rust/ and an entry make a core module of it, without cargo, crates, build scripts or macros that run. The same source
// and the same rustc give the same bytes.

import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import { assembleComponent } from './assemble.ts';
import { COMPILER_ADDRESS_BYTES, findBubblewrap, runCompiler, UNCONFINED } from './confine.ts';
import type { BuildOptions, BuildResult } from './languages/language.ts';
import { findReaders, outside, readDependencies, readDiagnostics } from './rust-diagnostics.ts';
import { findRust, prepareLibraries, RUST_TARGET, type RustToolchain } from './rust-toolchain.ts';
import { sourceError } from './source-error.ts';
import { stageSources, writeStaged, type StagedSource } from './stage-sources.ts';
import { projectRoot, type ProcessResult } from './toolchain.ts';

const LIBRARY = join(projectRoot, 'src/authoring/rust');

/** Bytes of the stack, at the bottom of memory: what runs out of it traps. */
const STACK_BYTES = 64 * 1024;

const OPTIONS = [
  ['--target', RUST_TARGET],
  ['--edition', '2024'],
  ['--error-format', 'json'],
  ['-C', 'opt-level=s'],
  ['-C', 'panic=abort'],
  ['-C', 'codegen-units=1'],
  ['-C', 'embed-bitcode=yes'],
  // A sum that overflows traps: a trap denies, and a wrong amount might not.
  ['-C', 'overflow-checks=yes'],
  ['-C', 'metadata=wasmpay'],
].flat();

const SIGNATURES: Readonly<Record<string, string>> = {
  '0.1.0': 'pub fn validate(transaction: &Transaction) -> bool',
  '0.2.0': 'pub fn validate(transaction: &Transaction) -> Verdict',
};

/** Builds a component from Rust. Throws `source_invalid`, `toolchain_missing`, `build_failed`. */
export async function buildRust(options: BuildOptions): Promise<BuildResult> {
  const toolchain = await findRust();
  const libraries = await prepareLibraries(toolchain);
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'wasmpay-build-')));
  try {
    const build = new RustBuild(options, toolchain, libraries, scratch);
    return await build.run();
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

class RustBuild {
  private readonly options: BuildOptions;
  private readonly toolchain: RustToolchain;
  private readonly libraries: string | undefined;
  private readonly scratch: string;
  private readonly log: string[] = [];

  constructor(
    options: BuildOptions,
    toolchain: RustToolchain,
    libraries: string | undefined,
    scratch: string,
  ) {
    this.options = options;
    this.toolchain = toolchain;
    this.libraries = libraries;
    this.scratch = scratch;
  }

  async run(): Promise<BuildResult> {
    const { directory, source } = this.options;
    // Files that a source may include as text are the author's as well; `target` is cargo's.
    const sources = await stageSources(directory, join(this.scratch, 'source'), ['.rs'], ['target', 'build']);
    await this.refuseBlunders(sources);
    for (const name of ['wasmpay.rs', 'entry.rs', 'heap.rs'])
      await writeStaged(join(this.scratch, 'library', name), await readFile(join(LIBRARY, name), 'utf8'));
    await mkdir(join(this.scratch, 'made'));

    await this.compileLibrary();
    await this.compileAuthors(source, new Set(sources.map(({ path }) => path)));
    await this.compileEntry();
    const component = await assembleComponent(
      {
        language: 'Rust',
        core: join(this.scratch, 'made/core.wasm'),
        output: join(this.scratch, 'component.wasm'),
      },
      this.options,
    );
    return { component, log: this.log };
  }

  /** What compilers would say less well, or not at all. */
  private async refuseBlunders(sources: readonly StagedSource[]): Promise<void> {
    const { source } = this.options;
    const root = sources.find(({ path }) => path === source);
    if (root === undefined) throw this.faulty([`${source} is not there, or no plain file`]);
    if (!/^\s*#!\[(?:no_std|cfg_attr\(not\(test\),\s*no_std\))\]/m.test(root.text))
      throw this.faulty([
        `${source}:1:1: begin it with #![no_std]: there is no system below a validator; \`alloc\` is there (String, Vec, BTreeMap)`,
      ]);
    if ((await findBubblewrap()) !== undefined) return;
    this.log.push(UNCONFINED);
    const faults = sources.flatMap(({ path, text }) => findReaders(path, text));
    if (faults.length > 0) throw this.faulty(faults);
  }

  private async compileAuthors(source: string, own: ReadonlySet<string>): Promise<void> {
    const { exitCode, stderr } = await this.rustc(
      'source',
      '--crate-name validator --crate-type rlib --extern wasmpay --out-dir ../made',
      ['--emit', 'link,dep-info=../made/validator.d', source],
    );
    const { faults, warnings, rest } = readDiagnostics(stderr, own);
    if (exitCode !== 0) throw faults.length > 0 ? this.faulty(faults) : this.crashed(rest);
    // Whatever way a source found to have another file read, it is here.
    const depInfo = await readFile(join(this.scratch, 'made/validator.d'), 'utf8');
    const { files, variables } = readDependencies(depInfo);
    const foreign = [
      ...files.filter((file) => !own.has(file)).map((file) => `${source}: ${outside(file)}`),
      ...variables.map((name) => `${source}: asks for the variable ${name} of the machine that builds it`),
    ];
    if (foreign.length > 0) throw this.faulty(foreign);
    this.log.push(...warnings);
  }

  private async compileEntry(): Promise<void> {
    const { version } = this.options.contract;
    const { exitCode, stderr } = await this.rustc(
      'library',
      '--crate-name core_module --crate-type cdylib --extern wasmpay --extern validator --cap-lints allow',
      [
        '--emit',
        'link=../made/core.wasm',
        '--cfg',
        `contract_${version.replaceAll('.', '_')}`,
        '-C',
        `linker=${this.toolchain.linker}`,
        '-C',
        `link-args=--stack-first -z stack-size=${STACK_BYTES}`,
        ...'-C linker-flavor=wasm-ld -C lto=fat -C strip=symbols entry.rs'.split(' '),
      ],
    );
    if (exitCode === 0) return;
    const { faults, rest } = readDiagnostics(stderr, new Set(['entry.rs', 'heap.rs']));
    const tied = faults.filter((fault) => fault.startsWith('entry.rs:'));
    if (tied.length === 0) throw this.crashed([...faults, rest].join('\n'));
    const { source } = this.options;
    throw this.faulty([
      `${source}:1:1: the contract asks for \`${SIGNATURES[version] ?? 'validate'}\``,
      ...tied.map((fault) => `  ${fault.replace(/^entry\.rs:\d+:\d+: /, '')}`),
    ]);
  }

  private async compileLibrary(): Promise<void> {
    const { exitCode, stderr } = await this.rustc(
      'library',
      '--crate-name wasmpay --crate-type rlib --out-dir ../made wasmpay.rs',
    );
    if (exitCode !== 0) throw this.crashed(stderr);
  }

  /** `options` are divided at spaces, `others` are as they stand. */
  private rustc(folder: string, options: string, others: readonly string[] = []): Promise<ProcessResult> {
    const { rustc, sysroot, readable } = this.toolchain;
    const { libraries, scratch } = this;
    return runCompiler({
      program: rustc,
      args: [
        ...OPTIONS,
        '--sysroot',
        sysroot,
        '-L',
        '../made',
        ...(libraries === undefined ? [] : ['-L', libraries]),
        ...options.split(' '),
        ...others,
      ],
      directory: scratch,
      cwd: join(scratch, folder),
      readable: libraries === undefined ? readable : [...readable, libraries],
      env: { TMPDIR: scratch },
      addressBytes: COMPILER_ADDRESS_BYTES,
      ...(this.options.timeoutMs !== undefined && { timeoutMs: this.options.timeoutMs }),
    });
  }

  private faulty(faults: readonly string[]): WasmpayError {
    return sourceError('Rust', faults, this.options);
  }

  private crashed(what: string): WasmpayError {
    return new WasmpayError('build_failed', `the Rust compiler failed: ${what.slice(0, 4096)}`);
  }
}
