// TypeScript types of a contract, made of its WIT: what validators in TypeScript are checked against, and what editors
// know. Ours and not jco's, whose types say bigint where QuickJS gives a number. Reads the contracts of this project, no
// WIT at large: what it does not know, it refuses.

import { readFile } from 'node:fs/promises';
import { WasmpayError } from '../core/error.ts';
import type { Contract } from './contract.ts';

/** What WIT cannot say, by record and member. */
const NOTES: Readonly<Record<string, string>> = {
  bank: 'A bank as the transaction names it.',
  'bank.country': 'ISO 3166 alpha-3 (`USA`, `GBR`) by custom; nothing checks it.',
  'bank.currency': "The account's currency, ISO 4217 by custom.",
  currency: 'A sum of money.',
  'currency.amount':
    "The sum in the currency's minor unit (cents, pence). The contract's s64 reaches QuickJS as a number, which is\n" +
    'exact up to 2^53 - 1 only: the build adds a guard that denies any amount beyond it before `validate` is asked.',
  transaction: 'One payment.',
  denial:
    'Why a transaction is denied. Outside of these bounds the whole answer counts for nothing: `bad_output`.',
  'denial.code':
    'An ISO 20022 external status reason code (`AM04`, `AC06`, `AG01`), or one of your own: 1 to 35 visible ASCII\n' +
    'characters that begin with an upper-case letter or a digit.',
  'denial.message':
    'For people: one line of at most 512 bytes of UTF-8. May be empty. The processor sees it.',
  verdict: 'What a validator answers.',
};

/** Types of WIT as QuickJS gives and takes them. */
const PLAIN: Readonly<Record<string, string>> = {
  string: 'string',
  bool: 'boolean',
  s64: 'number',
};

/** A `.d.ts` that declares the module `wasmpay:platform/validation@VERSION`. Throws `internal` for WIT that it does not know. */
export async function contractTypes(contract: Contract): Promise<string> {
  return writeTypes(contract.version, await readFile(contract.witFile, 'utf8'));
}

/** As {@link contractTypes}, of the WIT's text. */
export function writeTypes(version: string, wit: string): string {
  const source = wit.replace(/\/\/.*$/gm, '');
  const types = bodyOf(source, 'types');
  const declarations: string[] = [];
  const known = new Set<string>();
  for (const [, kind, name = '', body = ''] of types.matchAll(
    /(record|variant|\w+)\s+([\w-]+)\s*\{([^}]*)\}/g,
  )) {
    known.add(name);
    const parts = body.split(/,(?![^(]*\))/).map((part) => part.trim());
    const members = parts.filter((part) => part !== '');
    if (kind === 'record') declarations.push(writeRecord(name, members, known));
    else if (kind === 'variant') declarations.push(writeVariant(name, members, known));
    else throw unknown(`${kind} ${name}`);
  }
  const [, parameter = '', type = '', result = ''] =
    /validate:\s*func\(\s*([\w-]+):\s*([\w-]+)\s*\)\s*->\s*([\w-]+)\s*;/.exec(bodyOf(source, 'validation')) ??
    [];
  const answer =
    result === 'bool'
      ? 'Whether the transaction may pass.'
      : 'Whether the transaction may pass, and why not.';
  declarations.push(
    [
      ...comment('What a validator exports under the name `validation`.'),
      'export interface Validation {',
      ...indent([
        ...comment(`${answer} Throwing never approves: the gateway answers the bank's fallback.`),
        `readonly validate: (${camelCase(parameter)}: ${typeOf(type, known)}) => ${typeOf(result, known)};`,
      ]),
      '}',
    ].join('\n'),
  );
  return [
    `// The contract wasmpay:platform@${version} as a validator in TypeScript sees it. Made of its WIT; do not edit.`,
    '',
    `declare module 'wasmpay:platform/validation@${version}' {`,
    declarations.map((text) => indent(text.split('\n')).join('\n')).join('\n\n'),
    '}',
    '',
  ].join('\n');
}

function writeRecord(name: string, members: readonly string[], known: ReadonlySet<string>): string {
  const lines = members.flatMap((member) => {
    const [, field = '', type = ''] = /^([\w-]+)\s*:\s*([\w-]+)$/.exec(member) ?? [];
    return [...comment(NOTES[`${name}.${field}`]), `readonly ${camelCase(field)}: ${typeOf(type, known)};`];
  });
  return [...comment(NOTES[name]), `export interface ${pascalCase(name)} {`, ...indent(lines), '}'].join(
    '\n',
  );
}

/** As QuickJS has a variant: an object with a `tag` and, where the case holds something, a `val`. */
function writeVariant(name: string, cases: readonly string[], known: ReadonlySet<string>): string {
  const options = cases.map((text) => {
    const [, tag = '', type] = /^([\w-]+)(?:\(([\w-]+)\))?$/.exec(text) ?? [];
    if (tag === '') throw unknown(text);
    const value = type === undefined ? '' : `; readonly val: ${typeOf(type, known)}`;
    return `{ readonly tag: '${tag}'${value} }`;
  });
  return [...comment(NOTES[name]), `export type ${pascalCase(name)} = ${options.join(' | ')};`].join('\n');
}

function typeOf(type: string, known: ReadonlySet<string>): string {
  const plain = PLAIN[type];
  if (plain !== undefined) return plain;
  if (known.has(type)) return pascalCase(type);
  throw unknown(type);
}

/** What stands between the braces of an interface. */
function bodyOf(source: string, name: string): string {
  const start = new RegExp(`\\binterface\\s+${name}\\s*\\{`).exec(source);
  if (start === null) throw unknown(`no interface ${name}`);
  const from = start.index + start[0].length;
  let depth = 1;
  for (let at = from; at < source.length; at += 1) {
    if (source[at] === '{') depth += 1;
    else if (source[at] === '}') depth -= 1;
    if (depth === 0) return source.slice(from, at);
  }
  throw unknown(`interface ${name} has no end`);
}

function comment(text: string | undefined): string[] {
  if (text === undefined) return [];
  const lines = text.split('\n');
  return lines.length === 1 ? [`/** ${text} */`] : ['/**', ...lines.map((line) => ` * ${line}`), ' */'];
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? line : `  ${line}`));
}

function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function pascalCase(name: string): string {
  const camel = camelCase(name);
  return camel.charAt(0).toUpperCase() + camel.slice(1);
}

function unknown(what: string): WasmpayError {
  return new WasmpayError('internal', `the contract's WIT holds what no types are made of: ${what}`);
}
