// `wasmpay build`, `test` and `bench` remember between commands, for this user only; what comes out is what came out without it,
// and a publication takes nothing of it.

import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { generateReleaseKeys } from '../../src/artifact/release-keys.ts';
import { decodeMessage, encodeMessage } from '../../src/core/frames.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { jsonOf, runCommand } from './command.ts';

let parent = '';
let key = '';
beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), 'author-memory-'));
  key = join(parent, 'key.json');
  writeFileSync(key, JSON.stringify((await generateReleaseKeys()).private));
});
afterAll(() => rmSync(parent, { recursive: true }));

let caches = 0;
/** An empty cache of a user. */
const newCache = (): string => join(parent, `cache-${(caches += 1)}`);
const stagesOf = (cache: string): string => join(cache, 'wasmpay/stages');

const BANK = { id: 'bank_001', name: 'First', country: 'USA', currency: 'USD' };
const TRANSACTION = {
  id: 'txn_1',
  origin: BANK,
  destination: { ...BANK, id: 'mybank' },
  amount: { name: 'Euro', symbol: '€', amount: 100 },
  status: 'pending',
};

/** A component that answers by a byte of its data, as an interpreter by its program. */
async function keepAnswer(answer: 'approve' | 'deny', text = ''): Promise<string> {
  const folder = mkdtempSync(join(parent, 'validator-'));
  const data = `(data (i32.const 8) "\\${answer === 'approve' ? '01' : '00'}${text}")`;
  const validator = { validateBody: '(i32.load8_u (i32.const 8))', extra: data };
  writeFileSync(join(folder, 'validator.wasm'), await validatorFromCoreWat(validator));
  const cases = [{ name: 'one', transaction: TRANSACTION, expect: 'approve' }];
  writeFileSync(join(folder, 'cases.json'), JSON.stringify({ cases }));
  return join(folder, 'validator.wasm');
}

async function test(component: string, cache: string): Promise<{ passed: boolean; artifact: string }> {
  const result = await runCommand(['test', component, '--json'], { env: { XDG_CACHE_HOME: cache } });
  return jsonOf(result) as { passed: boolean; artifact: string };
}

/** What of the entries a reading or a writing would change. */
const stateOf = (folder: string): string[] =>
  readdirSync(folder).map((name) => {
    const { mtimeMs, size } = statSync(join(folder, name));
    return `${name} ${mtimeMs} ${size}`;
  });

/** Changes what an entry holds, and gives it the digest that it should have. */
function forge(path: string, change: (entry: { value: object; blobs: Uint8Array[] }) => void): void {
  const message = decodeMessage(readFileSync(path).subarray(32));
  if (message === undefined) throw new Error('no entry');
  const entry = { value: message.value as object, blobs: [...message.blobs] };
  change(entry);
  const body = encodeMessage(entry);
  writeFileSync(path, Buffer.concat([createHash('sha256').update(body).digest(), body]));
}

describe('what authors’ commands remember', () => {
  it('changes no byte of an artifact, and no answer: the data that is there decides', async () => {
    const cache = newCache();
    const approving = await keepAnswer('approve');
    const denying = await keepAnswer('deny', ' and more');
    const first = await test(approving, cache);
    expect(first.passed).toBe(true);
    const entries = readdirSync(stagesOf(cache));
    expect(entries.length).toBeGreaterThanOrEqual(4);
    expect(statSync(stagesOf(cache)).mode & 0o777).toBe(0o700);
    expect(await test(approving, cache)).toMatchObject({ passed: true, artifact: first.artifact });
    // Of these two, jco's run, the WIT and the glue are the same.
    const other = await test(denying, cache);
    expect(other.passed).toBe(false);
    expect(readdirSync(stagesOf(cache))).toHaveLength(entries.length + 1);
    expect(await test(denying, newCache())).toMatchObject({ passed: false, artifact: other.artifact });
  });

  it('is made anew where it is garbled', async () => {
    const cache = newCache();
    const component = await keepAnswer('approve');
    const { artifact } = await test(component, cache);
    for (const name of readdirSync(stagesOf(cache)))
      writeFileSync(join(stagesOf(cache), name), 'garbled'.repeat(50));
    expect(await test(component, cache)).toMatchObject({ passed: true, artifact });
    for (const name of readdirSync(stagesOf(cache)))
      expect(readFileSync(join(stagesOf(cache), name), 'latin1')).not.toContain('garbled');
  });

  it('forged, gets nowhere near a publication, which neither reads nor writes it', async () => {
    const cache = newCache();
    const component = await keepAnswer('approve');
    const { artifact } = await test(component, cache);
    let forged = 0;
    for (const name of readdirSync(stagesOf(cache)))
      forge(join(stagesOf(cache), name), (entry) => {
        const value = (entry.value as { value: Record<string, unknown> }).value;
        if (typeof value['glue'] === 'string') {
          value['glue'] = value['glue'].replace('{', '{"forged";');
          forged += 1;
        }
      });
    expect(forged).toBe(1);
    // The forgery is one: the author's own command is deceived by it, or refuses it.
    expect((await test(component, cache)).artifact).not.toBe(artifact);
    const before = stateOf(stagesOf(cache));
    const store = join(parent, `store-${caches}`);
    const target = ['--store', `file:${store}`, '--key', key, '--audience', 'pay.example', '--json'];
    for (const command of [
      ['publish', 'bank_002', component, ...target],
      ['inspect', component, '--json'],
    ]) {
      const result = await runCommand(command, { env: { XDG_CACHE_HOME: cache } });
      expect(result.code).toBe(0);
      if (command[0] === 'publish') expect(jsonOf(result)).toMatchObject({ release: { artifact } });
    }
    expect(stateOf(stagesOf(cache))).toEqual(before);
  });
});

