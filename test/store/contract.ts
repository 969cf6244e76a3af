// What every object store promises, as one suite. An adapter's own test file runs it on a store that starts empty.

import { describe, expect, it } from 'vitest';
import type { ListedObject, ObjectStore, PutResult } from '../../src/store/object-store.ts';
import { MAX_KEY_LENGTH } from '../../src/store/object-store.ts';

const ABSENT = { kind: 'absent' } as const;

/** Keys that would climb, hide, escape or not fit. */
// prettier-ignore
export const HOSTILE_KEYS: readonly string[] = [
  '../x', '..', '.', '/x', '/', 'x/', 'x//y', 'x/../y', 'x/..', 'x/./y', '.hidden', 'x/.y', '',
  'x\u0000', 'x\u0000/y', 'x\n', 'x\\y', '..\\x', 'C:\\x', 'x y', 'é', '\ud800', '%2e%2e/x', '%2e%2e%2fx',
  'x?y', 'x#y', 'x@', 'x+y', '+x', 'x*', 'http://x/y', 'a'.repeat(MAX_KEY_LENGTH + 1),
];

/** Runs the contract on stores that `makeStore` gives, each of them empty. */
export function describeObjectStore(name: string, makeStore: () => ObjectStore | Promise<ObjectStore>): void {
  describe(`${name} keeps the object store contract`, () => {
    it('answers missing for what was never stored, whatever was asked for', async () => {
      const store = await makeStore();
      expect(await store.get('artifacts/none')).toEqual({ kind: 'missing' });
      expect(await store.get('artifacts/none', { ifNoneMatch: 'abc', maxBytes: 0 })).toEqual({
        kind: 'missing',
      });
      expect(await store.list({ prefix: '' })).toEqual({ objects: [] });
    });

    it('gives back what was stored under the key, with the ETag of the write', async () => {
      const store = await makeStore();
      const etag = await create(store, 'banks/icamer/current', text('one'));
      const result = await store.get('banks/icamer/current');
      expect(result).toEqual({
        kind: 'found',
        object: { key: 'banks/icamer/current', bytes: text('one'), etag },
      });
      expect(etag).toMatch(/^[\x21\x23-\x7e]+$/);
    });

    it('creates only what is absent', async () => {
      const store = await makeStore();
      await create(store, 'k', text('one'));
      expect(await store.put('k', text('two'), ABSENT)).toEqual({ kind: 'conflict' });
      expect(await store.put('k', text('one'), ABSENT)).toEqual({ kind: 'conflict' });
      expect(await read(store, 'k')).toEqual(text('one'));
    });

    it('replaces only what still has the ETag', async () => {
      const store = await makeStore();
      const first = await create(store, 'k', text('one'));
      const second = etagOf(await store.put('k', text('two'), { kind: 'matches', etag: first }));
      expect(second).not.toBe(first);
      expect(await store.put('k', text('three'), { kind: 'matches', etag: first })).toEqual({
        kind: 'conflict',
      });
      expect(await read(store, 'k')).toEqual(text('two'));
    });

    it('does not replace what is missing', async () => {
      const store = await makeStore();
      const etag = await create(store, 'k', text('one'));
      expect(await store.put('other', text('two'), { kind: 'matches', etag })).toEqual({ kind: 'conflict' });
      expect(await store.put('no/folder', text('two'), { kind: 'matches', etag })).toEqual({
        kind: 'conflict',
      });
      await store.delete('k');
      expect(await store.put('k', text('two'), { kind: 'matches', etag })).toEqual({ kind: 'conflict' });
      expect(await store.list({ prefix: '' })).toEqual({ objects: [] });
    });

    it('knows no wildcard, quoted, weak or malformed ETag', async () => {
      const store = await makeStore();
      const etag = await create(store, 'k', text('one'));
      for (const odd of [
        '*',
        '',
        `"${etag}"`,
        `W/"${etag}"`,
        `${etag}", "*`,
        'é',
        'a\nb',
        etag.toUpperCase() + 'x',
      ]) {
        expect(await store.put('k', text('two'), { kind: 'matches', etag: odd }), odd).toEqual({
          kind: 'conflict',
        });
        expect((await store.get('k', { ifNoneMatch: odd })).kind, odd).toBe('found');
      }
      expect(await read(store, 'k')).toEqual(text('one'));
    });

    it('answers not-modified while the object has the ETag, and the object once it has not', async () => {
      const store = await makeStore();
      const etag = await create(store, 'k', text('one'));
      expect(await store.get('k', { ifNoneMatch: etag })).toEqual({ kind: 'not-modified' });
      expect(await store.get('k', { ifNoneMatch: etag, maxBytes: 1 })).toEqual({ kind: 'not-modified' });
      await store.put('k', text('two'), { kind: 'matches', etag });
      expect(await store.get('k', { ifNoneMatch: etag })).toMatchObject({
        kind: 'found',
        object: { bytes: text('two') },
      });
    });

    it('lets exactly one of 20 racing writers create an object', async () => {
      const store = await makeStore();
      for (let round = 0; round < 5; round += 1) {
        const key = `race/${round}`;
        const results = await race(20, (writer) => store.put(key, text(`writer ${writer}`), ABSENT));
        await expectOneWinner(store, key, results);
      }
    });

    it('lets exactly one of 20 racing writers replace an object', async () => {
      const store = await makeStore();
      let etag = await create(store, 'k', text('start'));
      for (let round = 0; round < 5; round += 1) {
        const condition = { kind: 'matches', etag } as const;
        const results = await race(20, (writer) => store.put('k', text(`${round} ${writer}`), condition));
        etag = await expectOneWinner(store, 'k', results);
      }
    });

    it('loses no increment of a counter that racing writers compare and swap', async () => {
      const store = await makeStore();
      await create(store, 'counter', text('0'));
      await race(8, async () => {
        for (let done = 0; done < 5;) if (await increment(store, 'counter')) done += 1;
      });
      expect(await read(store, 'counter')).toEqual(text('40'));
    });

    it('lets a deletion and a replacement race without bringing the object back', async () => {
      const store = await makeStore();
      for (let round = 0; round < 5; round += 1) {
        const etag = await create(store, 'k', text(`start ${round}`));
        const condition = { kind: 'matches', etag } as const;
        const [replaced] = await Promise.all([
          store.put('k', text(`next ${round}`), condition),
          store.delete('k'),
        ]);
        const left = await store.get('k');
        expect(left.kind, `replacement: ${replaced.kind}`).toBe('missing');
      }
    });

    it('keeps an empty object, every byte value, and a mebibyte of random bytes exactly', async () => {
      const store = await makeStore();
      const cases = { empty: new Uint8Array(0), all: Uint8Array.from({ length: 256 }, (_, byte) => byte) };
      for (const [key, bytes] of Object.entries({ ...cases, random: randomBytes(1024 * 1024, 7) })) {
        await create(store, key, bytes);
        const kept = await read(store, key);
        expect(kept.length).toBe(bytes.length);
        expect(Buffer.compare(kept, bytes), key).toBe(0);
      }
      const { objects } = await store.list({ prefix: '' });
      expect(objects.map(({ key, sizeBytes }) => [key, sizeBytes])).toEqual([
        ['all', 256],
        ['empty', 0],
        ['random', 1024 * 1024],
      ]);
    });

    it('stores the bytes of a view only, not those around it', async () => {
      const store = await makeStore();
      await create(store, 'k', text('before inside after').subarray(7, 13));
      expect(await read(store, 'k')).toEqual(text('inside'));
    });

    it('shares no memory with its callers', async () => {
      const store = await makeStore();
      const bytes = text('original');
      const writing = store.put('k', bytes, ABSENT);
      bytes.fill(0);
      await writing;
      const first = await read(store, 'k');
      expect(first).toEqual(text('original'));
      first.fill(0);
      expect(await read(store, 'k')).toEqual(text('original'));
    });

    it('reads up to maxBytes and refuses one byte more', async () => {
      const store = await makeStore();
      await create(store, 'k', randomBytes(1000, 1));
      await create(store, 'empty', new Uint8Array(0));
      expect((await store.get('k', { maxBytes: 1001 })).kind).toBe('found');
      expect((await store.get('k', { maxBytes: 1000 })).kind).toBe('found');
      await expect(store.get('k', { maxBytes: 999 })).rejects.toMatchObject({
        code: 'store_object_too_large',
      });
      await expect(store.get('k', { maxBytes: 0, ifNoneMatch: 'x' })).rejects.toMatchObject({
        code: 'store_object_too_large',
      });
      expect((await store.get('empty', { maxBytes: 0 })).kind).toBe('found');
      expect((await store.get('k')).kind).toBe('found');
    });

    it('deletes one object, and minds no absence', async () => {
      const store = await makeStore();
      await create(store, 'a', text('one'));
      await create(store, 'a/b', text('two'));
      await store.delete('a');
      await store.delete('a');
      await store.delete('never/was');
      expect(await store.get('a')).toEqual({ kind: 'missing' });
      expect(await read(store, 'a/b')).toEqual(text('two'));
      await create(store, 'a', text('three'));
      expect(await read(store, 'a')).toEqual(text('three'));
    });

    it('tells apart keys that differ in case, nest in each other, or are as long as keys get', async () => {
      const store = await makeStore();
      const long = 'x'.repeat(MAX_KEY_LENGTH);
      const dotted = `${'y'.repeat(200)}../${'y'.repeat(200)}..`;
      const nested = Array.from({ length: MAX_KEY_LENGTH / 2 }, () => 'z').join('/');
      const keys = [
        'a',
        'A',
        'a/b',
        'a/B',
        'a/b/c',
        'a.b',
        'a..',
        'a-b',
        'a_b',
        '-',
        '_',
        long,
        dotted,
        nested,
      ];
      for (const key of keys) await create(store, key, text(`at ${key}`));
      for (const key of keys) expect(await read(store, key)).toEqual(text(`at ${key}`));
      expect((await listAll(store, '')).map(({ key }) => key)).toEqual(inByteOrder(keys));
    });

    // One full listing only: through the proxy of Miniflare each listed object costs 10 ms.
    it('lists every key once, in byte order, past the thousandth', { timeout: 240_000 }, async () => {
      const store = await makeStore();
      const odd = ['a', 'a-b', 'a.b', 'a/b', 'a/b/c', 'a0', 'aB', 'A', 'a_b', 'b/a'];
      const many = Array.from({ length: 1193 }, (_, index) => `many/${(index * 7919) % 1193}`);
      const keys = inByteOrder([...odd, ...many]);
      expect(new Set(keys).size).toBe(1203);
      await inParallel(16, keys.toReversed(), (key) => create(store, key, text(key)));

      const all = await listAll(store, '');
      expect(all.map(({ key }) => key)).toEqual(keys);
      expect(all.every(({ key, sizeBytes }) => sizeBytes === key.length)).toBe(true);

      const prefixes = [
        'a',
        'a/',
        'a-',
        'a/b',
        'a/b/',
        'A',
        'many/111',
        'b/a',
        'b/a/',
        'z',
        '../',
        '/',
        '%',
        '_',
        'é',
      ];
      for (const prefix of prefixes) {
        const expected = keys.filter((key) => key.startsWith(prefix));
        for (const limit of [1, 7, 5000]) {
          expect(
            (await listAll(store, prefix, limit)).map(({ key }) => key),
            prefix,
          ).toEqual(expected);
        }
      }
    });

    it('lists the ETag that a read gives', async () => {
      const store = await makeStore();
      const etag = await create(store, 'banks/a/current', text('one'));
      expect(await store.list({ prefix: 'banks/' })).toEqual({
        objects: [{ key: 'banks/a/current', sizeBytes: 3, etag }],
      });
    });

    it('goes on after a page whose last object has been deleted', async () => {
      const store = await makeStore();
      for (const key of ['a', 'b', 'c', 'd']) await create(store, key, text(key));
      const { objects, cursor = '' } = await store.list({ prefix: '', limit: 2 });
      await Promise.all(objects.map(({ key }) => store.delete(key)));
      const rest = await store.list({ prefix: '', cursor });
      expect(rest.objects.map(({ key }) => key)).toEqual(['c', 'd']);
    });

    it('refuses hostile keys and stores nothing', async () => {
      const store = await makeStore();
      const refused = { code: 'store_key_invalid' };
      for (const key of HOSTILE_KEYS) {
        await expect(store.get(key), JSON.stringify(key)).rejects.toMatchObject(refused);
        await expect(store.put(key, text('x'), ABSENT), JSON.stringify(key)).rejects.toMatchObject(refused);
        await expect(store.put(key, text('x'), { kind: 'matches', etag: 'x' })).rejects.toMatchObject(
          refused,
        );
        await expect(store.delete(key), JSON.stringify(key)).rejects.toMatchObject(refused);
      }
      expect(await store.list({ prefix: '' })).toEqual({ objects: [] });
    });
  });
}

