// Guests that call a cheap function of the host for ever, by every way that leads to it. A call that takes microseconds
// and costs nothing would hold the thread for minutes.

import { beforeAll, afterAll, describe, expect, it } from 'vitest';

import { HOST_CALL_FUEL } from '../../src/artifact/meter-abi.ts';
import { attack, describeAttacks } from '../fixtures/attacks.ts';
import { HOSTS, openHost, type Host } from '../fixtures/hosts.ts';
import {
  HOSTILE,
  hostileValidator,
  wasi,
  wasiWorld,
  type HostileCore,
} from '../fixtures/hostile-validator.ts';

const CLOCK = {
  world: wasiWorld('clocks/monotonic-clock'),
  imports: `(type $now-type (func (result i64))) ${wasi('clocks/monotonic-clock', 'now', '$now (type $now-type)')}`,
};
/** Ways to call the clock: an instruction, and the fields that it needs. */
const WAYS = {
  directly: { call: '(call $now)', fields: '' },
  'through a table': {
    call: '(call_indirect (type $now-type) (i32.const 0))',
    fields: '(table 1 funcref) (elem (i32.const 0) $now)',
  },
  'through a table that it fills itself': {
    call: '(block (result i64) (table.set (i32.const 0) (ref.func $now)) (call_indirect (type $now-type) (i32.const 0)))',
    fields: '(table 1 funcref) (elem declare func $now)',
  },
  'through a function of its own': {
    call: '(call $through)',
    fields: '(func $through (result i64) (call $now))',
  },
} as const;

const forEver = (call: string): string => `(loop $again (drop ${call}) (br $again))`;

describeAttacks('host calls', [
  ...Object.entries(WAYS).map(([way, { call, fields }]) =>
    attack(`asks the clock for ever, ${way}`, { ...CLOCK, fields, attack: forEver(call) }, 'fuel_exhausted'),
  ),
  attack(
    'asks the clock for ever in a start function',
    { ...CLOCK, fields: `(func $start ${forEver('(call $now)')}) (start $start)` },
    'fuel_exhausted',
    { always: true },
  ),
  attack(
    'asks the clock for ever where its arguments are written',
    { ...CLOCK, realloc: `(if (i32.eq (local.get $size) (i32.const 12)) (then ${forEver('(call $now)')}))` },
    'fuel_exhausted',
  ),
]);

describe.each(HOSTS)('the price of a host call, on %s', (hostName) => {
  let host: Host;
  beforeAll(async () => {
    host = await openHost(hostName);
  });
  afterAll(() => host[Symbol.asyncDispose]());

  const fuelOf = async (core: HostileCore): Promise<number> => {
    const outcome = await host.call(await host.prepare(await hostileValidator(core)), {
      transaction: HOSTILE,
    });
    expect(outcome.kind).toBe('verdict');
    return outcome.fuel;
  };

  it.each(Object.entries(WAYS))('is taken for each call, %s', async (_, { call, fields }) => {
    const [one, three] = await Promise.all(
      [1, 3].map((count) =>
        fuelOf({ ...CLOCK, fields, attack: `${`(drop ${call})`.repeat(count)} (return (i32.const 1))` }),
      ),
    );
    const price = ((three ?? 0) - (one ?? 0)) / 2;
    expect(price).toBeGreaterThanOrEqual(HOST_CALL_FUEL);
    // What the guest's own instructions cost comes on top, and is little beside it.
    expect(price).toBeLessThan(2 * HOST_CALL_FUEL);
  });
});
