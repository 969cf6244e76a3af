// Functions that only a `call` of their own module reaches are handed the fuel counter, and give it back. Exporting one as
// well ends that, and must change nothing else: not what a call does, nor its fuel. What a guest could do to be handed a
// counter of its own making, or to reach such a function past its charge, is tried here.

import { print } from '@bytecodealliance/jco';
import { describe, expect, it } from 'vitest';
import { HANDED_FUEL_BYTES } from '../../../src/publisher/meter/check-policy.ts';
import { BinaryenFuzzer, exportedFunctions } from '../../fixtures/meter-binaryen.ts';
import { operatorsThatRan, randomPair } from '../../fixtures/meter-random.ts';
import {
  fromText,
  instantiate,
  MeteredRun,
  meterOrThrow,
  MUCH_DEPTH,
  MUCH_FUEL,
  refusalOf,
  runText,
  traps,
  WIDE_OPTIONS,
  type Call,
} from '../../fixtures/meter-run.ts';
import { withWrappers } from '../../fixtures/meter-wrappers.ts';
import { unmarkedWrites } from '../../fixtures/written.ts';

const MODULES = Number(process.env['METER_HANDED_MODULES'] ?? 80);
const BINARYEN_MODULES = Number(process.env['METER_HANDED_BINARYEN_MODULES'] ?? 8);
const FIRST_SEED = Number(process.env['METER_RANDOM_SEED'] ?? 1);
const ARGUMENTS: Record<string, readonly unknown[]> = {
  i: [5, -1],
  I: [7n, -(2n ** 63n)],
  f: [1.5, NaN],
  F: [-2.25, Infinity],
  r: [null, null],
};

const LONG = 'i32.const 77 i32.const 3 i32.div_u drop '.repeat(12);
const FILL = 'i32.const 0 i32.const 1 i32.const 5000 memory.fill';

const INDIRECT = 'i32.const 0 call_indirect (type $w)';

/** Bodies of `(param i32) (result i32)`; `$work` gives an i32 and `$two` an i64 and an i32. */
const BODIES: Readonly<Record<string, string>> = {
  nothing: 'i32.const 1',
  'a call': 'call $work',
  'calls and a fill': `call $work drop ${FILL} call $work drop ${FILL} i32.const 1`,
  'a call of two results': 'call $two i32.wrap_i64 i32.add',
  'a call of a host': 'call $work drop call $look call $work',
  'a call through a table': 'call $work i32.const 0 call_indirect (type $w) i32.add',
  'a call through a table in front': `${INDIRECT} call $work i32.add`,
  'calls through a table around one': `${INDIRECT} call $work i32.add ${INDIRECT} i32.add`,
  'calls around one through a table': `call $work ${INDIRECT} i32.add call $work i32.add`,
  'calls, some through a table, some that fill': `${INDIRECT} drop ${FILL} call $work drop ${FILL} ${INDIRECT} drop call $work`,
  growing: 'call $work i32.const 1 memory.grow i32.add call $work i32.add',
  'a loop': `loop call $work drop local.get 0 i32.const 1 i32.sub local.tee 0 i32.const 0 i32.gt_s br_if 0 end i32.const 3`,
  return: `call $work local.get 0 if i32.const 2 return end ${LONG}`,
  'return that is not taken': `call $work local.get 0 i32.eqz if i32.const 2 return end ${LONG}`,
  br: 'call $work br 0',
  br_if: `call $work local.get 0 br_if 0 ${LONG}`,
  'br_if that is not taken': `call $work local.get 0 i32.eqz br_if 0 ${LONG}`,
  br_table: 'block (result i32) call $work local.get 0 br_table 0 1 0 end',
  'exits out of blocks': `block block loop call $work local.get 0 br_if 3 return end unreachable end unreachable end i32.const 1`,
  'a call, then an end that is not reached': 'call $work return unreachable',
  'writing its own locals': 'i32.const 9 local.set 0 i64.const -1 local.set 1 call $work local.get 0 i32.add',
};

