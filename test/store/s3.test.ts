// The S3 store keeps the contract on servers of each known temper: one that goes by the standard, one that takes ETags
// without quotation marks only (Ceph), one that answers a lost race with 409 (Amazon), and under a prefix.

import { afterAll, describe, expect, it } from 'vitest';

import { createS3Store } from '../../src/store/s3.ts';
import { startS3Server, type S3Server } from '../fixtures/s3-server.ts';
import { create, describeObjectStore, listAll, read, text } from './contract.ts';

const standard = await startS3Server();
const ceph = await startS3Server({ ifMatch: 'unquoted' });
const amazon = await startS3Server({ conflict: 409 });
afterAll(async () => {
  for (const server of [standard, ceph, amazon]) await server[Symbol.asyncDispose]();
});

function emptyStore(server: S3Server, prefix = '') {
  server.reset();
  const { options } = server;
  return createS3Store({ ...options, location: { ...options.location, prefix } });
}

describeObjectStore('S3', () => emptyStore(standard));
describeObjectStore('S3 where ETags are not quoted', () => emptyStore(ceph));
describeObjectStore('S3 under a prefix, where a lost race is a 409', () =>
  emptyStore(amazon, 'bank/releases'),
);

describe('a prefix', () => {
  it('keeps two stores in one bucket apart, in every operation', async () => {
    const left = emptyStore(standard, 'left');
    const right = createS3Store({
      ...standard.options,
      location: { ...standard.options.location, prefix: 'left/right' },
    });
    await create(left, 'k', text('one'));
    await create(right, 'k', text('two'));
    expect([...standard.objects.keys()]).toEqual(['left/k', 'left/right/k']);
    expect(await read(left, 'k')).toEqual(text('one'));
    expect((await listAll(right, '')).map(({ key }) => key)).toEqual(['k']);
    await right.delete('k');
    expect(await read(left, 'k')).toEqual(text('one'));
  });
});

describe('objects of others in the bucket', () => {
  it('are not listed, whatever their names are', async () => {
    const store = emptyStore(standard);
    for (const key of ['.hidden', 'a b', 'a//b', 'é', '%', 'a+b', '<a>&', 'a\u0001', 'y ', '\ny', 'y\r']) {
      standard.objects.set(key, { bytes: text('x'), etag: 'abc' });
    }
    await create(store, 'z', text('one'));
    expect((await listAll(store, '', 1)).map(({ key }) => key)).toEqual(['z']);
  });
});

describe('requests', () => {
  it('are signed, with the body in the signature and no checksum trailer that stores refuse', async () => {
    const store = emptyStore(standard);
    await create(store, 'k', text('one'));
    await store.get('k');
    await store.list({ prefix: '' });
    await store.delete('k');
    const [put] = standard.requests;
    expect(standard.requests.map(({ method }) => method)).toEqual(['PUT', 'GET', 'GET', 'DELETE']);
    for (const { headers } of standard.requests) {
      expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 .*SignedHeaders=.*host/);
      expect(Object.keys(headers).filter((name) => /trailer|checksum/.test(name))).toEqual([]);
    }
    expect(put?.headers['x-amz-content-sha256']).toMatch(/^[0-9a-f]{64}$/);
    expect(put?.headers['content-encoding']).toBeUndefined();
  });
});
