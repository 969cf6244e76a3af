// A bank's life by the command line, as docs/releases.md tells it: each command's exit code, what it prints, and what is
// true afterwards for a gateway.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Release } from '../../src/artifact/release.ts';
import { generateReleaseKeys, parseSigningKey, parseTrustedKeys } from '../../src/artifact/release-keys.ts';
import { signRelease } from '../../src/artifact/sign-release.ts';
import { createReleaseVerifier } from '../../src/artifact/verify-release.ts';
import { DEFAULT_GUEST_LIMITS } from '../../src/core/guest-limits.ts';
import { createFilesystemStore } from '../../src/store/filesystem.ts';
import { currentReleaseKey, releaseKey } from '../../src/store/keys.ts';
import { activateCommand } from '../../src/cli/activate.ts';
import { diffCommand } from '../../src/cli/diff.ts';
import { gcCommand } from '../../src/cli/gc.ts';
import { historyCommand, showCommand } from '../../src/cli/history.ts';
import { publishCommand } from '../../src/cli/publish.ts';
import { rebuildCommand } from '../../src/cli/rebuild.ts';
import { renewCommand } from '../../src/cli/renew.ts';
import { rollbackCommand } from '../../src/cli/rollback.ts';
import { disableCommand, enableCommand } from '../../src/cli/switch.ts';
import {
  componentFromCoreWat,
  plainValidator,
  validatorCoreWat,
  validatorFromCoreWat,
  worldWit,
} from '../fixtures/components.ts';
import { jsonOf, refusalCodesOf, runCommand, type CommandResult } from './command.ts';

const AUDIENCE = 'pay.example';

let folder = '';
let key = '';
let secret = '';
let trusted = '';
let target: string[] = [];
let source: string[] = [];
const files: Record<string, string> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-releases-'));
  const keys = await generateReleaseKeys();
  secret = String(keys.private.d);
  key = await keep('key.json', JSON.stringify(keys.private));
  trusted = await keep('trusted.json', JSON.stringify({ keys: [keys.public] }));
  files['plain'] = await keep('plain.wasm', await plainValidator());
  files['denying'] = await keep('denying.wasm', await validatorFromCoreWat({ validateBody: 'i32.const 0' }));
  const store = ['--store', `file:${join(folder, 'store')}`, '--audience', AUDIENCE];
  target = [...store, '--key', key];
  source = [...store, '--trusted-keys', trusted];
});
afterAll(() => rm(folder, { recursive: true }));

