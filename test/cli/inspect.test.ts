// `wasmpay inspect` and what all commands share: exit codes, usage, and text that is safe for a terminal.

import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { buildValidator } from '../../src/authoring/build-validator.ts';
import { componentFromWat, plainValidator, validatorWithWorld } from '../fixtures/components.ts';
import { errorCodeOf, jsonOf, refusalCodesOf, runCommand, unprintableIn } from './command.ts';
import {
  escapeSequencesInDocs,
  escapeSequencesInNames,
  escapeSequencesInSections,
  escapingThroughNames,
  NAME_PAYLOAD,
} from './hostile-components.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

let folder = '';
let quickjs = '';
const files = new Map<string, string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-cli-'));
  const built = await buildValidator({
    directory: join(ROOT, 'examples/validators/nordhaven-typescript'),
    outDirectory: join(ROOT, 'build/validators'),
  });
  quickjs = built.componentPath;
  await keep('plain', await plainValidator());
  await keep('empty', await componentFromWat('(component)'));
  await keep(
    'exit',
    await validatorWithWorld(
      'import wasi:cli/exit@0.2.6;',
      'package wasi:cli@0.2.6 { interface exit { exit: func(); } }',
    ),
  );
  await keep(
    'ledger',
    await validatorWithWorld(
      'import acme:ledger/accounts@3.1.4;',
      'package acme:ledger@3.1.4 { interface accounts { f: func(); } }',
    ),
  );
}, 300_000);
afterAll(() => rm(folder, { recursive: true }));

async function keep(name: string, bytes: Uint8Array | string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  files.set(name, file);
  return file;
}

function fileOf(name: string): string {
  const file = files.get(name);
  if (file === undefined) throw new Error(`no file ${name}`);
  return file;
}

const rule = (match: string, tier: string): object => ({
  match,
  versions: '*',
  tier,
  reason: 'A test says so.',
});
const VALIDATION = { name: 'wasmpay:platform/validation', versions: '0.1.x', reason: 'The contract.' };

describe('wasmpay inspect of a good component', () => {
  it('prints its world as WIT, tiers, toolchain and sizes, and exits with 0', async () => {
    const result = await runCommand(['inspect', quickjs]);
    expect(result.code).toBe(0);
    expect(result.stderr).toBe('');
    for (const part of [
      'import wasi:cli/exit@0.2.12;',
      'export wasmpay:platform/validation@0.1.0;',
      'granted  wasi:io/streams@0.2.12',
      'inert    wasi:cli/exit@0.2.12',
      'types    wasmpay:platform/types@0.1.0',
      'rustc 1.',
      'MiB',
      'publishable',
    ]) {
      expect(result.stdout).toContain(part);
    }
    expect(result.stdout).toMatch(/sha256:[0-9a-f]{64}/);
  });

  it('gives the same as --json', async () => {
    const result = await runCommand(['inspect', '--json', quickjs]);
    expect(result.code).toBe(0);
    const json = jsonOf(result);
    expect(json).toMatchObject({
      publishable: true,
      refusals: [],
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
      toolchain: expect.stringContaining('rustc') as string,
      exports: ['init', 'wasmpay:platform/validation@0.1.0'],
    });
    expect(json['sizeBytes']).toBeGreaterThan(1_000_000);
    expect(json['wit']).toContain('export wasmpay:platform/validation@0.1.0;');
    expect(json['imports']).toContainEqual({
      interface: 'wasi:io/streams',
      version: '0.2.12',
      kind: 'instance',
      callable: true,
      tier: 'granted',
    });
    const modules = json['coreModules'] as { sizeBytes: number }[];
    expect(modules.length).toBeGreaterThan(1);
    for (const { sizeBytes } of modules) expect(sizeBytes).toBeGreaterThan(0);
  });

  it('works under a Node that cannot run TypeScript', async (context) => {
    const node = await findOldNode();
    if (node === undefined) {
      context.skip('no Node older than 22.18 outside of node_modules on this machine');
      return;
    }
    const [old, own] = await Promise.all([
      runCommand(['inspect', '--json', fileOf('plain')], { node }),
      runCommand(['inspect', '--json', fileOf('plain')]),
    ]);
    expect(old).toEqual(own);
    expect((await runCommand(['inspect', fileOf('empty')], { node })).code).toBe(1);
  });
});

/** The first `node` on the path outside of node_modules, if it needs the project's own to run TypeScript. */
async function findOldNode(): Promise<string | undefined> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    if (directory.includes('node_modules')) continue;
    const node = join(directory, 'node');
    const exists = await access(node, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!exists) continue;
    const { stdout } = await run(node, ['-p', 'Boolean(process.features.typescript)']);
    return stdout.trim() === 'false' ? node : undefined;
  }
  return undefined;
}

describe('wasmpay inspect of a component that tries to escape', () => {
  it('through its names: refuses with the name and its place, and exits with 1', async () => {
    const file = await keep('escape', await escapingThroughNames());
    const [text, json] = await Promise.all([
      runCommand(['inspect', file]),
      runCommand(['inspect', '--json', file]),
    ]);
    expect([text.code, json.code]).toEqual([1, 1]);
    expect(text.stdout).toContain('unsafe_name');
    expect(text.stdout).toContain(NAME_PAYLOAD);
    expect(text.stdout).toMatch(/component\S* at byte \d+/);
    expect(jsonOf(json)['publishable']).toBe(false);
    expect(new Set(refusalCodesOf(json))).toEqual(new Set(['unsafe_name']));
  });

  it.each([
    ['names', 1, escapeSequencesInNames],
    ['docs', 1, escapeSequencesInDocs],
    ['producers, debug names and unknown sections', 0, escapeSequencesInSections],
  ])('with control characters in %s: none reaches the terminal', async (_, code, build) => {
    const file = await keep('controls', await build());
    for (const options of [[], ['--json']]) {
      const result = await runCommand(['inspect', file, ...options]);
      expect(unprintableIn(result)).toEqual([]);
      expect(result.code, result.stdout).toBe(code);
    }
  });
});

