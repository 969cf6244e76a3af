// Composed validators on both hosts: published like plain ones, answering like plain ones, metered across both parts. One
// of them was made by wac; the others are of the same form, made of text.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { buildHarness } from '../../src/authoring/harness.ts';
import { buildValidator } from '../../src/authoring/build-validator.ts';
import type { CallOutcome } from '../../src/sandbox/sandbox.ts';
import { endingOf } from '../fixtures/attacks.ts';
import { readCases } from '../fixtures/cases.ts';
import { compose, harness } from '../fixtures/compositions.ts';
import { CONTRACT_VERSIONS } from '../fixtures/components.ts';
import { BAD, GOOD, hostileValidator } from '../fixtures/hostile-validator.ts';
import {
  HOSTS,
  openHost,
  publish,
  withFreshPool,
  type Host,
  type HostCall,
  type Subject,
} from '../fixtures/hosts.ts';
import { inspectComponent } from '../fixtures/shared-tools.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MADE_BY_WAC = new Uint8Array(
  readFileSync(new URL('../fixtures/composed/icamer.wasm', import.meta.url)),
);
const HANDLER = 'wasmcloud:messaging/handler@0.2.0';

let hosts: readonly Host[] = [];
beforeAll(async () => {
  hosts = await Promise.all(HOSTS.map((name) => openHost(name)));
});
afterAll(async () => {
  for (const host of hosts) await host[Symbol.asyncDispose]();
});

/** The outcome of both hosts, which must be one: verdict and fuel. */
async function callBoth(subject: Subject, call: HostCall): Promise<CallOutcome> {
  const [first, ...others] = await Promise.all(hosts.map((host) => host.call(subject, call)));
  if (first === undefined) throw new Error('no hosts');
  for (const other of others) expect(other).toEqual(first);
  return first;
}

async function subjectOf(component: Uint8Array): Promise<Subject> {
  const result = await publish(component);
  if (!result.ok) throw new Error(JSON.stringify(result.refusals));
  return result.value;
}

describe('a component that wac composed', () => {
  it('is inspected as one component, with the core modules of both parts', async () => {
    const inspected = await inspectComponent(MADE_BY_WAC);
    if (!inspected.ok) throw new Error(JSON.stringify(inspected.refusals));
    const { imports, exports, coreModules } = inspected.value;
    expect(imports.map((entry) => entry.interface).sort()).toEqual([
      'wasmcloud:messaging/types',
      'wasmpay:platform/types',
    ]);
    expect(exports).toEqual(expect.arrayContaining(['wasmpay:platform/validation@0.1.0', HANDLER]));
    expect(new Set(coreModules.map(({ path }) => path.replace(/\/module.*$/, ''))).size).toBe(2);
  });

  it('is published by the confined tools of production, and its manifest names the messaging export', async () => {
    const result = await publish(MADE_BY_WAC, { confined: true });
    if (!result.ok) throw new Error(JSON.stringify(result.refusals));
    expect(result.value.artifact.manifest.exports).toEqual([HANDLER, 'wasmpay:platform/validation@0.1.0']);
    expect(result.value.policy.grants).toEqual([]);
    expect(result.value.artifact.manifest.metering.restorable).toBe(true);
  });

  it('answers the cases of its validator, for the same fuel on both hosts, in a new pool as in a used one', async () => {
    const used = await subjectOf(MADE_BY_WAC);
    for (const { name, expect: expected, transaction } of readCases('icamer-assemblyscript')) {
      const outcome = await callBoth(used, { transaction });
      expect(endingOf(outcome), name).toBe(expected);
      expect(await callBoth(withFreshPool(used), { transaction }), name).toEqual(outcome);
    }
  });
});

describe.each(CONTRACT_VERSIONS)('the platform’s harness for contract %s', (contract) => {
  it('answers what the validator in it answers, and costs what the passing on costs', async () => {
    const validator = await hostileValidator({ contract });
    const own = await buildHarness(`wasmpay:platform@${contract}`);
    const plain = await subjectOf(validator);
    const composed = await subjectOf(await compose(validator, own, contract));
    for (const transaction of [GOOD, BAD]) {
      const alone = await callBoth(plain, { transaction });
      const within = await callBoth(composed, { transaction });
      expect(within).toEqual({ ...alone, fuel: within.fuel });
      expect(within.fuel).toBeGreaterThan(alone.fuel);
    }
  });

  it('imports validation, and beside it types alone', async () => {
    const inspected = await inspectComponent(await buildHarness(`wasmpay:platform@${contract}`));
    if (!inspected.ok) throw new Error(JSON.stringify(inspected.refusals));
    expect(
      inspected.value.imports
        .filter(({ callable }) => callable)
        .map((entry) => `${entry.interface}@${entry.version}`),
    ).toEqual([`wasmpay:platform/validation@${contract}`]);
  });
});

describe('one validator in two harnesses', () => {
  it('is decided by the harness’s rule where that has one, and is not built again', async () => {
    const { component } = await buildValidator({
      directory: `${ROOT}/examples/validators/icamer-assemblyscript`,
      outDirectory: `${ROOT}/build/validators`,
    });
    const transaction = readCases('icamer-assemblyscript').find(
      (each) => each.expect === 'approve',
    )?.transaction;
    if (transaction === undefined) throw new Error('no case approves');
    const large = { ...transaction, amount: { ...transaction.amount, amount: 1_000_000n } };
    const limit = `(if (i64.ge_s (i64.load offset=88 (local.get $transaction)) (i64.const 1000000))
      (then (return (i32.const 0))))`;
    const lenient = await compose(component, await buildHarness('wasmpay:platform@0.1.0'));
    const strict = await compose(component, await harness({ before: limit }));
    expect(endingOf(await callBoth(await subjectOf(lenient), { transaction: large }))).toBe('approve');
    expect(endingOf(await callBoth(await subjectOf(strict), { transaction: large }))).toBe('deny');
    expect(endingOf(await callBoth(await subjectOf(strict), { transaction }))).toBe('approve');
  });
});

describe('fuel of a composition', () => {
  it('is one budget for both parts: enough is exactly what the call costs, and one less is not', async () => {
    const composed = await subjectOf(MADE_BY_WAC);
    const { fuel } = await callBoth(composed, { transaction: GOOD });
    const limited = (most: number): Subject => ({
      artifact: composed.artifact,
      policy: { ...composed.policy, limits: { ...composed.policy.limits, fuel: most } },
    });
    for (const enough of [fuel, fuel + 1])
      expect((await callBoth(limited(enough), { transaction: GOOD })).kind).toBe('verdict');
    expect(endingOf(await callBoth(limited(fuel - 1), { transaction: GOOD }))).toBe('fuel_exhausted');
  });
});
