// The deployed gateway's environment: read alone, and by the production bundle in real workerd.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as nodeRequest, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

import type { R2Bucket } from '@cloudflare/workers-types';
import { Miniflare } from 'miniflare';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { generateReleaseKeys, parseSigningKey, trustOnly } from '../../src/artifact/release-keys.ts';
import { formatApiKey } from '../../src/core/api-key.ts';
import { bundleWorker } from '../../src/entry/bundle-worker.ts';
import { parseWorkerConfig } from '../../src/entry/worker-config.ts';
import { addProcessor } from '../../src/publisher/processors/change-keys.ts';
import { createR2Store } from '../../src/store/r2.ts';
import { makeRequestKey, signRequest, type SigningOptions } from '../fixtures/processors.ts';

const SEED_KEY = 'a seed key of enough characters, for tests';

let trustedKeys = '';
let privateKey = '';
let source = '';
let signingKeyText = '';

beforeAll(async () => {
  const keys = await generateReleaseKeys();
  trustedKeys = JSON.stringify({ keys: [keys.public] });
  privateKey = JSON.stringify({ keys: [keys.private] });
  signingKeyText = JSON.stringify(keys.private);
  ({ source } = await bundleWorker());
});

/** A deployment with callers. */
function deployed(): Record<string, string> {
  return {
    WASMPAY_AUDIENCE: 'pay.example',
    WASMPAY_TRUSTED_KEYS: trustedKeys,
    WASMPAY_SEED_KEY: SEED_KEY,
    WASMPAY_BASE_DOMAINS: 'pay.example',
  };
}

const limit = { limit: () => Promise.resolve({ success: true }) };
const BINDINGS = { BUCKET: {}, LOADER: {}, RATE_TIER_STANDARD: limit };

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
      WASMPAY_MINIMUM_PROCESSORS: 'acme=3',
      WASMPAY_SIGNATURE_WINDOW_SECONDS: '5',
      RATE_TIER_VERY_HIGH: limit,
      // No tiers: a name that no record can have, a text, another binding.
      RATE_TIER_: limit,
      RATE_TIER_standard: limit,
      RATE_TIER_LOW: '1000/10',
      RATE_TIER_NONE: { get: () => undefined },
    };
    expect(parseWorkerConfig(env)).toEqual({
      audience: 'pay.example',
      trustedKeys,
      callers: 'processors',
      minimumProcessors: new Map([['acme', 3]]),
      signatureWindowS: 5,
      rateTiers: new Map([
        ['standard', limit],
        ['very-high', limit],
      ]),
      seedKey: SEED_KEY,
      baseDomains: ['pay.example', 'pay2.example'],
      minimumReleases: new Map(),
      freshness: {},
      rations: {},
      deadlines: { defaultMs: 1500, longestMs: 1500 },
    });
  });

  it('may have a place for kept answers', () => {
    const keptAnswers = { idFromName: () => ({}), get: () => ({}) };
    const env = { ...BINDINGS, ...deployed() };
    expect(parseWorkerConfig(env)).not.toHaveProperty('keptAnswers');
    expect(parseWorkerConfig({ ...env, KEPT_ANSWERS: keptAnswers }).keptAnswers).toBe(keptAnswers);
  });

  it('may be open on localhost, and only by the word', () => {
    const env = { BUCKET: {}, LOADER: {}, ...deployed(), WASMPAY_BASE_DOMAINS: 'localhost' };
    expect(parseWorkerConfig({ ...env, WASMPAY_OPEN: 'loopback' }).callers).toBe('open');
    for (const word of ['true', '1', 'Loopback', 'yes', '', true]) {
      expect(errorOf({ ...env, WASMPAY_OPEN: word }).message).toContain('RATE_TIER_STANDARD');
      expect(parseWorkerConfig({ ...env, ...BINDINGS, WASMPAY_OPEN: word }).callers).toBe('processors');
    }
  });

  it('has every fault listed at once', () => {
    const { code, message } = errorOf({});
    expect(code).toBe('config_invalid');
    for (const name of [
      'WASMPAY_AUDIENCE',
      'WASMPAY_TRUSTED_KEYS',
      'WASMPAY_SEED_KEY',
      'WASMPAY_BASE_DOMAINS',
      'RATE_TIER_STANDARD',
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
    ['WASMPAY_OPEN', { WASMPAY_OPEN: 'loopback', WASMPAY_BASE_DOMAINS: 'localhost pay.example' }],
    ['WASMPAY_MINIMUM_PROCESSORS', { WASMPAY_MINIMUM_PROCESSORS: 'acme' }],
    ['WASMPAY_MINIMUM_PROCESSORS', { WASMPAY_MINIMUM_PROCESSORS: 'acme=1 acme=2' }],
    ['WASMPAY_SIGNATURE_WINDOW_SECONDS', { WASMPAY_SIGNATURE_WINDOW_SECONDS: '0' }],
    ['WASMPAY_SIGNATURE_WINDOW_SECONDS', { WASMPAY_SIGNATURE_WINDOW_SECONDS: '301' }],
    ['WASMPAY_SIGNATURE_WINDOW_SECONDS', { WASMPAY_SIGNATURE_WINDOW_SECONDS: '1.5' }],
    ['RATE_TIER_STANDARD', { RATE_TIER_STANDARD: '1000/10' }],
    ['RATE_TIER_STANDARD', { RATE_TIER_STANDARD: {} }],
    ['WASMPAY_SEED_KEY', { WASMPAY_SEED_KEY: 'x'.repeat(31) }],
    ['BUCKET', { BUCKET: 'a name' }],
    ['LOADER', { LOADER: null }],
    ['KEPT_ANSWERS', { KEPT_ANSWERS: 'a name' }],
    ['KEPT_ANSWERS', { KEPT_ANSWERS: null }],
    ['KEPT_ANSWERS', { KEPT_ANSWERS: { get: () => undefined } }],
  ])('is refused with %s named: %j', (name, changes) => {
    const { code, message } = errorOf({ ...BINDINGS, ...deployed(), ...changes });
    expect(code).toBe('config_invalid');
    expect(message).toContain(name);
  });

  it('is refused without a word of its secrets', () => {
    const env = {
      ...deployed(),
      WASMPAY_SEED_KEY: 'SECRET-seed',
      WASMPAY_SIGNATURE_WINDOW_SECONDS: 'SECRET-window',
      WASMPAY_MINIMUM_PROCESSORS: 'SECRET-minimum',
      WASMPAY_AUDIENCE: '',
    };
    const { message } = errorOf({ ...env, WASMPAY_TRUSTED_KEYS: 'SECRET-trusted' });
    expect(message).not.toContain('SECRET');
  });
});

