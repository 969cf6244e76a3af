// The Go that a build uses: the standard one, which makes WebAssembly modules with exports since 1.24.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { ask, findPrograms, missing, realProgram } from './find-program.ts';

export interface GoToolchain {
  readonly go: string;
  /** GOROOT. */
  readonly root: string;
  /** `go@1.26.8`. */
  readonly version: string;
}

const INSTALL = 'install Go 1.24 or later from go.dev/dl (Debian 12’s own is older)';

/** The first with `//go:wasmexport`. */
const LEAST_MINOR = 24;

/** Finds the first Go on the PATH that is new enough. Throws `toolchain_missing`. */
export async function findGo(): Promise<GoToolchain> {
  const programs = findPrograms('go');
  if (programs.length === 0) throw missing('Go', INSTALL);
  const reasons: string[] = [];
  for (const program of programs) {
    const settings = { HOME: homedir(), GOTOOLCHAIN: 'local', GOENV: 'off', GOTELEMETRY: 'off' };
    const [version, root] = ((await ask(program, ['env', 'GOVERSION', 'GOROOT'], settings)) ?? '').split(
      '\n',
    );
    const [, number, minor] = /^go(1\.(\d+)\S*)/.exec(version ?? '') ?? [];
    if (number === undefined || root === undefined) reasons.push(`${program} does not run`);
    else if (Number(minor) < LEAST_MINOR) reasons.push(`${program} is ${number}, too old`);
    else return { go: realProgram(join(root, 'bin/go')), root, version: `go@${number}` };
  }
  throw missing(`Go for WebAssembly (${reasons.join('; ')})`, INSTALL);
}
