// The pages under docs/: each is reached from the README, by one link or by several, and no link leads nowhere.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');
const pages = readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);

/** Links of a page, without what code shows: files from the root, and headings. */
function linksOf(page: string): { file: string; heading: string }[] {
  const text = read(page)
    .replace(/^```[^]*?^```/gm, '')
    .replace(/^ {4}.*$/gm, '');
  return [...text.matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(
    ([, target = '', heading = '']) => ({
      file: target === '' ? page : relative(ROOT, join(ROOT, dirname(page), target)),
      heading,
    }),
  );
}

/** Headings as links name them. */
function headingsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

describe('the pages of the documentation', () => {
  it.each(['README.md', ...pages])('%s links nothing that is not there', (page) => {
    for (const { file, heading } of linksOf(page)) {
      expect(existsSync(join(ROOT, file)), file).toBe(true);
      if (heading !== '' && file.endsWith('.md'))
        expect(headingsOf(file), `${file}#${heading}`).toContain(heading);
    }
  });

  it('are all reached from the README', () => {
    const reached = new Set(['README.md']);
    for (const page of reached)
      for (const { file } of linksOf(page))
        if (file.endsWith('.md') && existsSync(join(ROOT, file))) reached.add(file);
    expect(pages.filter((page) => !reached.has(page))).toEqual([]);
  });

  it.each(['docs/ci-cd.md', 'docs/from-prompt-to-production.md'])('%s is on the README itself', (page) => {
    expect(linksOf('README.md').map(({ file }) => file)).toContain(page);
  });
});
