import { setTimeout as sleep } from 'node:timers/promises';

import { expect, it, vi } from 'vitest';

import { startNodeTimer } from '../../src/entry/node-timer.ts';

it('fires once, and not before its time', async () => {
  const startedAtMs = performance.now();
  let fired = 0;
  await new Promise<void>((resolve) => {
    startNodeTimer(30, () => {
      fired += 1;
      resolve();
    });
  });
  // Node counts in whole milliseconds.
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(28);
  await sleep(60);
  expect(fired).toBe(1);
});

it.each([
  ['in the same turn', 0],
  ['later', 5],
])('that is cancelled %s never fires', async (_when, delayMs) => {
  let fired = 0;
  const cancel = startNodeTimer(30, () => (fired += 1));
  if (delayMs > 0) await sleep(delayMs);
  cancel();
  await sleep(60);
  expect(fired).toBe(0);
});

it('makes no timer of the runtime for what ends in the turn that it started in', async () => {
  const made = vi.spyOn(globalThis, 'setTimeout');
  try {
    const cancel = startNodeTimer(30, () => {});
    await Promise.resolve();
    cancel();
    await new Promise((resolve) => setImmediate(resolve));
    expect(made).not.toHaveBeenCalled();
  } finally {
    made.mockRestore();
  }
});

it('counts the turn in which it started', async () => {
  const startedAtMs = performance.now();
  const fired = new Promise<number>((resolve) => {
    startNodeTimer(50, () => resolve(performance.now()));
  });
  while (performance.now() - startedAtMs < 60);
  const made = vi.spyOn(globalThis, 'setTimeout');
  try {
    await fired;
    expect(made).toHaveBeenCalledWith(expect.any(Function), 0);
  } finally {
    made.mockRestore();
  }
});
