// A new validator's folder: templates with the bank's name put in, what editors need, and the descriptor. All of it is made
// before anything is written, and the folder is there whole or not at all.

import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { slugOf } from '../core/bank.ts';
import { WasmpayError } from '../core/error.ts';
import { findContract } from './contract.ts';
import type { Language, ProjectFile } from './languages/language.ts';
import { projectRoot } from './toolchain.ts';

export interface NewProjectOptions {
  /** Where it goes: a folder that is not there, or is empty. */
  readonly directory: string;
  readonly language: Language;
  /** Version of the contract: `0.2.0`. */
  readonly contract: string;
  /** Bank id; the folder's name unless told. */
  readonly bank?: string;
}

export interface NewProject {
  readonly directory: string;
  readonly bank: string;
  /** Relative to the folder, sorted. */
  readonly files: readonly string[];
}

/** The contract of a new project that names none: the one with reasons. */
export const DEFAULT_CONTRACT = '0.2.0';

const TEMPLATES = join(projectRoot, 'templates');
const CASES_SCHEMA = join(projectRoot, 'schemas/cases.schema.json');

/** npm leaves a file out of a package that is called `.gitignore`. */
const FILE_NAMES: Readonly<Record<string, string>> = { gitignore: '.gitignore' };

/** Makes a project. Throws `usage` for a folder in use, a bank that is none, a contract that the language does not know. */
export async function createProject(options: NewProjectOptions): Promise<NewProject> {
  const { language, contract: version } = options;
  const directory = resolve(options.directory);
  const bank = options.bank ?? basename(directory);
  if (slugOf(bank) === undefined) {
    const what =
      options.bank === undefined ? `the folder's name, ${JSON.stringify(bank)},` : JSON.stringify(bank);
    throw new WasmpayError(
      'usage',
      `${what} is no bank id: give one with --bank, at most 63 letters, digits, and - _ . between them`,
    );
  }
  if (!language.contracts.includes(version)) {
    const known = language.contracts.join(' or ');
    throw new WasmpayError(
      'usage',
      `${language.title} is built for contract ${known}, not ${JSON.stringify(version)}`,
    );
  }
  const isThere = await refuseUsed(directory);
  const files = await makeFiles(directory, language, version, bank);
  if (isThere) await fill(directory, files);
  else await createWhole(directory, files);
  return { directory, bank, files: files.map(({ path }) => path).sort() };
}

/** Whether the folder is there, and empty. Throws `usage` where it holds something. */
async function refuseUsed(directory: string): Promise<boolean> {
  try {
    const names = await readdir(directory);
    if (names.length === 0) return true;
    throw new WasmpayError(
      'usage',
      `${directory} is not empty (it holds ${names.slice(0, 3).join(', ')}${names.length > 3 ? ' …' : ''}): name another folder`,
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code === 'ENOTDIR') throw new WasmpayError('usage', `${directory} is a file: name another folder`);
    throw error;
  }
}

async function makeFiles(
  directory: string,
  language: Language,
  version: string,
  bank: string,
): Promise<ProjectFile[]> {
  const contract = findContract(`wasmpay:platform@${version}`);
  const values: Readonly<Record<string, string>> = { bank, contract: contract.id, name: basename(directory) };
  const descriptor = {
    bank,
    language: language.name,
    contract: contract.id,
    world: 'validator',
    source: language.sourceFile,
    build: 'wasmpay build',
  };
  const files: ProjectFile[] = [
    { path: 'validator.json', content: `${JSON.stringify(descriptor, undefined, 2)}\n` },
    { path: '.contract/cases.schema.json', content: await readFile(CASES_SCHEMA, 'utf8') },
    ...(await language.editorFiles(contract)),
  ];
  const folders = [
    `all-languages/${version}`,
    `${language.templateFolder}/all`,
    `${language.templateFolder}/${version}`,
  ];
  for (const folder of folders.map((name) => join(TEMPLATES, name))) {
    if (!existsSync(folder)) continue;
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const template = join(entry.parentPath, entry.name);
      const name = FILE_NAMES[entry.name] ?? entry.name;
      const path = join(relative(folder, entry.parentPath), name).replaceAll(sep, '/');
      const text = await readFile(template, 'utf8');
      files.push({ path, content: text.replace(/\{\{(\w+)\}\}/g, (all, key: string) => values[key] ?? all) });
    }
  }
  return files;
}

/** Beside its place first, then by one rename. */
async function createWhole(directory: string, files: readonly ProjectFile[]): Promise<void> {
  const parent = dirname(directory);
  // The first folder that was not there, to be taken away again.
  const made = await mkdir(parent, { recursive: true });
  let staging: string | undefined;
  try {
    staging = await mkdtemp(join(parent, '.wasmpay-new-'));
    const content = join(staging, 'project');
    await mkdir(content);
    await writeFiles(content, files);
    await rename(content, directory);
  } catch (cause) {
    if (made !== undefined) await rm(made, { recursive: true, force: true });
    throw unwritable(directory, cause);
  } finally {
    if (staging !== undefined) await rm(staging, { recursive: true, force: true });
  }
}

/** An empty folder may be someone's working directory: it stays the one that it is. */
async function fill(directory: string, files: readonly ProjectFile[]): Promise<void> {
  try {
    await writeFiles(directory, files);
  } catch (cause) {
    for (const { path } of files)
      await rm(join(directory, path.split('/')[0] ?? path), { recursive: true, force: true });
    throw unwritable(directory, cause);
  }
}

async function writeFiles(directory: string, files: readonly ProjectFile[]): Promise<void> {
  for (const { path, content } of files) {
    const file = join(directory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { flag: 'wx' });
  }
}

function unwritable(directory: string, cause: unknown): WasmpayError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  return new WasmpayError('usage', `${directory} cannot be written: ${code}`, { cause });
}
