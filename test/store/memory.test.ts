import { expect, it } from 'vitest';
import { createMemoryStore } from '../../src/store/memory.ts';
import { create, describeObjectStore, text } from './contract.ts';

describeObjectStore('memory', createMemoryStore);

it('keeps each store to itself', async () => {
  const store = createMemoryStore();
  await create(store, 'k', text('one'));
  expect(await createMemoryStore().get('k')).toEqual({ kind: 'missing' });
});

it('compares content: after A → B → A the first ETag matches again', async () => {
  const store = createMemoryStore();
  const etag = await create(store, 'k', text('A'));
  await store.delete('k');
  expect(await create(store, 'k', text('A'))).toBe(etag);
});
