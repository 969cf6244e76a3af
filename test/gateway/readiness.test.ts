import { describe, expect, test } from 'vitest';

import { DEFAULT_FRESHNESS } from '../../src/gateway/freshness.ts';
import { createGatewayBed, problemOf } from '../fixtures/gateway-bed.ts';

const READY_URL = 'http://pay.example/readyz';

describe('a gateway', () => {
  test('is ready once its store answered that the probe is missing', async () => {
    const bed = createGatewayBed();
    const response = await bed.app.request(READY_URL);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('{"status":"ready"}');
  });

  test('is alive and not ready while its store fails, and ready as soon as it does not', async () => {
    const bed = createGatewayBed();
    bed.store.fault = () => ({ kind: 'fail' });
    expect(await problemOf(await bed.app.request(READY_URL))).toBe('not_ready');
    expect((await bed.app.request('http://pay.example/healthz')).status).toBe(200);
    bed.store.fault = () => undefined;
    expect((await bed.app.request(READY_URL)).status).toBe(200);
  });

  test('stays ready through an outage: it decides from what it holds', async () => {
    const bed = createGatewayBed();
    await bed.app.request(READY_URL);
    bed.store.fault = () => ({ kind: 'fail' });
    expect((await bed.app.request(READY_URL)).status).toBe(200);
  });

  test('does not let the question wait for a store that hangs', async () => {
    const bed = createGatewayBed();
    bed.store.fault = () => ({ kind: 'hang' });
    const asked = bed.app.request(READY_URL);
    await bed.time.advance(DEFAULT_FRESHNESS.storeWaitMs);
    expect(await problemOf(await asked)).toBe('not_ready');
  });

  test('that drains wants no traffic, and answers what comes', async () => {
    let isDraining = false;
    const bed = createGatewayBed({ isDraining: () => isDraining });
    await bed.publish();
    expect((await bed.app.request(READY_URL)).status).toBe(200);
    isDraining = true;
    expect(await problemOf(await bed.app.request(READY_URL))).toBe('not_ready');
    expect((await bed.post()).status).toBe(200);
  });

  test('says so to GET and HEAD only', async () => {
    const bed = createGatewayBed();
    expect((await bed.app.request(READY_URL, { method: 'HEAD' })).status).toBe(200);
    expect(await problemOf(await bed.app.request(READY_URL, { method: 'POST' }))).toBe('method_not_allowed');
  });
});
