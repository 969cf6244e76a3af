// Making an instance runs no instruction of the guest, and can take seconds all the same: entries of element segments,
// globals and exports, times the instances of one module. It is paid for before it is done.

import { describe, expect, it } from 'vitest';

import { createNodeSandbox } from '../../src/sandbox/node/node-sandbox.ts';
import { handmadeValidator } from '../fixtures/hostile-validator.ts';
import { guestCall, publish } from '../fixtures/hosts.ts';

/** A validator beside `count` instances of a module that does nothing but be made. */
function validatorWithTwins(fields: string, count: number): Promise<Uint8Array> {
  const instances = Array.from({ length: count }, (_, i) => `(core instance $t${i} (instantiate $twin))`);
  return handmadeValidator({
    core: {},
    definitions: `(core module $twin ${fields}) ${instances.join('\n')}`,
  });
}

const segments = (entries: number, times: number): string =>
  `(table ${entries} funcref) (func $f) ${`(elem (i32.const 0) func ${'$f '.repeat(entries)})`.repeat(times)}`;
const globals = (count: number): string => '(global (mut i32) (i32.const 1))'.repeat(count);
const exports = (count: number): string =>
  `(func $f) ${Array.from({ length: count }, (_, i) => `(export "e${i}" (func $f))`).join('')}`;

/** How a call ends that has to make the instance. */
async function endOf(component: Uint8Array): Promise<string> {
  const subject = await publish(component);
  if (!subject.ok) return `refused ${subject.refusals[0]?.code}`;
  const { artifact, policy } = subject.value;
  const outcome = await createNodeSandbox().call(artifact, policy, guestCall());
  return outcome.kind === 'verdict' ? outcome.verdict.kind : outcome.failure.code;
}

describe('an instance of', () => {
  it.each<[string, string, number, string]>([
    ['a few instances of a small module', '(func)', 20, 'approve'],
    [
      'twenty active segments over one table, in a hundred instances',
      segments(150, 20),
      100,
      'fuel_exhausted',
    ],
    [
      'tables that no element segment fills, in many instances',
      '(table 2000 funcref)',
      100,
      'memory_exceeded',
    ],
    ['twenty thousand globals, in a hundred instances', globals(20_000), 100, 'fuel_exhausted'],
    ['five thousand exports, in a hundred instances', exports(5_000), 100, 'fuel_exhausted'],
    ['memories, in a hundred instances', '(memory 3)', 100, 'memory_exceeded'],
  ])('%s', async (_, fields, count, end) => {
    expect(await endOf(await validatorWithTwins(fields, count))).toBe(end);
  });
});
