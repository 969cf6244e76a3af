// The contracts' WIT as the component tools want it. wasm-tools inside jco reads no files here (a path panics and
// leaves the tool unusable), so it gets one source text; componentize-qjs wants a folder, so it gets a staged one.

import { copyFile, cp, mkdir, readFile, readdir } from 'node:fs/promises';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { WasmpayError } from '../core/error.ts';
import { projectRoot } from './toolchain.ts';

/** One version of the contract. */
export interface Contract {
  /** As in WIT: `wasmpay:platform@0.1.0`. */
  readonly id: string;
  readonly version: string;
  readonly witFile: string;
}

const CONTRACT_ID = /^wasmpay:platform@(\d+\.\d+\.\d+)$/;
const witDirectory = join(projectRoot, 'wit');

/** The contract named `id`. Throws `usage` where this project has no such WIT file. */
export function findContract(id: string): Contract {
  const version = CONTRACT_ID.exec(id)?.[1];
  const witFile = join(witDirectory, `wasmpay-platform-${version}.wit`);
  if (version === undefined || !existsSync(witFile)) {
    throw new WasmpayError(
      'usage',
      `unknown contract ${JSON.stringify(id)}: expected ${listContracts().join(' or ')}`,
    );
  }
  return { id, version, witFile };
}

/** The ids of the contracts whose WIT is here. */
function listContracts(): string[] {
  return readdirSync(witDirectory)
    .flatMap((name) => /^wasmpay-platform-(\d+\.\d+\.\d+)\.wit$/.exec(name)?.[1] ?? [])
    .sort()
    .map((version) => `wasmpay:platform@${version}`);
}

/** The contract and the packages it names as one WIT text, the others nested: `package a:b@1.0.0 { … }`. */
export async function readContractSource(contract: Contract): Promise<string> {
  const parts = [await readFile(contract.witFile, 'utf8')];
  for (const file of await listDependencies()) {
    const source = await readFile(file, 'utf8');
    parts.push(`${source.replace(/^package ([^;{]+);/m, 'package $1 {')}\n}\n`);
  }
  return parts.join('\n');
}

/** Lays the contract out in `directory` as tools expect it: the package on top, what it names in `deps/`. */
export async function stageContract(contract: Contract, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await copyFile(contract.witFile, join(directory, 'contract.wit'));
  await cp(join(witDirectory, 'deps'), join(directory, 'deps'), { recursive: true });
}

/** Every WIT file that a build of this contract depends on. */
export async function listContractFiles(contract: Contract): Promise<string[]> {
  return [contract.witFile, ...(await listDependencies())];
}

async function listDependencies(): Promise<string[]> {
  const names = await readdir(join(witDirectory, 'deps'), { recursive: true });
  return names
    .filter((name) => name.endsWith('.wit'))
    .sort()
    .map((name) => join(witDirectory, 'deps', name));
}
