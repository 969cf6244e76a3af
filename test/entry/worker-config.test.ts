// The deployed gateway's environment: read alone, and by the production bundle in real workerd.

import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

import { Miniflare } from 'miniflare';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { generateReleaseKeys } from '../../src/artifact/release-keys.ts';
import { bundleWorker } from '../../src/entry/bundle-worker.ts';
import { parseWorkerConfig } from '../../src/entry/worker-config.ts';

const API_KEY = 'api-key-of-one-processor';
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');
const SEED_KEY = 'a seed key of enough characters, for tests';

let trustedKeys = '';
let privateKey = '';
let source = '';

beforeAll(async () => {
  const keys = await generateReleaseKeys();
  trustedKeys = JSON.stringify({ keys: [keys.public] });
  privateKey = JSON.stringify({ keys: [keys.private] });
  ({ source } = await bundleWorker());
});

/** A deployment with callers. */
function deployed(): Record<string, string> {
  return {
    WASMPAY_AUDIENCE: 'pay.example',
    WASMPAY_TRUSTED_KEYS: trustedKeys,
    WASMPAY_SEED_KEY: SEED_KEY,
    WASMPAY_BASE_DOMAINS: 'pay.example',
    WASMPAY_API_KEY_HASHES: hashOf(API_KEY),
  };
}

const BINDINGS = { BUCKET: {}, LOADER: {} };

/** The environment without some of its variables. */
function without(env: Record<string, string>, ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
}

