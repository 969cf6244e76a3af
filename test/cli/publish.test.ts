// `wasmpay publish` into a folder, as a platform team's pipeline runs it.

import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readArtifact } from '../../src/artifact/artifact.ts';
import { hexOf, type Digest } from '../../src/artifact/digest.ts';
import { generateReleaseKeys, parseTrustedKeys } from '../../src/artifact/release-keys.ts';
import { createReleaseVerifier } from '../../src/artifact/verify-release.ts';
import { createFilesystemStore } from '../../src/store/filesystem.ts';
import { artifactKey, currentReleaseKey } from '../../src/store/keys.ts';
import {
  componentFromWat,
  plainValidator,
  validatorFromCoreWat,
  validatorWithWorld,
} from '../fixtures/components.ts';
import {
  errorCodeOf,
  jsonOf,
  refusalCodesOf,
  runCommand,
  unprintableIn,
  type CommandResult,
} from './command.ts';
import { escapeSequencesInNames, escapeSequencesInSections } from './hostile-components.ts';

const AUDIENCE = 'pay.example';

let folder = '';
let plain = '';
let denying = '';
let key = '';
let secret = '';
let trustedKeys = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-cli-'));
  plain = await keep('plain.wasm', await plainValidator());
  denying = await keep('denying.wasm', await validatorFromCoreWat({ validateBody: 'i32.const 0' }));
  const keys = await generateReleaseKeys();
  key = await keep('key.json', JSON.stringify(keys.private));
  secret = String(keys.private.d);
  trustedKeys = JSON.stringify({ keys: [keys.public] });
});
afterAll(() => rm(folder, { recursive: true }));

