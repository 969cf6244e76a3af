// What becomes of a write whose answer is an error, comes late, or does not come: the fault is injected before or after
// the server has written, and alone or with another writer in between.

import { afterAll, beforeEach, describe, expect, it } from 'vitest';

import { WasmpayError } from '../../src/core/error.ts';
import type { ObjectStore, PutCondition } from '../../src/store/object-store.ts';
import { createS3Store } from '../../src/store/s3.ts';
import { startS3Server, type S3Fault, type S3Request } from '../fixtures/s3-server.ts';
import { create, read, text } from './contract.ts';

const server = await startS3Server();
const ceph = await startS3Server({ ifMatch: 'unquoted' });
const refusing = await startS3Server({ ifMatch: 'refused' });
afterAll(async () => {
  for (const each of [server, ceph, refusing]) await each[Symbol.asyncDispose]();
});
beforeEach(() => {
  for (const each of [server, ceph, refusing]) each.reset();
});

const ABSENT = { kind: 'absent' } as const;
const unavailable = { code: 'store_unavailable' };
const timing = { answerTimeoutMs: 700, stallTimeoutMs: 700 };
const store = createS3Store({ ...server.options, timing });

/** The key `k` as `condition` wants to find it. */
async function prepare(kind: PutCondition['kind']): Promise<PutCondition> {
  return kind === 'absent'
    ? ABSENT
    : { kind: 'matches', etag: await create(createS3Store(server.options), 'k', text('start')) };
}

/** Injects `fault` into the first PUT from now on; `meanwhile` happens before anybody looks at the object. */
function failFirstPut(fault: S3Fault, meanwhile: () => void = () => undefined): void {
  server.requests.length = 0;
  let isFirst = true;
  server.fault = ({ method }) => {
    if (method === 'PUT' && isFirst) {
      isFirst = false;
      return fault;
    }
    if (method === 'HEAD') meanwhile();
    return undefined;
  };
}

const methods = () => server.requests.map(({ method }) => method).join(' ');

/** Another writer's object, with the very same bytes: content does not say whose it is. */
const otherWrites = () => server.objects.set('k', { bytes: text('new'), etag: 'abc', writer: 'other' });

/** The fate is open: these may be sent before or after the write. */
const LOST: [string, S3Fault][] = [
  ['a broken connection', { kind: 'reset' }],
  ['no answer in time', { kind: 'hang' }],
  ['a 500', { kind: 'error', status: 500, code: 'InternalError' }],
  ['a 503', { kind: 'error', status: 503, code: 'SlowDown' }],
  ['a 408', { kind: 'error', status: 408, code: 'RequestTimeout' }],
  ['a 500 of a proxy', { kind: 'answer', status: 500, body: '<html>' }],
  ['a success without an ETag', { kind: 'answer', status: 200 }],
  ['a success with a weak ETag', { kind: 'answer', status: 200, headers: { etag: 'W/"abc"' } }],
];

/** The write did not happen. */
const NOT_WRITTEN: [string, S3Fault][] = [
  ['a 409', { kind: 'error', status: 409, code: 'ConditionalRequestConflict' }],
  ['a 429', { kind: 'error', status: 429, code: 'TooManyRequests' }],
  ['what Ceph says of a lost race', { kind: 'error', status: 500, code: 'UnknownError' }],
];

