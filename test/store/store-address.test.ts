// What a store address may say, and what is opened for it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import { createDeferredStore, openStore, parseStoreAddress } from '../../src/store/store-address.ts';
import { WasmpayError } from '../../src/core/error.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { MAX_PREFIX_LENGTH } from '../../src/store/s3-address.ts';
import { startS3Server } from '../fixtures/s3-server.ts';
import { create, read, text } from '../store/contract.ts';

const R2 = 'https://0123abcd.r2.cloudflarestorage.com';

describe('a store address', () => {
  it('names a directory', () => {
    expect(parseStoreAddress('file:./releases')).toEqual({ kind: 'file', directory: resolve('./releases') });
    expect(parseStoreAddress('file:/var/releases')).toEqual({ kind: 'file', directory: '/var/releases' });
  });

  it.each([
    [
      's3://wasmpay-releases?region=eu-central-1',
      { bucket: 'wasmpay-releases', prefix: '', region: 'eu-central-1', pathStyle: false },
    ],
    [
      `s3://wasmpay-releases?endpoint=${R2}&region=auto`,
      { bucket: 'wasmpay-releases', prefix: '', region: 'auto', endpoint: R2, pathStyle: true },
    ],
    [
      's3://b.ucket/bank/releases?region=default&endpoint=http://127.0.0.1:9000/&path-style=false',
      {
        bucket: 'b.ucket',
        prefix: 'bank/releases',
        region: 'default',
        endpoint: 'http://127.0.0.1:9000',
        pathStyle: false,
      },
    ],
    ['s3://abc/?region=x&path-style=true', { bucket: 'abc', prefix: '', region: 'x', pathStyle: true }],
    [
      `s3://abc?region=x&endpoint=${encodeURIComponent(R2)}`,
      { bucket: 'abc', prefix: '', region: 'x', endpoint: R2, pathStyle: true },
    ],
    [
      `s3://${'a'.repeat(63)}?region=x`,
      { bucket: 'a'.repeat(63), prefix: '', region: 'x', pathStyle: false },
    ],
    [
      `s3://abc/${'p'.repeat(MAX_PREFIX_LENGTH)}?region=x`,
      { bucket: 'abc', prefix: 'p'.repeat(MAX_PREFIX_LENGTH), region: 'x', pathStyle: false },
    ],
  ])('names a bucket: %s', (address, location) => {
    expect(parseStoreAddress(address)).toEqual({ kind: 's3', location });
  });

  it.each([
    ['', /not a store address/],
    ['releases', /not a store address/],
    ['/var/releases', /not a store address/],
    ['S3://abc?region=x', /not a store address/],
    ['r2', /S3 endpoint/],
    ['r2:wasmpay-releases', /S3 endpoint/],
    ['file:', /no directory/],
    ['s3:', /s3:\/\/BUCKET/],
    ['s3://', /s3:\/\/BUCKET/],
    ['s3:abc?region=x', /s3:\/\/BUCKET/],
    ['s3://abc?region=x#y', /s3:\/\/BUCKET/],
    ['s3://ab?region=x', /no bucket/],
    [`s3://${'a'.repeat(64)}?region=x`, /no bucket/],
    ['s3://Abc?region=x', /no bucket/],
    ['s3://a_c?region=x', /no bucket/],
    ['s3://-abc?region=x', /no bucket/],
    ['s3://a..c?region=x', /no bucket/],
    ['s3://key:secret@abc?region=x', /no bucket/],
    ['s3://arn:aws:s3:::abc?region=x', /no bucket/],
    ['s3://abc--use1-az4--x-s3?region=x', /directory bucket/],
    ['s3://abc/../x?region=x', /prefix/],
    ['s3://abc/x/?region=x', /prefix/],
    ['s3://abc//x?region=x', /prefix/],
    ['s3://abc/%2e%2e?region=x', /prefix/],
    [`s3://abc/${'p'.repeat(MAX_PREFIX_LENGTH + 1)}?region=x`, /prefix/],
    ['s3://abc', /region/],
    ['s3://abc?region=', /region/],
    ['s3://abc?region=x.evil.example/', /region/],
    ['s3://abc?region=x&region=y', /region twice/],
    ['s3://abc?region=x&Endpoint=http://x', /unknown parameter/],
    ['s3://abc?region=x&access_key=y', /unknown parameter/],
    ['s3://abc?region=x&endpoint=', /endpoint/],
    ['s3://abc?region=x&endpoint=x.example', /endpoint/],
    ['s3://abc?region=x&endpoint=ftp://x.example', /endpoint/],
    ['s3://abc?region=x&endpoint=https://key:secret@x.example', /endpoint/],
    ['s3://abc?region=x&endpoint=https://x.example/path', /endpoint/],
    ['s3://abc?region=x&endpoint=https://x.example?y', /endpoint/],
    ['s3://abc?region=x&endpoint=https://x.example%23y', /endpoint/],
    ['s3://abc?region=x&path-style=yes', /path-style/],
  ])('is refused, saying why and not repeating it: %s', (address, reason) => {
    const error = errorOf(() => parseStoreAddress(address));
    expect(error).toMatchObject({ code: 'usage', message: expect.stringMatching(reason) as unknown });
    expect(error.message).not.toMatch(/secret|evil/);
    expect(errorOf(() => openStore(address))).toMatchObject({ code: 'usage' });
  });
});

