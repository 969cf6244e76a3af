// A processor's life by the command line, and what a gateway on Node answers meanwhile: added, calling, its key rotated
// without a gap, signing, revoked. No output and no log ever holds a secret but the line that shows a new key.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { generateReleaseKeys } from '../../src/artifact/release-keys.ts';
import { processorsCommand } from '../../src/cli/processors.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { makeBody } from '../fixtures/gateway-bed.ts';
import { makeRequestKey, signRequest } from '../fixtures/processors.ts';
import { ask, startProcess, type TestProcess } from '../entry/dev-process.ts';
import { errorCodeOf, jsonOf, refusalCodesOf, runCommand, type CommandResult } from './command.ts';

const AUDIENCE = 'pay.example';
const BODY = JSON.stringify(makeBody());

let folder = '';
let target: string[] = [];
let source: string[] = [];
let gateway: TestProcess;
let port = 0;
const secrets: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-processors-'));
  const keys = await generateReleaseKeys();
  secrets.push(String(keys.private.d));
  const key = await keep('key.json', JSON.stringify(keys.private));
  const trustedKeys = JSON.stringify({ keys: [keys.public] });
  const store = ['--store', `file:${join(folder, 'store')}`, '--audience', AUDIENCE];
  target = [...store, '--key', key];
  source = [...store, '--trusted-keys', await keep('trusted.json', trustedKeys)];
  const component = await keep('plain.wasm', await validatorFromCoreWat());
  await wasmpay(0, 'publish', 'meridian', component, ...target);
  gateway = startProcess(
    ['src/entry/node.ts'],
    {
      WASMPAY_AUDIENCE: AUDIENCE,
      WASMPAY_TRUSTED_KEYS: trustedKeys,
      WASMPAY_SEED_KEY: 'a seed key of enough characters, for tests',
      WASMPAY_BASE_DOMAINS: 'pay.example',
      WASMPAY_STORE: `file:${join(folder, 'store')}`,
      // Seconds are for people: here a change is to be seen at the next request.
      WASMPAY_FRESHNESS: 'freshMs=0,refreshMs=0,unknownMs=0',
      WASMPAY_RATE_TIERS: 'slow=3/1000',
      PORT: '0',
    },
    'wasmpay gateway  http',
  );
  await gateway.ready();
  port = Number(/http:\/\/[\d.]+:(\d+)/.exec(gateway.output())?.[1]);
}, 60_000);

afterAll(async () => {
  await gateway.end('SIGKILL');
  await rm(folder, { recursive: true });
});

