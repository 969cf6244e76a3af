// Reads C sources before any compiler does, and refuses what makes one read another file: includes that are not of the
// validator's folder, computed ones, embedding, assembly (`.incbin`), pragmas that look at files. A compiler that was told to
// read a file can quote it in a message, so this comes first, confined or not.

import type { StagedSource } from './stage-sources.ts';

/** Headers that are there besides the author's: the compiler's own and ours. */
const HEADERS = new Set([
  'wasmpay.h',
  'string.h',
  'stdint.h',
  'stddef.h',
  'stdbool.h',
  'limits.h',
  'stdalign.h',
  'stdarg.h',
  'stdnoreturn.h',
  'float.h',
  'iso646.h',
]);

/** Directives that read files, known or not: what is not listed is refused. */
const DIRECTIVES = new Set([
  'include',
  'define',
  'undef',
  'if',
  'ifdef',
  'ifndef',
  'elif',
  'elifdef',
  'elifndef',
  'else',
  'endif',
  'error',
  'warning',
  'pragma',
  'line',
]);

const PRAGMAS = /^(?:once$|pack\b|STDC\b|(?:GCC|clang)\s+diagnostic\b|clang\s+loop\b)/;

/** Names that are refused wherever they stand. Built of parts (`a ## sm`), they are defined away by {@link SILENCED}. */
const QUESTIONS = ['__has_include', '__has_include_next', '__has_embed'];
const NAMES = ['asm', '__asm', '__asm__', '_Pragma', ...QUESTIONS];

/** Options that leave nothing of the names, should the preprocessor make one. Whether a file is there is always no. */
export const SILENCED = [
  '-Wno-builtin-macro-redefined',
  ...NAMES.map((name) =>
    QUESTIONS.includes(name) ? `-D${name}(file)=0` : `-D${name}=wasmpay_does_not_build_this`,
  ),
];

/** Every fault of the sources, as `file:line:column: message`; empty where compilers may read them. */
export function checkCSources(sources: readonly StagedSource[]): string[] {
  const paths = new Set(sources.map(({ path }) => path));
  return sources.flatMap(({ path, text }) => checkSource(path, text, paths));
}

function checkSource(path: string, text: string, paths: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  for (const { text: line, number } of joinLines(withoutComments(text))) {
    const fail = (message: string): number => faults.push(`${path}:${number}:1: ${message}`);
    const directive = /^\s*(?:#|%:)\s*(\w*)\s*(.*?)\s*$/.exec(line);
    if (directive !== null) {
      const fault = checkDirective(directive[1] ?? '', directive[2] ?? '', path, paths);
      if (fault !== undefined) fail(fault);
    }
    for (const [word] of line
      .replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, '""')
      .matchAll(/[A-Za-z_$][\w$]*/g))
      if (NAMES.includes(word)) fail(`${word} is not built: it can read files of the machine that builds`);
  }
  return faults;
}

function checkDirective(
  name: string,
  rest: string,
  path: string,
  paths: ReadonlySet<string>,
): string | undefined {
  // `#` alone is nothing; a number is where a preprocessor's output says it comes from.
  if (name === '' || /^\d+$/.test(name)) return undefined;
  if (!DIRECTIVES.has(name)) return `#${name} is not built: it can read files of the machine that builds`;
  if (name === 'pragma' && !PRAGMAS.test(rest)) return `#pragma ${rest} is not built`;
  if (name !== 'include') return undefined;
  const [, quoted, angled] = /^(?:"([^"\\]*)"|<([^>\\]*)>)$/.exec(rest) ?? [];
  const header = quoted ?? angled;
  if (header === undefined) return '#include must name its file: "name.h" or <name.h>, and nothing after it';
  if (HEADERS.has(header)) return undefined;
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : '';
  if (quoted !== undefined && (paths.has(folder + header) || paths.has(header))) return undefined;
  return `#include of ${header}, which is none of the validator's files: there are those, and ${[...HEADERS].join(', ')}`;
}

/** Stands for a line's end in a comment: a comment is one space, also in the midst of a directive. */
const COUNTED = '\u0001';

/** Lines as the preprocessor has them, those that end with a backslash joined, with the number of the first. */
function joinLines(text: string): { text: string; number: number }[] {
  const lines: { text: string; number: number }[] = [];
  let number = 1;
  let open = '';
  let first = number;
  for (const line of text.split('\n')) {
    const continued = /\\[\t\v\f\r ]*$/.exec(line);
    open += continued === null ? line : line.slice(0, continued.index);
    number += 1;
    if (continued !== null) continue;
    const within = open.split(COUNTED).length - 1;
    lines.push({ text: open.replaceAll(COUNTED, ' '), number: first });
    number += within;
    first = number;
    open = '';
  }
  if (open !== '') lines.push({ text: open.replaceAll(COUNTED, ' '), number: first });
  return lines;
}

/** A comment, a string or a character, each of which may hold the others' marks. A backslash before a line's end is nothing. */
const SPLICE = String.raw`(?:\\[\t\v\f\r ]*\n)*`;
const TOKENS = new RegExp(
  [
    String.raw`/${SPLICE}/(?:\\[\t\v\f\r ]*\n|[^\n])*`,
    String.raw`/${SPLICE}\*[^]*?(?:\*${SPLICE}/|$)`,
    String.raw`"(?:\\[^]|[^"\\\n])*"?`,
    String.raw`'(?:\\[^]|[^'\\\n])*'?`,
  ].join('|'),
  'g',
);

/** The text with a space for each comment. */
function withoutComments(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    .replace(TOKENS, (token) =>
      token.startsWith('/') ? ` ${COUNTED.repeat(token.split('\n').length - 1)}` : token,
    );
}