describe.each(['absent', 'matches'] as const)('a write on condition %s, answered by', (kind) => {
  it.each([...LOST, ...NOT_WRITTEN])(
    '%s before it happened: is sent again and stored once',
    async (_, fault) => {
      const condition = await prepare(kind);
      failFirstPut(fault);
      const put = await store.put('k', text('new'), condition);
      expect(put).toEqual({ kind: 'stored', etag: server.objects.get('k')?.etag });
      expect(await read(store, 'k')).toEqual(text('new'));
      expect(methods()).toMatch(/^PUT HEAD PUT /);
    },
  );

  it.each([...LOST, ...NOT_WRITTEN])(
    '%s after it happened: is stored, and not sent again',
    async (_, fault) => {
      const condition = await prepare(kind);
      failFirstPut({ ...fault, written: true } as S3Fault);
      const put = await store.put('k', text('new'), condition);
      expect(put).toEqual({ kind: 'stored', etag: server.objects.get('k')?.etag });
      expect(methods()).toBe('PUT HEAD');
    },
  );

  it.each(NOT_WRITTEN)('%s, and another wrote the same bytes: a conflict', async (_, fault) => {
    const condition = await prepare(kind);
    failFirstPut(fault, otherWrites);
    expect(await store.put('k', text('new'), condition)).toEqual({ kind: 'conflict' });
    expect(server.objects.get('k')?.writer).toBe('other');
    expect(methods()).toBe('PUT HEAD');
  });

  it.each(LOST)('%s, and another wrote the same bytes: unknown, never stored', async (_, fault) => {
    for (const written of [false, true]) {
      server.reset();
      const condition = await prepare(kind);
      failFirstPut({ ...fault, written } as S3Fault, otherWrites);
      await expect(store.put('k', text('new'), condition)).rejects.toMatchObject(unavailable);
      expect(server.objects.get('k')?.writer).toBe('other');
    }
  });

  it.each([...LOST, ...NOT_WRITTEN])('%s each time: unavailable after three attempts', async (_, fault) => {
    const condition = await prepare(kind);
    const before = server.objects.get('k');
    server.requests.length = 0;
    server.fault = ({ method }) => (method === 'PUT' ? fault : undefined);
    await expect(store.put('k', text('new'), condition)).rejects.toMatchObject(unavailable);
    expect(server.objects.get('k')).toEqual(before);
    expect(methods()).toBe('PUT HEAD PUT HEAD PUT HEAD');
  });

  it('no answer in time, and happens while it is sent again: is stored', async () => {
    const condition = await prepare(kind);
    let late: S3Request | undefined;
    server.fault = (request) => {
      if (request.method !== 'PUT') return undefined;
      if (late === undefined) {
        late = request;
        return { kind: 'hang' };
      }
      const writer = String(late.headers['x-amz-meta-wasmpay-writer']);
      server.objects.set('k', { bytes: text('new'), etag: 'abc', writer });
      return undefined;
    };
    expect(await store.put('k', text('new'), condition)).toEqual({ kind: 'stored', etag: 'abc' });
  });

  it.each([
    ['a 403', { kind: 'error', status: 403, code: 'AccessDenied' }],
    ['a 400', { kind: 'error', status: 400, code: 'InvalidRequest' }],
    ['a missing bucket', { kind: 'error', status: 404, code: 'NoSuchBucket' }],
    ['a missing something', { kind: 'answer', status: 404 }],
    ['a 501', { kind: 'error', status: 501, code: 'NotImplemented' }],
    ['a redirect', { kind: 'error', status: 307, code: 'TemporaryRedirect' }],
  ] satisfies [string, S3Fault][])('%s: unavailable at once', async (_, fault) => {
    const condition = await prepare(kind);
    failFirstPut(fault);
    await expect(store.put('k', text('new'), condition)).rejects.toMatchObject(unavailable);
    expect(methods()).toBe('PUT');
  });
});

describe('a write whose fate cannot be looked up', () => {
  it.each([
    ['fails', { kind: 'error', status: 500, code: 'InternalError' }],
    ['is refused', { kind: 'answer', status: 403 }],
    ['hangs', { kind: 'hang' }],
    ['breaks', { kind: 'reset' }],
  ] satisfies [string, S3Fault][])('because the look %s is unavailable', async (_, fault) => {
    server.fault = ({ method }) =>
      method === 'PUT' ? { kind: 'reset', written: true } : method === 'HEAD' ? fault : undefined;
    await expect(store.put('k', text('new'), ABSENT)).rejects.toMatchObject(unavailable);
    server.fault = () => undefined;
    expect(await read(store, 'k')).toEqual(text('new'));
  });
});

