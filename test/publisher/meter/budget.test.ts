import { describe, expect, it } from 'vitest';
import { DIRTY } from '../../../src/artifact/meter-abi.ts';
import {
  fromText,
  MeteredRun,
  MeterGlobals,
  meterOrThrow,
  runText,
  type Call,
} from '../../fixtures/meter-run.ts';

const OPTIONS = { maxMemoryPages: 100, maxTableElements: 1000 };
const MEMORY = `(module (memory (export "memory") 1)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
  (func (export "size") (result i32) memory.size))`;
const TABLE = `(module (table $t (export "table") 1 externref) (table $f 2 funcref)
  (func (export "grow") (param i32) (result i32) ref.null extern local.get 0 table.grow $t)
  (func (export "grow-functions") (param i32) (result i32) ref.null func local.get 0 table.grow $f)
  (func (export "size") (result i32) table.size $t))`;

// [what grows, module, budget, the dirty bit of growth]
const kinds = [
  ['memory', MEMORY, 'pages', DIRTY.memoryGrown],
  ['table', TABLE, 'elements', DIRTY.tableWritten],
] as const;

for (const [kind, text, budget, grownBit] of kinds) {
  describe(`the component's budget of ${budget}`, () => {
    it(`lets a ${kind} grow under it and up to it, and takes off what was added`, async () => {
      const run = await runText(text, {}, OPTIONS);
      run.globals[budget] = 7;
      expect(run.call('grow', 4)).toBe(1);
      expect(run.globals[budget]).toBe(3);
      expect(run.call('grow', 3)).toBe(5);
      expect(run.globals[budget]).toBe(0);
      expect(run.globals.dirty).toBe(grownBit);
      expect(run.call('size')).toBe(8);
    });

    it('gives -1 over it, changes nothing and is not the host’s failure', async () => {
      const run = await runText(text, {}, OPTIONS);
      run.globals[budget] = 7;
      expect(run.call('grow', 8)).toBe(-1);
      expect(run.globals[budget]).toBe(7);
      expect(run.globals.dirty).toBe(0);
      expect(run.call('size')).toBe(1);
      expect(run.call('grow', 7)).toBe(1);
      expect(run.call('grow', 1)).toBe(-1);
      expect(run.globals[budget]).toBe(0);
    });

    it('lets nothing be added when it is used up, and growing by nothing still succeed', async () => {
      const run = await runText(text, {}, OPTIONS);
      run.globals[budget] = 0;
      expect(run.call('grow', 0)).toBe(1);
      expect(run.call('grow', 1)).toBe(-1);
      expect(run.globals[budget]).toBe(0);
      expect(run.globals.dirty).toBe(0);
    });

    it('compares without sign: 2^31 and more is over it, and never under', async () => {
      const run = await runText(text, {}, OPTIONS);
      run.globals[budget] = 7;
      for (const delta of [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 8, 2 ** 32 - 1]) {
        expect(run.call('grow', delta), String(delta)).toBe(-1);
        expect(run.globals[budget], String(delta)).toBe(7);
      }
      expect(run.globals.dirty).toBe(0);
    });

    it('is itself without sign, and the maximum still holds where size and delta pass 2^32 together', async () => {
      const run = await runText(text, {}, OPTIONS);
      run.globals[budget] = 2 ** 32 - 1;
      for (const delta of [2 ** 31, 2 ** 32 - 1, 1000]) expect(run.call('grow', delta)).toBe(-1);
      expect(run.globals[budget]).toBe(2 ** 32 - 1);
      expect(run.globals.dirty).toBe(0);
      expect(run.call('grow', 2)).toBe(1);
      expect(run.globals[budget]).toBe(2 ** 32 - 3);
    });

    it('is left alone where the maximum is what forbids it', async () => {
      const run = await runText(text, {}, { maxMemoryPages: 5, maxTableElements: 5 });
      run.globals[budget] = 100;
      expect(run.call('grow', 5)).toBe(-1);
      expect(run.globals[budget]).toBe(100);
      expect(run.globals.dirty).toBe(0);
      expect(run.call('grow', 4)).toBe(1);
      expect(run.globals[budget]).toBe(96);
    });

    it('costs the base alone where it forbids, so an allocator may ask', async () => {
      const run = await runText(text, {}, OPTIONS);
      run.globals[budget] = 7;
      const refused = run.fuelOf('grow', 8);
      expect(refused).toBe(run.fuelOf('grow', 0));
      expect(run.fuelOf('grow', 7)).toBeGreaterThan(refused);
    });

    it('is shared by two modules, whoever grows first', async () => {
      const metered = meterOrThrow(await fromText(text), OPTIONS);
      const globals = new MeterGlobals();
      globals[budget] = 10;
      const first = new MeteredRun(metered, {}, globals);
      const second = new MeteredRun(metered, {}, globals);
      expect(first.call('grow', 6)).toBe(1);
      expect(second.call('grow', 5)).toBe(-1);
      expect(second.call('grow', 4)).toBe(1);
      expect(first.call('grow', 1)).toBe(-1);
      expect([first.call('size'), second.call('size')]).toEqual([7, 5]);
      expect(globals[budget]).toBe(0);
    });

    it('holds for a module that grows step by step until it may not', async () => {
      const run = await runText(text, {}, OPTIONS);
      run.globals[budget] = 20;
      let steps = 0;
      while (run.call('grow', 3) !== -1) steps += 1;
      expect(steps).toBe(6);
      expect(run.globals[budget]).toBe(2);
    });
  });
}

