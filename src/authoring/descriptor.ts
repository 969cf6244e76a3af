// validator.json: what a validator's folder says about itself. Written by its author, so checked here.

import { WasmpayError } from '../core/error.ts';
import { slugOf } from '../core/bank.ts';
import type { World } from './contract.ts';
import type { Language } from './languages/language.ts';
import { LANGUAGES } from './languages/registry.ts';

/** A validator's folder, described. */
export interface ValidatorDescriptor {
  /** Bank id, as transactions name it. */
  readonly bank: string;
  readonly language: Language;
  /** The WIT package: `wasmpay:platform@0.1.0`. */
  readonly contract: string;
  /** Every language builds `validator`. */
  readonly world: World;
  /** The source file, relative to the folder, inside it. */
  readonly source: string;
  /** The command that builds it, for people; nothing runs it. */
  readonly build: string;
}

const SOURCE = /^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_./-]*$/;

/** Parses a validator.json. Throws `usage` that names the file and the member at fault. */
export function parseDescriptor(text: string, file: string): ValidatorDescriptor {
  const fail = (what: string): never => {
    throw new WasmpayError('usage', `${file}: ${what}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WasmpayError('usage', `${file}: ${cause instanceof Error ? cause.message : 'no JSON'}`, {
      cause,
    });
  }
  if (typeof value !== 'object' || value === null) return fail('expected an object');
  const members = value as Readonly<Record<string, unknown>>;
  const read = (name: string): string => {
    const member = members[name];
    return typeof member === 'string' ? member : fail(`member "${name}" must be a string`);
  };
  const bank = read('bank');
  if (slugOf(bank) === undefined) fail('member "bank" must be a bank id, such as "icamer" or "bank_002"');
  const language = LANGUAGES.find(({ name }) => name === members['language']);
  if (language === undefined)
    return fail(`member "language" must be one of ${LANGUAGES.map(({ name }) => name).join(', ')}`);
  const worlds: readonly World[] = ['validator', ...(language.otherWorlds ?? [])];
  const world = worlds.find((known) => known === members['world']);
  if (world === undefined)
    return fail(`member "world" must be ${worlds.map((known) => `"${known}"`).join(' or ')}`);
  const source = read('source');
  if (!SOURCE.test(source) || !source.endsWith(language.extension))
    fail(`member "source" must name a ${language.extension} file inside the folder`);
  return { bank, language, contract: read('contract'), world, source, build: read('build') };
}
