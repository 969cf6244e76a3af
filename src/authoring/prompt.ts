// What a language model is given to write a validator: the contract, the sandbox's rules, one example, and how its answer
// will be built and judged. All of it is read from what builds and judges, so that it cannot say anything else; short
// enough to paste.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DEFAULT_GUEST_LIMITS } from '../core/guest-limits.ts';
import { DENIAL_REASONS } from '../core/reason-codes.ts';
import { WasmpayError } from '../core/error.ts';
import type { Contract } from './contract.ts';
import type { Language } from './languages/language.ts';
import { projectRoot } from './toolchain.ts';

export interface PromptOptions {
  readonly language: Language;
  readonly contract: Contract;
  /** Bank id that the validator is for. */
  readonly bank: string;
  /** What the validator shall do, in a sentence; undefined: a place to write it into. */
  readonly rule?: string | undefined;
}

/** Codes that rules need most; all others are in docs/reason-codes.md. */
const COMMON_CODES = ['AM02', 'AM03', 'AM12', 'AM14', 'AC06', 'AG01', 'RR04', 'NARR'];

/** The prompt, Markdown. Throws `usage` where the language does not know the contract. */
export async function composePrompt({ language, contract, bank, rule }: PromptOptions): Promise<string> {
  if (!language.contracts.includes(contract.version))
    throw new WasmpayError(
      'usage',
      `${language.title} is built for contract ${language.contracts.join(' or ')}, not ${contract.version}`,
    );
  const template = join(
    projectRoot,
    'templates',
    language.templateFolder,
    contract.version,
    language.sourceFile,
  );
  const [wit, example] = await Promise.all([readFile(contract.witFile, 'utf8'), readFile(template, 'utf8')]);
  const hasReasons = contract.version !== '0.1.0';
  const fence = language.extension.slice(1);
  const fuel = DEFAULT_GUEST_LIMITS.fuel.toLocaleString('en');
  return [
    `# Write a payment validator in ${language.title}`,
    '',
    `It is compiled to a WebAssembly component and decides about each payment to the bank \`${bank}\`. The rule:`,
    '',
    `> ${(rule ?? '(write the rule here, in a sentence)').replace(/\s*\n\s*/g, ' ')}`,
    '',
    '## The contract',
    '',
    '```wit',
    witOfValidator(wit),
    '```',
    '',
    '- `amount.amount` is an integer in the minor unit of the currency (cents): 10,000.00 EUR is 1000000. It may be negative.',
    '- `amount.name` is the name of the currency (`Euro`, `US Dollar`); `origin.currency` and `destination.currency` are ISO 4217',
    '  codes (`EUR`); `country` is as the processor sends it, mostly ISO 3166 with two or three letters. Compare exactly.',
    "- Texts are somebody else's: any length up to some KB, any characters. Deny what the rule does not foresee.",
    ...(hasReasons
      ? [
          '- A denial has a code of 1 to 35 visible ASCII characters that begins with an upper-case letter or a digit, and a message',
          '  of one line, at most 512 bytes, without texts of the transaction. Use ISO 20022 codes where one fits:',
          `  ${COMMON_CODES.map(describeCode).join(', ')}.`,
        ]
      : []),
    '',
    '## The sandbox',
    '',
    `- No network, files, environment, arguments: using one is a trap, and the payment is denied. Packages cannot be imported.`,
    '- Every payment meets fresh memory: nothing is kept from one to the next. The clock stands still at the time of the decision.',
    `- A call has ${fuel} units of fuel, about one for each instruction, and ${formatMemory(DEFAULT_GUEST_LIMITS.memoryPages)} of memory. Running out of either denies.`,
    '- A trap or an uncaught error denies.',
    ...(language.differences ?? []).map((difference) => `- ${difference}`),
    '',
    `## An example of the form: \`${language.sourceFile}\``,
    '',
    `\`\`\`${fence}`,
    example.replaceAll('{{bank}}', bank).trimEnd(),
    '```',
    '',
    '## Your answer',
    '',
    `1. One block of code between \`\`\`${fence} and \`\`\`: the whole of \`${language.sourceFile}\`, and no other block in that language.`,
    '2. One block between ```json and ```: cases that test it, also at and just beyond each limit of the rule:',
    '',
    '```json',
    exampleCases(bank, hasReasons),
    '```',
    '',
    'It is then compiled (with all checks of the compiler), inspected (it may import nothing that the sandbox does not give),',
    'run on your cases and on probes in the sandbox, and released only if all of them pass. An error is told with its line.',
    '',
  ].join('\n');
}

/** The records and the function, without the worlds that no author needs and without comments. */
function witOfValidator(wit: string): string {
  return wit
    .replace(/^\/\/.*\n/gm, '')
    .replace(/^world validator-messenger \{[^}]*\}\n/m, '')
    .replace(/\n{2,}/g, '\n')
    .trim();
}

function describeCode(code: string): string {
  const name = DENIAL_REASONS[code]?.name;
  return name === undefined ? code : `${code} ${name}`;
}

/** A page of WebAssembly memory is 64 KiB. */
function formatMemory(pages: number): string {
  return `${pages / 16} MiB`;
}

function exampleCases(bank: string, hasReasons: boolean): string {
  const side = (id: string, name: string): object => ({ id, name, country: 'DE', currency: 'EUR' });
  const transaction = {
    id: 'txn_1',
    origin: side('bank_001', 'First'),
    destination: side(bank, 'Second'),
    amount: { name: 'Euro', symbol: '€', amount: 1_000_001 },
    status: 'pending',
  };
  const lines = [
    '{ "cases": [',
    `  { "name": "one cent above the limit", "expect": "deny",${hasReasons ? ' "reason": { "code": "AM02" },' : ''}`,
    `    "transaction": ${JSON.stringify(transaction)} }`,
    '] }',
  ];
  return lines.join('\n');
}
