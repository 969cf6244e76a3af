import { describe, expect, test } from 'vitest';

import { createSingleFlight } from '../../src/gateway/single-flight.ts';
import { createManualTime, settle } from '../fixtures/manual-time.ts';

function makeBed() {
  const time = createManualTime(1_000_000);
  const flights = createSingleFlight<string>({
    clock: time.clock,
    timer: time.timer,
    waitMs: 800,
    lifetimeMs: 10_000,
  });
  const started: PromiseWithResolvers<string>[] = [];
  const held: Promise<unknown>[] = [];
  const work = (): Promise<string> => {
    const job = Promise.withResolvers<string>();
    started.push(job);
    return job.promise;
  };
  const run = (key = 'a'): Promise<string> => {
    const result = flights
      .run(key, work, (promise) => held.push(promise))
      .catch((error: { code?: string }) => `failed ${error.code}`);
    return result;
  };
  return { time, flights, started, held, run, work };
}

describe('a single flight', () => {
  test('does the work once for all who ask, and anew for who asks later', async () => {
    const { flights, started, run, held } = makeBed();
    const all = Promise.all([run(), run(), run()]);
    expect([started.length, held.length, flights.size]).toEqual([1, 1, 1]);
    started[0]?.resolve('done');
    expect(await all).toEqual(['done', 'done', 'done']);
    await settle();
    expect(flights.size).toBe(0);
    void run();
    expect(started.length).toBe(2);
  });

  test('keeps keys apart', () => {
    const { started, run } = makeBed();
    void run('a');
    void run('b');
    expect(started.length).toBe(2);
  });

  test('passes a failure on to all, and forgets it', async () => {
    const { flights, started, run, held } = makeBed();
    const all = Promise.all([run(), run()]);
    started[0]?.reject(Object.assign(new Error('no'), { code: 'broken' }));
    expect(await all).toEqual(['failed broken', 'failed broken']);
    expect(await Promise.all(held)).toEqual([undefined]);
    expect(flights.size).toBe(0);
  });

  test('lets nobody wait past the deadline, counted from the start of the work', async () => {
    const { time, started, run } = makeBed();
    let late = 0;
    void run().then(() => (late += 1));
    await time.advance(500);
    void run().then(() => (late += 1));
    await time.advance(299);
    expect(late).toBe(0);
    await time.advance(1);
    expect(late).toBe(2);
    expect(await Promise.all([run(), time.advance(0)])).toEqual(['failed store_unavailable', undefined]);
    expect(started.length).toBe(1);
  });

  test('leaves no timer behind', async () => {
    const { time, started, run } = makeBed();
    const all = Promise.all([run(), run()]);
    expect(time.waiting).toBe(2);
    started[0]?.resolve('done');
    await all;
    await settle();
    expect(time.waiting).toBe(0);
  });

  test('starts anew when the work was lost, or the clock set back', async () => {
    const { time, started, run } = makeBed();
    void run();
    await time.advance(9_999);
    void run();
    expect(started.length).toBe(1);
    await time.advance(1);
    void run();
    expect(started.length).toBe(2);
    time.set(5);
    void run();
    expect(started.length).toBe(3);
  });

  test('lost work that ends after all does not end its successor', async () => {
    const { time, flights, started, run } = makeBed();
    void run();
    await time.advance(10_000);
    void run();
    started[0]?.resolve('late');
    await settle();
    expect(flights.size).toBe(1);
  });

  test('starts for nobody without waiting', async () => {
    const { flights, started, work, time } = makeBed();
    flights.start('a', work, () => {});
    flights.start('a', work, () => {});
    expect([started.length, time.waiting]).toEqual([1, 0]);
    started[0]?.reject(new Error('no'));
    await settle();
    expect(flights.size).toBe(0);
  });
});
