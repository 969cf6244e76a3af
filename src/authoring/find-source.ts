// Finds a validator's source in what an agent or a person wrote: a source file, a Markdown text or an HTML page with code in
// it. Where more than one block could be meant, nothing is chosen: the message lists them.

import { Lexer, type Token, type Tokens } from 'marked';
import { parse, type DefaultTreeAdapterTypes as Tree } from 'parse5';

import { WasmpayError } from '../core/error.ts';
import type { Language } from './languages/language.ts';
import { describeLanguages, LANGUAGES } from './languages/registry.ts';

/** What is known of a text beside the text. */
export interface TextOrigin {
  /** File name, or the last part of an address: `validator.ts`, `answer.md`; empty for standard input. */
  readonly name: string;
  /** As a server said it. */
  readonly contentType?: string;
}

export interface FindOptions {
  /** The language that is meant; undefined: the one that the text names. */
  readonly language?: Language | undefined;
  /** Which block of code is meant, from 1; undefined: the only one that can be. */
  readonly block?: number | undefined;
}

export interface FoundSource {
  readonly language: Language;
  readonly source: string;
  /** Text of a cases.json that stands in the same page. */
  readonly cases?: string;
  /** Where it was, for people: `block 2 of 3`. */
  readonly place: string;
}

/** A block of code in a page. */
interface Block {
  /** From 1, among all blocks of code. */
  readonly number: number;
  /** The first word after the fence, or of the HTML class: `ts`; empty where there is none. */
  readonly label: string;
  readonly text: string;
}

/** Throws `usage` where nothing, or more than one thing, could be the source. */
export function findSource(text: string, origin: TextOrigin, options: FindOptions = {}): FoundSource {
  const form = formOf(text, origin);
  if (form === 'source') return readWhole(text, origin, options);
  const blocks = readBlocks(text, form);
  const cases = findCases(blocks);
  const { block, language } = chooseBlock(blocks, options);
  return {
    language,
    source: block.text,
    ...(cases !== undefined && { cases }),
    place: `block ${block.number} of ${blocks.length}`,
  };
}

/** Readers of both forms go down as deep as the text is nested, and somebody else has written it. */
function readBlocks(text: string, form: 'markdown' | 'html'): Block[] {
  try {
    return form === 'html' ? readHtml(text) : readMarkdown(text);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new WasmpayError(
      'usage',
      'the text is nested too deeply to be read: give the source as a file of its own',
      { cause },
    );
  }
}

function formOf(text: string, { name, contentType = '' }: TextOrigin): 'source' | 'markdown' | 'html' {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (languageOfFile(name) !== undefined && type !== 'text/html') return 'source';
  if (type === 'text/html' || /\.html?$/i.test(name) || /^\s*<(?:!doctype html|html)\b/i.test(text))
    return 'html';
  if (type === 'text/markdown' || /\.(?:md|markdown)$/i.test(name)) return 'markdown';
  return /^ {0,3}(?:```|~~~)/m.test(text) ? 'markdown' : 'source';
}

function readWhole(text: string, { name }: TextOrigin, { language, block }: FindOptions): FoundSource {
  const known = language ?? languageOfFile(name);
  if (known === undefined)
    throw new WasmpayError('usage', `say with --lang what language the source is in: ${describeLanguages()}`);
  if (block !== undefined && block !== 1)
    throw new WasmpayError('usage', `there is no block ${block}: all of the text is one source`);
  return { language: known, source: text, place: 'the whole text' };
}

function chooseBlock(
  blocks: readonly Block[],
  { language, block: wanted }: FindOptions,
): { block: Block; language: Language } {
  const nameable = blocks.map((block) => ({ block, language: languageOfLabel(block.label, language) }));
  if (wanted !== undefined) {
    const found = nameable.find(({ block }) => block.number === wanted);
    if (found === undefined)
      throw new WasmpayError('usage', `there is no block ${wanted} of code: the text has ${blocks.length}`);
    const known = language ?? found.language;
    if (known === undefined)
      throw new WasmpayError(
        'usage',
        `block ${wanted} does not say its language: name it with --lang, ${describeLanguages()}`,
      );
    return { block: found.block, language: known };
  }
  // What a validator has to export is called so in every language.
  const plausible = nameable.filter(({ block }) => /validate/i.test(block.text));
  const labelled = plausible.filter((each) => each.language !== undefined);
  const unlabelled = plausible.filter(({ block }) => block.label === '');
  const candidates = labelled.length > 0 || language === undefined ? labelled : unlabelled;
  const [only, ...others] = candidates;
  if (only === undefined) throw new WasmpayError('usage', describeNone(nameable, language));
  if (others.length > 0) {
    const lines = candidates.map(({ block }) => `  --block ${block.number}  ${describeBlock(block)}`);
    throw new WasmpayError(
      'usage',
      `${candidates.length} blocks of code could be the validator; say which:\n${lines.join('\n')}`,
    );
  }
  const known = only.language ?? language;
  if (known === undefined) throw new WasmpayError('internal', 'a block without a language was chosen');
  return { block: only.block, language: known };
}

function describeNone(
  blocks: readonly { block: Block; language: Language | undefined }[],
  language: Language | undefined,
): string {
  const what = language === undefined ? 'a validator' : `a validator in ${language.title}`;
  if (blocks.length === 0)
    return `there is no block of code in the text, and so not ${what}: put it between \`\`\` fences`;
  const lines = blocks.map(({ block }) => `  ${block.number}  ${describeBlock(block)}`);
  return (
    `no block of code is ${what}: it says its language behind the fence (${describeLanguages()}) and defines "validate". ` +
    `There are:\n${lines.join('\n')}`
  );
}

function describeBlock({ label, text }: Block): string {
  const first = text.split('\n').find((line) => line.trim() !== '') ?? '';
  return `${label === '' ? 'no language' : label}, ${text.split('\n').length} lines: ${first.trim().slice(0, 60)}`;
}

/** The text of the only block that is a cases.json. Two are none: which one is meant nobody knows. */
function findCases(blocks: readonly Block[]): string | undefined {
  const found = blocks.filter(({ label, text }) => /^(?:json[c5]?|)$/i.test(label) && isCases(text));
  return found.length === 1 ? found[0]?.text : undefined;
}

function isCases(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'cases' in value && Array.isArray(value.cases);
  } catch {
    return false;
  }
}

