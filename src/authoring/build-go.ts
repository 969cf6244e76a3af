// A validator in Go: the author writes the package `validator` with `func Validate(transaction wasmpay.Transaction)`; the library
// and an entry of go/ make a core module of it, with Go's own compiler, and an adapter of ours a component. The same source and
// the same Go give the same bytes.

import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import { assembleComponent } from './assemble.ts';
import { findBubblewrap, runCompiler, UNCONFINED } from './confine.ts';
import { findGo, type GoToolchain } from './go-toolchain.ts';
import type { BuildOptions, BuildResult } from './languages/language.ts';
import { sourceError } from './source-error.ts';
import { stageSources, writeStaged } from './stage-sources.ts';
import { COMPILER_TIMEOUT_MS, projectRoot, type ProcessResult } from './toolchain.ts';
import { userCache } from './user-cache.ts';

const LIBRARY = join(projectRoot, 'src/authoring/go');

/** The first build compiles Go's runtime and library as well: 12 s here, on a processor that nobody else wants. */
const FIRST_BUILD_FACTOR = 5;

const REPLACED = { wasmpay: '../library', validator: '../source' } as const;

const SIGNATURES: Readonly<Record<string, string>> = {
  '0.1.0': 'func Validate(transaction wasmpay.Transaction) bool',
  '0.2.0': 'func Validate(transaction wasmpay.Transaction) wasmpay.Verdict',
};

/** Builds a component from Go. Throws `source_invalid`, `toolchain_missing`, `build_failed`. */
export async function buildGo(options: BuildOptions): Promise<BuildResult> {
  const toolchain = await findGo();
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'wasmpay-build-')));
  try {
    const skipped = ['build', 'vendor'];
    const sources = await stageSources(options.directory, join(scratch, 'source'), ['.go'], skipped);
    if (!sources.some(({ path }) => path === options.source))
      throw sourceError('Go', [`${options.source} is not there, or no plain file`], options);
    await writeModules(scratch, options.contract.version);
    const { exitCode, stderr } = await compile(scratch, toolchain, options);
    if (exitCode !== 0) throw faultOf(stderr, options);
    const component = await assembleComponent(
      {
        language: 'Go',
        core: join(scratch, 'made/core.wasm'),
        output: join(scratch, 'component.wasm'),
        adapter: {
          name: 'wasi_snapshot_preview1',
          source: await readFile(join(LIBRARY, 'wasi-adapter.wat'), 'utf8'),
          witSource: await readFile(join(LIBRARY, 'wasi.wit'), 'utf8'),
          world: 'adapter',
        },
      },
      options,
    );
    return { component, log: (await findBubblewrap()) === undefined ? [UNCONFINED] : [] };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Three modules, each with a go.mod of ours: the author's, the library, the program. None needs another. */
async function writeModules(scratch: string, version: string): Promise<void> {
  for (const [folder, files] of [
    ['library', ['wasmpay.go']],
    ['entry', ['entry.go', `entry-${version}.go`]],
  ] as const) {
    for (const name of files)
      await writeStaged(join(scratch, folder, name), await readFile(join(LIBRARY, folder, name), 'utf8'));
  }
  await writeStaged(join(scratch, 'library/go.mod'), goModule('wasmpay', []));
  await writeStaged(join(scratch, 'source/go.mod'), goModule('validator', ['wasmpay']));
  await writeStaged(join(scratch, 'entry/go.mod'), goModule('entry', ['wasmpay', 'validator']));
  await mkdir(join(scratch, 'made'));
}

function goModule(name: string, needs: readonly (keyof typeof REPLACED)[]): string {
  const required = needs.flatMap((need) => [
    `require ${need} v0.0.0`,
    `replace ${need} => ${REPLACED[need]}`,
  ]);
  return [`module ${name}`, 'go 1.24', ...required, ''].join('\n');
}

async function compile(
  scratch: string,
  { go, root, version }: GoToolchain,
  { timeoutMs = COMPILER_TIMEOUT_MS * FIRST_BUILD_FACTOR }: BuildOptions,
): Promise<ProcessResult> {
  // No source runs while it is compiled, so what lies there is Go's own work, named by what went into it.
  const cache = join(await userCache(), version.replace('@', '-'));
  await mkdir(cache, { recursive: true });
  return await runCompiler({
    program: go,
    args: [
      'build',
      '-buildmode=c-shared',
      '-trimpath',
      '-buildvcs=false',
      '-p=2',
      '-ldflags=-s -w -buildid=',
      '-o',
      '../made/core.wasm',
      '.',
    ],
    directory: scratch,
    cwd: join(scratch, 'entry'),
    readable: [root],
    cache,
    env: {
      GOOS: 'wasip1',
      GOARCH: 'wasm',
      GOROOT: root,
      GOCACHE: cache,
      GOMODCACHE: join(scratch, 'modules'),
      GOPATH: join(scratch, 'path'),
      GOTMPDIR: scratch,
      TMPDIR: scratch,
      HOME: scratch,
      PATH: join(root, 'bin'),
      // No C compiler, no network, no other Go, no settings of this user's.
      CGO_ENABLED: '0',
      GOPROXY: 'off',
      GOTOOLCHAIN: 'local',
      GOENV: 'off',
      GOWORK: 'off',
      GOTELEMETRY: 'off',
    },
    timeoutMs,
  });
}

/** What Go says, with the places that an editor knows. */
function faultOf(stderr: string, options: BuildOptions): WasmpayError {
  const faults: string[] = [];
  let isContract = false;
  for (const line of stderr.split('\n')) {
    if (/^\s/.test(line) && faults.length > 0) faults.push(`${faults.pop()}\n  ${line.trim()}`);
    const [, file, place, message = ''] =
      /^(?:\.\.\/source\/|(?=(?:\.\/)?entry))(?:\.\/)?([^\s:]+):(\d+(?::\d+)?): (.*)$/.exec(line) ?? [];
    if (file === undefined || place === undefined) continue;
    if (file.startsWith('entry')) isContract = true;
    // Where Go looked is this machine's.
    else
      faults.push(
        `${file}:${place.includes(':') ? place : `${place}:1`}: ${message.replace(/ \(\/[^)]*\)$/, '')}`,
      );
  }
  const { source, contract } = options;
  if (faults.length === 0 && isContract)
    faults.push(`${source}:1:1: the contract asks for \`${SIGNATURES[contract.version] ?? 'Validate'}\``);
  if (faults.length > 0) return sourceError('Go', faults, options);
  return new WasmpayError('build_failed', `the Go compiler failed: ${stderr.slice(0, 4096)}`);
}
