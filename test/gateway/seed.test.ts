import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Transaction } from '../../src/core/transaction.ts';
import { createNodeHmac } from '../../src/entry/node-crypto.ts';
import { createSeeder, encodeSeedInput, MIN_SEED_KEY_BYTES } from '../../src/gateway/seed.ts';

const key = new Uint8Array(MIN_SEED_KEY_BYTES).fill(3);
const bank = { id: 'a', name: 'b', country: 'c', currency: 'd' };
const transaction: Transaction = {
  id: 'txn',
  origin: bank,
  destination: bank,
  amount: { name: 'Euro', symbol: '€', amount: -5n },
  status: '',
};

test('the encoding is each field after its length', () => {
  expect(new TextDecoder().decode(encodeSeedInput('slug', { ...transaction, status: '😀' }))).toBe(
    '14:wasmpay-seed/14:slug3:txn1:a1:b1:c1:d1:a1:b1:c1:d4:Euro1:€2:-52:😀',
  );
});

test('the seed is the HMAC of the encoding, the same every time', async () => {
  const seeder = createSeeder(key);
  const expected = createHmac('sha256', key).update(encodeSeedInput('slug', transaction)).digest('hex');
  for (const seed of await Promise.all([seeder('slug', transaction), seeder('slug', transaction)])) {
    expect(Buffer.from(seed).toString('hex')).toBe(expected);
  }
});

test('Node’s own HMAC gives the same', async () => {
  const seeder = createSeeder(key, createNodeHmac());
  for (const slug of ['slug', 'slug', 'other']) {
    expect(Buffer.from(await seeder(slug, transaction))).toEqual(
      Buffer.from(await createSeeder(key)(slug, transaction)),
    );
  }
});

test('other banks, keys and transactions have other seeds', async () => {
  const seeds = [
    await createSeeder(key)('slug', transaction),
    await createSeeder(key)('slug2', transaction),
    await createSeeder(new Uint8Array(40).fill(3))('slug', transaction),
    await createSeeder(key)('slug', { ...transaction, status: 'x' }),
    // The same characters, cut elsewhere.
    await createSeeder(key)('slugt', { ...transaction, id: 'xn' }),
  ];
  expect(new Set(seeds.map((seed) => seed.join())).size).toBe(seeds.length);
});

test('two transactions share an encoding only if they are equal', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 4 });
  const pair = fc.tuple(text, text, text);
  fc.assert(
    fc.property(pair, pair, (one, two) => {
      const encode = ([slug, id, name]: readonly [string, string, string]): string =>
        encodeSeedInput(slug, { ...transaction, id, origin: { ...bank, name } }).join();
      expect(encode(one) === encode(two)).toBe(JSON.stringify(one) === JSON.stringify(two));
    }),
  );
});

test('a short key is refused', () => {
  expect(() => createSeeder(new Uint8Array(MIN_SEED_KEY_BYTES - 1))).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  );
});