describe.each(['stages', 'code'])('the folder of %s', (name) => {
  const folderOf = (cache: string): string => join(cache, 'wasmpay', name);

  it.each([
    ['itself', 'wasmpay/PLACE'],
    ['the one around it', 'wasmpay'],
    ['the one around that', '.'],
  ])('is not used where others may write to %s', async (_which, place) => {
    const cache = newCache();
    mkdirSync(folderOf(cache), { recursive: true, mode: 0o700 });
    chmodSync(join(cache, place.replace('PLACE', name)), 0o777);
    expect(await test(await keepAnswer('approve'), cache)).toMatchObject({ passed: true });
    expect(readdirSync(folderOf(cache))).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'is not used where one around it is another user’s (only root can make one)',
    async () => {
      const cache = newCache();
      mkdirSync(folderOf(cache), { recursive: true, mode: 0o700 });
      chownSync(join(cache, 'wasmpay'), 65_534, 65_534);
      expect(await test(await keepAnswer('approve'), cache)).toMatchObject({ passed: true });
      expect(readdirSync(folderOf(cache))).toEqual([]);
    },
  );

  it('is not used behind a link, and not needed', async () => {
    const component = await keepAnswer('approve');
    const linked = newCache();
    const elsewhere = join(parent, `elsewhere-${name}`);
    mkdirSync(elsewhere);
    mkdirSync(join(linked, 'wasmpay'), { recursive: true });
    symlinkSync(elsewhere, folderOf(linked));
    expect(await test(component, linked)).toMatchObject({ passed: true });
    expect(readdirSync(elsewhere)).toEqual([]);
    const none = join(parent, `file-${name}`);
    writeFileSync(none, '');
    expect(await test(component, none)).toMatchObject({ passed: true });
  });
});

describe('compiled code of our own', () => {
  const codeOf = (cache: string): string => join(cache, 'wasmpay/code');
  const filesIn = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((file) => statSync(file).isFile());

  it('is kept for an author’s command, and compiled anew where it is garbled', async () => {
    const cache = newCache();
    const component = await keepAnswer('approve');
    const { artifact } = await test(component, cache);
    expect(statSync(codeOf(cache)).mode & 0o777).toBe(0o700);
    const files = filesIn(codeOf(cache));
    expect(files.length).toBeGreaterThan(50);
    for (const file of files) {
      const bytes = readFileSync(file);
      writeFileSync(file, bytes.fill(0x41, Math.floor(bytes.length / 2)));
    }
    expect(await test(component, cache)).toMatchObject({ passed: true, artifact });
  });

  it('is neither read nor written by a command that signs or looks at what others made', async () => {
    const cache = newCache();
    const component = await keepAnswer('approve');
    const target = [
      '--store',
      `file:${join(parent, 'store-code')}`,
      '--key',
      key,
      '--audience',
      'pay.example',
    ];
    for (const command of [
      ['publish', 'bank_002', component, ...target],
      ['inspect', component],
      ['history', 'bank_002', ...target],
    ])
      await runCommand(command, { env: { XDG_CACHE_HOME: cache } });
    expect(existsSync(cache)).toBe(false);
  });

  it('is bounded: at most 4000 files, and then it begins again', async () => {
    const component = await keepAnswer('approve');
    const cache = newCache();
    const version = join(codeOf(cache), 'v20.0.0-x64');
    mkdirSync(version, { recursive: true, mode: 0o700 });
    chmodSync(codeOf(cache), 0o700);
    for (let i = 0; i < 4000; i += 1) writeFileSync(join(version, String(i)), '');
    await runCommand(['test', '--nothing'], { env: { XDG_CACHE_HOME: cache } });
    expect(existsSync(version)).toBe(true);
    writeFileSync(join(version, 'one more'), '');
    expect(await test(component, cache)).toMatchObject({ passed: true });
    expect(existsSync(version)).toBe(false);
  });
});
