// Components that are committed beside their sources: component.wasm, and component.json that says what it was made of. For
// languages whose toolchain npm does not bring: who has none still runs the example, and nobody commits a change of the
// sources without the component that it makes.

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import {
  buildValidator,
  listFiles,
  NOT_SOURCES,
  readDescriptor,
  type BuiltValidator,
} from './build-validator.ts';
import { findContract, listContractFiles } from './contract.ts';
import type { ValidatorDescriptor } from './descriptor.ts';
import { projectRoot } from './toolchain.ts';

/** What component.json holds. */
export interface CommittedRecord {
  /** What it was built with. The same toolchain makes the same bytes. */
  readonly toolchain: readonly string[];
  /** SHA-256 of everything that it was made of, hexadecimal. */
  readonly sources: string;
  /** SHA-256 of the component, hexadecimal. */
  readonly component: string;
  readonly bytes: number;
}

export interface Committed {
  readonly descriptor: ValidatorDescriptor;
  readonly component: Uint8Array<ArrayBuffer>;
  readonly record: CommittedRecord;
  /** Why it is not what the sources make; undefined where it is. */
  readonly stale?: string;
}

/** The committed component of a validator's folder; undefined where its language has none, or none is there yet. */
export async function readCommitted(directory: string): Promise<Committed | undefined> {
  const descriptor = await readDescriptor(directory);
  if (descriptor.language.bindings === undefined) return undefined;
  const [text, bytes] = await Promise.all([
    readFile(join(directory, 'component.json'), 'utf8').catch(() => undefined),
    readFile(join(directory, 'component.wasm')).catch(() => undefined),
  ]);
  if (text === undefined || bytes === undefined) return undefined;
  const record = parseRecord(text, directory);
  const component = new Uint8Array(bytes);
  const stale =
    sha256(component) !== record.component
      ? 'component.wasm is another one than component.json describes'
      : record.sources !== (await digestSources(directory, descriptor))
        ? 'its sources, the contract or the binding library changed since component.wasm was built'
        : undefined;
  return { descriptor, component, record, ...(stale !== undefined && { stale }) };
}

/** What a machine with Node and npm alone has of a validator. */
export interface ObtainedComponent {
  readonly bank: string;
  readonly component: Uint8Array<ArrayBuffer>;
  /** How long it took to build, milliseconds; absent where it was there. */
  readonly builtInMs?: number;
}

/**
 * The component of a validator's folder as any machine can have it: the committed one, or one that npm's toolchains build;
 * undefined for a language whose examples are built only where its toolchain is. Throws as `buildValidator`.
 */
export async function obtainComponent(
  directory: string,
  outDirectory: string,
): Promise<ObtainedComponent | undefined> {
  const committed = await readCommitted(directory);
  if (committed !== undefined && committed.stale === undefined)
    return { bank: committed.descriptor.bank, component: committed.component };
  if ((await readDescriptor(directory)).language.isBuiltWhereInstalled === true) return undefined;
  const { bank, component, built, durationMs } = await buildValidator({ directory, outDirectory });
  return { bank, component, ...(built && { builtInMs: durationMs }) };
}

/** Puts what was built beside its sources. */
export async function writeCommitted(
  directory: string,
  { descriptor, toolchain, component }: BuiltValidator,
): Promise<void> {
  const record: CommittedRecord = {
    toolchain,
    sources: await digestSources(directory, descriptor),
    component: sha256(component),
    bytes: component.byteLength,
  };
  await writeFile(join(directory, 'component.wasm'), component);
  await writeFile(join(directory, 'component.json'), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Of the sources themselves, not of the builder: to change that leaves most components as they are. */
async function digestSources(
  directory: string,
  { language, contract }: ValidatorDescriptor,
): Promise<string> {
  const hash = createHash('sha256');
  const ours = await listContractFiles(findContract(contract));
  for (const path of language.bindings ?? []) ours.push(...(await listFiles(join(projectRoot, path))));
  for (const file of ours) hash.update(`${relative(projectRoot, file)}\0${sha256(await readFile(file))}\n`);
  const notSources = [...NOT_SOURCES, ...language.notSources];
  for (const file of await listFiles(directory)) {
    const below = relative(directory, file).replaceAll('\\', '/');
    if (notSources.includes(below) || /^(?:build|target)\//.test(below)) continue;
    hash.update(`source/${below}\0${sha256(await readFile(file))}\n`);
  }
  return hash.digest('hex');
}

function parseRecord(text: string, directory: string): CommittedRecord {
  const fail = (cause?: unknown): never => {
    throw new WasmpayError(
      'usage',
      `${join(directory, 'component.json')} is none: build the component anew`,
      {
        cause,
      },
    );
  };
  let record: Partial<CommittedRecord>;
  try {
    record = JSON.parse(text) as Partial<CommittedRecord>;
  } catch (cause) {
    return fail(cause);
  }
  const { toolchain, sources, component, bytes } = record;
  if (!Array.isArray(toolchain) || typeof sources !== 'string') return fail();
  if (typeof component !== 'string' || typeof bytes !== 'number') return fail();
  return { toolchain: toolchain.map(String), sources, component, bytes };
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
