// One suite for both hosts of the sandbox: what a validator answers, and what it costs, is the same in workerd and in
// Node, in a new pool and in a used one. FUEL_TABLE in the environment prints the fuel of all cases.

import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { buildValidator } from '../../src/authoring/build-validator.ts';
import type { GuestLimits } from '../../src/core/guest-limits.ts';
import type { CallOutcome } from '../../src/sandbox/sandbox.ts';
import { endingOf } from '../fixtures/attacks.ts';
import { expectReason, readCases } from '../fixtures/cases.ts';
import { BAD, GOOD, HOSTILE, hostileValidator, wasi, wasiWorld } from '../fixtures/hostile-validator.ts';
import {
  EVALUATED_AT_MS,
  HOSTS,
  openHost,
  withFreshPool,
  type Host,
  type HostName,
  type Subject,
} from '../fixtures/hosts.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = ['icamer-assemblyscript', 'meridian-typescript', 'nordhaven-typescript'] as const;

const hosts = new Map<HostName, Host>();
const hostOf = (name: HostName): Host => {
  const host = hosts.get(name);
  if (host === undefined) throw new Error(`${name} is not open`);
  return host;
};

beforeAll(async () => {
  for (const name of HOSTS) hosts.set(name, await openHost(name));
});
afterAll(async () => {
  for (const host of hosts.values()) await host[Symbol.asyncDispose]();
});

/** The outcomes of both hosts, which must be one. */
async function callBoth(
  subject: Subject,
  ...args: Parameters<Host['call']> extends [unknown, ...infer R] ? R : never
) {
  const [first, ...others] = await Promise.all(HOSTS.map((name) => hostOf(name).call(subject, ...args)));
  if (first === undefined) throw new Error('no hosts');
  for (const other of others) expect(other).toEqual(first);
  return first;
}

const withLimits = (subject: Subject, limits: Partial<GuestLimits>): Subject => ({
  artifact: subject.artifact,
  policy: { ...subject.policy, limits: { ...subject.policy.limits, ...limits } },
});

describe.each(EXAMPLES)('%s', (example) => {
  const cases = readCases(example);
  let subject: Subject;

  beforeAll(async () => {
    const { component } = await buildValidator({
      directory: `${root}/examples/validators/${example}`,
      outDirectory: `${root}/build/validators`,
    });
    subject = await hostOf('node').prepare(component);
  });

  it('answers its cases the same, for the same fuel, on both hosts', async () => {
    const table: Record<string, Record<string, string | number>> = {};
    for (const example of cases) {
      const { name, expect: expected, transaction } = example;
      const row: Record<string, string | number> = { decision: expected };
      const outcomes: CallOutcome[] = [];
      for (const host of HOSTS) {
        const outcome = await hostOf(host).call(subject, { transaction });
        expect(endingOf(outcome), `${name}, on ${host}`).toBe(expected);
        const { verdict } = outcome as Extract<CallOutcome, { kind: 'verdict' }>;
        expectReason(example, verdict.kind === 'deny' ? verdict.denial : undefined);
        outcomes.push(outcome);
        row[`fuel on ${host}`] = outcome.fuel;
      }
      expect(outcomes[1], name).toEqual(outcomes[0]);
      table[name.slice(0, 50)] = row;
    }
    if (process.env['FUEL_TABLE'] !== undefined) console.table(table);
  });

  it.each(HOSTS)('answers on %s in a new pool as in a used one, fuel included', async (name) => {
    const host = hostOf(name);
    for (const [index, { transaction }] of cases.entries()) {
      const before = cases[(index + 3) % cases.length] ?? cases[0];
      const used = withFreshPool(subject);
      if (before !== undefined) await host.call(used, { transaction: before.transaction });
      const warm = await host.call(used, { transaction });
      expect(warm).toEqual(await host.call(withFreshPool(subject), { transaction }));
      // A used pool that answered a hundred times is still the same.
      if (index === 0)
        for (let i = 0; i < 100; i += 1) expect(await host.call(used, { transaction })).toEqual(warm);
    }
  });
});

describe('seed and time', () => {
  /** Works as long as `probe` says, so that what it saw shows in its fuel. */
  const probing = (world: string, imports: string, probe: string) =>
    hostileValidator({
      world,
      imports,
      locals: '(local $work i64)',
      calm: `(block (result i32)
        (local.set $work (i64.and ${probe} (i64.const 0xffff)))
        (loop $burn (local.set $work (i64.sub (local.get $work) (i64.const 1)))
          (br_if $burn (i64.gt_s (local.get $work) (i64.const 0))))
        (i32.const 1))`,
    });

  it('decide what a guest draws, and nothing else does', async () => {
    const subject = await hostOf('node').prepare(
      await probing(
        wasiWorld('random/random'),
        wasi('random/random', 'get-random-u64', '$random (result i64)'),
        '(i64.xor (call $random) (i64.rotl (call $random) (i64.const 9)))',
      ),
    );
    const seed = new Uint8Array(32).fill(7);
    const first = await callBoth(subject, { seed });
    expect(await callBoth(subject, { seed })).toEqual(first);
    expect(await callBoth(withFreshPool(subject), { seed })).toEqual(first);
    expect(await callBoth(subject, { seed, evaluatedAtMs: EVALUATED_AT_MS + 1 })).toEqual(first);
    expect((await callBoth(subject, { seed: new Uint8Array(32).fill(8) })).fuel).not.toBe(first.fuel);
  });

  it.each([
    [
      'wall-clock',
      '$now (param i32)',
      '(block (result i64) (call $now (i32.const 2048)) (i64.add (i64.mul (i64.load (i32.const 2048)) (i64.const 7)) (i64.div_u (i64.load32_u (i32.const 2056)) (i64.const 1000000))))',
    ],
    ['monotonic-clock', '$now (result i64)', '(i64.div_u (call $now) (i64.const 1000000))'],
  ])('decide what the %s reads', async (clock, type, probe) => {
    const subject = await hostOf('node').prepare(
      await probing(wasiWorld(`clocks/${clock}`), wasi(`clocks/${clock}`, 'now', type), probe),
    );
    const first = await callBoth(subject, { evaluatedAtMs: EVALUATED_AT_MS });
    expect(await callBoth(withFreshPool(subject), { seed: new Uint8Array(32).fill(9) })).toEqual(first);
    expect((await callBoth(subject, { evaluatedAtMs: EVALUATED_AT_MS + 5 })).fuel).not.toBe(first.fuel);
  });
});

