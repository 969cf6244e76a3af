// Builds a validator's folder, and only when something that decides the result changed: its sources, the contract,
// the binding library, the builder or a compiler's version. The record of that stands beside the component.

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { WasmpayError } from '../core/error.ts';
import { findContract, listContractFiles, type Contract } from './contract.ts';
import { parseDescriptor, type ValidatorDescriptor } from './descriptor.ts';
import type { Language } from './languages/language.ts';
import { projectRoot, type Compilers } from './toolchain.ts';

/** Which folder to build, and where to. Relative paths are relative to the working directory. */
export interface BuildValidatorOptions {
  readonly directory: string;
  readonly outDirectory: string;
  readonly now?: Clock;
  /** Longest that each compiler may run, milliseconds. */
  readonly timeoutMs?: number;
  /** A new process for each run of a compiler unless told. */
  readonly compilers?: Compilers;
}

/** A validator's component, freshly built or as it was. */
export interface BuiltValidator {
  /** Bank id, as the descriptor has it. */
  readonly bank: string;
  /** The folder's name: `icamer-assemblyscript`. */
  readonly name: string;
  readonly descriptor: ValidatorDescriptor;
  /** What it was built with, name and version of each part. */
  readonly toolchain: readonly string[];
  readonly componentPath: string;
  readonly component: Uint8Array<ArrayBuffer>;
  /** Of everything that went into the build, `sha256:` and 64 hexadecimal digits. Not of the component. */
  readonly digest: string;
  readonly built: boolean;
  readonly durationMs: number;
  /** What the compilers said; empty when nothing was built. */
  readonly log: readonly string[];
}

/** Where the component of a validator's folder goes unless told, in that folder. */
export const OUT_FOLDER = 'build';

/** What every build depends on. */
const COMMON_INPUTS = ['src/authoring/contract.ts', 'src/authoring/toolchain.ts'];

/** Files of a validator's folder that no component of any language depends on; two are of committed.ts. */
export const NOT_SOURCES = ['README.md', 'cases.json', 'component.wasm', 'component.json'];

/** Most files in a validator's folder, dependencies included: a bound against a folder that is something else. */
const MAX_SOURCE_FILES = 2000;

/**
 * Builds the validator in `directory` to `<outDirectory>/<name>.wasm`, with its record in `<name>.json`. Throws `usage`
 * for a faulty descriptor, `source_invalid` for a faulty source, `toolchain_missing`, `build_failed` for a tool that failed.
 */
export async function buildValidator(options: BuildValidatorOptions): Promise<BuiltValidator> {
  const now = options.now ?? Date.now;
  const startedMs = now();
  const directory = resolve(options.directory);
  const name = basename(directory);
  const descriptor = await readDescriptor(directory);
  const contract = findContract(descriptor.contract);
  const { language } = descriptor;
  const componentPath = join(resolve(options.outDirectory), `${name}.wasm`);
  const recordPath = join(resolve(options.outDirectory), `${name}.json`);
  const toolchain = await language.findToolchain();
  // Of this build, and of one to the place where components go unless told.
  const outputs = [resolve(options.outDirectory), join(directory, OUT_FOLDER)].flatMap((folder) =>
    ['wasm', 'json'].map((ending) => join(folder, `${name}.${ending}`)),
  );
  const digest = await digestInputs(directory, contract, language, toolchain, outputs);
  const known = { bank: descriptor.bank, name, descriptor, toolchain, componentPath, digest };

  const kept = await readKept(recordPath, componentPath, digest);
  if (kept !== undefined) {
    return { ...known, component: kept, built: false, durationMs: now() - startedMs, log: [] };
  }
  const { source, world } = descriptor;
  const { component, log } = await language.build({
    directory,
    source,
    contract,
    world,
    ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
    ...(options.compilers !== undefined && { compilers: options.compilers }),
  });
  await mkdir(resolve(options.outDirectory), { recursive: true });
  await writeAtomically(componentPath, component);
  const record = { digest, component: sha256(component), bytes: component.byteLength };
  await writeAtomically(recordPath, `${JSON.stringify(record, undefined, 2)}\n`);
  return { ...known, component, built: true, durationMs: now() - startedMs, log };
}

/** Reads a folder's validator.json. Throws `usage`. */
export async function readDescriptor(directory: string): Promise<ValidatorDescriptor> {
  const file = join(directory, 'validator.json');
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new WasmpayError('usage', `${file}: cannot be read; "wasmpay new DIR" makes a validator's folder`, {
      cause,
    });
  });
  return parseDescriptor(text, file);
}

/** The component of an earlier build of the same inputs, if it and its record are still whole. */
async function readKept(
  recordPath: string,
  path: string,
  digest: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const record = JSON.parse(await readFile(recordPath, 'utf8')) as {
      digest?: unknown;
      component?: unknown;
    };
    if (record.digest !== digest) return undefined;
    const component = new Uint8Array(await readFile(path));
    return record.component === sha256(component) ? component : undefined;
  } catch {
    return undefined;
  }
}

async function digestInputs(
  directory: string,
  contract: Contract,
  language: Language,
  toolchain: readonly string[],
  outputs: readonly string[],
): Promise<string> {
  const hash = createHash('sha256');
  const add = (label: string, content: string | Uint8Array): void => {
    hash.update(`${label}\0${sha256(content)}\n`);
  };
  for (const part of toolchain) add('toolchain', part);
  for (const file of await listContractFiles(contract)) {
    add(`wit/${relative(projectRoot, file)}`, await readFile(file));
  }
  for (const input of [...COMMON_INPUTS, ...language.inputs]) {
    for (const file of await listFiles(join(projectRoot, input))) {
      add(`builder/${relative(projectRoot, file)}`, await readFile(file));
    }
  }
  const notSources = new Set([...NOT_SOURCES, ...language.notSources].map((name) => join(directory, name)));
  const isOutput = (file: string): boolean =>
    outputs.some((output) => file === output || file.startsWith(`${output}.`));
  for (const file of await listFiles(directory)) {
    const below = relative(directory, file);
    if (!notSources.has(file) && !isOutput(file)) add(`source/${below}`, await readFile(file));
  }
  return `sha256:${hash.digest('hex')}`;
}

/** Every file below `path`, or `path` itself, sorted; dot files left out. */
export async function listFiles(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [path];
  const found: string[] = [];
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    // A link counts where a file is behind it: a folder, a pipe or a device is no source, and may have no end.
    if (!entry.isFile() && !(await stat(file).catch(() => undefined))?.isFile()) continue;
    if (
      relative(path, file)
        .split(/[\\/]/)
        .some((part) => part.startsWith('.'))
    )
      continue;
    if (found.push(file) > MAX_SOURCE_FILES) {
      throw new WasmpayError('usage', `${path}: more than ${MAX_SOURCE_FILES} files`);
    }
  }
  return found.sort();
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Readers see the old file or the new one, whole: two builds at once are harmless. */
async function writeAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
