// `wasmpay prompt`: what to give a language model that shall write a validator.

import { findContract } from '../authoring/contract.ts';
import { describeLanguages, findLanguage } from '../authoring/languages/registry.ts';
import { DEFAULT_CONTRACT } from '../authoring/new-project.ts';
import { composePrompt } from '../authoring/prompt.ts';
import { parseOptions } from './options.ts';
import { parseBank } from './target.ts';
import { printJson, printResult } from './terminal.ts';

const USAGE = `wasmpay prompt [RULE] [--lang LANGUAGE] [--contract VERSION] [--bank BANK] [--json]
  Prints what to give a language model that shall write a validator: the contract, the sandbox's rules, an example, and
  how its answer is built and judged. RULE is what the validator shall do, in a sentence. Give the answer to "wasmpay deploy".
  Languages are ${describeLanguages()}.`;

/** The command for main.ts. */
export const promptCommand = { usage: USAGE, run: runPrompt };

async function runPrompt(args: readonly string[]): Promise<number> {
  const { arguments: positionals, options } = parseOptions(args, ['[RULE]'], {
    lang: { type: 'string', default: 'typescript' },
    contract: { type: 'string', default: DEFAULT_CONTRACT },
    bank: { type: 'string', default: 'mybank' },
    json: { type: 'boolean', default: false },
  });
  const language = findLanguage(String(options['lang']));
  const contract = findContract(`wasmpay:platform@${String(options['contract'])}`);
  const bank = String(options['bank']);
  parseBank(bank);
  const prompt = await composePrompt({ language, contract, bank, rule: positionals[0] });
  if (options['json'] === true) printJson({ language: language.name, contract: contract.id, bank, prompt });
  else printResult(prompt.trimEnd());
  return 0;
}
