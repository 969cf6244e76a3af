// `wasmpay apply` as it is run: a folder with a file of releases, its exit codes, and what a deployment looks like afterwards.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { generateReleaseKeys } from '../../src/artifact/release-keys.ts';
import { createFilesystemStore } from '../../src/store/filesystem.ts';
import {
  componentFromCoreWat,
  plainValidator,
  validatorCoreWat,
  validatorFromCoreWat,
  validatorWithWorld,
  worldWit,
} from '../fixtures/components.ts';
import { errorCodeOf, jsonOf, runCommand, unprintableIn, type CommandResult } from './command.ts';
import { paymentOf } from './release-target.ts';

const RANDOM = 'package wasi:random@0.2.6 { interface random { get-random-u64: func() -> u64; } }';

let folder = '';
let secret = '';
let file = '';
let target: string[] = [];
let keyless: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-apply-'));
  const keys = await generateReleaseKeys();
  secret = String(keys.private.d);
  const store = ['--store', `file:${join(folder, 'store')}`, '--audience', 'pay.example'];
  target = [...store, '--key', await keep('key.json', JSON.stringify(keys.private))];
  keyless = [...store, '--trusted-keys', await keep('trusted.json', JSON.stringify({ keys: [keys.public] }))];
  await keep('plain.wasm', await plainValidator());
  await keep('denying.wasm', await validatorFromCoreWat({ validateBody: 'i32.const 0' }));
  await keep('trapping.wasm', await validatorWithWorld('import wasi:random/random@0.2.6;', RANDOM));
  const cases = [{ name: 'a cent', expect: 'approve', transaction: paymentOf(1) }];
  await keep('cases.json', JSON.stringify({ cases }));
  file = join(folder, 'releases.yaml');
});
afterAll(() => rm(folder, { recursive: true }));

