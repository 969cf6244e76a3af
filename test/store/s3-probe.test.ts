// Which stores a publisher may use: those that compare before they write. Each other kind is refused before anything
// of a bank is stored there.

import { afterEach, describe, expect, it } from 'vitest';

import { PROBE_KEY, createS3PublisherStore, probeConditionalWrites } from '../../src/store/s3-probe.ts';
import { createS3Store } from '../../src/store/s3.ts';
import { startS3Server, type S3Fault, type S3Server, type S3ServerOptions } from '../fixtures/s3-server.ts';
import { create, read, text } from './contract.ts';

let server: S3Server;
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});
async function serve(options?: S3ServerOptions): Promise<S3Server> {
  server = await startS3Server(options);
  return server;
}

describe('the probe', () => {
  it.each([
    ['goes by the standard', {}],
    ['takes ETags without quotation marks only', { ifMatch: 'unquoted' }],
    ['answers a lost race with 409', { conflict: 409 }],
  ] satisfies [string, S3ServerOptions][])('takes a store that %s, at once and again', async (_, options) => {
    const { options: store, objects } = await serve(options);
    await probeConditionalWrites(store);
    await probeConditionalWrites(store);
    await Promise.all(Array.from({ length: 10 }, () => probeConditionalWrites(store)));
    expect([...objects.keys()]).toEqual([PROBE_KEY]);
  });

  it.each([
    ['ignores If-None-Match', { ifNoneMatch: 'ignored' }],
    ['ignores If-Match', { ifMatch: 'ignored' }],
    ['ignores an If-Match that it does not understand', { ifMatch: 'unquoted-ignored' }],
    ['does not know If-None-Match', { ifNoneMatch: 'unknown' }],
    ['refuses each If-Match', { ifMatch: 'refused' }],
  ] satisfies [string, S3ServerOptions][])(
    'refuses a store that %s, at once and again',
    async (_, options) => {
      const { options: store } = await serve(options);
      const refused = {
        code: 'config_invalid',
        message: expect.stringMatching(/conditional writes/) as unknown,
      };
      await expect(probeConditionalWrites(store)).rejects.toMatchObject(refused);
      const publisher = createS3PublisherStore(store);
      for (let attempt = 0; attempt < 2; attempt += 1) {
        await expect(publisher.put('k', text('x'), { kind: 'absent' })).rejects.toMatchObject(refused);
      }
      expect(server.objects.has('k')).toBe(false);
    },
  );

  it.each([
    ['is forbidden', { kind: 'error', status: 403, code: 'AccessDenied' }],
    ['fails', { kind: 'error', status: 500, code: 'InternalError' }],
    ['breaks off', { kind: 'reset' }],
  ] satisfies [string, S3Fault][])(
    'does not take a store for good or bad where a request %s',
    async (_, fault) => {
      for (const broken of [1, 2, 3, 4, 5]) {
        const { options: store, requests } = await serve();
        server.fault = () => (requests.length === broken ? fault : undefined);
        await expect(probeConditionalWrites(store), `request ${broken}`).rejects.toMatchObject({
          code: 'store_unavailable',
        });
        if (broken < 5) await server[Symbol.asyncDispose]();
      }
    },
  );

  it('waits where a store lets one key change once in a while only', async () => {
    const { options: store, requests } = await serve();
    server.fault = ({ method }) =>
      method === 'PUT' && requests.length % 2 === 1
        ? { kind: 'error', status: 429, code: 'TooManyRequests' }
        : undefined;
    await probeConditionalWrites(store);
    requests.length = 0;
    server.fault = () => ({ kind: 'error', status: 429, code: 'TooManyRequests' });
    await expect(probeConditionalWrites(store)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(requests.length).toBe(4);
  });

  it('stays under the prefix, and deletes nothing', async () => {
    const { options, objects, requests } = await serve();
    const location = { ...options.location, prefix: 'bank/releases' };
    const store = createS3PublisherStore({ ...options, location });
    await create(store, 'k', text('one'));
    await store.put('k', text('two'), { kind: 'absent' });
    expect([...objects.keys()]).toEqual([`bank/releases/${PROBE_KEY}`, 'bank/releases/k']);
    expect(requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });

  it('is made once, before the first write, and never by who only reads', async () => {
    const { options, requests } = await serve();
    const publisher = createS3PublisherStore(options);
    for (const store of [publisher, createS3Store(options)]) {
      requests.length = 0;
      await store.get('k');
      await store.list({ prefix: '' });
      await store.delete('k');
      await expect(store.put('../k', text('x'), { kind: 'absent' })).rejects.toMatchObject({
        code: 'store_key_invalid',
      });
      expect(requests.filter(({ method }) => method === 'PUT')).toEqual([]);
    }
    await Promise.all(['a', 'b', 'c'].map((key) => create(publisher, key, text(key))));
    const probes = requests.filter(({ method, key }) => method === 'PUT' && key === PROBE_KEY);
    expect(probes.length).toBe(5);
  });

  it('lets a store in again after an outage, and stores what was given before it', async () => {
    const { options } = await serve();
    const publisher = createS3PublisherStore(options);
    server.fault = () => ({ kind: 'reset' });
    await expect(create(publisher, 'k', text('x'))).rejects.toMatchObject({ code: 'store_unavailable' });
    server.fault = () => undefined;
    const bytes = text('one');
    const writing = publisher.put('k', bytes, { kind: 'absent' });
    bytes.fill(0);
    await writing;
    expect(await read(publisher, 'k')).toEqual(text('one'));
  });
});
