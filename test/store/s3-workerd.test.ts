// The S3 store in workerd: the contract, errors and listings (whose XML has no parser there but the one that is bundled),
// and the whole gateway over it, from a published component to a decision.

import type { Readable } from 'node:stream';

import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { generateReleaseKeys, parseSigningKey } from '../../src/artifact/release-keys.ts';
import { S3_WORKER, bundleWorker } from '../../src/entry/bundle-worker.ts';
import { DEFAULT_POLICY } from '../../src/publisher/policy.ts';
import { publishComponent } from '../../src/publisher/publish.ts';
import { createHttpStore } from '../../src/store/http-client.ts';
import { createS3Store } from '../../src/store/s3.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { ACCESS_KEY, SECRET_KEY, startS3Server, type S3Fault } from '../fixtures/s3-server.ts';
import { TRANSACTION } from '../fixtures/sandbox-bed.ts';
import { SHARED_TOOLS } from '../fixtures/shared-tools.ts';
import { create, describeObjectStore, read, text } from './contract.ts';

const TOKEN = 'token-of-the-s3-test';
const FIXTURE = new URL('../fixtures/s3-worker.ts', import.meta.url).pathname;

const server = await startS3Server();
const elsewhere = await startS3Server();
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await elsewhere[Symbol.asyncDispose]();
});

