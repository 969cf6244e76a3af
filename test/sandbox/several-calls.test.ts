// Several calls in one: each meets a pristine instance with fuel of its own, and together they take no longer than one may.

import { describe, expect, test } from 'vitest';

import { APPROVE } from '../fixtures/gateway-bed.ts';
import { callSeveral, failed, type PoolCall } from '../../src/sandbox/guest-pool.ts';
import { createNodeSandbox } from '../../src/sandbox/node/node-sandbox.ts';
import type { CallOutcome } from '../../src/sandbox/sandbox.ts';
import { validatorFromCoreWat } from '../fixtures/components.ts';
import { guestCall, openHost } from '../fixtures/hosts.ts';

const calls = (count: number) => Array.from({ length: count }, () => guestCall());

function poolOf(outcomes: readonly PoolCall[]) {
  let ran = 0;
  return { call: (): PoolCall => outcomes[ran++] as PoolCall };
}

const pooled = (outcome: CallOutcome, makingFuel = 0): PoolCall => ({
  outcome,
  makingFuel,
  output: [],
  pages: 0,
});
const used = (fuel: number): CallOutcome => ({ ...APPROVE, fuel });

describe('calls of one pool', () => {
  test.each([
    ['under', [40, 59, 7], 3],
    ['at', [40, 60, 7], 2],
    ['over', [40, 80, 7], 2],
    ['with the first of them at', [100, 1, 7], 1],
  ])('stop %s the fuel of one', (_where, fuels, ran) => {
    const pool = poolOf(fuels.map((fuel) => pooled(used(fuel))));
    expect(callSeveral(pool, calls(3), 100)).toEqual(fuels.slice(0, ran).map(used));
  });

  test('count what new instances cost', () => {
    const pool = poolOf([pooled(used(1), 99), pooled(used(1))]);
    expect(callSeveral(pool, calls(2), 100)).toHaveLength(1);
  });

  test('stop after a failure, however little it used', () => {
    const failure = failed({ code: 'bad_output', detail: '' }, 1);
    expect(callSeveral(poolOf([pooled(used(1)), failure, pooled(used(1))]), calls(3), 100)).toHaveLength(2);
  });
});

describe('on Node', async () => {
  const host = await openHost('node');

  test('each call is as it is alone', async () => {
    const body = '(i32.eqz (i32.load8_u (i32.const 8))) (i32.store8 (i32.const 8) (i32.const 1))';
    const { artifact, policy } = await host.prepare(await validatorFromCoreWat({ validateBody: body }));
    const sandbox = createNodeSandbox();
    const alone = await sandbox.call(artifact, policy, guestCall());
    expect(alone).toMatchObject({ kind: 'verdict', verdict: { kind: 'approve' } });
    expect(await sandbox.callSeveral(artifact, policy, calls(50))).toEqual(
      Array.from({ length: 50 }, () => alone),
    );
  });

  test('a validator that never ends holds the thread for one of its calls', async () => {
    const { artifact, policy } = await host.prepare(
      await validatorFromCoreWat({ validateBody: 'loop br 0 end unreachable' }),
    );
    const sandbox = createNodeSandbox();
    const outcomes = await sandbox.callSeveral(artifact, policy, calls(1_000));
    expect(outcomes).toMatchObject([{ failure: { code: 'fuel_exhausted' }, fuel: policy.limits.fuel }]);
  });
});