async function keep(name: string, bytes: Uint8Array | string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

/** Runs a command that must end with `code`, and never shows the key. */
async function wasmpay(code: number, ...args: string[]): Promise<CommandResult> {
  const result = await runCommand(args);
  expect(`${result.stdout}${result.stderr}`).not.toContain(secret);
  expect(result.code, `${args[0]}: ${result.stdout}${result.stderr}`).toBe(code);
  return result;
}

const releaseIn = (result: CommandResult): Release => jsonOf(result)['release'] as Release;

/** What a gateway of the deployment takes as the bank's current release. */
async function current(bank = 'icamer'): Promise<Release> {
  const found = await objects().get(currentReleaseKey(bank));
  if (found.kind !== 'found') throw new Error('no current release');
  const { readFile } = await import('node:fs/promises');
  const trustedKeys = await parseTrustedKeys(await readFile(trusted, 'utf8'));
  const verify = createReleaseVerifier({ trustedKeys, audience: AUDIENCE, clock: () => Date.now() });
  return verify(found.object.bytes, bank);
}

/** What somebody who can write to the bucket does. */
async function overwrite(key: string, bytes: Uint8Array): Promise<void> {
  await objects().delete(key);
  await objects().put(key, bytes, { kind: 'absent' });
}

const objects = () => createFilesystemStore(join(folder, 'store'));

describe('a bank’s life', () => {
  let first: Release;
  let waiting = '';

  it('publish: a first release', async () => {
    first = releaseIn(await wasmpay(0, 'publish', 'icamer', String(files['plain']), ...target, '--json'));
    expect(first).toMatchObject({ number: 1, replaces: 0, fallback: 'deny' });
  });

  it('publish --no-activate: waits, and prints the command that activates it', async () => {
    const options = ['--fallback', 'refuse', '--outage=approve', '--limit', 'fuel=30000000'];
    const { stdout } = await wasmpay(
      0,
      'publish',
      'icamer',
      String(files['denying']),
      ...target,
      ...options,
      '--no-activate',
    );
    expect(await current()).toMatchObject({ number: 1 });
    const command = /^activate +wasmpay (activate .*)$/m.exec(stdout)?.[1] ?? '';
    waiting = /^artifact +(sha256:[0-9a-f]{64})$/m.exec(stdout)?.[1] ?? '';
    expect(command).toContain(`activate icamer ${waiting}`);
    expect(stdout).toContain('unsigned; gateways go on with release 1');
    expect(stdout).toContain('fallback deny → refuse');

    const history = await wasmpay(0, 'history', 'icamer', ...source);
    expect(history.stdout).toContain(`${waiting}  unsigned, of "icamer"`);

    const other = await wasmpay(1, 'activate', 'icamer', waiting, ...target, '--json');
    expect(refusalCodesOf(other)).toEqual(['candidate_differs']);

    const activated = await wasmpay(0, ...command.split(' '), '--json');
    expect(releaseIn(activated)).toMatchObject({
      number: 2,
      artifact: waiting,
      fallback: 'refuse',
      outage: 'approve',
      policy: { limits: { fuel: 30_000_000 } },
    });
    expect(await current()).toMatchObject({ number: 2, artifact: waiting });
  });

  it('rollback: the first one again, under a new number', async () => {
    const { stdout } = await wasmpay(0, 'rollback', 'icamer', ...target);
    expect(stdout).toMatch(/^release +3 of icamer, valid until \d{4}-/m);
    expect(await current()).toMatchObject({ number: 3, replaces: 2, artifact: first.artifact });
    expect(stdout).toMatch(new RegExp(`^instead of +${waiting} of release 2$`, 'm'));
    expect(stdout).toContain('a second rollback returns to what release 2 ran');
    expect(refusalCodesOf(await wasmpay(1, 'rollback', 'icamer', '--to', '99', ...target, '--json'))).toEqual(
      ['release_unknown'],
    );
  });

  it('disable: off, whatever else happens, until enable', async () => {
    const { stdout } = await wasmpay(0, 'disable', 'icamer', ...target);
    expect(stdout).toMatch(/^switch +OFF: every transaction gets deny$/m);
    expect(stdout).toContain('until: wasmpay enable icamer');
    expect(await current()).toMatchObject({ number: 4, disabled: { answer: 'deny' } });
    const renewed = jsonOf(await wasmpay(0, 'renew', '--all', ...target, '--json'));
    expect(renewed).toMatchObject({ banks: [{ bank: 'icamer', outcome: 'done', renewed: true }] });
    expect(await current()).toMatchObject({ number: 5, disabled: { answer: 'deny' } });
    const { stdout: shown } = await wasmpay(0, 'show', 'icamer', ...source);
    expect(shown).toMatch(/^switch +OFF/m);
    await wasmpay(0, 'enable', 'icamer', ...target);
    expect(await current()).toMatchObject({ number: 6, artifact: first.artifact });
    expect((await current()).disabled).toBeUndefined();
    expect(refusalCodesOf(await wasmpay(1, 'enable', 'icamer', ...target, '--json'))).toEqual([
      'not_disabled',
    ]);
  });

  it('renew: nothing within days that are not near, and says so', async () => {
    const { stdout, stderr } = await wasmpay(0, 'renew', 'icamer', '--within-days', '3', ...target);
    expect(stderr).toMatch(/^icamer +not due: release 6, valid until/m);
    expect(stdout).toBe('1 bank: 1 done, 0 refused, 0 failed\n');
    expect((await current()).number).toBe(6);
  });

  it('rebuild: unchanged, as long as nothing changed', async () => {
    const { stderr } = await wasmpay(0, 'rebuild', '--all', ...target);
    expect(stderr).toMatch(/^icamer +release 6: unchanged$/m);
    expect((await current()).number).toBe(6);
  });

  it('diff: what two releases differ in, tried again', async () => {
    const json = jsonOf(await wasmpay(0, 'diff', 'icamer', '1', '2', ...source, '--json'));
    expect(json).toMatchObject({
      before: {
        release: { number: 1 },
        trial: { probes: 7 },
        imports: [{ interface: 'wasmpay:platform/types' }],
      },
      after: { release: { number: 2 }, trial: { probes: 7 } },
    });
    expect(json['changes']).toContain(`artifact ${first.artifact} → ${waiting}`);
    expect(json['changes']).toContain(`limit fuel ${DEFAULT_GUEST_LIMITS.fuel} → 30000000`);
    expect(json['changes']).toContain('during an outage of storage as fallback → approve');
    const { stdout } = await wasmpay(0, 'diff', 'icamer', ...source);
    expect(stdout).toMatch(/^before +release 5, .* made by \S.*, trial fuel \d+ to \d+$/m);
    expect(stdout).toMatch(/^changes +switch off, answers deny → on$/m);
  });

  it('history: what is forged is shown as that and believed nothing of', async () => {
    const forged = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
    const token = await signRelease({ ...(await current()), number: 7 }, forged);
    await objects().put(releaseKey('icamer', 7), token, { kind: 'absent' });
    const { stdout } = await wasmpay(0, 'history', 'icamer', ...source);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ +7 {2}NOT BELIEVED: release is signed by a key that is not trusted$/);
    expect(lines[1]).toMatch(/^ +6 .* CURRENT$/);
    expect(lines).toHaveLength(7);
    expect(refusalCodesOf(await wasmpay(1, 'show', 'icamer', '7', ...source, '--json'))).toEqual([
      'release_unknown',
    ]);
    const json = jsonOf(await wasmpay(0, 'history', 'icamer', '--last', '2', ...source, '--json'));
    expect((json['entries'] as unknown[]).length).toBe(2);
  });

  it('renew --all: goes on after banks that fail and are refused, and ends with 3', async () => {
    await wasmpay(0, 'publish', 'zeta', String(files['plain']), ...target, '--json');
    await overwrite(currentReleaseKey('forged'), new TextEncoder().encode('a.b.c'));
    const result = await wasmpay(3, 'renew', '--all', ...target, '--json');
    expect(jsonOf(result)).toMatchObject({
      banks: [
        { bank: 'forged', outcome: 'failed', error: { code: 'release_invalid' } },
        { bank: 'icamer', outcome: 'refused', refusals: [{ code: 'release_superseded' }] },
        { bank: 'zeta', outcome: 'done', renewed: true, release: { number: 2 } },
      ],
    });
    const { stderr, stdout } = await wasmpay(3, 'renew', '--all', '--within-days', '1', ...target);
    expect(stderr).toMatch(/^ {2}code +release_invalid\n {2}help +.*--trusted-keys FILE/m);
    expect(stdout).toBe('3 banks: 1 done, 1 refused, 1 failed\n');
    // Nothing says what the bank was: the kill switch fails as well, and says what is left to do.
    const { stderr: stuck } = await wasmpay(3, 'disable', 'forged', ...target);
    expect(stuck).toMatch(/^ {2}help +.*delete that object and publish/m);
    await objects().delete(currentReleaseKey('forged'));
  });

  it('renew: an older release that somebody put back is refused, with both numbers and what to do', async () => {
    // Release 7 is planted: no key signed it, and it stands against release 6 for all that.
    const { stderr } = await wasmpay(1, 'renew', 'icamer', ...target);
    expect(stderr).toMatch(/stored as release 7 of bank "icamer", and release 6 is current/);
    const fix = /wasmpay (rollback icamer --to 6)$/m.exec(stderr)?.[1] ?? '';
    await wasmpay(0, ...fix.split(' '), ...target);
    expect(await current()).toMatchObject({ number: 8, replaces: 6 });

    const newest = await objects().get(releaseKey('icamer', 8));
    const older = await objects().get(releaseKey('icamer', 4));
    if (older.kind !== 'found' || newest.kind !== 'found') throw new Error('releases are missing');
    await overwrite(currentReleaseKey('icamer'), older.object.bytes);
    const replayed = await wasmpay(1, 'renew', '--all', ...target, '--json');
    expect(jsonOf(replayed)).toMatchObject({
      banks: [
        { bank: 'icamer', outcome: 'refused', refusals: [{ code: 'release_superseded' }] },
        { bank: 'zeta', outcome: 'done' },
      ],
    });
    expect(await current()).toMatchObject({ number: 4 });
    await overwrite(currentReleaseKey('icamer'), newest.object.bytes);
    const renewed = jsonOf(await wasmpay(0, 'renew', 'icamer', ...target, '--json'));
    expect(renewed).toMatchObject({ banks: [{ release: { number: 9 } }] });
  });

  it('disable: works over a current release that is spoilt, and says what it found', async () => {
    const good = await objects().get(currentReleaseKey('zeta'));
    if (good.kind !== 'found') throw new Error('no current release');
    const spoilt = good.object.bytes.slice();
    const middle = Math.floor(spoilt.length / 2);
    spoilt[middle] = (spoilt[middle] ?? 0) ^ 1;
    await overwrite(currentReleaseKey('zeta'), spoilt);
    const last = (await objects().list({ prefix: 'banks/zeta/releases/' })).objects.length;
    // What else could be done is refused, and leads here.
    const refused = await wasmpay(3, 'rollback', 'zeta', '--to', '1', ...target);
    expect(refused.stderr).toMatch(/^ {2}help +.*"wasmpay disable BANK"/m);

    const { stdout } = await wasmpay(0, 'disable', 'zeta', ...target);
    expect(stdout).toMatch(/^switch +OFF: every transaction gets deny$/m);
    expect(stdout).toMatch(
      /^found +banks\/zeta\/current cannot be believed: release has no valid signature$/m,
    );
    expect(stdout).toMatch(new RegExp(`^note +that object is replaced.* of release ${last}, `, 'm'));
    expect(await current('zeta')).toMatchObject({ number: last + 1, disabled: { answer: 'deny' } });

    // Too large to be read, on a real disk; and numbers that only gateways remember.
    await overwrite(currentReleaseKey('zeta'), new Uint8Array(1024 * 1024));
    const off = jsonOf(await wasmpay(0, 'disable', 'zeta', '--least-number', '42', ...target, '--json'));
    expect(off).toMatchObject({
      disabled: true,
      release: { number: 42, replaces: last + 1 },
      spoilt: expect.stringContaining('1048576 bytes') as string,
    });
    const on = jsonOf(await wasmpay(0, 'enable', 'zeta', ...target, '--json'));
    expect(on).toMatchObject({ release: { number: 43 }, spoilt: null });
  });

  it('gc: lists and marks, and deletes nothing in its first days', async () => {
    await wasmpay(
      0,
      'publish',
      'icamer',
      String(files['denying']),
      ...target,
      '--no-activate',
      '--limit',
      'memoryPages=200',
    );
    const { stdout } = await wasmpay(0, 'gc', '--older-than-days', '30', '--delete', ...source);
    expect(stdout).toMatch(/^unused {2,}since \d{4}-.* artifacts\/[0-9a-f]{64}$/m);
    expect(stdout).toMatch(/^0 deleted \(0 B\), 2 unused left/m);
  });
});

