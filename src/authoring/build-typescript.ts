// A validator in TypeScript: type-checked against the contract, bundled to one module, and put into QuickJS. The same
// source gives the same behaviour, but not the same bytes: QuickJS's snapshot holds a seed of the build.

import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { build, type BuildFailure, type Message, type Plugin } from 'esbuild';
import { WasmpayError } from '../core/error.ts';
import type { ComponentizeRequest } from './componentize-typescript.ts';
import { contractTypes } from './contract-types.ts';
import { stageContract } from './contract.ts';
import type { BuildOptions, BuildResult } from './languages/language.ts';
import { sourceError } from './source-error.ts';
import { FRESH_COMPILERS, findPackage, projectRoot, runNode } from './toolchain.ts';
import { typescriptEntry } from './typescript-entry.ts';

/**
 * Builds a component from TypeScript. Throws `source_invalid` for faults in the source, `build_failed` when a tool
 * crashes or hangs. Types are checked while the component is made; code that does not compile gives none.
 */
export async function buildTypeScript(options: BuildOptions): Promise<BuildResult> {
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'wasmpay-build-')));
  const root = await realpath(options.directory);
  const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
  try {
    // At once, since each takes a processor of its own; whatever else happens, faults of types are told first.
    const [checked, made] = await Promise.allSettled([
      checkTypes(root, scratch, options, timeout),
      makeComponent(root, scratch, options),
    ]);
    if (checked.status === 'rejected') throw checked.reason;
    // The bundler knows where an import stands; of types it sees none.
    if (made.status === 'rejected') throw made.reason;
    const [outside] = checked.value;
    if (outside !== undefined) throw sourceError('TypeScript', [describeOutside(outside)], options);
    return made.value;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function makeComponent(root: string, scratch: string, options: BuildOptions): Promise<BuildResult> {
  const script = await bundle(root, options);
  const request: ComponentizeRequest = {
    script,
    witDirectory: join(scratch, 'wit'),
    world: options.world,
    output: join(scratch, 'component.wasm'),
  };
  await stageContract(options.contract, request.witDirectory);
  const { exitCode, stderr } = await (options.compilers ?? FRESH_COMPILERS).run(
    join(projectRoot, 'src/authoring/componentize-typescript.ts'),
    request,
    options.timeoutMs,
  );
  if (exitCode !== 0) throw new WasmpayError('build_failed', `componentize-qjs: ${stderr.trim()}`);
  return {
    component: new Uint8Array(await readFile(request.output)),
    log: [`bundle: ${Buffer.byteLength(script)} bytes of JavaScript`],
  };
}

/**
 * Type-checks the author's source and that what it exports is what the contract asks for. Gives the files outside of the
 * author's folder that the source made the compiler read: of those nothing may be told, and a fault of types tells texts.
 */
async function checkTypes(
  root: string,
  scratch: string,
  options: BuildOptions,
  timeout: { timeoutMs?: number },
): Promise<readonly string[]> {
  const library = join(projectRoot, 'src/authoring/typescript');
  const { version } = options.contract;
  const source = join(root, options.source);
  // Made of the WIT for this build: there is nothing beside it that could be of another version.
  const types = join(scratch, 'validation.d.ts');
  await writeFile(types, await contractTypes(options.contract));
  const conformance = join(scratch, 'conformance.ts');
  await writeFile(
    conformance,
    `import { validation } from ${JSON.stringify(source)};\n` +
      `import type { Validation } from 'wasmpay:platform/validation@${version}';\n` +
      `validation satisfies Validation;\n`,
  );
  const config = {
    extends: join(library, 'tsconfig.json'),
    files: [conformance, source, types],
  };
  await writeFile(join(scratch, 'tsconfig.json'), JSON.stringify(config));
  const { exitCode, stdout, stderr } = await runNode(
    join(findPackage('typescript'), 'bin/tsc'),
    ['-p', join(scratch, 'tsconfig.json'), '--pretty', 'false', '--listFiles'],
    { cwd: root, ...timeout },
  );
  const lines = stdout.split('\n').filter((line) => line.trim() !== '');
  const outside = lines.filter(isFile).filter((file) => !isOurs(file, [root, scratch, library]));
  if (exitCode === 0 || outside.length > 0) return outside;
  const faults = lines
    .filter((line) => !isFile(line))
    .map((line) =>
      line
        // What the conformance check says is about the source's export, wherever that stands.
        .replace(/^[^(\s]*conformance\.ts\(\d+,\d+\)/, `${options.source}(1,1)`)
        .replace(/^([^(\s][^(]*)\((\d+),(\d+)\): error /, '$1:$2:$3: '),
    );
  if (faults.length === 0) throw new WasmpayError('build_failed', `tsc: ${stderr}`);
  throw sourceError('TypeScript', faults, options);
}

/** Whether a line of the compiler's output is a file that it has read: an absolute path, where faults have a place behind it. */
function isFile(line: string): boolean {
  return isAbsolute(line) && !/\(\d+,\d+\): /.test(line);
}

/** TypeScript's own declarations: `@typescript/typescript-linux-x64/lib/lib.es5.d.ts`. */
const STANDARD_LIBRARY = /[\\/](?:@typescript[\\/][\w-]+|typescript)[\\/]lib[\\/]lib\.[\w.]+\.d\.ts$/;

function isOurs(file: string, folders: readonly string[]): boolean {
  return STANDARD_LIBRARY.test(file) || folders.some((folder) => isInside(folder, file));
}

function isInside(folder: string, file: string): boolean {
  const below = relative(folder, file);
  return !below.startsWith('..') && !isAbsolute(below);
}

function describeOutside(path: string): string {
  return `import of ${JSON.stringify(path)} leads out of the validator's folder`;
}

/** The author's modules and our guard as one ES module without imports. */
async function bundle(root: string, options: BuildOptions): Promise<string> {
  const { source, contract } = options;
  const entry = typescriptEntry(contract.version, source);
  if (entry === undefined) throw new WasmpayError('usage', `TypeScript: no contract ${contract.id}`);
  try {
    const result = await build({
      stdin: { contents: entry, resolveDir: root, sourcefile: 'wasmpay-entry.js', loader: 'js' },
      absWorkingDir: root,
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      target: 'es2023',
      mainFields: ['module', 'main'],
      charset: 'utf8',
      write: false,
      logLevel: 'silent',
      tsconfigRaw: {},
      plugins: [refuseOutside(root)],
    });
    return result.outputFiles[0]?.text ?? '';
  } catch (error) {
    if (!isBuildFailure(error)) throw new WasmpayError('build_failed', 'esbuild failed', { cause: error });
    throw sourceError('TypeScript', error.errors.map(formatMessage), options);
  }
}

/** Keeps the bundle to the author's folder, links followed. Types need no file and never get here. */
function refuseOutside(root: string): Plugin {
  return {
    name: 'refuse-outside',
    setup(builder) {
      builder.onResolve({ filter: /.*/ }, async ({ path, ...rest }) => {
        if (rest.pluginData === 'resolved') return undefined;
        const { importer, namespace, resolveDir, kind } = rest;
        const found = await builder.resolve(path, {
          importer,
          namespace,
          resolveDir,
          kind,
          pluginData: 'resolved',
        });
        if (found.errors.length > 0) return { errors: found.errors };
        if (!found.external && isAbsolute(found.path) && isInside(root, found.path)) return found;
        return { errors: [{ text: describeOutside(path) }] };
      });
    },
  };
}

function formatMessage({ text, location }: Message): string {
  return location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`;
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}