async function keep(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** Runs `apply` on a file of this text; it must end with `code`, and never shows the key. */
async function apply(code: number, text: string, ...args: string[]): Promise<CommandResult> {
  await writeFile(file, text);
  const result = await runCommand(['apply', '-f', file, ...args]);
  expect(`${result.stdout}${result.stderr}`).not.toContain(secret);
  expect(unprintableIn(result)).toEqual([]);
  expect(result.code, `${result.stdout}${result.stderr}`).toBe(code);
  return result;
}

/** Every object of the store, with what changes when it does. */
async function objects(): Promise<string[]> {
  const { objects: listed } = await createFilesystemStore(join(folder, 'store')).list({ prefix: '' });
  return listed.map(({ key, etag }) => `${key} ${etag}`);
}

/** A validator that passes its trial and imports randomness. */
async function validatorWithRandom(): Promise<Uint8Array> {
  const get = '(import "wasi:random/random@0.2.6" "get-random-u64" (func $random (result i64)))';
  const core = validatorCoreWat({ validateBody: '(drop (call $random)) i32.const 1' });
  const wit = worldWit('import wasi:random/random@0.2.6;', { packages: RANDOM });
  return componentFromCoreWat(core.replace('(module', `(module ${get}`), wit, 'w');
}

const outcomesOf = (result: CommandResult): unknown[] =>
  (jsonOf(result)['banks'] as Record<string, unknown>[]).map(
    ({ bank, outcome }) => `${String(bank)} ${String(outcome)}`,
  );

const TWO = `audience: pay.example
banks:
  zeta: { component: plain.wasm, cases: cases.json }
  alpha: { validator: none }
`;

describe('wasmpay apply', () => {
  it('--dry-run: shows what would change with exit code 4, without a key and without a write', async () => {
    const { stdout } = await apply(4, TWO, ...keyless, '--dry-run');
    expect(stdout).toBe(
      [
        'zeta: would change',
        '  release none → the first of this bank',
        'alpha: would change',
        '  release none → the first of this bank',
        '2 banks: 0 unchanged, 2 would change, 0 refused, 0 failed',
        '',
      ].join('\n'),
    );
    expect(await objects()).toEqual([]);
  });

  it('makes the releases, needs a key for it, and makes none the second time', async () => {
    expect(errorCodeOf(await apply(2, TWO, ...keyless, '--json'))).toBe('usage');
    expect(await objects()).toEqual([]);
    const { stdout } = await apply(0, TWO, ...target);
    expect(stdout).toMatch(/^zeta: changed, release 1\n {2}release none → the first of this bank$/m);
    const before = await objects();
    const again = await apply(0, TWO, ...target);
    expect([again.stdout, again.stderr]).toEqual([
      '2 banks: 2 unchanged, 0 changed, 0 refused, 0 failed\n',
      '',
    ]);
    expect(await objects()).toEqual(before);
    // A rehearsal of nothing is no change.
    expect(outcomesOf(await apply(0, TWO, ...keyless, '--dry-run', '--json'))).toEqual([
      'zeta unchanged',
      'alpha unchanged',
    ]);
  });

  it('goes on after a bank that is refused, in the file’s order, and says why and what was not in it', async () => {
    const text = `banks:
  zeta: { component: denying.wasm, cases: cases.json }
  beta: { component: trapping.wasm }
  gamma: { component: plain.wasm, fallback: refuse, limits: { fuel: 2000000 }, valid_days: 30 }
`;
    const before = await objects();
    const rehearsed = await apply(1, text, ...keyless, '--dry-run', '--json');
    expect(outcomesOf(rehearsed)).toEqual(['zeta refused', 'beta refused', 'gamma would_change']);
    expect(await objects()).toEqual(before);
    const result = jsonOf(await apply(1, text, ...target, '--json'));
    expect(result).toMatchObject({
      dryRun: false,
      others: ['alpha'],
      banks: [
        {
          bank: 'zeta',
          outcome: 'refused',
          changes: [{ what: 'component' }],
          releases: [],
          refusals: [{ code: 'cases_failed', where: 'cases.json' }],
        },
        { bank: 'beta', outcome: 'refused', refusals: [{ code: 'trial_failed' }] },
        { bank: 'gamma', outcome: 'changed', releases: [1] },
      ],
    });
    const shown = await runCommand(['show', 'gamma', ...keyless, '--json']);
    const terms = { fallback: 'refuse', policy: { limits: { fuel: 2_000_000 } }, number: 1 };
    expect(jsonOf(shown)).toMatchObject(terms);
  });

  it('leaves a kill switch alone that it says nothing of, and tells of it', async () => {
    expect((await runCommand(['disable', 'gamma', ...target])).code).toBe(0);
    const text = (more: string): string =>
      `banks: { gamma: { component: plain.wasm, fallback: refuse, limits: { fuel: 2000000 }${more} } }`;
    const { stdout } = await apply(0, text(''), ...target);
    expect(stdout).toMatch(/^gamma: unchanged\n {2}note: switched off, .*wasmpay enable gamma$/m);
    expect(stdout).toMatch(/^not in the file, and left as they are: alpha, zeta; /m);
    const on = jsonOf(await apply(0, text(', disabled: false'), ...target, '--json'));
    expect(on).toMatchObject({
      banks: [{ outcome: 'changed', changes: [{ before: 'off, answers deny', after: 'on' }] }],
    });
  });

  it('holds what imports more, and says which line releases it', async () => {
    await keep('random.wasm', await validatorWithRandom());
    const text = 'banks:\n  zeta:\n    component: random.wasm\n';
    const [{ fix }] = (
      jsonOf(await apply(1, text, ...target, '--json'))['banks'] as [{ refusals: [{ fix: string }] }]
    )[0].refusals;
    const line = /accept_imports: sha256:[0-9a-f]{64}$/.exec(fix)?.[0] ?? '';
    const released = await apply(0, `${text}    ${line}\n`, ...target, '--json');
    expect(jsonOf(released)).toMatchObject({ banks: [{ bank: 'zeta', outcome: 'changed', releases: [2] }] });
  });

  it('goes on after a bank whose release cannot be believed, and ends with 3', async () => {
    const store = createFilesystemStore(join(folder, 'store'));
    await store.put('banks/spoilt/current', new TextEncoder().encode('a.b.c'), { kind: 'absent' });
    const text = 'banks: { spoilt: { validator: none }, delta: { validator: none } }';
    for (const args of [[...keyless, '--dry-run'], target]) {
      const result = await apply(3, text, ...args, '--json');
      expect(jsonOf(result)).toMatchObject({
        banks: [{ bank: 'spoilt', outcome: 'failed', error: { code: 'release_invalid' } }, { bank: 'delta' }],
      });
    }
    await store.delete('banks/spoilt/current');
  });

  it('refuses a faulty file with exit code 2, every fault, and nothing done', async () => {
    const before = await objects();
    const text =
      'banks:\n  new: { validator: none }\n  zeta: { component: ../x.wasm, fallback: approve }\n  eta: *zeta\n';
    const json = jsonOf(await apply(2, text, ...target, '--json'));
    expect(json).toMatchObject({
      error: {
        code: 'releases_invalid',
        faults: [
          { line: 3, column: 22, member: 'banks.zeta.component' },
          { line: 3, column: 43, member: 'banks.zeta.fallback' },
          { line: 4, column: 8 },
        ],
      },
    });
    const { stderr } = await apply(2, text, ...target);
    expect(stderr).toContain(`${file}:3:22: banks.zeta.component: leaves the folder of this file: `);
    expect(stderr).toMatch(/^ {2}help {2}.*schemas\/releases\.schema\.json/m);
    expect(await objects()).toEqual(before);
  });

  it('refuses a file of another deployment, and a command line without one', async () => {
    const other = await apply(2, 'audience: staging\nbanks: { x: { validator: none } }', ...target, '--json');
    expect(errorCodeOf(other)).toBe('usage');
    expect((await runCommand(['apply', ...target])).code).toBe(2);
    expect((await readdir(folder)).toSorted()).toContain('store');
  });
});