describe('the S3 store in workerd', () => {
  let miniflare: Miniflare;
  let url = '';
  const unavailable = { code: 'store_unavailable' };

  beforeAll(async () => {
    const { source } = await bundleWorker(FIXTURE);
    const options = { ...server.options, timing: { answerTimeoutMs: 1_000, stallTimeoutMs: 1_000 } };
    miniflare = new Miniflare({
      cf: false,
      modules: [{ type: 'ESModule', path: 'worker.js', contents: source }],
      compatibilityDate: '2026-07-01',
      bindings: { options: options as never, token: TOKEN },
    });
    url = (await miniflare.ready).href;
  });
  afterAll(async () => {
    await miniflare.dispose();
  });
  beforeEach(() => {
    server.reset();
    elsewhere.reset();
  });
  const store = () => createHttpStore({ url, token: TOKEN });

  describeObjectStore('S3 in a worker', () => {
    server.reset();
    return store();
  });

  it.each([
    ['an error with a body', { kind: 'error', status: 403, code: 'AccessDenied' }],
    ['an error without one', { kind: 'answer', status: 500 }],
    ['no answer', { kind: 'hang' }],
    ['a broken connection', { kind: 'reset' }],
    ['half an object', { kind: 'half', end: 'reset' }],
    ['half an object and silence', { kind: 'half', end: 'silence' }],
  ] satisfies [string, S3Fault][])('is unavailable where it gets %s', async (_, fault) => {
    await create(store(), 'k', text('an object'));
    server.fault = () => fault;
    await expect(store().get('k')).rejects.toMatchObject(unavailable);
    server.fault = () => undefined;
    expect(await read(store(), 'k')).toEqual(text('an object'));
  });

  it('finds out what became of a write whose answer was lost', async () => {
    server.fault = ({ method }) => (method === 'PUT' ? { kind: 'reset', written: true } : undefined);
    expect((await store().put('k', text('one'), { kind: 'absent' })).kind).toBe('stored');
  });

  it('does not follow a redirect to another host', async () => {
    elsewhere.objects.set('k', { bytes: text('theirs'), etag: 'abc' });
    const location = `http://127.0.0.1:${elsewhere.port}/releases/k`;
    server.fault = () => ({ kind: 'answer', status: 307, headers: { location } });
    await expect(store().get('k')).rejects.toMatchObject(unavailable);
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('the gateway over S3 in workerd', () => {
  const AUDIENCE = 'test.example';
  let miniflare: Miniflare;
  let log = '';

  beforeAll(async () => {
    server.reset();
    const keys = await generateReleaseKeys();
    const location = { ...server.options.location, prefix: 'gateways' };
    const signingKey = await parseSigningKey(JSON.stringify(keys.private));
    for (const [bankId, validateBody] of [
      ['approving', 'i32.const 1'],
      ['denying', 'i32.const 0'],
      ['swapped', 'i32.const 0 i32.eqz'],
    ] as const) {
      const published = await publishComponent({
        bankId,
        component: new Uint8Array(await validatorFromCoreWat({ validateBody })),
        store: createS3Store({ ...server.options, location }),
        signingKey,
        audience: AUDIENCE,
        policy: DEFAULT_POLICY,
        clock: () => Date.now(),
        stopwatch: () => performance.now(),
        tools: SHARED_TOOLS,
      });
      if (!published.ok) throw new Error(JSON.stringify(published.refusals));
    }
    const { source } = await bundleWorker(S3_WORKER);
    miniflare = new Miniflare({
      cf: false,
      modules: [{ type: 'ESModule', path: 'worker.js', contents: source }],
      compatibilityDate: '2026-07-01',
      bindings: {
        WASMPAY_STORE: `s3://${server.bucket}/gateways?region=test&endpoint=http://127.0.0.1:${server.port}`,
        AWS_ACCESS_KEY_ID: ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY: SECRET_KEY,
        WASMPAY_AUDIENCE: AUDIENCE,
        WASMPAY_TRUSTED_KEYS: JSON.stringify({ keys: [keys.public] }),
        WASMPAY_SEED_KEY: 'a seed key of enough characters, for tests',
        WASMPAY_BASE_DOMAINS: 'localhost',
        WASMPAY_OPEN: 'loopback',
      },
      workerLoaders: { LOADER: {} },
      handleRuntimeStdio(stdout: Readable, stderr: Readable) {
        for (const stream of [stdout, stderr])
          stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
      },
    });
    await miniflare.ready;
    server.requests.length = 0;
  });
  afterAll(async () => {
    await miniflare.dispose();
  });

  async function decide(bank: string): Promise<{ status: number; body: Record<string, unknown> }> {
    const { amount, destination } = TRANSACTION;
    const response = await miniflare.dispatchFetch('http://localhost/v1/validate', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...TRANSACTION,
        destination: { ...destination, id: bank },
        amount: { ...amount, amount: Number(amount.amount) },
      }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  it('decides by what was published, and only reads', async () => {
    expect(await decide('approving')).toMatchObject({
      status: 200,
      body: { decision: 'approve', decided_by: 'validator', release: 1 },
    });
    expect(await decide('denying')).toMatchObject({
      status: 200,
      body: { decision: 'deny', decided_by: 'validator', release: 1 },
    });
    expect(new Set(server.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(server.requests.every(({ key }) => key.startsWith('gateways/'))).toBe(true);
  });

  it('knows a bank that is not there from a store that does not answer', async () => {
    expect(await decide('nobody')).toMatchObject({ status: 404, body: { code: 'unknown_bank' } });
    server.fault = () => ({ kind: 'error', status: 403, code: 'AccessDenied' });
    expect(await decide('somebody')).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
    server.fault = () => undefined;
  });

  it('never runs the artifact of another bank that was put in its place', async () => {
    const artifacts = [...server.objects].filter(([key]) => key.startsWith('gateways/artifacts/'));
    server.fault = ({ key }) => {
      if (!key.startsWith('gateways/artifacts/')) return undefined;
      const [, other] = artifacts.find(([name]) => name !== key) ?? [];
      return { kind: 'answer', status: 200, headers: { etag: '"abc"' }, body: other?.bytes ?? '' };
    };
    expect(await decide('swapped')).toMatchObject({
      status: 200,
      body: { decision: 'deny', decided_by: 'fallback', failure: 'load_failed' },
    });
    expect(log).toContain('artifact_rejected');
    server.fault = () => undefined;
  });

  it('logs no key', () => {
    expect(log).toMatch(/"status":200/);
    expect(log).not.toContain(SECRET_KEY);
    expect(log).not.toContain(ACCESS_KEY);
  });

  it('carries no XML parser that needs a browser, and the gateway over R2 no S3 client', async () => {
    const [withS3, withR2] = [await bundleWorker(S3_WORKER), await bundleWorker()];
    expect(withS3.source).not.toContain('DOMParser');
    expect(Object.keys(withR2.inputs).filter((file) => /@aws-sdk|@smithy|store\/s3/.test(file))).toEqual([]);
  });
});