/** UTF-8 bytes. */
export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

/** Stores what must be absent; gives its ETag. */
export async function create(store: ObjectStore, key: string, bytes: Uint8Array): Promise<string> {
  return etagOf(await store.put(key, bytes, ABSENT));
}

/** The bytes of an object that must be there. */
export async function read(store: ObjectStore, key: string): Promise<Uint8Array> {
  const result = await store.get(key);
  if (result.kind !== 'found') throw new Error(`${key} is ${result.kind}`);
  return result.object.bytes;
}

/** All pages of a listing, each held to its limit. */
export async function listAll(store: ObjectStore, prefix: string, limit?: number): Promise<ListedObject[]> {
  const objects: ListedObject[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 2000; pages += 1) {
    const page = await store.list({
      prefix,
      ...(limit === undefined ? {} : { limit }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    expect(page.objects.length).toBeLessThanOrEqual(Math.min(limit ?? 1000, 1000));
    objects.push(...page.objects);
    cursor = page.cursor;
    if (cursor === undefined) return objects;
  }
  throw new Error('the listing does not end');
}

/** Bytes of Marsaglia's xorshift32, the same for the same seed. */
export function randomBytes(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  });
}

function etagOf(result: PutResult): string {
  if (result.kind !== 'stored') throw new Error(result.kind);
  return result.etag;
}

async function increment(store: ObjectStore, key: string): Promise<boolean> {
  const result = await store.get(key);
  if (result.kind !== 'found') throw new Error(result.kind);
  const { bytes, etag } = result.object;
  const next = text(String(Number(new TextDecoder().decode(bytes)) + 1));
  return (await store.put(key, next, { kind: 'matches', etag })).kind === 'stored';
}

function race<T>(writers: number, write: (writer: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
}

async function expectOneWinner(store: ObjectStore, key: string, results: PutResult[]): Promise<string> {
  const winners = results.filter((result) => result.kind === 'stored');
  expect(winners.length).toBe(1);
  const stored = await store.get(key);
  const etag = etagOf(winners[0] ?? { kind: 'conflict' });
  expect(stored).toMatchObject({ kind: 'found', object: { etag } });
  if (stored.kind !== 'found') throw new Error(stored.kind);
  const winner = results.findIndex((result) => result.kind === 'stored');
  expect(new TextDecoder().decode(stored.object.bytes)).toMatch(new RegExp(` ${winner}$`));
  return etag;
}

async function inParallel<T>(
  workers: number,
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = [...items];
  await race(workers, async () => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item);
  });
}

function inByteOrder(keys: readonly string[]): string[] {
  return [...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}