function bodyText(body: string, exports: string): string {
  return `(module
    (type $w (func (result i32)))
    (import "host" "look" (func $look))
    (memory 1 100) (table 1 funcref) (elem (i32.const 0) func $listed)
    (func $listed (type $w) ${LONG} i32.const 1)
    (func $work (type $w) ${LONG} i32.const 1)
    (func $two (result i32 i64) ${LONG} i32.const 1 i64.const 2)
    (func $inner (param i32) (result i32) (local i64) ${body})
    (func (export "f") (param i32) (result i32) local.get 0 call $inner)
    ${exports})`;
}

const EXPORTED = '(export "work" (func $work)) (export "two" (func $two)) (export "inner" (func $inner))';

describe('a function that is handed the fuel counter', () => {
  for (const [name, body] of Object.entries(BODIES)) {
    it(`does and costs what it would if it were exported: ${name}`, async () => {
      const seen: bigint[] = [];
      const prepare = async (exports: string) => {
        const run = await runText(bodyText(body, exports), {
          host: { look: () => seen.push(run.globals.fuel) },
        });
        return run;
      };
      const [handed, exported] = [await prepare(''), await prepare(EXPORTED)];
      const need = exported.fuelOf('f', 1);
      expect(handed.fuelOf('f', 1)).toBe(need);
      // The host looks at the counter in the middle.
      expect(seen.length).toBe(name.includes('host') ? 2 : 0);
      expect(seen[1]).toBe(seen[0]);
      expect(handed.globals.depth).toBe(MUCH_DEPTH);
      const fresh = [await prepare(''), await prepare(EXPORTED)];
      expect(fresh[0]?.call('f', 1)).toBe(fresh[1]?.call('f', 1));
      expect((await prepare('')).isExhausted(need, 'f', 1)).toBe(false);
      for (let fuel = 0; fuel < need; fuel += 1 + (need >> 6)) {
        expect((await prepare('')).isExhausted(fuel, 'f', 1), String(fuel)).toBe(true);
      }
    });
  }

  it('has a parameter and a result more, in a type of its own', async () => {
    const text = (exports: string) => bodyText('call $work', exports);
    const typesOf = async (exports: string): Promise<string> =>
      print(meterOrThrow(await fromText(text(exports))).bytes);
    expect(await typesOf('')).toContain('(func (param i32 i64) (result i32 i64))');
    expect(await typesOf(EXPORTED)).not.toContain('(func (param i32 i64) (result i32 i64))');
  });

  it('cannot have its counter named by the guest', async () => {
    const module = (body: string) =>
      fromText(`(module (func $inner (param i32) ${body}) (func (export "f") i32.const 1 call $inner))`);
    // wasm-tools' parser takes any index; metering refuses it, and so would an engine.
    for (const body of ['local.get 1 drop', 'i64.const 9 local.set 1', 'i64.const 9 local.tee 1 drop']) {
      expect(refusalOf(await module(body)).code).toBe('malformed');
    }
  });

  it('marks what it writes at an address in a local of its own', async () => {
    const run = await runText(
      `(module (memory (export "memory") 4)
        (func $inner (param i32) (local i32) i32.const 70000 local.set 1 local.get 1 local.get 0 i32.store offset=4)
        (func (export "f") i32.const 5 call $inner))`,
      {},
      { ...WIDE_OPTIONS, marksWrites: true },
    );
    const memory = run.exports['memory'] as WebAssembly.Memory;
    const before = new Uint8Array(memory.buffer).slice();
    run.call('f');
    expect(new Uint8Array(memory.buffer)[70_004]).toBe(5);
    expect(unmarkedWrites(run.exports, memory, before).missed).toEqual([]);
  });

  it('ends an endless loop and endless recursion, calls deep', async () => {
    const run = await runText(`(module
      (func $spin loop br 0 end) (func $a call $spin) (func $b call $a) (func (export "spin") call $b)
      (func $down (param i64) (result i64) local.get 0 call $up) (func $up (param i64) (result i64) local.get 0 call $down)
      (func (export "recurse") i64.const 1 call $down drop)
      (func $tree (param i32) local.get 0 if local.get 0 i32.const 1 i32.sub call $tree local.get 0 i32.const 1 i32.sub call $tree end)
      (func (export "tree") i32.const 60 call $tree))`);
    expect(run.isExhausted(1_000_000, 'spin')).toBe(true);
    expect(run.isExhausted(1_000_000, 'tree')).toBe(true);
    run.globals.fuel = MUCH_FUEL;
    expect(traps(() => run.call('recurse'))).toBe(true);
    expect(run.globals.depth).toBeLessThan(0);
  });

  it('counts the frames of a recursion with what handing takes, and ends it before the engine does', async () => {
    const depths: number[] = [];
    const text = (exports: string) => `(module
      (import "host" "look" (func $look))
      (func $f (param i32) call $look local.get 0 if local.get 0 i32.const 1 i32.sub call $f end)
      (func (export "f") (param i32) local.get 0 call $f) ${exports})`;
    const frames: number[] = [];
    for (const exports of ['', '(export "own" (func $f))']) {
      depths.length = 0;
      const run = await runText(text(exports), { host: { look: () => depths.push(run.globals.depth) } });
      run.call('f', 1);
      frames.push((depths[0] ?? 0) - (depths[1] ?? 0));
    }
    expect((frames[0] ?? 0) - (frames[1] ?? 0)).toBe(HANDED_FUEL_BYTES);
    const values = 'i64 '.repeat(40);
    const many = await runText(`(module
      (func $f (param ${values}) (result ${values}) ${Array.from({ length: 40 }, (_, at) => `local.get ${at} `).join('')} call $f)
      (func (export "f") ${'i64.const 1 '.repeat(40)} call $f ${'drop '.repeat(40)}))`);
    for (let warm = 0; warm < 300; warm += 1) {
      many.globals.depth = MUCH_DEPTH;
      expect(traps(() => many.call('f'))).toBe(true);
      expect(many.globals.depth).toBeLessThan(0);
    }
  });

  it('may have as many parameters and results as an engine takes', async () => {
    for (const count of [998, 999, 1000]) {
      const values = 'i32 '.repeat(count);
      const run = await runText(`(module
        (func $give (result ${values}) ${'i32.const 1 '.repeat(count)})
        (func $take (param ${values}) (result i32) local.get ${count - 1})
        (func (export "f") (result i32) call $give call $take))`);
      expect(run.call('f')).toBe(1);
      expect(run.fuelOf('f')).toBeGreaterThan(count);
    }
  });
});

