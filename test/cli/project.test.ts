// From `wasmpay new` to a tested component, as an author does it, in a folder that has nothing to do with this project.

import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { jsonOf, runCommand, type CommandResult } from './command.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-project-'));
});
afterAll(() => rm(folder, { recursive: true }));

const run = (...args: string[]): Promise<CommandResult> => runCommand(args, { cwd: folder });

describe('a new project', () => {
  it.each([
    ['typescript', '0.2.0'],
    ['assemblyscript', '0.1.0'],
  ])('in %s for contract %s builds and passes its cases as it is', async (language, contract) => {
    const name = `bank-${language}`;
    const made = await run('new', name, '--lang', language, '--contract', contract);
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect(made.stdout).toContain(`next       wasmpay test ${name}`);
    const tested = await run('test', name, '--json');
    expect(tested.code).toBe(0);
    expect(jsonOf(tested)).toMatchObject({
      passed: true,
      contract: `wasmpay:platform@${contract}`,
      counts: { cases: 5, failed: 0 },
    });
    // Nothing changed, so nothing is built again.
    const built = await runCommand(['build', '--json'], { cwd: join(folder, name) });
    expect(built.code).toBe(0);
    expect(jsonOf(built)).toMatchObject({
      built: false,
      language,
      publishable: true,
      component: join(folder, name, `build/${name}.wasm`),
    });
  });

  it('tells a type error with file, line, column and the line itself, and builds nothing', async () => {
    await run('new', 'typo', '--lang', 'ts');
    const source = join(folder, 'typo/validator.ts');
    const text = (await readFile(source, 'utf8')).replace('amount.amount > MOST', 'amount.sum > MOST');
    await writeFile(source, text);
    const line = text.split('\n').findIndex((each) => each.includes('amount.sum')) + 1;
    const result = await run('build', 'typo');
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(new RegExp(`^validator\\.ts:${line}:14: TS\\d+: .*'sum'`, 'm'));
    expect(result.stderr).toMatch(/ \| {3}if \(amount\.sum > MOST\).*\n[^\n]*\^$/m);
    expect(result.stderr).toMatch(/^ {2}code {2}source_invalid\n {2}help {2}/m);
    expect(await readdir(join(folder, 'typo'))).not.toContain('build');
    expect(jsonOf(await run('build', 'typo', '--json'))).toMatchObject({
      error: { code: 'source_invalid', faults: [{ file: 'validator.ts', line, column: 14 }] },
    });
  });

  it('is made nowhere else than in an empty folder', async () => {
    await writeFile(join(folder, 'a-file'), '');
    const result = await run('new', '.', '--lang', 'ts', '--bank', 'mybank');
    expect([result.code, result.stderr]).toEqual([2, expect.stringContaining('is not empty')]);
    expect(await readdir(folder)).not.toContain('validator.json');
  });

  it('wants a language that there is', async () => {
    const none = await run('new', 'other');
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('--lang')]);
    const unknown = await run('new', 'other', '--lang', 'cobol');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('typescript (ts)')]);
    expect(await readdir(folder)).not.toContain('other');
  });
});

describe('a folder that is no project', () => {
  it('is told so, with what makes one', async () => {
    const result = await run('build', '.');
    expect([result.code, result.stderr]).toEqual([2, expect.stringContaining('"wasmpay new DIR"')]);
  });
});
