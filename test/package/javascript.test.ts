// TypeScript of ours as JavaScript: names, places, and what is left alone.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { collectModules, makeModule } from '../../scripts/package/javascript.ts';

describe('one module', () => {
  it('loses its types, and nothing moves: an error has the line and column of the source', () => {
    const source =
      'const limit: number = 3;\ninterface Pair { a: string }\nthrow new Error(String(limit));\n';
    const { code } = makeModule(source, () => undefined);
    expect(code).not.toMatch(/number|interface/);
    const [from, to] = [source, code].map((text) => text.split('\n'));
    expect(to?.length).toBe(from?.length);
    expect(to?.[2]).toBe(from?.[2]);
    expect(to?.[0]?.indexOf('= 3')).toBe(from?.[0]?.indexOf('= 3'));
  });

  it('names other modules by their new names, whatever names them', () => {
    const source = [
      "import { a } from './a.ts';",
      "const b = await import('./b.ts');",
      "const child = new URL('child.ts', import.meta.url);",
      "export { c } from './c.ts';",
    ].join('\n');
    const { code, named } = makeModule(source, (name) => name);
    expect(code).toBe(source.replaceAll(".ts'", ".js'"));
    expect(named).toEqual(['./a.ts', './b.ts', 'child.ts', './c.ts']);
  });

  it('keeps names of files that are no modules, and texts that are put together', () => {
    const source = "const own = 'validator.ts'; const entry = `${own}.ts`; // './a.ts'\n";
    expect(makeModule(source, () => undefined)).toEqual({ code: source, named: [] });
  });

  it('refuses TypeScript whose types cannot be taken away', () => {
    expect(() => makeModule('enum Verdict { Approve }', () => undefined)).toThrow(/enum/);
  });
});

describe('the modules that one leads to', () => {
  let root = '';
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'wasmpay-javascript-'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true, force: true });
  });

  it('are those that it imports or names, and those of their own, and no others', async () => {
    await put('src/cli/main.ts', "import '../core/a.ts'; import type { T } from './types.ts';");
    await put(
      'src/core/a.ts',
      "export const child = new URL('child.ts', import.meta.url), main = '../cli/main.ts';",
    );
    await put('src/core/child.ts', "export const script = 'src/authoring/compile.ts';");
    await put('src/authoring/compile.ts', '');
    await put('src/cli/types.ts', 'export type T = string;');
    await put('src/cli/unused.ts', '');
    const modules = await collectModules(root, 'src/cli/main.ts');
    expect(modules.map(({ path }) => path)).toEqual([
      'src/authoring/compile.js',
      'src/cli/main.js',
      'src/core/a.js',
      'src/core/child.js',
    ]);
    expect(modules.find(({ path }) => path.endsWith('child.js'))?.code).toContain(
      "'src/authoring/compile.js'",
    );
  });

  it('leave out what authors compile', async () => {
    await put('src/cli/main.ts', "export const template = '../authoring/assemblyscript/index.ts';");
    await put('src/authoring/assemblyscript/index.ts', '');
    const [main, ...others] = await collectModules(root, 'src/cli/main.ts');
    expect(main?.code).toContain('assemblyscript/index.ts');
    expect(others).toEqual([]);
  });

  it('must be there', async () => {
    await put('src/cli/main.ts', "import './gone.ts';");
    await expect(collectModules(root, 'src/cli/main.ts')).rejects.toThrow('./gone.ts');
  });
});
