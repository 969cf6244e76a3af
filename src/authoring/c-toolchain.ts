// The clang that a build uses: one that makes WebAssembly, with its linker. No C library, no WASI SDK.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ask, findPrograms, missing, realProgram } from './find-program.ts';

export interface CToolchain {
  readonly clang: string;
  readonly linker: string;
  /** `clang@19.1.7`, `wasm-ld@19.1.7`. */
  readonly versions: readonly string[];
  /** Folder of the compiler's own headers: stdint.h and the like. */
  readonly headers: string;
  /** What compilers may read. */
  readonly readable: readonly string[];
}

const INSTALL =
  'install clang 16 or later with WebAssembly and lld: on Debian `apt install clang-19 lld-19`, with Homebrew `brew install llvm lld`';

const LEAST_MAJOR = 16;
const VERSIONS = [22, 21, 20, 19, 18, 17, 16];

/** Finds a clang on the PATH that can make WebAssembly. Throws `toolchain_missing`. */
export async function findC(): Promise<CToolchain> {
  const programs = findPrograms('clang', ...VERSIONS.map((version) => `clang-${version}`));
  if (programs.length === 0) throw missing('A C compiler (clang)', INSTALL);
  const reasons: string[] = [];
  for (const program of programs) {
    const found = await examine(program);
    if (typeof found !== 'string') return found;
    reasons.push(`${program} ${found}`);
  }
  throw missing(`C for WebAssembly (${reasons.join('; ')})`, INSTALL);
}

/** The toolchain, or why it cannot be used. */
async function examine(program: string): Promise<CToolchain | string> {
  const version = /clang version (\d+)(\.\d+\.\d+)/.exec((await ask(program, ['--version'])) ?? '');
  if (version === null) return 'does not run';
  const [, major, rest] = version;
  if (Number(major) < LEAST_MAJOR) return `is ${major}${rest}, too old`;
  if (!/\bwasm32\b/.test((await ask(program, ['--print-targets'])) ?? '')) return 'makes no WebAssembly';
  const headers = join((await ask(program, ['-print-resource-dir'])) ?? '', 'include');
  if (!existsSync(join(headers, 'stdint.h'))) return 'has no headers of its own';
  const clang = realProgram(program);
  const linker = [
    join(dirname(clang), 'wasm-ld'),
    ...findPrograms('wasm-ld', ...VERSIONS.map((number) => `wasm-ld-${number}`)).map((path) =>
      join(dirname(realProgram(path)), 'wasm-ld'),
    ),
  ].find(existsSync);
  if (linker === undefined) return 'has no linker for WebAssembly (wasm-ld)';
  const linkerVersion = /LLD (\d+\.\d+\.\d+)/.exec((await ask(linker, ['--version'])) ?? '')?.[1];
  if (linkerVersion === undefined) return `has a linker that does not run, ${linker}`;
  return {
    clang,
    linker,
    versions: [`clang@${major}${rest}`, `wasm-ld@${linkerVersion}`],
    headers,
    readable: [headers, dirname(clang), dirname(realProgram(linker)), dirname(linker)],
  };
}
