// Calls that leave WebAssembly, in every way that a core module has to make one.

import { parse } from '@bytecodealliance/jco';
import { describe, expect, it } from 'vitest';

import { HOST_CALL_FUEL } from '../../src/artifact/meter-abi.ts';
import { DEFAULT_GUEST_LIMITS } from '../../src/core/guest-limits.ts';
import { createHostCalls } from '../../src/sandbox/host-calls.ts';
import { createMeter } from '../../src/sandbox/meter.ts';
import { NO_MEMORY } from '../fixtures/metering.ts';

type Exports = Record<string, (...operands: unknown[]) => unknown>;

/** Core instances over one meter, as the sandbox makes them, in front of a host that counts its calls. */
function createBench(fuel: number) {
  const meter = createMeter({ ...DEFAULT_GUEST_LIMITS, fuel }, NO_MEMORY);
  meter.begin();
  const hostCalls = createHostCalls(meter);
  let reached = 0;
  return {
    host: () => {
      reached += 1;
    },
    reached: () => reached,
    usedFuel: () => meter.usedFuel(false),
    failure: () => meter.failure()?.code,
    async instantiate(wat: string, imports: WebAssembly.Imports = {}): Promise<Exports> {
      const module = new WebAssembly.Module(new Uint8Array(await parse(`(module ${wat})`)));
      const { exports } = new WebAssembly.Instance(module, hostCalls.price(imports));
      hostCalls.admit(exports);
      return exports as Exports;
    },
  };
}

const TEN = 10 * HOST_CALL_FUEL;
const IMPORT = '(import "h" "f" (func $host))';
/** Calls the host ten times, as `call` says. */
const tenTimes = (call: string): string => `(func (export "run") (local $i i32)
  (loop $again ${call} (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $again (i32.lt_u (local.get $i) (i32.const 10)))))`;

describe('a call of the host', () => {
  it.each([
    ['directly', `${IMPORT} ${tenTimes('(call $host)')}`],
    ['by a tail call', `${IMPORT} (func $tail (return_call $host)) ${tenTimes('(call $tail)')}`],
    [
      'through a table',
      `${IMPORT} (table 1 funcref) (elem (i32.const 0) $host) ${tenTimes('(call_indirect (i32.const 0))')}`,
    ],
    [
      'through a reference',
      `(type $void (func)) (import "h" "f" (func $host (type $void))) (elem declare func $host)
      ${tenTimes('(call_ref $void (ref.func $host))')}`,
    ],
  ])('pays when it is made %s', async (_, wat) => {
    const bench = createBench(1_000_000);
    const { run } = await bench.instantiate(wat, { h: { f: bench.host } });
    run?.();
    expect([bench.reached(), bench.usedFuel()]).toEqual([10, TEN]);
  });

  it('pays when it is the start function itself', async () => {
    const bench = createBench(1_000_000);
    await bench.instantiate(`${IMPORT} (start $host)`, { h: { f: bench.host } });
    expect([bench.reached(), bench.usedFuel()]).toEqual([1, HOST_CALL_FUEL]);
  });

  it('pays when another core module re-exports it, once', async () => {
    const bench = createBench(1_000_000);
    const passing = await bench.instantiate(`${IMPORT} (export "f" (func $host))`, { h: { f: bench.host } });
    const { run } = await bench.instantiate(`${IMPORT} ${tenTimes('(call $host)')}`, { h: passing });
    run?.();
    expect([bench.reached(), bench.usedFuel()]).toEqual([10, TEN]);
  });

  it('pays when another core module has put it into a table that both share', async () => {
    const bench = createBench(1_000_000);
    const shim = await bench.instantiate('(table (export "t") 1 funcref)');
    const table = shim['t'] as unknown as WebAssembly.Table;
    const imports = { s: { t: table }, h: { f: bench.host } };
    await bench.instantiate(
      `(import "s" "t" (table 1 funcref)) ${IMPORT} (elem (i32.const 0) $host)`,
      imports,
    );
    const { run } = await bench.instantiate(
      `(import "s" "t" (table 1 funcref)) ${tenTimes('(call_indirect (i32.const 0))')}`,
      { s: { t: table } },
    );
    run?.();
    expect([bench.reached(), bench.usedFuel()]).toEqual([10, TEN]);
  });

  it('pays when the function is a core instance’s of somebody else', async () => {
    const elsewhere = await createBench(1_000_000).instantiate('(func (export "f"))');
    const bench = createBench(1_000_000);
    const { run } = await bench.instantiate(`${IMPORT} ${tenTimes('(call $host)')}`, { h: elsewhere });
    run?.();
    expect(bench.usedFuel()).toBe(TEN);
  });

  it.each([
    ['under its price', HOST_CALL_FUEL - 1, 0, 'fuel_exhausted'],
    ['at its price', HOST_CALL_FUEL, 1, undefined],
    ['over its price', HOST_CALL_FUEL + 1, 1, undefined],
  ])('reaches the host with fuel %s only if that is enough', async (_, fuel, reached, failure) => {
    const bench = createBench(fuel);
    const { run } = await bench.instantiate(`${IMPORT} (func (export "run") (call $host))`, {
      h: { f: bench.host },
    });
    if (failure === undefined) run?.();
    else expect(() => run?.()).toThrow(WebAssembly.RuntimeError);
    expect([bench.reached(), bench.failure()]).toEqual([reached, failure]);
  });

  it('passes all operands and results on, and no this', async () => {
    const bench = createBench(1_000_000);
    const seen: unknown[] = [];
    function host(this: unknown, ...operands: unknown[]): unknown[] {
      seen.push(this, ...operands);
      return [2n ** 63n - 1n, 7];
    }
    const { run } = await bench.instantiate(
      `(import "h" "f" (func $f (param i32 i64 f64 externref) (result i64 i32)))
      (func (export "run") (param externref) (result i64 i32)
        (call $f (i32.const -1) (i64.const -9223372036854775808) (f64.const 0.5) (local.get 0)))`,
      { h: { f: host } },
    );
    const thing = {};
    expect(run?.(thing)).toEqual([2n ** 63n - 1n, 7]);
    expect(seen).toEqual([undefined, -1, -(2n ** 63n), 0.5, thing]);
  });
});

