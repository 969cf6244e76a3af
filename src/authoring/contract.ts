// The contracts' WIT as the component tools want it. wasm-tools inside jco reads no files here (a path panics and
// leaves the tool unusable), so it gets one source text; componentize-qjs wants a folder, so it gets a staged one. A
// folder of WIT holds one package and what it names, so each version after the first has a folder of its own.

import { copyFile, cp, mkdir, readFile, readdir } from 'node:fs/promises';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import { projectRoot } from './toolchain.ts';

/** One version of the contract. */
export interface Contract {
  /** As in WIT: `wasmpay:platform@0.1.0`. */
  readonly id: string;
  readonly version: string;
  readonly witFile: string;
}

/**
 * A WIT world of the contract: `validator` exports `validation`; `validator-messenger`, a harness, imports one as well, and
 * exports messaging.
 */
export type World = 'validator' | 'validator-messenger';

const CONTRACT_ID = /^wasmpay:platform@(\d+\.\d+\.\d+)$/;
const witDirectory = join(projectRoot, 'wit');

/** The contract named `id`. Throws `usage` where this project has no such WIT file. */
export function findContract(id: string): Contract {
  const version = CONTRACT_ID.exec(id)?.[1] ?? '';
  const name = `wasmpay-platform-${version}.wit`;
  const witFile = [join(witDirectory, name), join(witDirectory, version, name)].find(existsSync);
  if (witFile === undefined) {
    throw new WasmpayError(
      'usage',
      `unknown contract ${JSON.stringify(id)}: expected ${listContracts().join(' or ')}`,
    );
  }
  return { id, version, witFile };
}

/** The ids of the contracts whose WIT is here. */
function listContracts(): string[] {
  return readdirSync(witDirectory, { recursive: true, encoding: 'utf8' })
    .flatMap((name) => /(?:^|[\\/])wasmpay-platform-(\d+\.\d+\.\d+)\.wit$/.exec(name)?.[1] ?? [])
    .sort()
    .map((version) => `wasmpay:platform@${version}`);
}

/** The contract and the packages it names as one WIT text, the others nested: `package a:b@1.0.0 { … }`. */
export async function readContractSource(contract: Contract): Promise<string> {
  const parts = [await readFile(contract.witFile, 'utf8')];
  for (const file of await listDependencies(contract)) {
    const source = await readFile(file, 'utf8');
    parts.push(`${source.replace(/^package ([^;{]+);/m, 'package $1 {')}\n}\n`);
  }
  return parts.join('\n');
}

/** Lays the contract out in `directory` as tools expect it: the package on top, what it names in `deps/`. */
export async function stageContract(contract: Contract, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await copyFile(contract.witFile, join(directory, 'contract.wit'));
  await cp(join(dirname(contract.witFile), 'deps'), join(directory, 'deps'), { recursive: true });
}

/** Every WIT file that a build of this contract depends on. */
export async function listContractFiles(contract: Contract): Promise<string[]> {
  return [contract.witFile, ...(await listDependencies(contract))];
}

async function listDependencies({ witFile }: Contract): Promise<string[]> {
  const directory = join(dirname(witFile), 'deps');
  const names = await readdir(directory, { recursive: true });
  return names
    .filter((name) => name.endsWith('.wit'))
    .sort()
    .map((name) => join(directory, name));
}