function languageOfFile(name: string): Language | undefined {
  return LANGUAGES.find(({ extension }) => name.toLowerCase().endsWith(extension));
}

/** The language that `label` names: `wanted` where it may, else the first; undefined where it names another or none. */
function languageOfLabel(label: string, wanted: Language | undefined): Language | undefined {
  const text = label.toLowerCase();
  if (text === '') return undefined;
  const named = LANGUAGES.filter(
    ({ name, aliases, extension }) => name === text || aliases.includes(text) || extension === `.${text}`,
  );
  return wanted === undefined ? named[0] : named.find((language) => language === wanted);
}

function readMarkdown(text: string): Block[] {
  const blocks: Block[] = [];
  const walk = (tokens: readonly Token[]): void => {
    for (const token of tokens) {
      if (token.type === 'code') {
        const { lang = '', text: code } = token as Tokens.Code;
        blocks.push({
          number: blocks.length + 1,
          label: lang.trim().split(/[\s{:,]/, 1)[0] ?? '',
          text: `${code}\n`,
        });
        continue;
      }
      if (token.type === 'list') walk((token as Tokens.List).items);
      else if ('tokens' in token && token.tokens !== undefined) walk(token.tokens);
    }
  };
  walk(new Lexer().lex(text));
  return blocks;
}

function readHtml(text: string): Block[] {
  const blocks: Block[] = [];
  const walk = (node: Tree.Node, labels: readonly string[]): void => {
    const own = 'attrs' in node ? labelsOf(node) : [];
    if (node.nodeName === 'pre') {
      const code = textOf(node).replace(/^\n/, '');
      const inner =
        'childNodes' in node
          ? node.childNodes.flatMap((child) => ('attrs' in child ? labelsOf(child) : []))
          : [];
      // The nearest says it: <pre>'s own <code>, then <pre>, then what is around it.
      const label = [...inner, ...own, ...labels][0] ?? '';
      blocks.push({ number: blocks.length + 1, label, text: code.endsWith('\n') ? code : `${code}\n` });
      return;
    }
    if ('childNodes' in node) for (const child of node.childNodes) walk(child, own.length > 0 ? own : labels);
  };
  walk(parse(text), []);
  return blocks;
}

/** `language-ts`, `lang-ts`, `highlight-source-ts`, `brush: ts`, `data-lang="ts"`: what pages call the language of code. */
function labelsOf({ attrs }: Tree.Element): string[] {
  return attrs.flatMap(({ name, value }) => {
    if (name === 'data-lang' || name === 'data-language') return [value];
    if (name !== 'class') return [];
    return [
      ...value.matchAll(/(?:^|\s)(?:language-|lang-|highlight-source-|highlight-|brush:\s*)([\w+#-]+)/g),
    ].flatMap((match) => (match[1] === undefined ? [] : [match[1]]));
  });
}

function textOf(node: Tree.Node): string {
  if (node.nodeName === '#text') return (node as Tree.TextNode).value;
  if (node.nodeName === 'br') return '\n';
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}
