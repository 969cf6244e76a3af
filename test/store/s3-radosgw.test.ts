// The S3 store on a real Ceph radosgw, which checks signatures and conditions. `npm run test:radosgw` starts one and
// says where it is; without that there is nothing to ask, and the one test says so.

import { Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { parseStoreAddress, openStore } from '../../src/store/store-address.ts';
import { bundleWorker } from '../../src/entry/bundle-worker.ts';
import { createHttpStore } from '../../src/store/http-client.ts';
import { createS3Requests, toUnavailable } from '../../src/store/s3-requests.ts';
import { PROBE_KEY, createS3PublisherStore, probeConditionalWrites } from '../../src/store/s3-probe.ts';
import { createS3Store, type S3StoreOptions } from '../../src/store/s3.ts';
import { create, describeObjectStore, listAll, read, text } from './contract.ts';

const WORKER = new URL('../fixtures/s3-worker.ts', import.meta.url).pathname;

const address = process.env['WASMPAY_TEST_S3'];
const REASON = 'no S3 server: WASMPAY_TEST_S3 is not set, run "npm run test:radosgw"';

if (address === undefined) {
  console.warn(`skipped: test/store/s3-radosgw.test.ts: ${REASON}`);
  it.skip(`the S3 store on radosgw (${REASON})`, () => undefined);
} else {
  describeRadosGateway(address);
}

function describeRadosGateway(place: string): void {
  const parsed = parseStoreAddress(place);
  if (parsed.kind !== 's3') throw new Error('WASMPAY_TEST_S3 is not an S3 address');
  // No credentials: Node's own chain finds them in the environment, as it does for the command line.
  const options: S3StoreOptions = { location: parsed.location };

  async function emptyStore(prefix = '') {
    const requests = createS3Requests(options);
    for (;;) {
      const page = await requests.list('', 1000);
      if (!page.ok) throw toUnavailable(page.failure);
      if (page.value.objects.length === 0) break;
      await Promise.all(page.value.objects.map(({ key }) => requests.delete(key)));
    }
    return createS3Store({ ...options, location: { ...options.location, prefix } });
  }

  describeObjectStore('radosgw', () => emptyStore());
  describeObjectStore('radosgw under a prefix', () => emptyStore('bank/releases'));

  describe('radosgw from workerd', () => {
    let miniflare: Miniflare;
    let url = '';
    beforeAll(async () => {
      const { source } = await bundleWorker(WORKER);
      const credentials = {
        accessKeyId: process.env['AWS_ACCESS_KEY_ID'],
        secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'],
      };
      miniflare = new Miniflare({
        cf: false,
        modules: [{ type: 'ESModule', path: 'worker.js', contents: source }],
        compatibilityDate: '2026-07-01',
        bindings: { options: { ...options, credentials } as never, token: 'token-of-the-test' },
      });
      url = (await miniflare.ready).href;
    });
    afterAll(async () => {
      await miniflare.dispose();
    });
    describeObjectStore('radosgw', async () => {
      await emptyStore();
      return createHttpStore({ url, token: 'token-of-the-test' });
    });
  });

  describe('radosgw', () => {
    it('compares before it writes, as the probe finds', async () => {
      await emptyStore();
      await probeConditionalWrites(options);
      await Promise.all(Array.from({ length: 8 }, () => probeConditionalWrites(options)));
      const store = createS3PublisherStore(options);
      await create(store, 'k', text('one'));
      expect((await listAll(store, '')).map(({ key }) => key)).toEqual(['k', PROBE_KEY]);
    });

    it('is opened by the command line with its address alone', async () => {
      await emptyStore();
      const store = openStore(place);
      await create(store, 'k', text('one'));
      expect(await read(store, 'k')).toEqual(text('one'));
    });

    it('refuses ETags in quotation marks, which is why they are sent again without', async () => {
      const store = await emptyStore();
      const etag = await create(store, 'k', text('one'));
      const requests = createS3Requests(options);
      const put = (ifMatch: string) => requests.put('k', new Uint8Array(1), { ifMatch }, 'test');
      expect(await put(`"${etag}"`)).toMatchObject({ ok: false, failure: { status: 412 } });
      expect(await put(etag)).toMatchObject({ ok: true });
    });

    it('gives the mark of a write back', async () => {
      await emptyStore();
      const requests = createS3Requests(options);
      await requests.put('k', new Uint8Array(1), { ifNoneMatch: '*' }, 'mark-of-the-test');
      expect(await requests.head('k')).toMatchObject({ ok: true, value: { writer: 'mark-of-the-test' } });
    });

    it('refuses a wrong key, and no error shows what was signed', async () => {
      const credentials = { accessKeyId: 'AKIDWRONG', secretAccessKey: 'secret-that-is-wrong' };
      const known = process.env['AWS_ACCESS_KEY_ID'] ?? '';
      for (const accessKeyId of [credentials.accessKeyId, known]) {
        const store = createS3Store({ ...options, credentials: { ...credentials, accessKeyId } });
        const error: unknown = await store.get('k').catch((cause: unknown) => cause);
        expect(error).toMatchObject({
          code: 'store_unavailable',
          message: expect.stringContaining('403') as unknown,
        });
        const shown =
          JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).stack);
        expect(shown).not.toContain(accessKeyId);
        expect(shown).not.toContain(credentials.secretAccessKey);
      }
    });

    it('tells a missing bucket from a missing object', async () => {
      const store = createS3Store({
        ...options,
        location: { ...options.location, bucket: 'no-such-bucket' },
      });
      await expect(store.get('k')).rejects.toMatchObject({ code: 'store_unavailable' });
      await expect(store.put('k', text('x'), { kind: 'absent' })).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringContaining('NoSuchBucket') as unknown,
      });
    });

    it('lists a bucket that holds keys of others', async () => {
      const store = await emptyStore();
      const requests = createS3Requests(options);
      for (const key of ['.hidden', 'a b', 'a//b', 'é', '%', 'a+b', '<a>&', 'a\u0001', 'y ', '\ny', 'y\r']) {
        const put = await requests.put(key, new Uint8Array(1), { ifNoneMatch: '*' }, 'other');
        expect(put.ok, key).toBe(true);
      }
      await create(store, 'z', text('one'));
      expect((await listAll(store, '', 1)).map(({ key }) => key)).toEqual(['z']);
    });
  });
}