describe('a guest that would be handed a counter of its own', () => {
  // The type that $inner has when it is handed the counter, declared by the guest.
  const FORGED = '(type $forged (func (param i32 i64) (result i32 i64)))';
  const INNER = `(func $inner (param i32) (result i32) (local i32) loop local.get 1 i32.const 1 i32.add local.tee 1 i32.const 1000 i32.lt_u br_if 0 end local.get 0)`;
  const DIRECT = '(func (export "direct") (result i32) i32.const 1 call $inner)';
  const FORGE = `(func (export "forge") i32.const 1 i64.const 1000000000000 i32.const 0 call_indirect (type $forged) drop drop)`;
  const HONEST = `(func (export "f") (result i32) i32.const 1 i32.const 0 call_indirect (param i32) (result i32))`;
  const ways: Readonly<Record<string, string>> = {
    'an active element': '(table 1 funcref) (elem (i32.const 0) func $inner)',
    'an element that is an expression': '(table 1 funcref) (elem (i32.const 0) funcref (ref.func $inner))',
    'a passive element': `(table 1 funcref) (elem $e func $inner) (func $set i32.const 0 i32.const 0 i32.const 1 table.init $e) (start $set)`,
    'a reference taken by code':
      '(table 1 funcref) (elem declare func $inner) (func $set i32.const 0 ref.func $inner table.set 0) (start $set)',
    'a reference in a global': `(table 1 funcref) (global funcref (ref.func $inner)) (func $set i32.const 0 global.get 0 table.set 0) (start $set)`,
    'an export': `(table (export "table") 1 funcref) (export "inner" (func $inner))`,
  };
  for (const [name, way] of Object.entries(ways)) {
    it(`gets nothing by ${name}`, async () => {
      const run = await runText(`(module ${FORGED} ${way} ${INNER} ${DIRECT} ${FORGE} ${HONEST})`);
      if (name === 'an export') {
        const table = run.exports['table'] as WebAssembly.Table;
        table.set(0, run.exports['inner']);
      }
      expect(traps(() => run.call('forge'))).toBe(true);
      expect(run.globals.depth).toBeLessThanOrEqual(MUCH_DEPTH);
      run.globals.depth = MUCH_DEPTH;
      expect(run.call('f')).toBe(1);
      expect(run.fuelOf('f')).toBeGreaterThanOrEqual(10_000);
      expect(run.fuelOf('direct')).toBeGreaterThanOrEqual(10_000);
      expect(run.isExhausted(9_000, 'f')).toBe(true);
    });
  }

  it('gets nothing by a reference that it did not declare: engines refuse what comes out', async () => {
    const bytes = await fromText(
      `(module ${FORGED} (table 1 funcref) ${INNER} ${DIRECT} (func (export "f") i32.const 0 ref.func $inner table.set 0))`,
    );
    expect(WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)).toBe(false);
    expect(WebAssembly.validate(meterOrThrow(bytes).bytes as Uint8Array<ArrayBuffer>)).toBe(false);
  });

  it('gets nothing by being its start, and calling it', async () => {
    const metered = meterOrThrow(
      await fromText(
        `(module (func $start ${'i32.const 1 drop '.repeat(100)}) (start $start) (func (export "f") call $start))`,
      ),
    );
    const run = new MeteredRun(metered);
    const started = MUCH_FUEL - run.globals.fuel;
    expect(started).toBeGreaterThan(200n);
    expect(run.fuelOf('f')).toBeGreaterThan(Number(started));
  });
});