describe('a call of another core module', () => {
  it('pays nothing here, direct or through a table', async () => {
    const bench = createBench(0);
    const callee = await bench.instantiate('(func (export "f"))');
    const direct = await bench.instantiate(`${IMPORT} ${tenTimes('(call $host)')}`, { h: callee });
    const indirect = await bench.instantiate(
      `${IMPORT} (table 1 funcref) (elem (i32.const 0) $host) ${tenTimes('(call_indirect (i32.const 0))')}`,
      { h: callee },
    );
    direct['run']?.();
    indirect['run']?.();
    expect([bench.usedFuel(), bench.failure()]).toEqual([0, undefined]);
  });
});

describe('imports', () => {
  const hostCalls = createHostCalls({ charge: () => {} });

  it('are replaced once for each function, and only where they are functions', () => {
    const f = (): void => {};
    const memory = new WebAssembly.Memory({ initial: 1 });
    const global = new WebAssembly.Global({ value: 'i32', mutable: true }, 1);
    const first = hostCalls.price({ a: { f, memory }, b: { f, global } });
    expect(first['a']?.['f']).not.toBe(f);
    expect(first['b']?.['f']).toBe(first['a']?.['f']);
    expect(hostCalls.price({ c: { f } })['c']?.['f']).toBe(first['a']?.['f']);
    expect([first['a']?.['memory'], first['b']?.['global']]).toEqual([memory, global]);
  });

  it('of hostile names are names', () => {
    const imports = JSON.parse('{"__proto__":{"constructor":1,"__proto__":2}}') as WebAssembly.Imports;
    const priced = hostCalls.price(imports);
    expect(Object.entries(priced)).toHaveLength(1);
    expect(Object.entries(priced['__proto__'] ?? {})).toEqual([
      ['constructor', 1],
      ['__proto__', 2],
    ]);
  });
});