describe('an opened store', () => {
  it('is a directory', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'wasmpay-address-'));
    await create(openStore(`file:${directory}`), 'k', text('one'));
    expect(await read(openStore(`file:${directory}`), 'k')).toEqual(text('one'));
    await rm(directory, { recursive: true });
  });

  it('asks an S3 store whether it compares before it writes, and uses none that does not', async () => {
    await using server = await startS3Server({ ifMatch: 'ignored' });
    const { ACCESS_KEY, SECRET_KEY } = await import('../fixtures/s3-server.ts');
    const environment = { ...process.env };
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET_KEY });
    const store = openStore(`s3://${server.bucket}?region=test&endpoint=http://127.0.0.1:${server.port}`);
    await expect(store.put('k', text('x'), { kind: 'absent' })).rejects.toMatchObject({
      code: 'config_invalid',
    });
    expect(server.objects.has('k')).toBe(false);
    process.env = environment;
  });
});

describe('a store that is opened by its first use', () => {
  it('is opened once, also by uses at the same time', async () => {
    let opened = 0;
    const store = createDeferredStore(async () => {
      opened += 1;
      await Promise.resolve();
      return createMemoryStore();
    });
    expect(opened).toBe(0);
    await Promise.all([store.get('a'), store.list({ prefix: '' }), store.delete('a')]);
    await create(store, 'k', text('one'));
    expect(await read(store, 'k')).toEqual(text('one'));
    expect(opened).toBe(1);
  });

  it('is opened again after that failed', async () => {
    let opened = 0;
    const store = createDeferredStore(() => {
      opened += 1;
      if (opened === 1) return Promise.reject(new WasmpayError('store_unavailable', 'not yet'));
      return Promise.resolve(createMemoryStore());
    });
    await expect(store.get('k')).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await store.get('k')).toEqual({ kind: 'missing' });
  });

  it('stores what was given, not what became of it meanwhile', async () => {
    const inner = createMemoryStore();
    const store = createDeferredStore(() => Promise.resolve(inner));
    const bytes = text('one');
    const writing = store.put('k', bytes, { kind: 'absent' });
    bytes.fill(0);
    await writing;
    expect(await read(inner, 'k')).toEqual(text('one'));
  });
});

function errorOf(run: () => unknown): WasmpayError {
  try {
    run();
  } catch (error) {
    if (error instanceof WasmpayError) return error;
    throw error;
  }
  throw new Error('it was taken');
}
