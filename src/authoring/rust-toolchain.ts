// The Rust that a build uses: a rustc that has libraries for WebAssembly, from rustup or made here, once, of the sources
// that Debian's rust-web-src or rustup's rust-src lays beside it. No cargo, no registry, no crate that others wrote.

import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import { COMPILER_ADDRESS_BYTES, runCompiler } from './confine.ts';
import { ask, findPrograms, missing, realProgram } from './find-program.ts';
import { userCache } from './user-cache.ts';

export const RUST_TARGET = 'wasm32-unknown-unknown';

export interface RustToolchain {
  readonly rustc: string;
  readonly sysroot: string;
  /** `rustc@1.96.0 (ac68faa20 2026-05-25)`. */
  readonly version: string;
  /** The linker, absolute. */
  readonly linker: string;
  /** `wasm-ld@19.1.7`. */
  readonly linkerVersion: string;
  /** Sources of the libraries where none for WebAssembly are installed; undefined where they are. */
  readonly librarySource?: string;
  /** What compilers may read. */
  readonly readable: readonly string[];
}

const INSTALL =
  'install Rust 1.85 or later with `rustup target add wasm32-unknown-unknown`, or on Debian `apt install rustc-web rust-web-src lld-19`';

/** The edition of the entry, 2024, came with it. */
const LEAST_MINOR = 85;

/** Newest first; what links is the same. */
const LINKERS = ['wasm-ld', ...[22, 21, 20, 19, 18, 17].map((version) => `wasm-ld-${version}`)];

/** Finds the first rustc on the PATH that can make WebAssembly. Throws `toolchain_missing`. */
export async function findRust(): Promise<RustToolchain> {
  const programs = findPrograms('rustc');
  if (programs.length === 0) throw missing('Rust (rustc)', INSTALL);
  const reasons: string[] = [];
  for (const program of programs) {
    const found = await examine(program);
    if (typeof found !== 'string') return found;
    reasons.push(`${program} ${found}`);
  }
  throw missing(`Rust for WebAssembly (${reasons.join('; ')})`, INSTALL);
}

/** The toolchain, or why it cannot be used. */
async function examine(program: string): Promise<RustToolchain | string> {
  // rustup's own program asks for the home folder to know which toolchain is meant.
  const home = { HOME: homedir() };
  const sysroot = await ask(program, ['--print', 'sysroot'], home);
  const verbose = await ask(program, ['--version', '--verbose'], home);
  if (sysroot === undefined || verbose === undefined) return 'does not run';
  const [, version, minor] = /^rustc (\d+\.(\d+)\.\S+ \([^)]*\))/.exec(verbose) ?? [];
  const host = /^host: (\S+)$/m.exec(verbose)?.[1];
  if (version === undefined || host === undefined) return 'has no version that is known here';
  if (Number(minor) < LEAST_MINOR && version.startsWith('1.')) return `is ${version}, too old`;
  const own = join(sysroot, 'bin/rustc');
  const rustc = realProgram(existsSync(own) ? own : program);
  const rustlib = join(sysroot, 'lib/rustlib');
  const linker = [
    join(rustlib, host, 'bin/gcc-ld/wasm-ld'),
    ...findPrograms(...LINKERS).map((path) => join(dirname(realProgram(path)), 'wasm-ld')),
  ].find(existsSync);
  if (linker === undefined) return 'has no linker for WebAssembly (wasm-ld)';
  const linkerVersion = /LLD (\d+\.\d+\.\d+)/.exec((await ask(linker, ['--version'])) ?? '')?.[1];
  if (linkerVersion === undefined) return `has a linker that does not run, ${linker}`;
  const librarySource = join(rustlib, 'src/rust/library');
  const isInstalled = await hasLibraries(join(rustlib, RUST_TARGET, 'lib'));
  if (!isInstalled && !existsSync(join(librarySource, 'core/src/lib.rs')))
    return `(${version}) has neither the target ${RUST_TARGET} nor the sources of its libraries`;
  return {
    rustc,
    sysroot,
    version: `rustc@${version}`,
    linker,
    linkerVersion: `wasm-ld@${linkerVersion}`,
    ...(!isInstalled && { librarySource: realpathSync(librarySource) }),
    readable: [rustlib, join(sysroot, 'lib'), dirname(realProgram(linker))],
  };
}

async function hasLibraries(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return ['libcore-', 'liballoc-'].every((start) => names.some((name) => name.startsWith(start)));
}

/** Making core takes 30 s of a processor here; on a busy or slow one more. Milliseconds. */
const LIBRARY_TIMEOUT_MS = 900_000;

const EDITION = '2024';
const LIBRARY_OPTIONS = [
  ['--target', RUST_TARGET],
  ['--edition', EDITION],
  ['--crate-type', 'rlib'],
  ['--cap-lints', 'allow'],
  ['-C', 'opt-level=s'],
  ['-C', 'panic=abort'],
  ['-C', 'embed-bitcode=yes'],
  ['-C', 'codegen-units=1'],
  ['-C', 'metadata=wasmpay'],
  ['-Z', 'force-unstable-if-unmarked'],
].flat();

const LIBRARIES: readonly { name: string; file: string; features: readonly string[] }[] = [
  { name: 'core', file: 'core/src/lib.rs', features: [] },
  {
    name: 'compiler_builtins',
    file: 'compiler-builtins/compiler-builtins/src/lib.rs',
    // `unmangled-names` until 1.93, later the default.
    features: ['compiler-builtins', 'mem', 'unmangled-names'],
  },
  { name: 'alloc', file: 'alloc/src/lib.rs', features: [] },
];

/**
 * The folder with core and alloc for WebAssembly where Rust itself has none: made the first time, kept in the user's cache.
 * Throws `build_failed`.
 */
export async function prepareLibraries(toolchain: RustToolchain): Promise<string | undefined> {
  const { librarySource, rustc, version, sysroot, readable } = toolchain;
  if (librarySource === undefined) return undefined;
  const options = JSON.stringify([version, librarySource, LIBRARY_OPTIONS, LIBRARIES]);
  const hash = createHash('sha256').update(options).digest('hex').slice(0, 16);
  const cache = await userCache();
  const folder = join(cache, `rust-${hash}`);
  if (existsSync(folder)) return folder;
  const scratch = await mkdtemp(join(cache, '.rust-'));
  try {
    const made = join(scratch, 'libraries');
    await mkdir(made);
    for (const { name, file, features } of LIBRARIES) {
      const { exitCode, stderr } = await runCompiler({
        program: rustc,
        args: [
          ...LIBRARY_OPTIONS,
          '--sysroot',
          sysroot,
          '--remap-path-prefix',
          `${librarySource}=/rust/library`,
          ...features.flatMap((feature) => ['--cfg', `feature="${feature}"`]),
          '--crate-name',
          name,
          '--out-dir',
          made,
          '-L',
          made,
          ...(name === 'core' ? [] : ['--extern', `core=${join(made, 'libcore.rlib')}`]),
          join(librarySource, file),
        ],
        directory: scratch,
        cwd: made,
        readable: [...readable, librarySource, dirname(librarySource)],
        // The library's own sources use what only nightly compilers let others use.
        env: { RUSTC_BOOTSTRAP: '1' },
        addressBytes: COMPILER_ADDRESS_BYTES,
        timeoutMs: LIBRARY_TIMEOUT_MS,
      });
      if (exitCode !== 0)
        throw new WasmpayError(
          'build_failed',
          `the Rust library ${name} does not build: ${stderr.slice(0, 4096)}`,
        );
    }
    // Of two builds at once, the first stays.
    await rename(made, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
