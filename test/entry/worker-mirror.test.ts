// The artifacts' second level in real workerd: miniflare's Cache API.

import { Response } from 'miniflare';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { hexOf } from '../../src/artifact/digest.ts';
import { artifactKey } from '../../src/store/keys.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { makeBody } from '../fixtures/gateway-bed.ts';
import { startLiveGateway, type LiveGateway } from '../fixtures/live-gateway.ts';

const URL = 'http://localhost/v1/validate';
const addressOf = (hex: string): string => `https://artifacts.wasmpay.invalid/${hex}`;

let gateway: LiveGateway;

beforeAll(async () => {
  gateway = await startLiveGateway();
});

afterAll(() => gateway[Symbol.asyncDispose]());

async function publish(bank: string): Promise<{ hex: string; bytes: Uint8Array<ArrayBuffer> }> {
  // A custom section of its own makes another artifact of it.
  const section = [0, 2 + bank.length, 1, 0x78, ...new TextEncoder().encode(bank)];
  const component = new Uint8Array([...(await validatorFromCoreWat()), ...section]);
  const hex = hexOf((await gateway.publish(bank, component)).artifact);
  const found = await gateway.store.get(artifactKey(hex));
  if (found.kind !== 'found') throw new Error('not stored');
  return { hex, bytes: found.object.bytes };
}

async function decide(bank: string): Promise<Record<string, unknown>> {
  const destination = { id: bank, name: 'Bank', country: 'DE', currency: 'EUR' };
  return (await gateway.validate(URL, makeBody({ destination }))).body;
}

it('is filled by a decision, and is enough for the next isolate', async () => {
  const { hex, bytes } = await publish('filled');
  expect(await decide('filled')).toMatchObject({ decision: 'approve' });
  const { default: cache } = await gateway.miniflare.getCaches();
  const kept = await cache.match(addressOf(hex));
  expect(kept?.headers.get('cache-control')).toContain('immutable');
  expect(new Uint8Array((await kept?.arrayBuffer()) ?? new ArrayBuffer(0))).toEqual(bytes);

  const other = await publish('moved');
  await gateway.store.delete(artifactKey(other.hex));
  const response = new Response(other.bytes, { headers: { 'cache-control': 'max-age=60' } });
  await cache.put(addressOf(other.hex), response);
  expect(await decide('moved')).toMatchObject({ decision: 'approve', decided_by: 'validator' });
});

it('with other bytes is passed over', async () => {
  const { hex, bytes } = await publish('poisoned');
  const { default: cache } = await gateway.miniflare.getCaches();
  const wrong = bytes.slice();
  wrong[600] = (wrong[600] ?? 0) ^ 1;
  const response = new Response(wrong, { headers: { 'cache-control': 'max-age=60' } });
  await cache.put(addressOf(hex), response);
  expect(await decide('poisoned')).toMatchObject({ decision: 'approve', decided_by: 'validator' });
});
