// A chain on the real runtimes, with signed releases and real guests. test/gateway/chain.test.ts has every case.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { releaseNoValidator } from '../../src/publisher/releases/no-validator.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { makeBody } from '../fixtures/gateway-bed.ts';
import { openTwoRuntimes, RUNTIMES, type TwoRuntimes } from '../fixtures/two-runtimes.ts';

let runtimes: TwoRuntimes;

beforeAll(async () => {
  runtimes = await openTwoRuntimes();
  await runtimes.publish('wasmpay', await validatorFromCoreWat());
  await runtimes.publish('careful', await validatorFromCoreWat({ validateBody: 'i32.const 0' }));
  await runtimes.publish(
    'endless',
    await validatorFromCoreWat({ validateBody: 'loop br 0 end unreachable' }),
  );
  const made = await releaseNoValidator(runtimes.desk, 'thrift', { validityDays: 7 });
  expect(made.ok).toBe(true);
}, 120_000);
afterAll(() => runtimes[Symbol.asyncDispose]());

const bank = (id: string) => ({ id, name: 'n', country: 'DE', currency: 'EUR' });

describe.each(RUNTIMES)('on %s', (runtime) => {
  let port = 0;
  let output = (): string => '';

  beforeAll(async () => {
    const started = await runtimes.start(runtime, {
      WASMPAY_CHAIN: 'platform,origin,destination',
      WASMPAY_PLATFORM_BANK: 'wasmpay',
      // A loaded machine takes its time for the first request.
      WASMPAY_DEADLINE_MS: '8000',
    });
    ({ port, output } = started);
  }, 60_000);

  async function ask(origin: string, destination: string): Promise<Record<string, unknown>> {
    const response = await fetch(`http://127.0.0.1:${port}/v1/validate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(makeBody({ origin: bank(origin), destination: bank(destination) })),
    });
    return { status: response.status, ...((await response.json()) as object) };
  }

  it('approves what every bank approves, one of them without a validator', async () => {
    expect(await ask('thrift', 'wasmpay')).toMatchObject({
      status: 200,
      decision: 'approve',
      decided_by: 'validator',
      stages: [
        { stage: 'platform', bank: 'wasmpay', decided_by: 'validator', release: 1 },
        { stage: 'origin', bank: 'thrift', decided_by: 'release', release: 1, fuel: 0 },
        { stage: 'destination', bank: 'wasmpay', decided_by: 'validator' },
      ],
    });
  });

  it.each([
    ['careful', 'wasmpay'],
    ['wasmpay', 'careful'],
    ['careful', 'thrift'],
  ])('denies what one denies (%s to %s)', async (origin, destination) => {
    expect(await ask(origin, destination)).toMatchObject({
      decision: 'deny',
      decided_by: 'validator',
      reason: { code: 'unspecified' },
      bank: destination,
    });
  });

  it('denies where one does not end, and says which', async () => {
    const answer = await ask('endless', 'wasmpay');
    expect(answer).toMatchObject({ decision: 'deny', decided_by: 'fallback', failure: 'fuel_exhausted' });
    expect(answer['stages']).toMatchObject([
      { decision: 'approve' },
      { bank: 'endless', decision: 'deny', failure: 'fuel_exhausted' },
      { decision: 'approve' },
    ]);
  });

  it('tells an unknown origin from an unknown destination', async () => {
    expect(await ask('nobody', 'wasmpay')).toMatchObject({
      status: 404,
      code: 'unknown_bank',
      detail: 'the origin bank, which this gateway asks as well',
    });
    expect(await ask('wasmpay', 'nobody')).not.toHaveProperty('detail');
  });

  it('logs the stages', () => {
    expect(output()).toMatch(/"stages":\[\{"stage":"platform","bank":"wasmpay"/);
  });
});
