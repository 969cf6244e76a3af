// `wasmpay compose` without wac, whose place a program of ours takes: what it is given, what becomes of what it writes, and
// what is said where it is not there. The real wac is asked by compose-wac.test.ts.

import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { plainValidator, validatorWithWorld } from '../fixtures/components.ts';
import { harness } from '../fixtures/compositions.ts';
import { errorCodeOf, jsonOf, refusalCodesOf, runCommand } from './command.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/composed/icamer.wasm');
const INSTALL = 'cargo install wac-cli --version 0.12.0 --locked --no-default-features';

let folder = '';
let out = '';
const file = (name: string): string => join(folder, name);

/** A folder, for PATH, with a program `wac` of these lines. */
async function wacOf(name: string, ...lines: string[]): Promise<Record<string, string>> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'wac'), [`#!${process.execPath}`, ...lines].join('\n'));
  await chmod(join(path, 'wac'), 0o755);
  return { PATH: path };
}

const SAYS_VERSION =
  "if (process.argv[2] === '--version') { console.log('wac-cli 0.12.0'); process.exit(); }";
const COPIES = (source: string): string =>
  `require('node:fs').copyFileSync(${JSON.stringify(source)}, 'composed.wasm');`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-compose-test-'));
  out = join(folder, 'out');
  await mkdir(out);
  await writeFile(file('plain.wasm'), await plainValidator());
  await writeFile(file('harness.wasm'), await harness());
  await writeFile(
    file('ledger.wasm'),
    await validatorWithWorld(
      'import acme:ledger/accounts@3.1.4;',
      'package acme:ledger@3.1.4 { interface accounts { f: func(); } }',
    ),
  );
});
afterAll(() => rm(folder, { recursive: true }));

describe('wasmpay compose where wac is not installed', () => {
  it('says how to install it, and exits with 2', async () => {
    const result = await runCommand(['compose', file('plain.wasm'), '-o', join(out, 'a.wasm')], {
      env: { PATH: out },
    });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(INSTALL);
    expect(result.stderr).toContain('toolchain_missing');
    expect(await readdir(out)).toEqual([]);
  });

  it('takes no other program of that name for it', async () => {
    const result = await runCommand(['compose', file('plain.wasm'), '-o', join(out, 'a.wasm'), '--json'], {
      env: await wacOf('other', "console.log('wac: world atlas of coffee 2.0');"),
    });
    expect([result.code, errorCodeOf(result)]).toEqual([2, 'toolchain_missing']);
  });
});

describe('wasmpay compose', () => {
  it('gives wac the harness and the validator, nothing of the environment, and writes what comes', async () => {
    const env = await wacOf(
      'good',
      SAYS_VERSION,
      COPIES(FIXTURE),
      `require('node:fs').writeFileSync(${JSON.stringify(file('seen.json'))}, JSON.stringify({
        args: process.argv.slice(2), env: process.env, validator: require('node:fs').readFileSync('validator.wasm', 'base64'),
        harness: require('node:fs').readFileSync('harness.wasm', 'base64') }));`,
    );
    const target = join(out, 'composed.wasm');
    const args = ['compose', file('plain.wasm'), '-o', target, '--harness', file('harness.wasm'), '--json'];
    const result = await runCommand(args, { env: { ...env, WASMPAY_SECRET: 'of this process' } });
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect(jsonOf(result)).toMatchObject({
      refusals: [],
      component: target,
      contract: 'wasmpay:platform@0.1.0',
      exports: ['wasmcloud:messaging/handler@0.2.0', 'wasmpay:platform/validation@0.1.0'],
      composer: 'wac-cli@0.12.0',
    });
    expect(await readFile(target)).toEqual(await readFile(FIXTURE));
    expect(await readdir(out)).toEqual(['composed.wasm']);
    await rm(target);
    const seen = JSON.parse(await readFile(file('seen.json'), 'utf8')) as Record<string, unknown>;
    expect(seen['args']).toEqual(['plug', 'harness.wasm', '--plug', 'validator.wasm', '-o', 'composed.wasm']);
    expect(Object.keys(seen['env'] as object).filter((name) => name.startsWith('WASMPAY'))).toEqual([]);
    expect(seen['validator']).toBe((await readFile(file('plain.wasm'))).toString('base64'));
    expect(seen['harness']).toBe((await readFile(file('harness.wasm'))).toString('base64'));
  });

  it('says what to do next, and that another wac than the tested one is at work', async () => {
    const env = await wacOf('newer', SAYS_VERSION.replace('0.12.0', '0.13.1'), COPIES(FIXTURE));
    const result = await runCommand(
      ['compose', file('plain.wasm'), '--out', join(out, 'b.wasm'), '--harness', file('harness.wasm')],
      { env },
    );
    expect(result.code).toBe(0);
    expect(result.stdout).toContain(`wasmpay test ${join(out, 'b.wasm')} --cases CASES`);
    expect(result.stderr).toContain('wac 0.13.1 is installed');
    await rm(join(out, 'b.wasm'));
  });

  it('refuses a validator that would not be published, before anything is composed', async () => {
    const env = await wacOf('unused', SAYS_VERSION, "throw new Error('asked');");
    const result = await runCommand(['compose', file('ledger.wasm'), '-o', join(out, 'c.wasm'), '--json'], {
      env,
    });
    expect([result.code, refusalCodesOf(result)]).toEqual([1, ['import_unknown']]);
    // A harness alone is none, and is told what it needs.
    const alone = await runCommand(['compose', file('harness.wasm'), '-o', join(out, 'c.wasm')], { env });
    expect([alone.code, alone.stderr]).toEqual([1, expect.stringContaining('wasmpay compose')]);
    expect(await readdir(out)).toEqual([]);
  });

  it('writes no composition that would not be published', async () => {
    const env = await wacOf('hostile', SAYS_VERSION, COPIES(file('ledger.wasm')));
    const args = [
      'compose',
      file('plain.wasm'),
      '-o',
      join(out, 'd.wasm'),
      '--harness',
      file('harness.wasm'),
    ];
    const result = await runCommand([...args, '--json'], { env });
    expect([result.code, refusalCodesOf(result)]).toEqual([1, ['import_unknown']]);
    expect(await readdir(out)).toEqual([]);
  });

  it('tells a harness that imports no validation from one, and passes on what wac says', async () => {
    const env = await wacOf(
      'failing',
      SAYS_VERSION,
      "console.error('error: no plug \\u001b[31mhappened'); process.exit(1);",
    );
    const args = ['compose', file('plain.wasm'), '-o', join(out, 'e.wasm'), '--harness'];
    const none = await runCommand([...args, file('plain.wasm')], { env });
    expect([none.code, none.stderr]).toEqual([
      2,
      expect.stringContaining('does not import wasmpay:platform/validation@0.1.0'),
    ]);
    const failed = await runCommand([...args, file('harness.wasm')], { env });
    expect([failed.code, failed.stderr]).toEqual([2, expect.stringContaining('no plug')]);
    expect(failed.stderr).not.toContain('\u001b');
    expect(await readdir(out)).toEqual([]);
  });

  it('wants to be told where to write', async () => {
    const result = await runCommand(['compose', file('plain.wasm')]);
    expect([result.code, result.stderr]).toEqual([2, expect.stringContaining('-o OUT')]);
  });
});
