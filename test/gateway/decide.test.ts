import { describe, expect, test } from 'vitest';

import type { Verdict } from '../../src/core/decision.ts';
import { FAILURE_CODES } from '../../src/core/failure.ts';
import { statusOfFailure } from '../../src/core/reason-codes.ts';
import { hexOf } from '../../src/artifact/digest.ts';
import { artifactKey } from '../../src/store/keys.ts';
import type { CallOutcome } from '../../src/sandbox/sandbox.ts';
import { createGatewayBed, makeBody, problemOf } from '../fixtures/gateway-bed.ts';
import { PLANTED, PLANTED_AMOUNT } from '../fixtures/planted.ts';

describe('a verdict', () => {
  test('to approve is the answer, in the order of the design', async () => {
    const bed = createGatewayBed();
    const release = await bed.publish();
    const response = await bed.post();
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(
      JSON.stringify({
        decision: 'approve',
        transaction_id: `txn_${PLANTED}`,
        bank: 'meridian',
        decided_by: 'validator',
        release: 7,
        artifact: release.artifact,
        evaluated_at: '2026-11-23T09:00:00.123Z',
        fuel: 1,
      }),
    );
  });

  test.each<[Verdict, unknown]>([
    [
      { kind: 'deny', denial: { code: 'AM02', message: 'above "10,000.00" EUR' } },
      { code: 'AM02', message: 'above "10,000.00" EUR', iso20022: 'AM02', de39: '61' },
    ],
    [
      { kind: 'deny', denial: { code: 'unspecified' } },
      { code: 'unspecified', iso20022: 'MS03', de39: '05' },
    ],
  ])('to deny has its reason', async (verdict, reason) => {
    const bed = createGatewayBed();
    const release = await bed.publish();
    bed.outcome = async () => ({ kind: 'verdict', verdict, fuel: 1 });
    expect(await (await bed.post()).json()).toEqual({
      decision: 'deny',
      transaction_id: `txn_${PLANTED}`,
      bank: 'meridian',
      reason,
      decided_by: 'validator',
      release: 7,
      artifact: release.artifact,
      evaluated_at: '2026-11-23T09:00:00.123Z',
      fuel: 1,
    });
  });
});

test('a validator’s reason gets into the answer and into no event', async () => {
  const bed = createGatewayBed();
  await bed.publish();
  const denial = { code: 'PLANTED-7C1F', message: 'planted 918273645' };
  bed.outcome = async () => ({ kind: 'verdict', verdict: { kind: 'deny', denial }, fuel: 1 });
  expect(await (await bed.post()).json()).toMatchObject({ reason: denial });
  expect(bed.requests).toHaveLength(1);
  expect(JSON.stringify(bed.events)).not.toMatch(/planted/i);
});

describe('no verdict', () => {
  test.each(FAILURE_CODES)('%s denies by the fallback', async (code) => {
    const bed = createGatewayBed();
    const release = await bed.publish();
    bed.outcome = async () => ({ kind: 'failure', failure: { code, detail: 'for operators' }, fuel: 1 });
    const response = await bed.post();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      decision: 'deny',
      transaction_id: `txn_${PLANTED}`,
      bank: 'meridian',
      reason: { code, ...statusOfFailure(code) },
      decided_by: 'fallback',
      failure: code,
      release: 7,
      artifact: release.artifact,
      evaluated_at: '2026-11-23T09:00:00.123Z',
      fuel: 1,
    });
    expect(bed.requests).toEqual([
      expect.objectContaining({
        decision: 'deny',
        decidedBy: 'fallback',
        failure: code,
        failureDetail: 'for operators',
      }),
    ]);
  });

  test.each(FAILURE_CODES)('%s refuses where the release says so', async (code) => {
    const bed = createGatewayBed();
    await bed.publish({ fallback: 'refuse' });
    bed.outcome = async () => ({ kind: 'failure', failure: { code, detail: 'for operators' }, fuel: 1 });
    const response = await bed.post();
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await problemOf(response)).toBe('validator_unavailable');
    expect(bed.requests).toEqual([expect.objectContaining({ status: 503, failure: code, release: 7 })]);
  });

  test.each([
    ['is missing', 'missing'],
    ['cannot be read', 'fail'],
    ['has other bytes', 'bytes'],
  ] as const)('since the artifact %s', async (_what, kind) => {
    const bed = createGatewayBed();
    await bed.publish();
    bed.store.fault = (key) =>
      key.startsWith('artifacts/') ? { kind, bytes: new Uint8Array(9) } : undefined;
    expect(await (await bed.post()).json()).toMatchObject({
      decision: 'deny',
      decided_by: 'fallback',
      failure: 'load_failed',
    });
    expect(bed.calls).toEqual([]);
  });

  test('since the sandbox itself failed', async () => {
    const bed = createGatewayBed();
    await bed.publish();
    bed.outcome = () => Promise.reject(new Error('planted'));
    const text = await (await bed.post()).text();
    expect(JSON.parse(text)).toMatchObject({
      decision: 'deny',
      decided_by: 'fallback',
      failure: 'load_failed',
    });
    expect(text + JSON.stringify(bed.events)).not.toContain('planted');
  });

  test.each([
    undefined,
    {},
    { kind: 'approve' },
    { kind: 'verdict' },
    { kind: 'verdict', verdict: { kind: 'APPROVE' } },
    { kind: 'verdict', verdict: true },
    { kind: 'failure', failure: { code: 'trap', detail: '' }, verdict: { kind: 'approve' } },
  ])('a sandbox with a bug that answers %j approves nothing', async (outcome) => {
    const bed = createGatewayBed();
    await bed.publish();
    bed.outcome = async () => outcome as unknown as CallOutcome;
    expect(await (await bed.post()).text()).not.toContain('"approve"');
  });
});

test('the guest gets transaction, seed and the time that the answer names', async () => {
  const bed = createGatewayBed();
  await bed.publish();
  await bed.post();
  await bed.time.advance(1_000);
  await bed.post();
  await bed.post({ body: JSON.stringify(makeBody({ id: 'txn_2' })) });
  const [first, second, third] = bed.calls;
  expect(first).toMatchObject({ transaction: { id: `txn_${PLANTED}`, amount: { amount: PLANTED_AMOUNT } } });
  expect(first?.seed).toHaveLength(32);
  expect(second?.seed).toEqual(first?.seed);
  expect(third?.seed).not.toEqual(first?.seed);
  expect(Number(second?.evaluatedAtMs) - Number(first?.evaluatedAtMs)).toBe(1_000);
});

test('an artifact that comes back is used again', async () => {
  const bed = createGatewayBed();
  const { artifact } = await bed.publish();
  await bed.store.delete(artifactKey(hexOf(artifact)));
  expect(await (await bed.post()).json()).toMatchObject({ failure: 'load_failed' });
  await bed.publish();
  await bed.time.advance(1_001);
  expect(await (await bed.post()).json()).toMatchObject({ decision: 'approve' });
});
