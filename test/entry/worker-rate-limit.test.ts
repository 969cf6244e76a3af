// Cloudflare's counter behind the gateway's interface.

import { describe, expect, it } from 'vitest';

import { createBindingLimiter } from '../../src/entry/worker-rate-limit.ts';

function makeLimiter(allowed: number) {
  const keys: string[] = [];
  const binding = {
    limit: async ({ key }: { key: string }) => ({ success: keys.push(key) <= allowed }),
  };
  return { keys, limiter: createBindingLimiter(new Map([['standard', binding]])) };
}

describe('a binding', () => {
  it('counts a request once, by the processor', async () => {
    const { keys, limiter } = makeLimiter(1);
    expect(await limiter.take('standard', 'acme')).toEqual({ allowed: true });
    expect(await limiter.take('standard', 'acme')).toMatchObject({ allowed: false });
    expect(keys).toEqual(['acme', 'acme']);
  });

  it.each([
    [9, 1],
    [10, 1],
    [11, 2],
    [999, 100],
  ])('counts %i transactions of a batch as %i', async (items, counted) => {
    const { keys, limiter } = makeLimiter(counted);
    expect(await limiter.take('standard', 'acme', items)).toEqual({ allowed: true });
    expect(keys).toHaveLength(counted);
    expect(await limiter.take('standard', 'acme', items)).toMatchObject({ allowed: false });
  });

  it('that is missing allows nothing', async () => {
    const { limiter } = makeLimiter(9);
    expect(limiter.has('high')).toBe(false);
    expect(await limiter.take('high', 'acme')).toMatchObject({ allowed: false });
  });

  it('that fails rejects', async () => {
    const limiter = createBindingLimiter(
      new Map([['standard', { limit: () => Promise.reject(new Error('out of reach')) }]]),
    );
    await expect(limiter.take('standard', 'acme', 20)).rejects.toThrow('out of reach');
  });
});
