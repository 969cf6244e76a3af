// `wac`, the component tools' own composer: found on the machine, or told how to get. It comes from crates.io, not from
// npm, and only those who compose need it. It runs on files that the caller wrote, in a folder of its own, without the
// caller's environment.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { WasmpayError } from '../core/error.ts';

/** The version that compositions here are made with and tested with. Another may give other bytes. */
export const WAC_VERSION = '0.12.0';

/** What installs it: without its registry client, which nothing here uses and which takes most of the compiling. */
export const WAC_INSTALL = `cargo install wac-cli --version ${WAC_VERSION} --locked --no-default-features`;

/** Longest that wac may run, milliseconds: a composition takes a tenth of a second. */
const WAC_TIMEOUT_MS = 60_000;

/** Most that wac may print, bytes: it goes into an error message. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** An installed wac. */
export interface Wac {
  /** The program's file. */
  readonly path: string;
  /** What it calls itself: `0.12.0`. */
  readonly version: string;
}

/**
 * The wac that `searchPath`, a PATH, leads to. Throws `toolchain_missing`, with what installs it, where there is none, or
 * it does not say its version.
 */
export async function findWac(searchPath: string): Promise<Wac> {
  for (const folder of searchPath.split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, process.platform === 'win32' ? 'wac.exe' : 'wac');
    if (!(await isProgram(path))) continue;
    const { exitCode, output } = await run(path, ['--version'], folder);
    const version = /^wac-cli (\d+\.\d+\.\d+)\b/.exec(output)?.[1];
    if (exitCode !== 0 || version === undefined)
      throw new WasmpayError(
        'toolchain_missing',
        `${path} is not the WebAssembly composer; install that, and put it first in PATH: ${WAC_INSTALL}`,
      );
    return { path, version };
  }
  throw new WasmpayError(
    'toolchain_missing',
    `wac, which composes components, is not installed (no program of that name in PATH): ${WAC_INSTALL}`,
  );
}

/**
 * Plugs the exports of `plug` into the imports of `socket`: `wac plug SOCKET --plug PLUG`. Throws `usage` with wac's words
 * where they do not fit, `build_failed` where it hangs or writes nothing.
 */
export async function plugComponents(
  wac: Wac,
  socket: Uint8Array,
  plug: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await mkdtemp(join(tmpdir(), 'wasmpay-compose-'));
  try {
    // Their names are a part of nothing: the composition's bytes are a function of the two components alone.
    await writeFile(join(folder, 'harness.wasm'), socket);
    await writeFile(join(folder, 'validator.wasm'), plug);
    const args = ['plug', 'harness.wasm', '--plug', 'validator.wasm', '-o', 'composed.wasm'];
    const { exitCode, output } = await run(wac.path, args, folder);
    if (exitCode !== 0)
      throw new WasmpayError('usage', `wac cannot plug the validator into the harness: ${output.trim()}`);
    return new Uint8Array(await readFile(join(folder, 'composed.wasm')));
  } catch (cause) {
    if (cause instanceof WasmpayError) throw cause;
    throw new WasmpayError('build_failed', 'wac wrote no component', { cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function run(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const child = spawn(program, args, { cwd, env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let failure: string | undefined;
  const end = (why: string): void => {
    failure ??= why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => end(`did not end within ${WAC_TIMEOUT_MS} ms`), WAC_TIMEOUT_MS);
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > MAX_OUTPUT_BYTES) end(`printed more than ${MAX_OUTPUT_BYTES} bytes`);
    });
  try {
    const [exitCode] = (await once(child, 'close')) as [number | null];
    if (failure !== undefined) throw new WasmpayError('build_failed', `${program} ${failure}`);
    return { exitCode: exitCode ?? 1, output };
  } catch (cause) {
    if (cause instanceof WasmpayError) throw cause;
    throw new WasmpayError('build_failed', `${program} could not start`, { cause });
  } finally {
    clearTimeout(timer);
  }
}