type Ratelimits = Record<string, { namespace_id: string; simple: { limit: number; period: 10 | 60 } }>;

const RATE_LIMITS: Ratelimits = {
  RATE_TIER_STANDARD: { namespace_id: '1', simple: { limit: 1000, period: 10 } },
};

describe('the production bundle in workerd', () => {
  let miniflare: Miniflare | undefined;

  afterEach(async () => {
    // What did not start cannot be stopped, and says so again.
    await miniflare?.dispose().catch(() => undefined);
    miniflare = undefined;
  });

  /** Starts it; everything that workerd and miniflare say goes into the second value. */
  function start(
    bindings: Record<string, string>,
    ratelimits: Ratelimits = RATE_LIMITS,
  ): { gateway: Miniflare; output: () => string } {
    let output = '';
    const gateway = new Miniflare({
      cf: false,
      modules: [{ type: 'ESModule', path: 'worker.js', contents: source }],
      compatibilityDate: '2026-07-01',
      bindings,
      r2Buckets: ['BUCKET'],
      workerLoaders: { LOADER: {} },
      ratelimits,
      unsafeDirectSockets: [{ host: '127.0.0.1' }],
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
    ['open on a real domain', () => ({ ...deployed(), WASMPAY_OPEN: 'loopback' }), 'WASMPAY_OPEN'],
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

  it('does not start without a rate limit', async () => {
    const { gateway } = start(deployed(), {});
    await expect(gateway.ready).rejects.toThrow('RATE_TIER_STANDARD');
  });

  describe('with a processor', () => {
    const PAYMENT = {
      id: 'txn_1',
      origin: { id: 'a', name: 'A', country: 'USA', currency: 'USD' },
      destination: { id: 'icamer', name: 'I', country: 'GBR', currency: 'GBP' },
      amount: { name: 'US Dollar', symbol: '$', amount: 1 },
      status: 'pending',
    };
    const ADDRESS = 'http://icamer.pay.example/v1/validate';
    const request = makeRequestKey();
    let apiKey = '';

    /** A gateway with processor `acme`, who may send ten requests in a minute. */
    async function startWithProcessor() {
      const started = start(deployed(), {
        RATE_TIER_STANDARD: {
          namespace_id: randomBytes(8).toString('hex'),
          simple: { limit: 10, period: 60 },
        },
      });
      await started.gateway.ready;
      const store = createR2Store((await started.gateway.getR2Bucket('BUCKET')) as unknown as R2Bucket);
      const signingKey = await parseSigningKey(signingKeyText);
      const trustedKeys = trustOnly(signingKey);
      const desk = { store, audience: 'pay.example', trustedKeys, signingKey, clock: () => Date.now() };
      const added = await addProcessor(desk, 'acme', {
        name: 'Acme',
        banks: ['icamer'],
        tier: 'standard',
        apiKey: true,
        publicKeys: [request.entry],
        random: randomBytes,
      });
      if (!added.ok) throw new Error(JSON.stringify(added.refusals));
      apiKey = added.value.apiKey?.text ?? '';
      // Straight to workerd: miniflare's own port puts its own host into the request.
      const port = Number((await started.gateway.unsafeGetDirectURL()).port);
      const ask = async (
        headers: Record<string, string>,
        url = ADDRESS,
      ): Promise<readonly [number, unknown, string | undefined]> => {
        const { host, pathname } = new URL(url);
        const sent = nodeRequest({
          host: '127.0.0.1',
          port,
          path: pathname,
          method: 'POST',
          headers: { host, 'content-type': 'application/json', ...headers },
          agent: false,
        });
        sent.end(JSON.stringify(PAYMENT));
        const [response] = (await once(sent, 'response')) as [IncomingMessage];
        const { code } = JSON.parse(await text(response)) as { code?: string };
        return [Number(response.statusCode), code, response.headers['retry-after']];
      };
      return { ...started, ask };
    }

    it('answers who has its key, about its banks, at its rate', async () => {
      const { ask, output } = await startWithProcessor();
      const unauthenticated = [401, 'unauthenticated', undefined];
      const [, , , secret = ''] = apiKey.split('_');
      const guess = formatApiKey('acme', apiKey.split('_')[2] ?? '', '0'.repeat(64));
      expect(await ask({})).toEqual(unauthenticated);
      for (const wrong of ['wrong', secret, `${apiKey}0`, guess, `${apiKey} ${apiKey}`])
        expect(await ask({ authorization: `Bearer ${wrong}` })).toEqual(unauthenticated);
      const good = { authorization: `Bearer ${apiKey}` };
      expect(await ask(good)).toEqual([404, 'unknown_bank', undefined]);
      expect(await ask(good, 'http://nordhaven.pay.example/v1/validate')).toEqual([
        403,
        'forbidden',
        undefined,
      ]);
      const answers = [];
      for (let turn = 0; turn < 25; turn += 1) answers.push(await ask(good));
      // The counter's minute may end once meanwhile.
      const limited = answers.filter(([status]) => status === 429);
      expect(limited.length).toBeGreaterThanOrEqual(5);
      expect(limited[0]).toEqual([429, 'rate_limited', '10']);
      expect(output()).toContain('"processor":"acme"');
      for (const planted of [secret, guess]) expect(output()).not.toContain(planted);
    });

    it('answers who signs with its key', async () => {
      const { ask } = await startWithProcessor();
      const sign = (changes: Partial<SigningOptions> = {}): Record<string, string> =>
        signRequest(
          { url: ADDRESS, body: JSON.stringify(PAYMENT) },
          {
            privateKey: request.privateKey,
            keyid: `acme/${request.entry.id}`,
            createdS: Math.floor(Date.now() / 1000),
            ...changes,
          },
        );
      expect(await ask(sign())).toEqual([404, 'unknown_bank', undefined]);
      expect(await ask(sign({ components: ['@method', '@target-uri', 'content-digest'] }))).toEqual([
        404,
        'unknown_bank',
        undefined,
      ]);
      const refused = [401, 'unauthenticated', undefined];
      expect(await ask(sign({ privateKey: makeRequestKey().privateKey }))).toEqual(refused);
      expect(await ask(sign({ createdS: Math.floor(Date.now() / 1000) - 120 }))).toEqual(refused);
      expect(await ask({ ...sign(), 'content-digest': `sha-256=:${'A'.repeat(43)}=:` })).toEqual(refused);
      expect(await ask(sign(), 'http://pay.example/v1/validate')).toEqual(refused);
    });
  });
});