type Exports = Record<string, WebAssembly.ExportValue>;

function digest(bytes: Uint8Array): number {
  let hash = bytes.length;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  return hash;
}

/** How a call went, and what memory and tables hold then. */
function outcome(exports: Exports, name: string, values: readonly unknown[]): string {
  let text: string;
  try {
    const result = (exports[name] as Call)(...values);
    text = (Array.isArray(result) ? result : [result])
      .map((value: unknown) => (typeof value === 'function' ? 'function' : String(value)))
      .join();
  } catch (cause) {
    if (cause instanceof RangeError && cause.message.includes('call stack')) throw cause;
    text = (cause as Error).name;
  }
  const state = Object.entries(exports)
    .filter(([at]) => !at.startsWith('$meter'))
    .flatMap(([at, value]) => {
      if (value instanceof WebAssembly.Memory) return `${at} ${digest(new Uint8Array(value.buffer))}`;
      if (value instanceof WebAssembly.Table) return `${at} ${value.length}`;
      // Those of the random modules; a reference has others besides.
      return value instanceof WebAssembly.Global && /^g\d/.test(at) ? `${at} ${value.value}` : [];
    });
  return `${text} ${state.join(';')}`;
}

describe('random modules whose functions are all handed the counter', () => {
  it(`give what they give plain, for the fuel that they cost exported (${MODULES} modules)`, async () => {
    const imports = { host: { call: (value: number) => (value ^ 0x55) | 0 } };
    const options = { ...WIDE_OPTIONS, marksWrites: true };
    const reached = new Set<string>();
    let [ended, runs] = [0, 0];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + MODULES; seed += 1) {
      const { guest, reference, functions } = randomPair(seed);
      const { hidden, exported } = await withWrappers(guest);
      const meteredHidden = meterOrThrow(hidden, options);
      const meteredExported = meterOrThrow(exported, options);
      for (const [index, { params }] of functions.entries()) {
        const at = `seed ${seed}, f${index}`;
        const values = params.split('').map((type) => ARGUMENTS[type]?.[(seed + index) % 2]);
        const plain = instantiate(reference, imports);
        const run = new MeteredRun(meteredHidden, imports);
        const other = new MeteredRun(meteredExported, imports);
        const memory = run.exports['memory'] as WebAssembly.Memory;
        const before = new Uint8Array(memory.buffer).slice();
        const expected = outcome(plain, `f${index}`, values);
        expect(outcome(run.exports, `f${index}`, values), at).toBe(expected);
        expect(outcome(other.exports, `f${index}`, values), at).toBe(expected);
        expect(unmarkedWrites(run.exports, memory, before).missed, at).toEqual([]);
        for (const name of operatorsThatRan(plain)) reached.add(name);
        runs += 1;
        if (run.globals.depth !== MUCH_DEPTH || expected.startsWith('RuntimeError')) continue;
        ended += 1;
        expect(run.globals.fuel, at).toBe(other.globals.fuel);
        const fuel = Number(MUCH_FUEL - run.globals.fuel);
        expect(BigInt(fuel), at).toBeGreaterThanOrEqual(
          (plain['count'] as WebAssembly.Global).value as bigint,
        );
        const short = new MeteredRun(meteredHidden, imports);
        expect(short.isExhausted(fuel - 1, `f${index}`, ...values), at).toBe(true);
        const enough = new MeteredRun(meteredHidden, imports);
        expect(enough.isExhausted(fuel, `f${index}`, ...values), at).toBe(false);
      }
    }
    console.log(
      `handed counter: ${MODULES} random modules, ${runs} runs, ended ${ended}, ${reached.size} operators`,
    );
    expect(ended).toBeGreaterThan(runs / 4);
  }, 300_000);

  it(`of binaryen's fuzzer too (${BINARYEN_MODULES} modules)`, async () => {
    using fuzzer = new BinaryenFuzzer();
    // V8 13.6 may end the process where code is freed (nodejs/node#64500): nothing is, up to the end.
    const kept: unknown[] = [];
    const support = new Proxy({}, { get: () => () => undefined });
    const imports = {
      'fuzzing-support': support,
      __fuzz_import: { extern$: new WebAssembly.Global({ value: 'externref' }, 'extern') },
    };
    let [ended, runs] = [0, 0];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + BINARYEN_MODULES; seed += 1) {
      const guest = await fuzzer.generate(seed, [500, 3000, 12_000][seed % 3] ?? 0);
      const { hidden, exported } = await withWrappers(guest);
      let plain: Exports;
      try {
        plain = instantiate(guest, imports);
      } catch {
        continue;
      }
      const run = new MeteredRun(meterOrThrow(hidden), imports);
      const other = new MeteredRun(meterOrThrow(exported), imports);
      kept.push(plain, run, other);
      for (const [index, { name, params }] of exportedFunctions(guest).entries()) {
        const at = `seed ${seed}, ${name}`;
        const values = params.split('').map((type) => ARGUMENTS[type]?.[(seed + index) % 2]);
        for (const { globals } of [run, other]) {
          globals.fuel = MUCH_FUEL;
          globals.depth = MUCH_DEPTH;
        }
        const expected = outcome(plain, name, values);
        expect(outcome(run.exports, name, values), at).toBe(expected);
        outcome(other.exports, name, values);
        runs += 1;
        if (/^\w*Error /.test(expected)) continue;
        ended += 1;
        expect(run.globals.depth, at).toBe(MUCH_DEPTH);
        expect(run.globals.fuel, at).toBe(other.globals.fuel);
        expect(run.globals.fuel, at).toBeLessThan(MUCH_FUEL);
      }
    }
    console.log(
      `handed counter: ${BINARYEN_MODULES} modules of binaryen's fuzzer, ${runs} runs, ended ${ended}`,
    );
    expect(ended).toBeGreaterThan(runs / 10);
  }, 300_000);
});
