// What is done about objects that fail: those that moved are asked again, those that cannot take more are not.

import { expect, it } from 'vitest';

import {
  createKeptAnswerStore,
  type KeptAnswerNamespace,
  type KeptAnswerStub,
} from '../../src/entry/worker-kept-answer-store.ts';

const CLAIM = { fingerprint: 'f', claim: 'a', leaseMs: 1_000 };
const KEEP = { fingerprint: 'f', claim: 'a', body: 'x' };

/** A namespace whose objects fail with these errors, one a call, and then answer. */
function makeNamespace(...errors: object[]) {
  const asked: string[] = [];
  const stubs = new Set<object>();
  const step = async <R>(name: string, result: R): Promise<R> => {
    asked.push(name);
    const error = errors.shift();
    if (error !== undefined) throw Object.assign(new Error('the object failed'), error);
    return result;
  };
  const namespace: KeptAnswerNamespace = {
    idFromName: (name) => ({ name }),
    get(id) {
      const { name } = id as { name: string };
      const stub: KeptAnswerStub = {
        claim: () => step(`claim ${name}`, { kind: 'claimed' }),
        keep: ({ body }) => step(`keep ${name}`, { kind: 'kept', body }),
        release: () => step(`release ${name}`, undefined),
      };
      stubs.add(stub);
      return stub;
    },
  };
  return { store: createKeptAnswerStore(namespace), asked, stubs };
}

it('asks the object of the name', async () => {
  const { store, asked } = makeNamespace();
  expect(await store.claim('k', CLAIM)).toEqual({ kind: 'claimed' });
  expect(await store.keep('k', KEEP)).toEqual({ kind: 'kept', body: 'x' });
  await store.release('k', 'a');
  expect(asked).toEqual(['claim k', 'keep k', 'release k']);
});

it('asks an object once more that moved, by another stub', async () => {
  const { store, asked, stubs } = makeNamespace({ retryable: true });
  expect(await store.claim('k', CLAIM)).toEqual({ kind: 'claimed' });
  expect(asked).toEqual(['claim k', 'claim k']);
  expect(stubs.size).toBe(2);
});

it('but not for ever', async () => {
  const { store, asked } = makeNamespace({ retryable: true }, { retryable: true });
  await expect(store.keep('k', KEEP)).rejects.toThrow('the object failed');
  expect(asked).toHaveLength(2);
});

it.each([{}, { retryable: false }, { retryable: true, overloaded: true }])(
  'does not ask again where the error is %j',
  async (error) => {
    const { store, asked } = makeNamespace(error);
    await expect(store.claim('k', CLAIM)).rejects.toThrow('the object failed');
    expect(asked).toHaveLength(1);
  },
);

it('rejects, and does not throw, where there is no stub', async () => {
  const store = createKeptAnswerStore({
    idFromName: () => ({}),
    get() {
      throw new Error('no stub');
    },
  });
  await expect(store.claim('k', CLAIM)).rejects.toThrow('no stub');
  await expect(store.release('k', 'a')).rejects.toThrow('no stub');
});
