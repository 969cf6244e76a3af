// Keys on the command line: where a signing key may come from, a rotation from beginning to end, and that nothing of a
// secret is ever printed, stored or handed on.

import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { generateReleaseKeys } from '../../src/artifact/release-keys.ts';
import { plainValidator } from '../fixtures/components.ts';
import { errorCodeOf, jsonOf, runCommand, type CommandResult } from './command.ts';

const AUDIENCE = 'pay.example';

let folder = '';
let store = '';
let plain = '';
let keys: Awaited<ReturnType<typeof generateReleaseKeys>>;
let trusted = '';
let signer = '';

/** Signs what it reads with the key that is in its own variable, as a KMS's command would. */
const SIGNER = `
import { readFileSync, writeFileSync } from 'node:fs';
const jwk = JSON.parse(readFileSync(process.argv[2], 'utf8'));
writeFileSync(process.argv[3], JSON.stringify(process.env));
const key = await crypto.subtle.importKey('jwk', { ...jwk, alg: undefined }, 'Ed25519', false, ['sign']);
const signature = await crypto.subtle.sign('Ed25519', key, readFileSync(0));
console.log(Buffer.from(signature).toString('base64url'));
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-keys-'));
  store = `file:${join(folder, 'store')}`;
  plain = await keep('plain.wasm', await plainValidator());
  keys = await generateReleaseKeys();
  trusted = await keep('trusted.json', JSON.stringify({ keys: [keys.public] }));
  signer = await keep('signer.mjs', SIGNER);
  const result = await publish(['--key', await keep('key.json', JSON.stringify(keys.private))]);
  expect(result.code, result.stderr).toBe(0);
});
afterAll(() => rm(folder, { recursive: true }));

async function keep(name: string, bytes: Uint8Array | string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

const publish = (options: string[]): Promise<CommandResult> =>
  runCommand(['publish', 'icamer', plain, '--store', store, '--audience', AUDIENCE, '--json', ...options]);

/** The cheapest command that signs. */
const renew = (options: string[], env: Record<string, string> = {}): Promise<CommandResult> =>
  runCommand(['renew', 'icamer', '--store', store, '--audience', AUDIENCE, '--json', ...options], { env });

const command = (...argv: string[]): string[] => [
  '--key-command',
  JSON.stringify([process.execPath, ...argv]),
  '--key-id',
  keys.keyId,
  '--trusted-keys',
  trusted,
];

describe('a signing key', () => {
  it('may be in the environment', async () => {
    const result = await renew([], { WASMPAY_SIGNING_KEY: JSON.stringify(keys.private) });
    expect(result.code, result.stderr).toBe(0);
    expect(`${result.stdout}${result.stderr}`).not.toContain(String(keys.private.d));
  });

  it('may be with somebody else, whom a command asks, and who gets no key of ours', async () => {
    const seen = join(folder, 'seen.json');
    const result = await renew(command(signer, join(folder, 'key.json'), seen), {
      WASMPAY_SIGNING_KEY: JSON.stringify({ ...keys.private, x: 'decoy' }),
    });
    expect(result.code, result.stderr).toBe(0);
    expect(await readFile(seen, 'utf8')).not.toContain('decoy');
  });

  it('may be asked by words that blanks part, and no shell reads them', async () => {
    const planted = join(folder, 'planted');
    const words = `${process.execPath} ${signer} ${join(folder, 'key.json')} ${join(folder, 'seen.json')} ; touch ${planted}`;
    const result = await renew(['--key-command', words, ...command().slice(2)]);
    expect(result.code, result.stderr).toBe(0);
    expect(await readdir(folder)).not.toContain('planted');
  });

  it.each<[string, string]>([
    ['another key’s signature', `console.log('A'.repeat(86))`],
    ['too little', `console.log('AAAA')`],
    ['nothing', ''],
    ['something else', `console.log('error: access denied')`],
    ['an exit code', `process.exit(3)`],
  ])('that answers %s is key_invalid, exit code 2, and nothing is released', async (_, script) => {
    const before = await readdir(join(folder, 'store'), { recursive: true });
    const file = await keep('bad-signer.mjs', script);
    const result = await renew(command(file));
    expect([result.code, errorCodeOf(result)]).toEqual([2, 'key_invalid']);
    expect(await readdir(join(folder, 'store'), { recursive: true })).toEqual(before);
  });

  it.each<[string, () => string[], string]>([
    [
      'a command that is not there',
      () => ['--key-command', '/nowhere/at/all', ...command().slice(2)],
      'key_invalid',
    ],
    ['a command without a key id', () => ['--key-command', 'x', '--trusted-keys', trusted], 'usage'],
    [
      'a command with an id that nobody trusts',
      () => ['--key-command', 'x', '--key-id', 'nobody', '--trusted-keys', trusted],
      'key_invalid',
    ],
    ['a key id alone', () => ['--key-id', 'x', '--key', 'y'], 'usage'],
    ['an empty command', () => ['--key-command', ' ', ...command().slice(2)], 'usage'],
    ['a command that is half a list', () => ['--key-command', '["x"', ...command().slice(2)], 'usage'],
  ])('is refused: %s', async (_, options, code) => {
    const result = await renew(options());
    expect([result.code, errorCodeOf(result)]).toEqual([2, code]);
  });

  it('may have an id that begins with a dash, as one in 64 does of those that others make', async () => {
    let dashed;
    do {
      const pair = await generateKeyPair('Ed25519', { extractable: true });
      const jwk = await exportJWK(pair.publicKey);
      const id = await calculateJwkThumbprint(jwk);
      if (id.startsWith('-')) dashed = { id, jwk, private: await exportJWK(pair.privateKey) };
    } while (dashed === undefined);
    const both = await keep('both.json', JSON.stringify({ keys: [keys.public, dashed.jwk] }));
    const file = await keep('dashed.json', JSON.stringify(dashed.private));
    const result = await renew([
      '--key-command',
      JSON.stringify([process.execPath, signer, file, join(folder, 'seen.json')]),
      '--key-id',
      dashed.id,
      '--trusted-keys',
      both,
    ]);
    expect(result.code, result.stderr).toBe(0);
    // Back to the first key, for the tests after this one.
    const back = await renew(['--trusted-keys', both], {
      WASMPAY_SIGNING_KEY: JSON.stringify(keys.private),
    });
    expect(back.code, back.stderr).toBe(0);
  });

  it('of ours never has one', async () => {
    for (let count = 0; count < 500; count += 1)
      expect((await generateReleaseKeys()).keyId).toMatch(/^[\w][\w-]{42}$/);
  });

  it('that is none of the trusted ones is refused before it signs what gateways would refuse', async () => {
    const other = await generateReleaseKeys();
    const result = await renew(['--trusted-keys', trusted], {
      WASMPAY_SIGNING_KEY: JSON.stringify(other.private),
    });
    expect([result.code, errorCodeOf(result)]).toEqual([2, 'key_invalid']);
    expect(`${result.stdout}${result.stderr}`).not.toContain(String(other.private.d));
  });
});

describe('a rotation', () => {
  it('goes from the old key to the new one, and no release is refused on the way', async () => {
    const directory = join(folder, 'keys');
    const file = (name: string): string => join(directory, name);
    const secrets: string[] = [];
    const run = async (code: number, ...args: string[]): Promise<CommandResult> => {
      const result = await runCommand(args);
      for (const secret of secrets) expect(`${result.stdout}${result.stderr}`).not.toContain(secret);
      expect(result.code, `${result.stdout}${result.stderr}`).toBe(code);
      return result;
    };
    const secretIn = async (name: string): Promise<string> =>
      (JSON.parse(await readFile(file(name), 'utf8')) as { d: string }).d;
    const place = ['--store', `file:${join(folder, 'rotated')}`, '--audience', AUDIENCE, '--json'];

    const first = jsonOf(await run(0, 'keys', 'generate', directory, '--json'));
    secrets.push(await secretIn('signing-key.json'));
    const sign = [...place, '--key', file('signing-key.json'), '--trusted-keys', file('trusted-keys.json')];
    await run(0, 'publish', 'icamer', plain, ...sign);
    await run(0, 'publish', 'other', plain, ...sign);

    // 1. Both keys are trusted, and the old one still signs.
    const { stdout: steps } = await run(0, 'keys', 'rotate', directory);
    secrets.push(await secretIn('next-signing-key.json'));
    for (const secret of secrets) expect(steps).not.toContain(secret);
    expect((await stat(file('next-signing-key.json'))).mode & 0o777).toBe(0o600);
    expect(steps).toContain(`mv ${file('next-signing-key.json')} ${file('signing-key.json')}`);
    expect(steps).toContain(`wasmpay keys retire ${directory} ${String(first['keyId'])}`);
    expect(jsonOf(await run(2, 'keys', 'rotate', directory, '--json'))).toMatchObject({
      error: { code: 'usage' },
    });
    await run(0, 'renew', '--all', ...sign);
    // The key that signs cannot be retired.
    await run(2, 'keys', 'retire', directory, String(first['keyId']), '--json');

    // 2. The new one signs; 3. everything is signed anew.
    await rename(file('next-signing-key.json'), file('signing-key.json'));
    const renewed = jsonOf(await run(0, 'renew', '--all', ...sign));
    expect(renewed).toMatchObject({ banks: [{ release: { number: 3 } }, { release: { number: 3 } }] });

    // 4. The old one is of no use any more, and no current release needs it.
    await run(2, 'keys', 'retire', directory, 'nobody', '--json');
    await run(0, 'keys', 'retire', directory, String(first['keyId']), '--json');
    const read = [...place, '--trusted-keys', file('trusted-keys.json')];
    for (const bank of ['icamer', 'other']) {
      const history = jsonOf(await run(0, 'history', bank, ...read));
      expect(history['entries']).toMatchObject([
        { number: 3, kind: 'release', place: 'current' },
        { number: 2, kind: 'not_believed' },
        { number: 1, kind: 'not_believed' },
      ]);
    }
    await run(0, 'renew', '--all', ...sign);
    expect((await readdir(directory)).sort()).toEqual(['signing-key.json', 'trusted-keys.json']);
  });

  it('is refused where there are no keys, and where a private one is among the trusted', async () => {
    const directory = join(folder, 'no-keys');
    expect((await runCommand(['keys', 'rotate', directory, '--json'])).code).toBe(2);
    await runCommand(['keys', 'generate', directory, '--json']);
    await chmod(join(directory, 'trusted-keys.json'), 0o600);
    const secret = await readFile(join(directory, 'signing-key.json'), 'utf8');
    await writeFile(join(directory, 'trusted-keys.json'), `{"keys":[${secret}]}`);
    const result = await runCommand(['keys', 'rotate', directory, '--json']);
    expect([result.code, errorCodeOf(result)]).toEqual([2, 'key_invalid']);
    expect(await readdir(directory)).not.toContain('next-signing-key.json');
  });
});
