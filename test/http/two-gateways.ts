// The gateway on Node as a process of its own and in real workerd, with one bank whose validator bears witness to the
// amount: it approves where the digits of the transaction's id spell the amount that it was given, and denies elsewhere.
// What a suite sends is full of planted values; none may come out in a log.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'vitest';

import { generateReleaseKeys, parseSigningKey } from '../../src/artifact/release-keys.ts';
import { DEFAULT_POLICY } from '../../src/publisher/policy.ts';
import { publishComponent } from '../../src/publisher/publish.ts';
import { createFilesystemStore } from '../../src/store/filesystem.ts';
import { startProcess } from '../entry/dev-process.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { AUDIENCE, startLiveGateway } from '../fixtures/live-gateway.ts';
import { PLANTED, PLANTED_AMOUNT } from '../fixtures/planted.ts';
import { SHARED_TOOLS } from '../fixtures/shared-tools.ts';

export const BANK = 'meridian';

/** A gateway that listens on 127.0.0.1. */
export interface RunningGateway {
  readonly port: number;
  /** Everything that it has written. */
  log(): string;
}

export interface TwoGateways extends AsyncDisposable {
  readonly Node: RunningGateway;
  readonly workerd: RunningGateway;
}

/** Their names, for `describe.each`. */
export const GATEWAYS = ['Node', 'workerd'] as const;

/** Starts both, with the witness released to {@link BANK}. Disposing of them finds planted values in their logs. */
export async function startTwoGateways(): Promise<TwoGateways> {
  const component = new Uint8Array(await validatorFromCoreWat({ validateBody: WITNESS_BODY }));
  const directory = await mkdtemp(join(tmpdir(), 'wasmpay-http-'));
  const keys = await generateReleaseKeys();
  const store = join(directory, 'store');
  const published = await publishComponent({
    bankId: BANK,
    component,
    store: createFilesystemStore(store),
    signingKey: await parseSigningKey(JSON.stringify(keys.private)),
    audience: AUDIENCE,
    policy: DEFAULT_POLICY,
    tools: SHARED_TOOLS,
    clock: () => Date.now(),
    stopwatch: () => performance.now(),
  });
  expect(published.ok).toBe(true);
  const node = startProcess(
    ['src/entry/node.ts'],
    {
      WASMPAY_AUDIENCE: AUDIENCE,
      WASMPAY_TRUSTED_KEYS: JSON.stringify({ keys: [keys.public] }),
      WASMPAY_SEED_KEY: 'a seed key of enough characters, for tests',
      WASMPAY_BASE_DOMAINS: 'localhost',
      WASMPAY_OPEN: 'loopback',
      WASMPAY_STORE: `file:${store}`,
      PORT: '0',
    },
    'wasmpay gateway  http',
  );
  const workerd = await startLiveGateway();
  await workerd.publish(BANK, component);
  await node.ready();
  const gateways = {
    Node: { port: Number(/http:\/\/[\d.]+:(\d+)/.exec(node.output())?.[1]), log: () => node.output() },
    workerd: { port: Number(workerd.directUrl.port), log: () => workerd.log() },
  };
  return {
    ...gateways,
    async [Symbol.asyncDispose]() {
      for (const name of GATEWAYS) expect(gateways[name].log(), name).toContain('"event":"request"');
      await node.end('SIGTERM');
      await workerd[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A body whose transaction the witness approves, its amount and more members as JSON text. */
export function bodyWith(amount: string, id: string = amount): string {
  const bank = (bankId: string): string =>
    `{"id":"${bankId}","name":"${PLANTED} Bank","country":"DE","currency":"EUR"}`;
  const members = [
    `"id":"${id}"`,
    `"origin":${bank(`${PLANTED}-origin`)}`,
    `"destination":${bank(BANK)}`,
    `"amount":{"name":"${PLANTED} Euro","symbol":"${PLANTED}","amount":${amount}}`,
    '"status":"pending"',
  ];
  return `{${members.join(',')}}`;
}

/** A body that any gateway approves. */
export const GOOD_BODY = bodyWith(String(PLANTED_AMOUNT));

/**
 * Reads the id, an optional minus sign and decimal digits, as an i64 and compares it with the amount. In the record the
 * id's address is at 0, its length at 4, the amount at 88.
 */
const WITNESS_BODY = `
  (local $at i32) (local $end i32) (local $value i64) (local $isNegative i32)
  (local.set $at (i32.load (local.get $transaction)))
  (local.set $end (i32.add (local.get $at) (i32.load offset=4 (local.get $transaction))))
  (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x2d))
    (then
      (local.set $isNegative (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))))
  (block $done
    (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $value
        (i64.sub
          (i64.mul (local.get $value) (i64.const 10))
          (i64.sub (i64.load8_u (local.get $at)) (i64.const 0x30))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
  (if (i32.eqz (local.get $isNegative))
    (then (local.set $value (i64.sub (i64.const 0) (local.get $value)))))
  (i64.eq (local.get $value) (i64.load offset=88 (local.get $transaction)))`;