function errorOf(env: Record<string, unknown>): { code: string; message: string } {
  try {
    parseWorkerConfig(env);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it was taken');
}

describe('the environment', () => {
  it('is read, lists split by commas and white space', () => {
    const env = {
      ...BINDINGS,
      ...deployed(),
      WASMPAY_BASE_DOMAINS: ' Pay.Example, pay2.example\n',
      WASMPAY_API_KEY_HASHES: `${hashOf('a').toUpperCase()}, ${hashOf('b')}`,
    };
    expect(parseWorkerConfig(env)).toEqual({
      audience: 'pay.example',
      trustedKeys,
      callers: [hashOf('a'), hashOf('b')],
      seedKey: SEED_KEY,
      baseDomains: ['pay.example', 'pay2.example'],
      minimumReleases: new Map(),
      freshness: {},
      rations: {},
    });
  });

  it('may be open on localhost, and only by the word', () => {
    const env = {
      ...BINDINGS,
      ...without(deployed(), 'WASMPAY_API_KEY_HASHES'),
      WASMPAY_BASE_DOMAINS: 'localhost',
    };
    expect(parseWorkerConfig({ ...env, WASMPAY_OPEN: 'loopback' }).callers).toBe('open');
    for (const word of ['true', '1', 'Loopback', 'yes', '']) {
      expect(errorOf({ ...env, WASMPAY_OPEN: word }).message).toContain('WASMPAY_API_KEY_HASHES');
    }
    expect(errorOf({ ...env, WASMPAY_OPEN: true }).code).toBe('config_invalid');
  });

  it('has every fault listed at once', () => {
    const { code, message } = errorOf({});
    expect(code).toBe('config_invalid');
    for (const name of [
      'WASMPAY_AUDIENCE',
      'WASMPAY_TRUSTED_KEYS',
      'WASMPAY_SEED_KEY',
      'WASMPAY_BASE_DOMAINS',
      'WASMPAY_API_KEY_HASHES',
      'BUCKET',
      'LOADER',
    ]) {
      expect(message).toContain(name);
    }
    const blank = Object.fromEntries(Object.keys(deployed()).map((name) => [name, ' \n']));
    expect(errorOf(blank).message).toBe(message);
  });

  it.each<[string, Record<string, unknown>]>([
    ['WASMPAY_OPEN', { WASMPAY_OPEN: 'loopback' }],
    [
      'WASMPAY_OPEN',
      { WASMPAY_OPEN: 'loopback', WASMPAY_API_KEY_HASHES: '', WASMPAY_BASE_DOMAINS: 'localhost pay.example' },
    ],
    ['WASMPAY_OPEN', { WASMPAY_OPEN: 'loopback', WASMPAY_BASE_DOMAINS: 'localhost' }],
    ['WASMPAY_API_KEY_HASHES', { WASMPAY_API_KEY_HASHES: API_KEY }],
    ['WASMPAY_API_KEY_HASHES', { WASMPAY_API_KEY_HASHES: `${'0'.repeat(64)} ${'0'.repeat(63)}` }],
    ['WASMPAY_SEED_KEY', { WASMPAY_SEED_KEY: 'x'.repeat(31) }],
    ['BUCKET', { BUCKET: 'a name' }],
    ['LOADER', { LOADER: null }],
  ])('is refused with %s named: %j', (name, changes) => {
    const { code, message } = errorOf({ ...BINDINGS, ...deployed(), ...changes });
    expect(code).toBe('config_invalid');
    expect(message).toContain(name);
  });

  it('is refused without a word of its secrets', () => {
    const env = {
      ...deployed(),
      WASMPAY_SEED_KEY: 'SECRET-seed',
      WASMPAY_API_KEY_HASHES: 'SECRET-key',
      WASMPAY_AUDIENCE: '',
    };
    const { message } = errorOf({ ...env, WASMPAY_TRUSTED_KEYS: 'SECRET-trusted' });
    expect(message).not.toContain('SECRET');
  });
});

describe('the production bundle in workerd', () => {
  let miniflare: Miniflare | undefined;

  afterEach(async () => {
    // What did not start cannot be stopped, and says so again.
    await miniflare?.dispose().catch(() => undefined);
    miniflare = undefined;
  });

  /** Starts it; everything that workerd and miniflare say goes into the second value. */
  function start(bindings: Record<string, string>): { gateway: Miniflare; output: () => string } {
    let output = '';
    const gateway = new Miniflare({
      cf: false,
      modules: [{ type: 'ESModule', path: 'worker.js', contents: source }],
      compatibilityDate: '2026-07-01',
      bindings,
      r2Buckets: ['BUCKET'],
      workerLoaders: { LOADER: {} },
      handleRuntimeStdio(stdout: Readable, stderr: Readable) {
        for (const stream of [stdout, stderr])
          stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      },
    });
    miniflare = gateway;
    return { gateway, output: () => output };
  }

  it.each<[string, () => Record<string, string>, string]>([
    ['without trusted keys', () => without(deployed(), 'WASMPAY_TRUSTED_KEYS'), 'WASMPAY_TRUSTED_KEYS'],
    [
      'with a private key among the trusted',
      () => ({ ...deployed(), WASMPAY_TRUSTED_KEYS: privateKey }),
      'private key',
    ],
    [
      'with an empty set of trusted keys',
      () => ({ ...deployed(), WASMPAY_TRUSTED_KEYS: '{"keys":[]}' }),
      'trusted keys',
    ],
    ['without API key hashes', () => without(deployed(), 'WASMPAY_API_KEY_HASHES'), 'WASMPAY_API_KEY_HASHES'],
    [
      'open on a real domain',
      () => ({ ...without(deployed(), 'WASMPAY_API_KEY_HASHES'), WASMPAY_OPEN: 'loopback' }),
      'WASMPAY_OPEN',
    ],
  ])('does not start %s', async (_, bindings, named) => {
    const { gateway, output } = start(bindings());
    const error = await gateway.ready.then(
      () => undefined,
      (cause: unknown) => String(cause),
    );
    expect(error).toContain(named);
    expect(`${error}${output()}`).not.toContain(SEED_KEY);
    expect(`${error}${output()}`).not.toContain(
      (JSON.parse(privateKey) as { keys: { d: string }[] }).keys[0]?.d,
    );
  });

  it('starts with an API key’s hash, and answers who has the key', async () => {
    const { gateway } = start(deployed());
    await gateway.ready;
    const statusFor = async (headers: Record<string, string>): Promise<[number, unknown]> => {
      const response = await gateway.dispatchFetch('http://icamer.pay.example/v1/validate', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({
          id: 'txn_1',
          origin: { id: 'a', name: 'A', country: 'USA', currency: 'USD' },
          destination: { id: 'icamer', name: 'I', country: 'GBR', currency: 'GBP' },
          amount: { name: 'US Dollar', symbol: '$', amount: 1 },
          status: 'pending',
        }),
      });
      const { code } = (await response.json()) as { code?: string };
      return [response.status, code];
    };
    const unauthenticated = [401, 'unauthenticated'];
    expect(await statusFor({})).toEqual(unauthenticated);
    for (const wrong of ['wrong', hashOf(API_KEY), `${API_KEY} `.repeat(2)]) {
      expect(await statusFor({ authorization: `Bearer ${wrong}` })).toEqual(unauthenticated);
    }
    expect(await statusFor({ authorization: `Basic ${API_KEY}` })).toEqual(unauthenticated);
    expect(await statusFor({ authorization: `Bearer ${API_KEY}` })).toEqual([404, 'unknown_bank']);
  });
});