async function keep(name: string, bytes: Uint8Array | string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

/** Runs a command that must end with `code`; no secret that was shown earlier is shown again. */
async function wasmpay(code: number, ...args: string[]): Promise<CommandResult> {
  const result = await runCommand(args);
  expect(result.code, `${args.join(' ')}: ${result.stdout}${result.stderr}`).toBe(code);
  for (const secret of secrets) expect(`${result.stdout}${result.stderr}`).not.toContain(secret);
  return result;
}

const processors = (code: number, ...args: string[]): Promise<CommandResult> =>
  wasmpay(code, 'processors', ...args, ...target, '--json');

/** The new API key, remembered as a secret from now on, with its id. */
function keyIn(result: CommandResult): { text: string; id: string } {
  const { apiKey, apiKeyId } = jsonOf(result) as { apiKey: string; apiKeyId: string };
  secrets.push(String(apiKey.split('_')[3]), createHash('sha256').update(apiKey).digest('hex'));
  return { text: apiKey, id: apiKeyId };
}

/** Status and code of a good request. */
async function send(headers: Record<string, string>, path = '/v1/validate'): Promise<string> {
  const { status, body } = await ask(port, path, {
    method: 'POST',
    headers: { host: 'pay.example', 'content-type': 'application/json', ...headers },
    body: BODY,
  });
  const { code, decision } = JSON.parse(body) as { code?: string; decision?: string };
  return `${status} ${code ?? decision}`;
}

const withKey = ({ text }: { text: string }): Promise<string> => send({ authorization: `Bearer ${text}` });

describe('a processor’s life', () => {
  let first = { text: '', id: '' };
  let second = { text: '', id: '' };
  const requestKey = makeRequestKey();

  it('the gateway on Node says that it is not open', () => {
    expect(gateway.output()).not.toContain('open');
  });

  it('add: a record and a key, with which it may ask', async () => {
    expect(await send({})).toBe('401 unauthenticated');
    const added = await processors(0, 'add', 'acme', '--banks', 'Meridian', '--name', 'Acme Payments');
    first = keyIn(added);
    expect(jsonOf(added)).toMatchObject({
      added: true,
      previous: null,
      record: { processor: 'acme', number: 1, name: 'Acme Payments', banks: ['meridian'], tier: 'standard' },
    });
    expect(await withKey(first)).toBe('200 approve');
    expect(refusalCodesOf(await processors(1, 'add', 'acme', '--banks', 'all'))).toEqual([
      'processor_exists',
    ]);
  });

  it('set: other banks', async () => {
    await processors(0, 'set', 'acme', '--banks', 'icamer,nordhaven');
    expect(await withKey(first)).toBe('403 forbidden');
    await processors(0, 'set', 'acme', '--banks', 'all');
    expect(await withKey(first)).toBe('200 approve');
  });

  it('rotate and revoke: there is no moment in which neither key works', async () => {
    second = keyIn(await processors(0, 'rotate', 'acme'));
    expect([await withKey(first), await withKey(second)]).toEqual(['200 approve', '200 approve']);
    await processors(0, 'revoke', 'acme', first.id);
    expect([await withKey(first), await withKey(second)]).toEqual(['401 unauthenticated', '200 approve']);
    expect(refusalCodesOf(await processors(1, 'revoke', 'acme', first.id))).toEqual([
      'processor_key_unknown',
    ]);
  });

  it('rotate --public-key: it may sign its requests', async () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: requestKey.entry.x };
    const file = await keep('public.jwk', JSON.stringify(jwk));
    const rotated = jsonOf(await processors(0, 'rotate', 'acme', '--public-key', file));
    expect(rotated).not.toHaveProperty('apiKey');
    expect(rotated['record']).toMatchObject({ publicKeys: [{ id: requestKey.entry.id }] });
    const sign = (createdS: number): Record<string, string> =>
      signRequest(
        // What callers see: a proxy ends TLS in front of the gateway.
        { url: 'https://pay.example/v1/validate', body: BODY },
        {
          privateKey: requestKey.privateKey,
          keyid: `acme/${requestKey.entry.id}`,
          createdS,
          components: ['@method', '@target-uri', 'content-digest'],
        },
      );
    const nowS = Math.floor(Date.now() / 1000);
    expect(await send(sign(nowS))).toBe('200 approve');
    expect(await send(sign(nowS - 120))).toBe('401 unauthenticated');
    expect(await send(sign(nowS), '/v1/banks/meridian/validate')).toBe('401 unauthenticated');
  });

  it('set --tier: another rate', async () => {
    await processors(0, 'set', 'acme', '--tier', 'slow');
    const answers = [];
    for (let turn = 0; turn < 4; turn += 1) answers.push(await withKey(second));
    expect(answers).toEqual([...Array(3).fill('200 approve'), '429 rate_limited']);
    await processors(0, 'set', 'acme', '--tier', 'standard');
  });

  it('list and show: without a signing key, and without digests', async () => {
    const list = await wasmpay(0, 'processors', 'list', ...source);
    expect(list.stdout).toMatch(
      /^acme +record \d+, all banks, tier standard, 1 API keys, 1 public keys, valid/,
    );
    const shown = await wasmpay(0, 'processors', 'show', 'acme', ...source);
    for (const text of ['Acme Payments', second.id, requestKey.entry.id])
      expect(shown.stdout).toContain(text);
    const json = jsonOf(await wasmpay(0, 'processors', 'show', 'acme', ...source, '--json'));
    expect(json).toMatchObject({ processor: 'acme', current: true, apiKeys: [{ id: second.id }] });
    expect(refusalCodesOf(await wasmpay(1, 'processors', 'show', 'nobody', ...source, '--json'))).toEqual([
      'processor_unknown',
    ]);
  });

  it('renew --all: its record as well as the banks’ releases', async () => {
    const renewed = jsonOf(await wasmpay(0, 'renew', '--all', ...target, '--json'));
    expect(renewed).toMatchObject({
      banks: [{ bank: 'meridian', outcome: 'done', renewed: true }],
      processors: [{ processor: 'acme', outcome: 'done', renewed: true, record: { tier: 'standard' } }],
    });
    const { stdout, stderr } = await wasmpay(0, 'renew', '--all', '--within-days', '1', ...target);
    expect(stdout).toContain('1 processor: 1 done, 0 refused, 0 failed');
    expect(stderr).toMatch(/^acme +not due: record/m);
    expect(await withKey(second)).toBe('200 approve');
  });

  it('revoke --all: it is shut out', async () => {
    const { stdout } = await wasmpay(0, 'processors', 'revoke', 'acme', '--all', ...target);
    expect(stdout).toContain('none: it is shut out');
    expect(await withKey(second)).toBe('401 unauthenticated');
  });

  it('and nowhere is a secret: not in the store, not in the gateway’s log', async () => {
    const shown = secrets.filter((_, index) => index % 2 === 1 || index === 0);
    const log = gateway.output();
    for (const secret of secrets) expect(log).not.toContain(secret);
    expect(log).toContain('"processor":"acme"');
    const store = join(folder, 'store');
    for (const name of await readdir(store, { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue;
      const token = await readFile(join(name.parentPath, name.name), 'latin1');
      const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
      for (const secret of shown) expect(`${token}${payload}`).not.toContain(secret);
    }
  });
});

describe('the command', () => {
  it.each<[string, string[]]>([
    ['no action', []],
    ['an action that is none', ['remove', 'acme']],
    ['an object’s own name', ['toString']],
    ['no banks', ['add', 'zeta']],
    ['a bank that is none', ['add', 'zeta', '--banks', 'icamer,']],
    ['a processor that is none', ['add', 'Zeta', '--banks', 'all']],
    ['a processor that climbs', ['add', '../zeta', '--banks', 'all']],
    ['a name that a terminal obeys', ['add', 'zeta', '--banks', 'all', '--name', 'a\u001b[2J']],
    ['a tier that is none', ['add', 'zeta', '--banks', 'all', '--tier', 'Very High']],
    ['no key at all', ['add', 'zeta', '--banks', 'all', '--no-api-key']],
    ['an end of a key that is not made', ['rotate', 'zeta', '--public-key', 'x', '--key-days', '1']],
    ['a validity that is none', ['add', 'zeta', '--banks', 'all', '--valid-days', '0']],
    ['a key and all keys', ['revoke', 'zeta', 'k1a2b3c4', '--all']],
    ['neither a key nor all', ['revoke', 'zeta']],
    ['nothing to change', ['set', 'zeta']],
    ['a file that is not there', ['rotate', 'zeta', '--public-key', '/nowhere']],
  ])('is wrong use with %s', async (_, args) => {
    const result = await runCommand(['processors', ...args, ...target, '--json']);
    expect([result.code, errorCodeOf(result)]).toEqual([2, 'usage']);
  });

  it('takes no private key for a public one, and repeats nothing of it', async () => {
    const secret = makeRequestKey().privateKey;
    const pem = secret.export({ format: 'pem', type: 'pkcs8' }).toString();
    for (const text of [pem, JSON.stringify(secret.export({ format: 'jwk' }))]) {
      const file = await keep('private', text);
      const result = await runCommand([
        'processors',
        'add',
        'zeta',
        '--banks',
        'all',
        '--public-key',
        file,
        ...target,
        '--json',
      ]);
      expect([result.code, errorCodeOf(result)]).toEqual([2, 'key_invalid']);
      expect(`${result.stdout}${result.stderr}`).not.toContain(String(secret.export({ format: 'jwk' }).d));
    }
  });

  it('believes no record that was changed, and lists the others', async () => {
    await processors(
      0,
      'add',
      'forged',
      '--banks',
      'all',
      '--public-key',
      await keep('p.jwk', JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: makeRequestKey().entry.x })),
      '--no-api-key',
    );
    await writeFile(join(folder, 'store/processors/forged/current@'), randomBytes(100));
    expect(errorCodeOf(await processors(3, 'rotate', 'forged'))).toBe('processor_invalid');
    const { stdout } = await wasmpay(3, 'processors', 'list', ...source);
    expect(stdout).toMatch(/^forged +NOT BELIEVED: processors\/forged\/current cannot be believed/m);
    expect(stdout).toMatch(/^acme +record/m);
    const human = await wasmpay(3, 'processors', 'rotate', 'forged', ...target);
    expect(human.stderr).toContain('help  signed by another key of yours');
    expect((await wasmpay(3, 'renew', '--all', ...target)).stdout).toContain('1 failed');
  });

  it('says how it is used', async () => {
    const { stdout } = await wasmpay(0, 'processors', '--help');
    expect(stdout).toContain(processorsCommand.usage.split('\n')[0]);
    expect(stdout).toContain('TARGET is nothing');
  });
});
