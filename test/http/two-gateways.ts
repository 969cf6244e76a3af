// The gateway on Node as a process of its own and in real workerd, with one bank whose validator bears witness to the
// amount: it approves where the digits of the transaction's id spell the amount that it was given, and denies elsewhere.
// What a suite sends is full of planted values; none may come out in a log.

import { expect } from 'vitest';

import { validatorFromCoreWat } from '../fixtures/components.ts';
import { PLANTED, PLANTED_AMOUNT } from '../fixtures/planted.ts';
import { openTwoRuntimes, RUNTIMES, type RunningGateway } from '../fixtures/two-runtimes.ts';

export const BANK = 'meridian';

export interface TwoGateways extends AsyncDisposable {
  readonly node: RunningGateway;
  readonly workerd: RunningGateway;
}

/** Starts both, with the witness released to {@link BANK}. Disposing of them finds planted values in their logs. */
export async function startTwoGateways(): Promise<TwoGateways> {
  const runtimes = await openTwoRuntimes();
  await runtimes.publish(BANK, await validatorFromCoreWat({ validateBody: WITNESS_BODY }));
  const gateways = { node: await runtimes.start('node'), workerd: await runtimes.start('workerd') };
  return {
    ...gateways,
    async [Symbol.asyncDispose]() {
      for (const name of RUNTIMES) expect(gateways[name].output(), name).toContain('"event":"request"');
      await runtimes[Symbol.asyncDispose]();
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