async function keep(name: string, bytes: Uint8Array | string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

let stores = 0;
/** A folder for a store of its own, which is not there yet. */
const newStore = (): string => join(folder, `store-${(stores += 1)}`);

/** Publishes with the key, whose private part must not be in any output, whatever happens. */
async function publish(store: string, file: string, ...options: string[]): Promise<CommandResult> {
  const target = ['--store', `file:${store}`, '--key', key, '--audience', AUDIENCE];
  const result = await runCommand(['publish', 'bank_002', file, ...target, ...options]);
  expect(`${result.stdout}${result.stderr}`).not.toContain(secret);
  return result;
}

/** Files of a folder and of those in it, of whatever kind; none where it is not there. */
async function filesIn(directory: string): Promise<string[]> {
  return readdir(directory, { recursive: true }).catch(() => []);
}

describe('wasmpay publish into a folder', () => {
  it('makes a release that a gateway of that audience verifies, and an artifact that it can read', async () => {
    const store = newStore();
    const result = await publish(store, plain, '--json', '--valid-days', '2', '--fallback', 'refuse');
    expect(result.code).toBe(0);
    expect(result.stderr).toBe('');
    const json = jsonOf(result) as { release: Record<string, unknown>; stages: { durationMs: number }[] };
    expect(json).toMatchObject({
      published: true,
      previous: null,
      release: { number: 1, bank: 'bank-002', bankId: 'bank_002', audience: AUDIENCE, fallback: 'refuse' },
    });
    expect(Number(json.release['notAfterS']) - Number(json.release['notBeforeS'])).toBe(2 * 86_400);
    expect(json.stages).toHaveLength(8);
    for (const { durationMs } of json.stages) expect(durationMs).toBeGreaterThanOrEqual(0);

    const objects = createFilesystemStore(store);
    const current = await objects.get(currentReleaseKey('bank-002'));
    if (current.kind !== 'found') throw new Error('no current release');
    const verify = createReleaseVerifier({
      trustedKeys: await parseTrustedKeys(trustedKeys),
      audience: AUDIENCE,
      clock: () => Date.now(),
    });
    expect(await verify(current.object.bytes, 'bank-002')).toMatchObject(json.release);
    const digest = json.release['artifact'] as Digest;
    const artifact = await objects.get(artifactKey(hexOf(digest)));
    if (artifact.kind !== 'found') throw new Error('no artifact');
    expect((await readArtifact(artifact.object.bytes, digest)).manifest.component).toBe(
      json.release['component'],
    );
  });

  it('prints progress on standard error and the release on standard output', async () => {
    const store = newStore();
    const first = await publish(store, plain);
    const second = await publish(store, plain);
    const third = await publish(store, denying);
    expect([first.code, second.code, third.code]).toEqual([0, 0, 0]);
    for (const stage of ['inspect', 'policy', 'transpile', 'meter', 'bundle', 'trial', 'store', 'release']) {
      expect(first.stderr).toMatch(new RegExp(`^${stage} +\\d+ ms  \\S`, 'm'));
    }
    const artifactOf = ({ stdout }: CommandResult): string =>
      /^artifact +(sha256:[0-9a-f]{64})$/m.exec(stdout)?.[1] ?? '';
    expect(first.stdout).toMatch(/^release +1 of bank-002/m);
    expect(second.stdout).toMatch(/^release +2 of bank-002/m);
    expect(second.stdout).toMatch(/^changes +none$/m);
    expect(artifactOf(first)).not.toBe('');
    expect(artifactOf(second)).toBe(artifactOf(first));
    expect(third.stdout).toContain(`artifact ${artifactOf(first)} → ${artifactOf(third)}`);
  });

  it('leaves no trace of a refused component', async () => {
    const store = newStore();
    const refused = await keep('refused.wasm', await componentFromWat('(component)'));
    const [json, text] = await Promise.all([publish(store, refused, '--json'), publish(store, refused)]);
    expect([json.code, ...refusalCodesOf(json)]).toEqual([1, 'no_validation_export']);
    expect(jsonOf(json)['published']).toBe(false);
    expect([text.code, text.stdout]).toEqual([1, '']);
    expect(text.stderr).toContain('no_validation_export');
    expect(await filesIn(store)).toEqual([]);
  });

  it('holds to --strict and --policy', async () => {
    const store = newStore();
    const packages = 'package wasi:cli@0.2.6 { interface exit { exit: func(); } }';
    const exit = await keep('exit.wasm', await validatorWithWorld('import wasi:cli/exit@0.2.6;', packages));
    const policy = await keep('policy.json', JSON.stringify({ imports: [], exports: [] }));
    const [strict, none] = await Promise.all([
      publish(store, exit, '--json', '--strict'),
      publish(store, plain, '--json', '--policy', policy),
    ]);
    expect([strict.code, ...refusalCodesOf(strict)]).toEqual([1, 'import_inert_strict']);
    expect([none.code, ...refusalCodesOf(none)]).toEqual([1, 'import_unknown']);
    expect(await filesIn(store)).toEqual([]);
  });

  it('lets no control character of a component reach the terminal', async () => {
    const names = await keep('names.wasm', await escapeSequencesInNames());
    const sections = await keep('sections.wasm', await escapeSequencesInSections());
    for (const [file, code, ...options] of [
      [names, 1],
      [sections, 0],
      [sections, 0, '--json'],
    ] as const) {
      const result = await publish(newStore(), file, ...options);
      expect(unprintableIn(result)).toEqual([]);
      expect(result.code, result.stderr).toBe(code);
    }
  });
});

describe('keys', () => {
  it.each([
    ['missing', undefined, 'usage'],
    ['no JSON', 'SECRET-SECRET-SECRET', 'key_invalid'],
    ['broken', '{"kty":"OKP","crv":"Ed25519","x":"AAAA","d":"SECRET-SECRET-SECRET"}', 'key_invalid'],
    [
      'public only',
      '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
      'key_invalid',
    ],
  ])('that are %s: exit code 2, nothing stored, no key text', async (name, content, code) => {
    const store = newStore();
    const file = content === undefined ? join(folder, 'nowhere') : await keep(`key ${name}`, content);
    const result = await publish(store, plain, '--json', '--key', file);
    expect([result.code, errorCodeOf(result)]).toEqual([2, code]);
    expect(`${result.stdout}${result.stderr}`).not.toContain('SECRET');
    expect(await filesIn(store)).toEqual([]);
  });

  it('that did not sign the current release: release_invalid, exit code 3, and nothing changes', async () => {
    const store = newStore();
    expect((await publish(store, plain)).code).toBe(0);
    const before = (await filesIn(store)).sort();
    const other = await keep('other-key.json', JSON.stringify((await generateReleaseKeys()).private));
    const result = await publish(store, denying, '--json', '--key', other);
    expect([result.code, errorCodeOf(result)]).toEqual([3, 'release_invalid']);
    expect((await filesIn(store)).sort()).toEqual(before);
  });
});

describe('wrong use and outages', () => {
  it.each<[string, () => string[]]>([
    ['no audience', () => ['--store', `file:${newStore()}`, '--key', key]],
    ['another kind of store', () => ['--store', 'ftp://example', '--key', key, '--audience', AUDIENCE]],
    ['approving as fallback', () => [...target(), '--fallback', 'approve']],
    ['no whole days', () => [...target(), '--valid-days', '1.5']],
    ['too many days', () => [...target(), '--valid-days', '367']],
  ])('is usage, exit code 2: %s', async (_, args) => {
    const result = await runCommand(['publish', 'icamer', plain, '--json', ...args()]);
    expect([result.code, errorCodeOf(result)]).toEqual([2, 'usage']);
  });

  const target = (): string[] => ['--store', `file:${newStore()}`, '--key', key, '--audience', AUDIENCE];

  it('is bank_id_invalid, exit code 1, for a bank id that has no slug', async () => {
    const result = await runCommand(['publish', '../icamer', plain, '--json', ...target()]);
    expect([result.code, ...refusalCodesOf(result)]).toEqual([1, 'bank_id_invalid']);
  });

  it('is usage, exit code 2, without --store where no gateway runs', async () => {
    const directory = join(folder, 'nothing-runs-here');
    await mkdir(directory);
    const env = { WASMPAY_DIRECTORY: directory };
    const result = await runCommand(['publish', 'icamer', plain, '--json'], { env });
    expect([result.code, errorCodeOf(result)]).toEqual([2, 'usage']);
    expect(await readdir(directory)).toEqual([]);
  });

  it('is store_unavailable, exit code 3, for a store that cannot be', async () => {
    const result = await publish(join(plain, 'below-a-file'), plain, '--json');
    expect([result.code, errorCodeOf(result)]).toEqual([3, 'store_unavailable']);
  });
});
