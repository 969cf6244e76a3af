// Reads from a store that fails, lies about lengths, sends too much or too slowly, or sends elsewhere.

import { afterAll, beforeEach, describe, expect, it } from 'vitest';

import { MAX_ARTIFACT_BYTES } from '../../src/core/limits.ts';
import { MAX_MESSAGE_BYTES } from '../../src/store/s3-fetch.ts';
import { createS3Store } from '../../src/store/s3.ts';
import { startS3Server, type S3Fault } from '../fixtures/s3-server.ts';
import { create, randomBytes, read, text } from './contract.ts';

const server = await startS3Server();
const elsewhere = await startS3Server();
afterAll(async () => {
  for (const each of [server, elsewhere]) await each[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.reset();
  elsewhere.reset();
});

const unavailable = { code: 'store_unavailable' };
const tooLarge = { code: 'store_object_too_large' };
const store = createS3Store(server.options);
/** Gives up soon, at once for good. */
const impatient = createS3Store({
  ...server.options,
  maxAttempts: 1,
  timing: { answerTimeoutMs: 300, stallTimeoutMs: 300 },
});

const OUTAGES: [string, S3Fault][] = [
  ['a 500', { kind: 'error', status: 500, code: 'InternalError' }],
  ['a 503', { kind: 'error', status: 503, code: 'SlowDown' }],
  ['a 429', { kind: 'error', status: 429, code: 'TooManyRequests' }],
  ['a broken connection', { kind: 'reset' }],
  ['half an object', { kind: 'half', end: 'reset' }],
  ['an object without an ETag', { kind: 'answer', status: 200, body: 'x' }],
  ['a part of an object', { kind: 'answer', status: 206, headers: { etag: '"x"' }, body: 'x' }],
];

describe('a read that is answered by', () => {
  it.each(OUTAGES)('%s is sent again, three times at most', async (_, fault) => {
    await create(store, 'k', randomBytes(100_000, 1));
    for (const [failures, kind] of [[2, 'found'] as const, [3, 'unavailable'] as const]) {
      server.requests.length = 0;
      server.fault = () => (server.requests.length <= failures ? fault : undefined);
      const reading = store.get('k').then(
        (result) => result.kind,
        (error: { code: string }) => (error.code === 'store_unavailable' ? 'unavailable' : error.code),
      );
      expect(await reading).toBe(kind);
      expect(server.requests.length).toBe(3);
    }
  });

  it.each([
    ['a 403', { kind: 'error', status: 403, code: 'AccessDenied' }],
    ['a missing bucket', { kind: 'error', status: 404, code: 'NoSuchBucket' }],
    ['a 404 of something else', { kind: 'answer', status: 404, body: '<html>not found</html>' }],
    ['an empty 404', { kind: 'answer', status: 404 }],
    ['a 304 that nobody asked for', { kind: 'answer', status: 304 }],
    ['a redirect', { kind: 'error', status: 301, code: 'PermanentRedirect' }],
  ] satisfies [string, S3Fault][])('%s is unavailable at once, not missing', async (_, fault) => {
    server.fault = () => fault;
    await expect(store.get('k')).rejects.toMatchObject(unavailable);
    expect(server.requests.length).toBe(1);
  });

  it.each([
    ['shorter', 'x'],
    ['longer', 'xyz'],
  ])('a body that is %s than declared is unavailable, where the host did not notice', async (_, body) => {
    const headers = { etag: '"abc"', 'content-length': '2' };
    const fetch = () => Promise.resolve(new Response(body, { headers }));
    await expect(createS3Store({ ...server.options, fetch }).get('k')).rejects.toMatchObject(unavailable);
  });

  it('a missing object is missing, asked once', async () => {
    expect(await store.get('k')).toEqual({ kind: 'missing' });
    expect(server.requests.length).toBe(1);
  });

  it.each([301, 302, 303, 307, 308])('a redirect (%i) to another host leads nowhere', async (status) => {
    elsewhere.objects.set('k', { bytes: text('theirs'), etag: 'abc' });
    const location = `http://127.0.0.1:${elsewhere.port}/releases/k`;
    server.fault = () => ({ kind: 'answer', status, headers: { location } });
    await expect(store.get('k')).rejects.toMatchObject(unavailable);
    await expect(store.put('k', text('x'), { kind: 'absent' })).rejects.toMatchObject(unavailable);
    await expect(store.list({ prefix: '' })).rejects.toMatchObject(unavailable);
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('time', () => {
  it.each([
    ['an answer', { kind: 'hang' }],
    ['the rest of a body', { kind: 'half', end: 'silence' }],
    ['a body of a byte now and then', { kind: 'endless', chunk: text('x'), everyMs: 50, lengthBytes: 100 }],
    ['an endless error', { kind: 'answer', status: 500, headers: { 'content-length': '100' }, body: 'x' }],
  ] satisfies [string, S3Fault][])('is not spent on %s for ever', async (_, fault) => {
    await create(store, 'k', randomBytes(1000, 1));
    server.fault = () => fault;
    await expect(impatient.get('k')).rejects.toMatchObject(unavailable);
  });

  it('is not spent on silence, however large the body is said to be', { timeout: 30_000 }, async () => {
    // At the slowest rate the whole of it would be waited for six minutes.
    server.fault = () => ({
      kind: 'endless',
      chunk: text('x'),
      everyMs: 60_000,
      lengthBytes: MAX_ARTIFACT_BYTES,
    });
    await expect(impatient.get('k')).rejects.toMatchObject(unavailable);
  });

  it('is not spent on a listing for ever', async () => {
    server.fault = () => ({ kind: 'endless', chunk: text(' '), everyMs: 50 });
    // Four mebibytes at the slowest rate would take half a minute: the rate is what ends it here.
    const hurried = createS3Store({
      ...server.options,
      maxAttempts: 1,
      timing: { stallTimeoutMs: 300, minBytesPerSecond: 100 * 1024 * 1024 },
    });
    await expect(hurried.list({ prefix: '' })).rejects.toMatchObject(unavailable);
  });

  it('is given to an upload by its size', async () => {
    // 300 ms for the answer, and 500 for the body.
    const patient = createS3Store({
      ...server.options,
      maxAttempts: 1,
      timing: { answerTimeoutMs: 300, minBytesPerSecond: 2_000_000 },
    });
    server.fault = ({ method }) => (method === 'PUT' ? { kind: 'slow', delayMs: 400 } : undefined);
    expect((await patient.put('large', randomBytes(1_000_000, 1), { kind: 'absent' })).kind).toBe('stored');
    await expect(patient.put('small', text('x'), { kind: 'absent' })).rejects.toMatchObject(unavailable);
  });
});

describe('memory', () => {
  const chunk = new Uint8Array(64 * 1024);

  it.each([
    ['declares its length', { kind: 'endless', chunk, everyMs: 1, lengthBytes: 10 * 2 ** 30 }],
    ['does not', { kind: 'endless', chunk, everyMs: 1 }],
  ] satisfies [string, S3Fault][])('is not filled by an endless object that %s', async (_, fault) => {
    server.fault = () => fault;
    await expect(store.get('k', { maxBytes: 1_000_000 })).rejects.toMatchObject(tooLarge);
    const sent = server.sentChunks;
    expect(sent * chunk.length).toBeLessThan(20_000_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.sentChunks - sent, 'the connection is closed').toBeLessThan(50);
    expect(server.requests.length).toBe(1);
  });

  it('is bounded by the largest artifact where the caller names no bound, and by it where the caller names more', async () => {
    const lengthBytes = MAX_ARTIFACT_BYTES + 1;
    server.fault = () => ({ kind: 'endless', chunk, everyMs: 1, lengthBytes });
    await expect(store.get('k')).rejects.toMatchObject(tooLarge);
    await expect(store.get('k', { maxBytes: 2 ** 40 })).rejects.toMatchObject(tooLarge);
  });

  it('takes the largest artifact, and not a byte more', async () => {
    const largest = new Uint8Array(MAX_ARTIFACT_BYTES);
    await create(store, 'largest', largest);
    expect((await read(store, 'largest')).length).toBe(MAX_ARTIFACT_BYTES);
    server.requests.length = 0;
    const over = new Uint8Array(MAX_ARTIFACT_BYTES + 1);
    await expect(store.put('over', over, { kind: 'absent' })).rejects.toMatchObject(tooLarge);
    expect(server.requests).toEqual([]);
  });

  it.each([999, 1000, 1001])(
    'of 1,000 bytes holds an object of %i whose length is not declared, or refuses it',
    async (length) => {
      const body = randomBytes(length, 1);
      server.fault = () => ({
        kind: 'answer',
        status: 200,
        headers: { etag: '"abc"', 'transfer-encoding': 'chunked' },
        body,
      });
      const reading = store.get('k', { maxBytes: 1000 });
      if (length > 1000) await expect(reading).rejects.toMatchObject(tooLarge);
      else expect(await reading).toEqual({ kind: 'found', object: { key: 'k', bytes: body, etag: 'abc' } });
    },
  );

  it.each([
    ['listing', () => store.list({ prefix: '' })],
    ['object', () => store.get('k')],
    ['deletion', () => store.delete('k')],
  ])('is not filled by an endless error to a %s', async (_, ask) => {
    server.fault = () => ({ kind: 'answer', status: 500, body: new Uint8Array(MAX_MESSAGE_BYTES * 2) });
    await expect(ask()).rejects.toMatchObject(unavailable);
  });

  it.each([
    [MAX_MESSAGE_BYTES - 1, true],
    [MAX_MESSAGE_BYTES, true],
    [MAX_MESSAGE_BYTES + 1, false],
  ])('holds a listing of %i bytes: %s', async (length, isTaken) => {
    const page = '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>';
    server.fault = () => ({ kind: 'answer', status: 200, body: page + ' '.repeat(length - page.length) });
    const listing = store.list({ prefix: '' });
    if (isTaken) expect(await listing).toEqual({ objects: [] });
    else await expect(listing).rejects.toMatchObject(unavailable);
  });
});

describe('a listing', () => {
  const object = (key: string, more = '<Size>1</Size><ETag>"a"</ETag>') =>
    `<Contents><Key>${key}</Key>${more}</Contents>`;
  const page = (inner: string, isTruncated = false) =>
    `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>${inner}</ListBucketResult>`;

  it.each([
    ['is cut off', page(object('a')).slice(0, -40)],
    ['is no XML', '{"objects": []}'],
    ['is a page of somebody else', '<html><body>welcome</body></html>'],
    ['is empty', ''],
    ['is nested without end', '<a>'.repeat(200_000)],
    ['holds more than asked for', page(object('a') + object('b') + object('c'))],
    ['holds what was not asked for', page(object('b'))],
    ['holds an object without a size', page(object('a', '<ETag>"a"</ETag>'))],
    ['holds an object without an ETag', page(object('a', '<Size>1</Size>'))],
    ['holds a key that cannot be decoded', page(object('a%zz'))],
    ['goes on and does not say where', page(object('a'), true)],
    ['goes on where it was', page(`${object('a')}<NextContinuationToken>here</NextContinuationToken>`, true)],
  ])('that %s is unavailable', async (_, body) => {
    server.fault = () => ({
      kind: 'answer',
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body,
    });
    await expect(store.list({ prefix: 'a', cursor: 'here', limit: 2 })).rejects.toMatchObject(unavailable);
  });

  it('is read as it is meant', async () => {
    server.fault = () => ({ kind: 'answer', status: 200, body: page(object('a%2Fb') + object('a+c')) });
    expect(await store.list({ prefix: 'a' })).toEqual({ objects: [{ key: 'a/b', sizeBytes: 1, etag: 'a' }] });
  });
});

describe('bytes of another object', () => {
  it('are given as they came: digests and signatures are the readers’ to check', async () => {
    server.fault = () => ({ kind: 'answer', status: 200, headers: { etag: '"abc"' }, body: 'theirs' });
    expect(await store.get('k')).toEqual({
      kind: 'found',
      object: { key: 'k', bytes: text('theirs'), etag: 'abc' },
    });
  });
});