describe('budgets', () => {
  it('are shared by all tables of a module, of any type', async () => {
    const run = await runText(TABLE, {}, OPTIONS);
    run.globals.elements = 5;
    expect(run.call('grow-functions', 3)).toBe(2);
    expect(run.call('grow', 3)).toBe(-1);
    expect(run.call('grow', 2)).toBe(1);
    expect(run.globals.elements).toBe(0);
  });

  it('are taken off by whoever grows an imported memory', async () => {
    const owner = await runText(MEMORY, {}, OPTIONS);
    owner.globals.pages = 5;
    const guest = new MeteredRun(
      meterOrThrow(
        await fromText(`(module (import "a" "m" (memory 1 100))
        (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))`),
        OPTIONS,
      ),
      { a: { m: owner.exports['memory'] as WebAssembly.Memory } },
      owner.globals,
    );
    expect(guest.call('grow', 3)).toBe(1);
    expect(owner.call('grow', 3)).toBe(-1);
    expect(owner.call('grow', 2)).toBe(4);
  });

  it('are not taken off, and the host is told, where the engine refuses below budget and maximum', async () => {
    const metered = meterOrThrow(
      await fromText(`(module (import "a" "m" (memory 1 50)) (import "a" "t" (table 1 50 externref))
        (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
        (func (export "table-grow") (param i32) (result i32) ref.null extern local.get 0 table.grow))`),
      OPTIONS,
    );
    const imports = {
      a: {
        m: new WebAssembly.Memory({ initial: 1, maximum: 2 }),
        t: new WebAssembly.Table({ initial: 1, maximum: 2, element: 'externref' }),
      },
    };
    for (const [name, budget] of [
      ['grow', 'pages'],
      ['table-grow', 'elements'],
    ] as const) {
      const run = new MeteredRun(metered, imports);
      run.globals[budget] = 10;
      expect(run.call(name, 5)).toBe(-1);
      expect(run.globals.dirty).toBe(DIRTY.growFailed);
      expect(run.globals[budget]).toBe(10);
      run.globals.dirty = 0;
      expect(run.call(name, 11)).toBe(-1);
      expect(run.globals.dirty).toBe(0);
    }
  });

  it('keep what a table is filled with when it grows, and the operands below', async () => {
    const run = await runText(
      `(module (table $t (export "table") 0 externref)
      (func (export "f") (param externref i32) (result i32 externref i32)
        i32.const 77 local.get 0 local.get 0 local.get 1 table.grow $t))`,
      {},
      OPTIONS,
    );
    run.globals.elements = 3;
    expect(run.call('f', 'x', 2)).toEqual([77, 'x', 0]);
    expect(run.call('f', 'y', 2)).toEqual([77, 'y', -1]);
    const table = run.exports['table'] as WebAssembly.Table;
    expect([table.length, table.get(0), table.get(1)]).toEqual([2, 'x', 'x']);
  });

  it('hold in functions that keep the counter in a local, and in start functions', async () => {
    const text = `(module (memory (export "memory") 1) (func $host)
      (func $f (export "f") (result i32) (local $failed i32)
        loop $l
          call $host
          i32.const 2 memory.grow i32.const -1 i32.eq if (result i32) i32.const 1 else i32.const 0 end
          local.get $failed i32.add local.tee $failed
          i32.const 3 i32.lt_s br_if $l
        end
        memory.size)
      (func $s call $f drop) (start $s))`;
    const globals = new MeterGlobals();
    globals.pages = 9;
    const run = new MeteredRun(meterOrThrow(await fromText(text), OPTIONS), {}, globals);
    expect((run.exports['memory'] as WebAssembly.Memory).buffer.byteLength / 65536).toBe(9);
    expect(globals.pages).toBe(1);
    globals.pages = 5;
    expect((run.exports['f'] as Call)()).toBe(13);
    const need = run.fuelOf('f');
    expect(run.isExhausted(need, 'f')).toBe(false);
    expect(run.isExhausted(need - 1, 'f')).toBe(true);
  });

  it('cannot be named by a guest', async () => {
    const run = await runText(
      `(module (global $own (mut i32) (i32.const 5)) (memory 1)
      (func (export "f") (result i32) i32.const 1000 global.set $own i32.const 3 memory.grow))`,
      {},
      OPTIONS,
    );
    run.globals.pages = 2;
    expect(run.call('f')).toBe(-1);
    expect(run.globals.pages).toBe(2);
  });
});