describe('wasmpay inspect under rules', () => {
  it('refuses the inert tier with --strict', async () => {
    const [lax, strict] = await Promise.all([
      runCommand(['inspect', '--json', fileOf('exit')]),
      runCommand(['inspect', '--json', '--strict', fileOf('exit')]),
    ]);
    expect([lax.code, strict.code]).toEqual([0, 1]);
    expect(refusalCodesOf(strict)).toEqual(['import_inert_strict']);
  });

  it('takes an operator’s own policy, which may grant and refuse', async () => {
    const grants = { imports: [rule('acme:ledger/*', 'granted'), rule('wasmpay:platform/types', 'types')] };
    const refuses = { imports: [rule('wasmpay:platform/types', 'refused')] };
    const granting = await keep('granting.json', JSON.stringify({ ...grants, exports: [VALIDATION] }));
    const refusing = await keep('refusing.json', JSON.stringify({ ...refuses, exports: [VALIDATION] }));
    const [without, granted, refused] = await Promise.all([
      runCommand(['inspect', '--json', fileOf('ledger')]),
      runCommand(['inspect', '--json', fileOf('ledger'), '--policy', granting]),
      runCommand(['inspect', '--json', fileOf('plain'), '--policy', refusing]),
    ]);
    expect(refusalCodesOf(without)).toEqual(['import_unknown']);
    expect(granted.code).toBe(0);
    expect(jsonOf(granted)['imports']).toContainEqual(
      expect.objectContaining({ interface: 'acme:ledger/accounts', tier: 'granted' }),
    );
    expect([refused.code, ...refusalCodesOf(refused)]).toEqual([1, 'import_refused']);
    expect(jsonOf(refused)['imports']).toContainEqual(expect.objectContaining({ tier: 'refused' }));
  });

  it.each([
    ['{"imports": [', 'no JSON'],
    [
      '{"imports": [{"match": "*", "versions": "*", "tier": "granted", "reason": "all"}], "exports": []}',
      'all',
    ],
  ])('config_invalid: a broken policy, %j (%s)', async (policy) => {
    const file = await keep('broken.json', policy);
    const result = await runCommand(['inspect', '--json', fileOf('plain'), '--policy', file]);
    expect([result.code, errorCodeOf(result)]).toEqual([2, 'config_invalid']);
  });
});

describe('wrong use', () => {
  it.each<[string, () => string[]]>([
    ['an unknown command', () => ['destroy', '--json']],
    ['a command that every object has', () => ['constructor', '--json']],
    ['two files', () => ['inspect', '--json', fileOf('plain'), fileOf('plain')]],
    ['an unknown option', () => ['inspect', '--json', '--force', fileOf('plain')]],
    ['an option without its value', () => ['inspect', '--json', fileOf('plain'), '--policy']],
    ['a missing file', () => ['inspect', '--json', join(folder, 'missing')]],
    ['a folder', () => ['inspect', '--json', folder]],
    ['a missing policy', () => ['inspect', '--json', fileOf('plain'), '--policy', join(folder, 'missing')]],
  ])('is usage, exit code 2: %s', async (_, args) => {
    const result = await runCommand(args());
    expect([result.code, errorCodeOf(result)]).toEqual([2, 'usage']);
    expect(result.stderr).toContain('usage');
  });

  it('keeps a file name’s control characters from the terminal', async () => {
    const results = await Promise.all([
      runCommand(['inspect', `${folder}/\u001b[31m\u009b31m\u202e`]),
      runCommand(['inspect', '--json', `${folder}/\u001b[31m\u009b31m\u202e\u{e0041}`]),
      runCommand(['\u001b[31m\u009b31m', '--json']),
    ]);
    for (const result of results) {
      expect(result.code).toBe(2);
      expect(unprintableIn(result)).toEqual([]);
    }
    expect(
      (jsonOf(results[1] ?? ({ stdout: '' } as never))['error'] as { message: string }).message,
    ).toContain('\u{e0041}');
  });

  it.each<[string[], string[]]>([
    [[], ['wasmpay inspect FILE', 'wasmpay publish BANK FILE']],
    [['inspect', '--help'], ['wasmpay inspect FILE']],
  ])('prints the usage for %j, exit code 0', async (args, commands) => {
    const { code, stdout } = await runCommand(args);
    expect(code).toBe(0);
    for (const command of commands) expect(stdout).toContain(command);
  });
});

describe('refused files', () => {
  it.each([
    ['not_wasm', () => new TextEncoder().encode('hello')],
    ['core_module', () => componentFromWat('(module)')],
  ])('are %s, exit code 1', async (code, build) => {
    const result = await runCommand(['inspect', '--json', await keep('refused', await build())]);
    expect([result.code, ...refusalCodesOf(result)]).toEqual([1, code]);
    expect(result.stderr).toBe('');
  });
});