describe('a version that imports more', () => {
  it('is held with exit code 1, names the interface, and is released by the command that it prints', async () => {
    const random = await keep('random.wasm', await validatorWithRandom());
    const held = await wasmpay(1, 'publish', 'icamer', random, ...target, '--fallback=refuse', '--json');
    expect(refusalCodesOf(held)).toEqual(['imports_grew']);
    const before = await current();
    const [{ message, fix }] = jsonOf(held)['refusals'] as [{ message: string; fix: string }];
    expect(message).toContain('"wasi:random/random"');
    // Both commands are whole: target and options are in them.
    const command = /wasmpay (activate .*)$/.exec(fix)?.[1] ?? '';
    const look = /"wasmpay (diff [^"]*)"/.exec(fix)?.[1] ?? '';
    const { stdout } = await wasmpay(0, ...look.split(' '));
    expect(stdout).toMatch(/^after +waiting, unsigned, .* trial fuel \d+ to \d+$/m);
    expect(stdout).toContain('new import wasi:random/random@0.2.6 (granted)');
    // Without its last word it is refused again, with the same way out.
    const again = await wasmpay(1, ...command.split(' ').slice(0, -1), '--json');
    expect(jsonOf(again)['refusals']).toMatchObject([{ code: 'imports_grew', fix }]);
    const released = await wasmpay(0, ...command.split(' '), '--json');
    expect(releaseIn(released)).toMatchObject({
      replaces: before.number,
      fallback: 'refuse',
      policy: { grants: ['wasi:random/random'] },
    });
    expect(jsonOf(released)['changes']).toContain('new import wasi:random/random@0.2.6 (granted)');
  });

  it('is held for people with the whole command: target, options and what accepts the imports', async () => {
    await wasmpay(0, 'publish', 'icamer', String(files['plain']), ...target);
    const random = await keep('random.wasm', await validatorWithRandom());
    const options = ['--fallback', 'refuse'];
    const { stderr } = await wasmpay(1, 'publish', 'icamer', random, ...target, ...options);
    const command = /^ {2}fix .* wasmpay (activate .*)$/m.exec(stderr)?.[1] ?? '';
    expect(stderr).toContain('waiting    unsigned; gateways go on as before');
    expect((await current()).policy.grants).toEqual([]);
    const released = await wasmpay(0, ...command.split(' '), '--json');
    expect(releaseIn(released)).toMatchObject({
      fallback: 'refuse',
      policy: { grants: ['wasi:random/random'] },
    });
  });
});