describe('limits', () => {
  it('end a call that needs one unit of fuel more than there is', async () => {
    const subject = await hostOf('node').prepare(
      await hostileValidator({
        locals: '(local $i i32)',
        attack: `(loop $work (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $work (i32.lt_u (local.get $i) (i32.const 1000)))) (return (i32.const 1))`,
      }),
    );
    const { fuel } = await callBoth(subject, { transaction: HOSTILE });
    const under = await callBoth(withLimits(subject, { fuel: fuel + 1 }), { transaction: HOSTILE });
    const at = await callBoth(withLimits(subject, { fuel }), { transaction: HOSTILE });
    const over = await callBoth(withLimits(subject, { fuel: fuel - 1 }), { transaction: HOSTILE });
    expect([under, at].map(({ kind, fuel: used }) => [kind, used])).toEqual([
      ['verdict', fuel],
      ['verdict', fuel],
    ]);
    expect(over).toEqual({
      kind: 'failure',
      failure: { code: 'fuel_exhausted', detail: `${fuel - 1} fuel` },
      fuel: fuel - 1,
    });
  });

  it('end a call that needs one byte of stack more than there is, at the same byte on both hosts', async () => {
    const subject = await hostOf('node').prepare(
      await hostileValidator({
        fields: `(func $down (param i32) (result i32)
          (if (result i32) (local.get 0) (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))) (else (i32.const 1))))`,
        attack: '(return (call $down (i32.const 200)))',
      }),
    );
    const endsWith = async (stackBytes: number) =>
      endingOf(await hostOf('node').call(withLimits(subject, { stackBytes }), { transaction: HOSTILE }));
    let [fails, holds] = [4096, 256 * 1024];
    expect([await endsWith(fails), await endsWith(holds)]).toEqual(['trap', 'approve']);
    while (holds - fails > 1) {
      const middle = Math.floor((fails + holds) / 2);
      if ((await endsWith(middle)) === 'approve') holds = middle;
      else fails = middle;
    }
    expect(
      endingOf(await callBoth(withLimits(subject, { stackBytes: holds }), { transaction: HOSTILE })),
    ).toBe('approve');
    expect(
      await callBoth(withLimits(subject, { stackBytes: fails }), { transaction: HOSTILE }),
    ).toMatchObject({
      failure: { code: 'trap', detail: `stack of ${fails} bytes` },
    });
  });

  it.each([
    [
      'memoryPages',
      5,
      '(memory (export "memory") 3)',
      '',
      '(memory.grow (i32.const 2))',
      '(memory.grow (i32.const 3))',
    ],
    [
      'tableElements',
      20,
      undefined,
      '(table $t 8 funcref)',
      '(table.grow $t (ref.null func) (i32.const 12))',
      '(table.grow $t (ref.null func) (i32.const 13))',
    ],
  ] as const)(
    'let a guest grow to %s, %i, and no further',
    async (limit, value, memory, fields, within, beyond) => {
      const subject = await hostOf('node').prepare(
        await hostileValidator({
          ...(memory !== undefined && { memory }),
          fields,
          attack: `(return (i32.and (i32.eq ${beyond} (i32.const -1)) (i32.ne ${within} (i32.const -1))))`,
        }),
        { limits: { [limit]: value } },
      );
      expect(endingOf(await callBoth(subject, { transaction: HOSTILE }))).toBe('approve');
      // The publisher's caps stand in the artifact: a policy that allows more does not lift them.
      expect(
        endingOf(await callBoth(withLimits(subject, { [limit]: value + 9 }), { transaction: HOSTILE })),
      ).toBe('approve');
      // One that allows less does lower them.
      expect(
        endingOf(await callBoth(withLimits(subject, { [limit]: value - 1 }), { transaction: HOSTILE })),
      ).toBe('deny');
    },
  );

  it.each([
    ['memoryPages', 3, '(memory (export "memory") 3)', ''],
    ['tableElements', 8, undefined, '(table 8 funcref)'],
  ] as const)('are checked before anything is allocated: %s of %i', async (limit, value, memory, fields) => {
    const subject = await hostOf('node').prepare(
      await hostileValidator({ ...(memory !== undefined && { memory }), fields }),
    );
    expect(endingOf(await callBoth(withLimits(subject, { [limit]: value + 1 }), { transaction: GOOD }))).toBe(
      'approve',
    );
    expect(endingOf(await callBoth(withLimits(subject, { [limit]: value }), { transaction: BAD }))).toBe(
      'deny',
    );
    expect(await callBoth(withLimits(subject, { [limit]: value - 1 }), { transaction: GOOD })).toMatchObject({
      failure: { code: 'memory_exceeded' },
      fuel: 0,
    });
  });
});
