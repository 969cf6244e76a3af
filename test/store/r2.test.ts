import type { R2Bucket } from '@cloudflare/workers-types';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpStore } from '../../src/store/http-client.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { createR2Store } from '../../src/store/r2.ts';
import { create, describeObjectStore, listAll, read, text } from './contract.ts';

const TOKEN = 'token-of-the-r2-test';

/** The adapter on the real binding, inside workerd, reached through the store's own HTTP; `/empty` empties the bucket. */
const WORKER = `
  import { createStoreHandler } from './src/store/http-server.ts';
  import { createR2Store } from './src/store/r2.ts';
  export default {
    async fetch(request, env) {
      const { host, pathname } = new URL(request.url);
      if (pathname === '/empty') return await empty(env.BUCKET);
      return createStoreHandler(createR2Store(env.BUCKET), { token: '${TOKEN}', allowedHosts: [host] })(request);
    },
  };
  async function empty(bucket) {
    for (;;) {
      const { objects } = await bucket.list();
      if (objects.length === 0) return new Response();
      await bucket.delete(objects.map(({ key }) => key));
    }
  }
`;

let mf: Miniflare;
let bucket: R2Bucket;
let url = '';

beforeAll(async () => {
  const bundle = await build({
    stdin: { contents: WORKER, resolveDir: new URL('../..', import.meta.url).pathname, loader: 'js' },
    bundle: true,
    format: 'esm',
    write: false,
  });
  mf = new Miniflare({
    modules: true,
    script: bundle.outputFiles[0]?.text ?? '',
    compatibilityDate: '2026-07-01',
    r2Buckets: ['BUCKET'],
    cf: false,
  });
  url = (await mf.ready).href;
  bucket = (await mf.getR2Bucket('BUCKET')) as unknown as R2Bucket;
});
afterAll(async () => {
  await mf.dispose();
});

async function emptyBucket(): Promise<void> {
  expect((await fetch(new URL('/empty', url))).status).toBe(200);
}

async function makeProxyStore(): Promise<ObjectStore> {
  await emptyBucket();
  return createR2Store(bucket);
}

describeObjectStore('R2 through the proxy of Miniflare', makeProxyStore);

describeObjectStore('R2 in a worker', async () => {
  await emptyBucket();
  return createHttpStore({ url, token: TOKEN });
});

describe('R2', () => {
  it('is one bucket for the worker and the proxy', async () => {
    const proxy = await makeProxyStore();
    const etag = await create(proxy, 'k', text('one'));
    const worker = createHttpStore({ url, token: TOKEN });
    expect(await worker.put('k', text('two'), { kind: 'matches', etag })).toMatchObject({ kind: 'stored' });
    expect(await read(proxy, 'k')).toEqual(text('two'));
  });

  it('does not list objects of others, and still gives every page', async () => {
    const store = await makeProxyStore();
    for (const key of ['.hidden', 'a b', 'a//b', 'é', '%']) await bucket.put(key, 'x');
    await create(store, 'z', text('one'));
    expect((await listAll(store, '', 1)).map(({ key }) => key)).toEqual(['z']);
  });

  it('is store_unavailable, with its cause, where the bucket fails', async () => {
    const gone = new Miniflare({
      modules: true,
      script: 'export default {}',
      r2Buckets: ['BUCKET'],
      cf: false,
    });
    const store = createR2Store((await gone.getR2Bucket('BUCKET')) as unknown as R2Bucket);
    await gone.dispose();
    const failed = { code: 'store_unavailable', cause: expect.anything() as unknown };
    await expect(store.get('k')).rejects.toMatchObject(failed);
    await expect(store.put('k', text('x'), { kind: 'absent' })).rejects.toMatchObject(failed);
    await expect(store.list({ prefix: '' })).rejects.toMatchObject(failed);
    await expect(store.delete('k')).rejects.toMatchObject(failed);
  });
});
