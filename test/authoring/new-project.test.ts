// New validators' folders: whole or not at all, and what an editor makes of them.

import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { parseCases } from '../../src/authoring/cases.ts';
import { parseDescriptor } from '../../src/authoring/descriptor.ts';
import { findLanguage, LANGUAGES } from '../../src/authoring/languages/registry.ts';
import { createProject } from '../../src/authoring/new-project.ts';
import { findPackage, runNode } from '../../src/authoring/toolchain.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-new-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

const language = findLanguage('ts');
const everyProject = LANGUAGES.flatMap((one) =>
  one.contracts.map((contract) => [one.name, contract] as const),
);

describe('a new project', () => {
  it.each(everyProject)('in %s for contract %s is complete, with the bank in it', async (name, contract) => {
    const directory = join(folder, `bank-${name}-${contract}`);
    const project = await createProject({ directory, language: findLanguage(name), contract });
    expect(project.bank).toBe(`bank-${name}-${contract}`);
    const file = (path: string): Promise<string> => readFile(join(directory, path), 'utf8');
    const descriptor = parseDescriptor(await file('validator.json'), 'validator.json');
    expect(descriptor).toMatchObject({ bank: project.bank, contract: `wasmpay:platform@${contract}` });
    const cases = parseCases(await file('cases.json'), 'cases.json');
    expect(new Set(cases.map(({ expect }) => expect))).toEqual(new Set(['approve', 'deny']));
    for (const { transaction } of cases) expect(transaction.destination.id).toBe(project.bank);
    for (const path of ['validator.json', 'cases.json', 'README.md', descriptor.source])
      expect(await file(path), path).not.toContain('{{');
    // What `$schema` names is there.
    const { $schema } = JSON.parse(await file('cases.json')) as { $schema: string };
    expect(JSON.parse(await file($schema))).toMatchObject({ title: 'Cases of a wasmpay validator' });
    expect(await file('.gitignore')).toContain('build/');
  });

  it.each(everyProject.filter(([name]) => name.endsWith('script')))(
    'in %s for contract %s has what an editor checks it with',
    async (name, contract) => {
      const directory = join(folder, `editor-${name}-${contract}`);
      await createProject({ directory, language: findLanguage(name), contract });
      const check = () =>
        runNode(join(findPackage('typescript'), 'bin/tsc'), ['-p', directory, '--pretty', 'false'], {
          cwd: directory,
        });
      expect(await check()).toMatchObject({ exitCode: 0, stdout: '' });
      const source = join(directory, 'validator.ts');
      await writeFile(source, (await readFile(source, 'utf8')).replace('amount.name', 'amount.nome'));
      expect((await check()).stdout).toContain("Property 'nome' does not exist");
    },
  );

  it('takes an empty folder that is there, and stays the same folder', async () => {
    const directory = join(folder, 'empty');
    await mkdir(directory);
    const { files } = await createProject({ directory, language, contract: '0.2.0' });
    expect(files).toContain('validator.ts');
    expect((await readdir(directory)).sort()).toContain('cases.json');
  });

  it('makes the folders above it', async () => {
    const directory = join(folder, 'a/b/bank');
    await createProject({ directory, language, contract: '0.2.0' });
    expect((await readdir(join(folder, 'a/b'))).sort()).toEqual(['bank']);
  });

  it('is refused in a folder that holds something, and changes nothing there', async () => {
    const directory = join(folder, 'used');
    await mkdir(directory);
    await writeFile(join(directory, '.hidden'), 'mine');
    await expect(createProject({ directory, language, contract: '0.2.0' })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('.hidden') as string,
    });
    expect(await readdir(directory)).toEqual(['.hidden']);
  });

  it('is refused where a file has its name', async () => {
    const directory = join(folder, 'file');
    await writeFile(directory, 'mine');
    await expect(createProject({ directory, language, contract: '0.2.0' })).rejects.toMatchObject({
      code: 'usage',
    });
    expect(await readFile(directory, 'utf8')).toBe('mine');
  });

  it.each([
    ['a bank that is none', { bank: 'no bank' }, '--bank'],
    ['a contract that there is not', { contract: '9.9.9' }, '0.1.0 or 0.2.0'],
  ])('is refused for %s, with nothing written', async (_, change, message) => {
    const directory = join(folder, 'refused');
    await expect(createProject({ directory, language, contract: '0.2.0', ...change })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(message) as string,
    });
    expect(await readdir(folder)).not.toContain('refused');
  });

  it('leaves nothing of itself where writing fails midway', async () => {
    const broken = {
      ...language,
      // It cannot be written after the descriptor: a file is no folder.
      editorFiles: async () => [{ path: 'validator.json/x', content: '' }],
    };
    const above = join(folder, 'new-parent');
    await expect(
      createProject({ directory: join(above, 'x'), language: broken, contract: '0.2.0' }),
    ).rejects.toMatchObject({ code: 'usage' });
    expect(await readdir(folder)).not.toContain('new-parent');
    const empty = join(folder, 'stays-empty');
    await mkdir(empty);
    await expect(
      createProject({ directory: empty, language: broken, contract: '0.2.0' }),
    ).rejects.toMatchObject({
      code: 'usage',
    });
    expect(await readdir(empty)).toEqual([]);
  });
});

describe('the registry of languages', () => {
  it('finds a language by name or alias, in any case', () => {
    expect(findLanguage('TypeScript').name).toBe('typescript');
    expect(findLanguage('AS').name).toBe('assemblyscript');
  });

  it('says which there are where there is none of that name', () => {
    expect(() => findLanguage('cobol')).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining('typescript (ts)') as string,
      }),
    );
  });

  it('gives no two languages one name', () => {
    const names = LANGUAGES.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
  });
});
