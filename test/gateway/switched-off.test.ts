// A bank that is switched off, and an outage of storage that a release excuses: the two answers that no validator gave.

import { describe, expect, test } from 'vitest';

import { FAILURE_CODES } from '../../src/core/failure.ts';
import { DEFAULT_FRESHNESS } from '../../src/gateway/freshness.ts';
import { hexOf } from '../../src/artifact/digest.ts';
import { artifactKey } from '../../src/store/keys.ts';
import { createGatewayBed, problemOf } from '../fixtures/gateway-bed.ts';
import { PLANTED } from '../fixtures/planted.ts';

const { storeWaitMs, retryMs } = DEFAULT_FRESHNESS;

describe('a bank that is switched off', () => {
  test('is denied without its artifact being read or run', async () => {
    const bed = createGatewayBed();
    // Neither its fallback nor what it says of an outage has a say.
    const { artifact } = await bed.publish({
      disabled: { answer: 'deny' },
      fallback: 'refuse',
      outage: 'approve',
    });
    const response = await bed.post();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      decision: 'deny',
      transaction_id: `txn_${PLANTED}`,
      bank: 'meridian',
      reason: { code: 'disabled', iso20022: 'AG10', de39: '91' },
      decided_by: 'fallback',
      failure: 'disabled',
      release: 7,
      artifact,
      evaluated_at: '2026-11-23T09:00:00.123Z',
      fuel: 0,
    });
    expect(bed.calls).toEqual([]);
    expect(bed.store.reads.filter((key) => key.startsWith('artifacts/'))).toEqual([]);
    expect(bed.requests).toMatchObject([{ decision: 'deny', decidedBy: 'fallback', failure: 'disabled' }]);
  });

  test('is refused with 503 where its release says so', async () => {
    const bed = createGatewayBed();
    await bed.publish({ disabled: { answer: 'refuse' }, fallback: 'deny', outage: 'approve' });
    const response = await bed.post();
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await problemOf(response)).toBe('validator_unavailable');
    expect(bed.calls).toEqual([]);
  });

  test('answers again within seconds of being switched on', async () => {
    const bed = createGatewayBed();
    await bed.publish({ disabled: { answer: 'deny' } });
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'deny' });
    await bed.publish({ number: 8 });
    await bed.time.advance(DEFAULT_FRESHNESS.refreshMs + 1);
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'approve', decided_by: 'validator' });
  });
});

describe('an outage of storage that a release excuses', () => {
  test.each(['deny', 'refuse'] as const)(
    'is approved while the artifact is not at hand (fallback %s)',
    async (fallback) => {
      const bed = createGatewayBed();
      await bed.publish({ outage: 'approve', fallback });
      bed.store.fault = (key) => (key.startsWith('artifacts/') ? { kind: 'fail' } : undefined);
      for (let i = 0; i < 2; i += 1) {
        const answer = await (await bed.post()).json();
        expect(answer).toMatchObject({
          decision: 'approve',
          decided_by: 'fallback',
          failure: 'load_failed',
          fuel: 0,
        });
        expect(answer).not.toHaveProperty('reason');
      }
      expect(bed.calls).toEqual([]);
      expect(bed.requests[0]).toMatchObject({
        decision: 'approve',
        decidedBy: 'fallback',
        failure: 'load_failed',
      });
      bed.store.fault = () => undefined;
      await bed.time.advance(retryMs + 1);
      expect(await (await bed.post()).json()).toMatchObject({ decided_by: 'validator' });
    },
  );

  test('is one where storage does not answer in time, too', async () => {
    const bed = createGatewayBed();
    await bed.publish({ outage: 'approve' });
    bed.store.fault = (key) => (key.startsWith('artifacts/') ? { kind: 'hang' } : undefined);
    const pending = bed.post();
    await bed.time.advance(storeWaitMs);
    expect(await (await pending).json()).toMatchObject({ decision: 'approve', failure: 'load_failed' });
  });

  test('is none where the release does not say so', async () => {
    const bed = createGatewayBed();
    await bed.publish();
    bed.store.fault = (key) => (key.startsWith('artifacts/') ? { kind: 'fail' } : undefined);
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'deny', failure: 'load_failed' });
  });

  test.each(['missing', 'bytes'] as const)(
    'is none where the artifact is %s: that is a writer’s work',
    async (kind) => {
      const bed = createGatewayBed();
      await bed.publish({ outage: 'approve' });
      bed.store.fault = (key) =>
        key.startsWith('artifacts/') ? { kind, bytes: new Uint8Array(9) } : undefined;
      for (let i = 0; i < 2; i += 1)
        expect(await (await bed.post()).json()).toMatchObject({ decision: 'deny', failure: 'load_failed' });
    },
  );

  test('is over once storage has said that there is no such artifact', async () => {
    const bed = createGatewayBed();
    const { artifact } = await bed.publish({ outage: 'approve' });
    bed.store.fault = (key) => (key.startsWith('artifacts/') ? { kind: 'fail' } : undefined);
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'approve' });
    bed.store.fault = () => undefined;
    await bed.store.delete(artifactKey(hexOf(artifact)));
    await bed.time.advance(retryMs + 1);
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'deny' });
  });

  test('is none where a writer stored an artifact that is too large to read', async () => {
    const bed = createGatewayBed();
    const { artifact } = await bed.publish({ outage: 'approve' });
    await bed.store.force(artifactKey(hexOf(artifact)), new Uint8Array(48 * 1024 * 1024 + 1));
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'deny', failure: 'load_failed' });
  });

  // Platforms end a guest that takes too long, and later calls then fail to load: a caller can provoke that.
  test.each(FAILURE_CODES)('is no failure of the sandbox, %s among them', async (code) => {
    const bed = createGatewayBed();
    await bed.publish({ outage: 'approve' });
    bed.outcome = async () => ({ kind: 'failure', failure: { code, detail: '' }, fuel: 1 });
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'deny', failure: code });
    bed.outcome = () => Promise.reject(new Error('the host failed'));
    expect((await (await bed.post()).text()).includes('"approve"')).toBe(false);
  });
});