/** A validator that passes its trial and imports randomness. */
async function validatorWithRandom(): Promise<Uint8Array> {
  const get = '(import "wasi:random/random@0.2.6" "get-random-u64" (func $random (result i64)))';
  const core = validatorCoreWat({ validateBody: '(drop (call $random)) i32.const 1' });
  const packages = 'package wasi:random@0.2.6 { interface random { get-random-u64: func() -> u64; } }';
  const wit = worldWit('import wasi:random/random@0.2.6;', { packages });
  return componentFromCoreWat(core.replace('(module', `(module ${get}`), wit, 'w');
}

describe('wrong use', () => {
  const usage = expect.objectContaining({ code: 'usage' }) as Error;
  const store = ['--store', 'file:nowhere', '--audience', AUDIENCE];

  it.each<[string, { run: (args: string[]) => Promise<number> }, string[]]>([
    ['a bank and --all', renewCommand, ['icamer', '--all']],
    ['neither a bank nor --all', renewCommand, []],
    ['no days', renewCommand, ['--all', '--within-days', '0']],
    ['two keys', renewCommand, ['--all', ...store, '--key', 'x', '--key-command', 'y']],
    ['release N of all banks', rebuildCommand, ['--all', '--release', '3']],
    ['half a comparison', diffCommand, ['icamer', '1']],
    ['two comparisons', diffCommand, ['icamer', `sha256:${'a'.repeat(64)}`, '1']],
    ['no number', showCommand, ['icamer', 'one']],
    ['number zero', rollbackCommand, ['icamer', '--to', '0']],
    ['a bank that is none', disableCommand, ['../icamer']],
    ['an answer that approves', disableCommand, ['icamer', '--answer', 'approve']],
    ['an answer to being on', enableCommand, ['icamer', '--answer', 'deny']],
    ['an outage that is denied', publishCommand, ['icamer', 'x', '--outage', 'deny', ...store]],
    ['a name for an artifact', activateCommand, ['icamer', 'latest', ...store]],
    ['no age', gcCommand, store],
    ['no key to sign with', rollbackCommand, ['icamer', ...store]],
    ['nobody to trust', historyCommand, ['icamer', ...store]],
    ['no deployment', historyCommand, ['icamer', '--store', 'file:nowhere', '--trusted-keys', 'x']],
    ['a deployment without a name', historyCommand, ['icamer', '--store', 'file:nowhere', '--audience', '']],
    ['a key file that is not there', rollbackCommand, ['icamer', ...store, '--key', '/nowhere/at/all']],
  ])('%s is a usage error', async (_, { run }, args) => {
    await expect(run(args)).rejects.toThrow(usage);
  });
});

