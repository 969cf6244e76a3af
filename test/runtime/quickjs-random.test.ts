// QuickJS's `Math.random` never asks the host: its seed stands in the component. A transaction's seed and time change
// nothing. docs/sandbox.md tells authors so; should a toolchain change it, these tests say that.

import { componentize } from 'componentize-qjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { createNodeSandbox } from '../../src/sandbox/node/node-sandbox.ts';
import { WIT_PATH } from '../fixtures/components.ts';
import { guestCall, publish, withFreshPool, type HostCall, type Subject } from '../fixtures/hosts.ts';
import { TRANSACTION } from '../fixtures/sandbox-bed.ts';

/** Approves where the random number of the index that the amount names is below the number in the destination's name. */
const SOURCE = `export const validation = { validate(t) {
  for (let i = 0; i < Number(t.amount.amount); i += 1) Math.random();
  return Math.random() < Number(t.destination.name);
} };`;

/** How near a number is found, of those below 1. */
const NEAR = 2 ** -30;

const sandbox = createNodeSandbox();

let subject: Subject;
beforeAll(async () => {
  const { component } = await componentize({
    witPath: WIT_PATH,
    world: 'validator',
    sync: true,
    jsSource: SOURCE,
  });
  const published = await publish(component);
  if (!published.ok) throw new Error(JSON.stringify(published.refusals));
  subject = published.value;
});

function isBelow(bound: number, index: number, under = subject, call: HostCall = {}): boolean {
  const transaction = {
    ...TRANSACTION,
    destination: { ...TRANSACTION.destination, name: String(bound) },
    amount: { ...TRANSACTION.amount, amount: BigInt(index) },
  };
  const { outcome } = sandbox.run(under.artifact, under.policy, guestCall({ ...call, transaction }));
  if (outcome.kind !== 'verdict') throw new Error(JSON.stringify(outcome));
  return outcome.verdict.kind === 'approve';
}

/** The number of this index, by halving. */
function find(index: number): number {
  let [least, most] = [0, 1];
  while (most - least > NEAR) {
    const middle = (least + most) / 2;
    if (isBelow(middle, index)) most = middle;
    else least = middle;
  }
  return least;
}

describe('Math.random in QuickJS', () => {
  it('gives numbers, one after the other', () => {
    const first = find(0);
    const second = find(1);
    for (const number of [first, second]) {
      expect(number).toBeGreaterThan(0);
      expect(number).toBeLessThan(1 - 2 * NEAR);
    }
    expect(Math.abs(first - second)).toBeGreaterThan(2 * NEAR);
  });

  it('gives the same ones whatever a transaction’s seed and time are', () => {
    const number = find(0);
    for (let i = 0; i < 20; i += 1) {
      const call = {
        seed: new Uint8Array(32).fill(i + 1),
        evaluatedAtMs: 1_700_000_000_000 + i * 86_400_000,
      };
      const fresh = withFreshPool(subject);
      expect([isBelow(number, 0, fresh, call), isBelow(number + 2 * NEAR, 0, fresh, call)]).toEqual([
        false,
        true,
      ]);
    }
  });
});
