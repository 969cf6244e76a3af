// Builds one source file that no project holds: into a folder of its own that is gone afterwards, with a descriptor of ours.
// Nothing beside the text gets into the component.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { slugOf } from '../core/bank.ts';
import { WasmpayError } from '../core/error.ts';
import { buildValidator, type BuiltValidator } from './build-validator.ts';
import type { Language } from './languages/language.ts';
import { DEFAULT_CONTRACT } from './new-project.ts';

export interface SourceText {
  readonly language: Language;
  readonly source: string;
  readonly bank: string;
  /** Version of the contract; the one that the source names, or the newest, unless told. */
  readonly contract?: string | undefined;
}

/**
 * Builds `text`. `onFault` is told of an error while the folder is still there. Throws as `buildValidator`, and `usage` for
 * a bank that is none or a contract that the language does not know.
 */
export async function buildSource(
  text: SourceText,
  onFault: (error: unknown) => void = () => {},
): Promise<BuiltValidator> {
  const { language, source, bank } = text;
  const slug = slugOf(bank);
  if (slug === undefined) throw new WasmpayError('usage', `${JSON.stringify(bank)} is no bank id`);
  const version = text.contract ?? contractIn(source) ?? DEFAULT_CONTRACT;
  if (!language.contracts.includes(version))
    throw new WasmpayError(
      'usage',
      `${language.title} is built for contract ${language.contracts.join(' or ')}, not ${JSON.stringify(version)}`,
    );
  const parent = await mkdtemp(join(tmpdir(), 'wasmpay-source-'));
  try {
    const directory = join(parent, slug);
    await mkdir(directory);
    const descriptor = {
      bank,
      language: language.name,
      contract: `wasmpay:platform@${version}`,
      world: 'validator',
      source: language.sourceFile,
      build: 'wasmpay build',
    };
    await writeFile(join(directory, 'validator.json'), JSON.stringify(descriptor));
    await writeFile(join(directory, language.sourceFile), source);
    return await buildValidator({ directory, outDirectory: join(parent, 'build') });
  } catch (error) {
    onFault(error);
    throw error;
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

/** The version of the contract that a source names: `wasmpay:platform/validation@0.1.0`. */
function contractIn(source: string): string | undefined {
  return /wasmpay:platform\/\w+@(\d+\.\d+\.\d+)/.exec(source)?.[1];
}