describe('a bank without a validator', () => {
  it('has a release that says so, which a rollback undoes', async () => {
    const published = await wasmpay(0, 'publish', 'thrift', String(files['plain']), ...target, '--json');
    const { stdout } = await wasmpay(0, 'no-validator', 'thrift', ...target);
    expect(stdout).toMatch(/^release +2 of thrift/m);
    expect(stdout).toMatch(/^validator +none/m);
    expect(stdout).not.toMatch(/^artifact/m);
    const none = { number: 2, replaces: 1, validator: 'none', fallback: 'deny' };
    expect(await current('thrift')).toMatchObject(none);
    const history = await wasmpay(0, 'history', 'thrift', ...source);
    expect(history.stdout).toMatch(/^ +2 +\S+ +no validator +fallback deny +CURRENT$/m);
    const { stdout: changes } = await wasmpay(0, 'diff', 'thrift', ...source);
    expect(changes).toMatch(/validator yes → none$/m);
    const { stderr } = await wasmpay(0, 'rebuild', 'thrift', ...target);
    expect(stderr).toMatch(/^thrift +release 2: unchanged$/m);
    await wasmpay(0, 'renew', 'thrift', ...target);
    await wasmpay(0, 'disable', 'thrift', ...target);
    await wasmpay(0, 'enable', 'thrift', ...target);
    expect(await current('thrift')).toMatchObject({ ...none, number: 5, replaces: 4 });
    await wasmpay(0, 'rollback', 'thrift', ...target);
    const { artifact } = releaseIn(published);
    expect(await current('thrift')).toMatchObject({ number: 6, artifact });
    expect((await current('thrift')).validator).toBeUndefined();
    await wasmpay(0, 'rollback', 'thrift', '--to', '2', ...target);
    expect(await current('thrift')).toMatchObject({ number: 7, validator: 'none' });
  });

  it('is a bank like any other: its id, its slug and its number are its own', async () => {
    const refused = await wasmpay(1, 'no-validator', 'Thrift', ...target, '--json');
    expect(refusalCodesOf(refused)).toEqual(['slug_taken']);
    expect(refusalCodesOf(await wasmpay(1, 'no-validator', '-', ...target, '--json'))).toEqual([
      'bank_id_invalid',
    ]);
    const made = await wasmpay(0, 'no-validator', 'newcomer', '--least-number', '9', ...target, '--json');
    expect(releaseIn(made)).toMatchObject({ number: 9, replaces: 0, validator: 'none' });
  });
});
