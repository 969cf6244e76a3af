// `wasmpay new DIR`: a validator's folder that builds and passes its cases as it is.

import { createProject, DEFAULT_CONTRACT } from '../authoring/new-project.ts';
import { describeLanguages, findLanguage, LANGUAGES } from '../authoring/languages/registry.ts';
import { WasmpayError } from '../core/error.ts';
import { shownPath } from './author/subject.ts';
import { printLines } from './colour.ts';
import { quoteWord } from './next-command.ts';
import { parseOptions } from './options.ts';
import { printJson } from './terminal.ts';

const USAGE = `wasmpay new DIR --lang LANGUAGE [--contract 0.1.0|0.2.0] [--bank ID] [--json]
  Makes a validator's folder: source, cases.json, validator.json, a README, and what editors need. DIR is not there yet,
  or empty. LANGUAGE is ${LANGUAGES.map(({ name }) => name).join(' or ')}. Contract 0.2.0, unless told otherwise, has reasons; 0.1.0
  answers yes or no. The bank is called as the folder is, unless --bank says it.`;

/** The command for main.ts. */
export const newCommand = { usage: USAGE, run: runNew };

async function runNew(args: readonly string[]): Promise<number> {
  const { arguments: positionals, options } = parseOptions(args, ['DIR'], {
    lang: { type: 'string' },
    contract: { type: 'string', default: DEFAULT_CONTRACT },
    bank: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const name = options['lang'] as string | undefined;
  if (name === undefined)
    throw new WasmpayError('usage', `--lang says which language: ${describeLanguages()}`);
  const language = findLanguage(name);
  const bank = options['bank'] as string | undefined;
  // What is missing is told now, and not after the author has written a rule.
  const toolchain = await language.findToolchain();
  const contract = String(options['contract']).replace(/^wasmpay:platform@/, '');
  const project = await createProject({
    directory: String(positionals[0]),
    language,
    contract,
    ...(bank !== undefined && { bank }),
  });
  if (options['json'] === true) {
    printJson({ created: true, ...project, language: language.name, contract, toolchain });
    return 0;
  }
  const path = shownPath(project.directory);
  printLines([
    `made       ${path} (${language.title}, wasmpay:platform@${contract}), for bank ${project.bank}`,
    `toolchain  ${toolchain.join(', ')}`,
    ...project.files
      .filter((file) => !file.startsWith('.'))
      .map((file, index) => `${(index === 0 ? 'files' : '').padEnd(11)}${file}`),
    ['next       ', ['bold', `wasmpay test ${quoteWord(path)}`]],
  ]);
  return 0;
}