describe('a condition that the store refuses', () => {
  it('is a conflict at once for a create', async () => {
    await create(store, 'k', text('one'));
    server.requests.length = 0;
    expect(await store.put('k', text('two'), ABSENT)).toEqual({ kind: 'conflict' });
    expect(methods()).toBe('PUT');
  });

  it('is a conflict for a replacement after one look', async () => {
    await create(store, 'k', text('one'));
    server.requests.length = 0;
    expect(await store.put('k', text('two'), { kind: 'matches', etag: 'abc' })).toEqual({ kind: 'conflict' });
    expect(methods()).toBe('PUT HEAD');
  });

  it('is tried without quotation marks where the ETag is what it was, and only then', async () => {
    const other = createS3Store(ceph.options);
    const etag = await create(other, 'k', text('one'));
    ceph.requests.length = 0;
    expect((await other.put('k', text('two'), { kind: 'matches', etag })).kind).toBe('stored');
    expect(ceph.requests.map(({ headers }) => headers['if-match'])).toEqual([`"${etag}"`, undefined, etag]);
    ceph.requests.length = 0;
    expect((await other.put('k', text('three'), { kind: 'matches', etag })).kind).toBe('conflict');
    expect(ceph.requests.map(({ headers }) => headers['if-match'])).toEqual([`"${etag}"`, undefined]);
  });

  it('is unavailable where it holds in either form and is still refused', async () => {
    const other = createS3Store(refusing.options);
    const etag = await create(other, 'k', text('one'));
    await expect(other.put('k', text('two'), { kind: 'matches', etag })).rejects.toMatchObject(unavailable);
    expect(await read(other, 'k')).toEqual(text('one'));
  });
});

describe('a deletion', () => {
  it('is never sent twice', async () => {
    for (const fault of [{ kind: 'reset' }, { kind: 'error', status: 500, code: 'InternalError' }] as const) {
      server.reset();
      server.fault = () => fault;
      await expect(store.delete('k')).rejects.toMatchObject(unavailable);
      expect(methods()).toBe('DELETE');
    }
  });
});

describe('writers that race over a server that loses a third of its answers', () => {
  it.each([1, 2, 3, 4])(
    'have each increment that they were told of, and none that they were not (%i)',
    async (seed) => {
      const random = randomOf(seed);
      await create(store, 'counter', text('0'));
      server.fault = ({ method }) =>
        random() < (method === 'PUT' ? 0.35 : 0.1) ? pickFault(random) : undefined;
      const counters = Array.from({ length: 6 }, () => createS3Store({ ...server.options, timing }));
      let told = 0;
      let unknown = 0;
      const work = async (counter: ObjectStore) => {
        for (let turn = 0; turn < 25; turn += 1) {
          try {
            if (await increment(counter)) told += 1;
          } catch (error) {
            if (!(error instanceof WasmpayError) || error.code !== 'store_unavailable') throw error;
            unknown += 1;
          }
        }
      };
      await Promise.all(counters.map(work));
      server.fault = () => undefined;
      const count = Number(new TextDecoder().decode(await read(store, 'counter')));
      expect(told).toBeGreaterThan(10);
      expect(count).toBeGreaterThanOrEqual(told);
      expect(count).toBeLessThanOrEqual(told + unknown);
    },
  );
});

function pickFault(random: () => number): S3Fault {
  const written = random() < 0.5;
  const faults: S3Fault[] = [
    { kind: 'reset', written },
    { kind: 'error', status: 500, code: 'InternalError', written },
    { kind: 'error', status: 409, code: 'ConditionalRequestConflict' },
    { kind: 'slow', delayMs: 5 },
  ];
  return faults[Math.floor(random() * faults.length)] ?? { kind: 'reset' };
}

async function increment(counter: ObjectStore): Promise<boolean> {
  const found = await counter.get('counter');
  if (found.kind !== 'found') throw new Error(found.kind);
  const next = Number(new TextDecoder().decode(found.object.bytes)) + 1;
  return (
    (await counter.put('counter', text(`${next}`), { kind: 'matches', etag: found.object.etag })).kind ===
    'stored'
  );
}

/** Numbers from 0 to 1, the same for the same seed (Marsaglia's xorshift32). */
function randomOf(seed: number): () => number {
  let state = seed * 0x9e3779b1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
