import { describe, expect, test } from 'vitest';

import { findSource } from '../../src/authoring/find-source.ts';
import { findLanguage } from '../../src/authoring/languages/registry.ts';

const CODE = 'export function validate(): bool { return true; }';
const CASES = '{ "cases": [] }';
const fence = (label: string, text: string, mark = '```'): string => `${mark}${label}\n${text}\n${mark}\n`;
const MARKDOWN = { name: 'answer.md' };
const PAGE = { name: 'page', contentType: 'text/html; charset=utf-8' };
const typescript = findLanguage('ts');
const assemblyscript = findLanguage('as');

/** What is said where nothing can be chosen. */
function refusalOf(text: string, origin = MARKDOWN, options = {}): string {
  try {
    findSource(text, origin, options);
  } catch (error) {
    return (error as Error).message;
  }
  return 'found';
}

describe('a source file', () => {
  test('is of the language of its name', () => {
    expect(findSource(CODE, { name: 'validator.ts' })).toMatchObject({ language: typescript, source: CODE });
  });

  test('or of the one that is named', () => {
    const found = findSource(CODE, { name: 'validator.ts' }, { language: assemblyscript });
    expect(found.language).toBe(assemblyscript);
  });

  test('without a name needs one', () => {
    expect(() => findSource(CODE, { name: '' })).toThrow('--lang');
    expect(findSource(CODE, { name: '' }, { language: typescript }).source).toBe(CODE);
  });

  test('with fences in it stays whole', () => {
    const text = `/*\n${fence('ts', 'x')}*/\n${CODE}`;
    expect(findSource(text, { name: 'validator.ts' }).source).toBe(text);
  });
});

describe('Markdown', () => {
  test.each([
    ['a fence', fence('ts', CODE)],
    ['tildes', fence('typescript', CODE, '~~~')],
    ['more in the fence', fence('ts title="validator.ts"', CODE)],
    ['a brace in the fence', fence('ts{1,3}', CODE)],
    ['capitals', fence('TypeScript', CODE)],
    [
      'other code around it',
      `${fence('sh', 'npx wasmpay deploy')}text\n${fence('ts', CODE)}${fence('wit', 'interface validation')}`,
    ],
    ['the same language without a validator', fence('ts', 'const x = 1;') + fence('ts', CODE)],
    ['in a list', `1. So:\n\n   ${fence('ts', CODE).replaceAll('\n', '\n   ')}`],
    ['in a quotation', fence('ts', CODE).replaceAll(/^/gm, '> ')],
    ['a longer fence around fences', fence('ts', CODE, '````')],
  ])('%s', (_name, text) => {
    expect(findSource(text, MARKDOWN)).toMatchObject({ language: typescript, source: `${CODE}\n` });
  });

  test.each(['python', 'py', 'Python title="validator.py"'])('in Python by the fence %s', (label) => {
    const code = 'def validate(transaction):\n    return True';
    const found = findSource(fence(label, code), MARKDOWN);
    expect(found).toMatchObject({ language: findLanguage('python'), source: `${code}\n` });
  });

  test('from standard input is known by its fences', () => {
    expect(findSource(`Here it is:\n\n${fence('ts', CODE)}`, { name: '' }).source).toBe(`${CODE}\n`);
  });

  test('finds the cases in the same text', () => {
    expect(
      findSource(fence('ts', CODE) + fence('json', '{"a":1}') + fence('json', CASES), MARKDOWN).cases,
    ).toBe(`${CASES}\n`);
    expect(
      findSource(fence('ts', CODE) + fence('json', CASES) + fence('json', CASES), MARKDOWN).cases,
    ).toBeUndefined();
  });

  test('the named language decides what a label means', () => {
    expect(findSource(fence('ts', CODE), MARKDOWN, { language: assemblyscript }).language).toBe(
      assemblyscript,
    );
    expect(
      findSource(fence('as', CODE) + fence('ts', CODE), MARKDOWN, { language: findLanguage('as'), block: 1 })
        .language,
    ).toBe(assemblyscript);
  });

  test('code without a label is taken where the language is named', () => {
    expect(findSource(fence('', CODE), MARKDOWN, { language: typescript }).source).toBe(`${CODE}\n`);
    expect(refusalOf(fence('', CODE))).toContain('no block of code is a validator');
  });

  test('two that could be it are listed, and neither is taken', () => {
    const text = fence('ts', `// one\n${CODE}`) + fence('ts', `// two\n${CODE}`);
    const message = refusalOf(text);
    expect(message).toContain('--block 1  ts, 3 lines: // one');
    expect(message).toContain('--block 2  ts, 3 lines: // two');
    expect(findSource(text, MARKDOWN, { block: 2 }).source).toContain('// two');
  });

  test.each([
    ['no code', 'just words', MARKDOWN, {}, 'there is no block of code'],
    ['code in another language', fence('ruby', 'def validate; end'), MARKDOWN, {}, '1  ruby'],
    [
      'no such block',
      fence('ts', CODE),
      MARKDOWN,
      { block: 2 },
      'there is no block 2 of code: the text has 1',
    ],
    ['a block of no language', fence('', CODE), MARKDOWN, { block: 1 }, 'does not say its language'],
  ])('%s', (_name, text, origin, options, expected) => {
    expect(refusalOf(text, origin, options)).toContain(expected);
  });
});

describe('a page', () => {
  const escaped = CODE.replaceAll('{', '&#123;').replaceAll('>', '&gt;');
  test.each([
    ['a class of <code>', `<pre><code class="language-ts">${escaped}</code></pre>`],
    ['a class of <pre>', `<pre class="lang-typescript"><code>${escaped}</code></pre>`],
    ['a class around', `<div class="highlight highlight-source-ts"><pre>${escaped}</pre></div>`],
    ['an attribute', `<pre data-lang="ts">\n${escaped}\n</pre>`],
    [
      'colours in the code',
      `<pre><code class="hljs language-ts"><span class="k">export</span>${escaped.slice(6)}</code></pre>`,
    ],
  ])('%s', (_name, html) => {
    const text = `<!doctype html><html><body><p>x</p>${html}<script>validate()</script></body></html>`;
    expect(findSource(text, PAGE)).toMatchObject({ language: typescript, source: `${CODE}\n` });
  });

  test('is read as one where its address ends in .ts', () => {
    expect(refusalOf('<html><body>404</body></html>', { ...PAGE, name: 'validator.ts' })).toContain(
      'no block of code',
    );
  });

  test('a comment or a script in it is no code', () => {
    expect(refusalOf(`<html><!-- <pre class="lang-ts">${CODE}</pre> --></html>`, PAGE)).toContain(
      'there is no block of code',
    );
  });
});

test.each([
  ['quotations', '> '.repeat(20_000), MARKDOWN],
  ['elements', `<html>${'<div>'.repeat(100_000)}`, PAGE],
  ['elements in code', `<html><pre>${'<b>'.repeat(100_000)}`, PAGE],
])('%s nested without an end are said to be that', (_name, text, origin) => {
  expect(refusalOf(text, origin)).toContain('nested too deeply');
});
