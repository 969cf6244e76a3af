// What a language model is given, in every language: the form of its own answer, and rules that are true there.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { findContract } from '../../src/authoring/contract.ts';
import { findSource } from '../../src/authoring/find-source.ts';
import { findLanguage, LANGUAGES } from '../../src/authoring/languages/registry.ts';
import { composePrompt } from '../../src/authoring/prompt.ts';
import { projectRoot } from '../../src/authoring/toolchain.ts';

const prompt = (name: string, version: string): Promise<string> =>
  composePrompt({
    language: findLanguage(name),
    contract: findContract(`wasmpay:platform@${version}`),
    bank: 'icamer',
  });

describe.each(LANGUAGES.flatMap(({ name, contracts }) => contracts.map((version) => [name, version])))(
  'the prompt in %s for contract %s',
  (name = '', version = '') => {
    it('holds one block that is found as source, the template’s own', async () => {
      const { templateFolder, sourceFile } = findLanguage(name);
      const template = join(projectRoot, 'templates', templateFolder, version, sourceFile);
      const text = (await readFile(template, 'utf8')).replaceAll('{{bank}}', 'icamer');
      const language = findLanguage(name);
      const found = findSource(await prompt(name, version), { name: 'answer.md' }, { language });
      expect(found).toMatchObject({ language, source: text });
      expect(found.cases).toBeDefined();
    });

    it('is short enough to paste', async () => {
      expect((await prompt(name, version)).length).toBeLessThan(6_000);
    });
  },
);

it('says what of the sandbox is otherwise in a language, and nothing of it in others', async () => {
  expect(await prompt('python', '0.2.0')).toContain('- In Python there is no clock');
  expect(await prompt('rust', '0.2.0')).not.toContain('Python');
});
