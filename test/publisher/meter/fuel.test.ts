import { describe, expect, it } from 'vitest';
import {
  FRAME_BASE_BYTES,
  SKIPPED_FUEL,
  UNCHECKED_CALL_FUEL,
  UNCHECKED_FUEL,
} from '../../../src/publisher/meter/check-policy.ts';
import { costs } from '../../../src/publisher/meter/costs.ts';
import {
  fromText,
  fuelOfOperators,
  MeteredRun,
  MeterGlobals,
  meterOrThrow,
  MUCH_FUEL,
  runText,
  traps,
} from '../../fixtures/meter-run.ts';

/** What entering a function without declared locals costs besides its operators: its frame is a few slots. */
function entry(slots: number): number {
  const frameBytes = FRAME_BASE_BYTES + 8 * (8 + slots);
  return costs.functionEntry + Math.floor((costs.entryPer1024FrameBytes * frameBytes) / 1024);
}

describe('fuel', () => {
  it('charges a straight function its entry and every operator once', async () => {
    const run = await runText(`(module (func (export "f") (param i32 i32) (result i32)
      local.get 0 local.get 1 i32.add))`);
    // Two parameters (counted twice), one result, two operands at most.
    const expected = entry(2 * 2 + 1 + 2) + fuelOfOperators('local.get', 'local.get', 'i32.add');
    expect(run.fuelOf('f', 1, 2)).toBe(expected);
  });

  it('charges the arm of an if that runs, where the arms are long', async () => {
    const long = 'local.get 0 local.get 0 i32.div_u drop '.repeat(10);
    const run = await runText(`(module (func (export "f") (param i32)
      local.get 0 if ${long} else ${long} ${long} end))`);
    const arm = 10 * fuelOfOperators('local.get', 'local.get', 'i32.div_u', 'drop');
    const head = run.fuelOf('f', 1) - arm;
    expect(traps(() => run.call('f', 0))).toBe(true);
    expect(head).toBeLessThanOrEqual(entry(8) + fuelOfOperators('local.get', 'if') + SKIPPED_FUEL);
  });

  it('lets those who skip a short arm pay for it, and no more than its bound', async () => {
    const run = await runText(`(module (func (export "f") (param i32) (result i32) (local i32)
      local.get 0 if i32.const 5 local.set 1 end local.get 1))`);
    expect(run.fuelOf('f', 1)).toBe(run.fuelOf('f', 0));
    const body = fuelOfOperators('local.get', 'if', 'local.get');
    expect(run.fuelOf('f', 0)).toBeLessThanOrEqual(body + SKIPPED_FUEL + entry(5) + 1);
  });

  it('charges a loop for every round', async () => {
    const run = await runText(`(module (func (export "f") (param i32)
      loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end))`);
    const round = fuelOfOperators('loop', 'local.get', 'i32.const', 'i32.sub', 'local.tee', 'br_if');
    expect(run.fuelOf('f', 11) - run.fuelOf('f', 1)).toBe(10 * round);
  });

  it('is exhausted one below what a call needs and not at it', async () => {
    const run = await runText(
      `(module
      (import "host" "call" (func $host))
      (memory 1 4)
      (func $leaf (result i32) i32.const 1)
      (func (export "f") (param i32) (result i32)
        block loop
          local.get 0 i32.eqz br_if 1
          call $leaf drop call $host
          i32.const 0 i32.const 1 i32.const 4096 memory.fill
          local.get 0 i32.const 1 i32.sub local.set 0
          br 0 end end
        i32.const 0 memory.grow))`,
      { host: { call: () => undefined } },
    );
    const need = run.fuelOf('f', 3);
    expect(run.isExhausted(need, 'f', 3)).toBe(false);
    expect(run.globals.fuel).toBe(0n);
    expect(run.isExhausted(need - 1, 'f', 3)).toBe(true);
  });

  it('does the same for every amount of fuel below the need', async () => {
    const run = await runText(`(module (func $g (export "f") (param i32) (result i32)
      local.get 0 i32.eqz if (result i32) i32.const 0 else local.get 0 i32.const 1 i32.sub call $g end))`);
    const need = run.fuelOf('f', 5);
    for (let fuel = 0; fuel < need; fuel += 1) expect(run.isExhausted(fuel, 'f', 5)).toBe(true);
  });

  it('gives the fuel back to no one on a trap', async () => {
    const run = await runText(
      `(module (func (export "f") unreachable) (func (export "g") i32.const 0 i32.const 0 i32.div_u drop))`,
    );
    for (const name of ['f', 'g']) {
      run.globals.fuel = 100n;
      expect(traps(() => run.call(name))).toBe(true);
      expect(run.globals.fuel).toBeLessThan(100n);
    }
  });

  it('charges imports as calls of another module, called directly, through a table or by reference', async () => {
    const run = await runText(
      `(module
      (import "host" "call" (func $host (param i32) (result i32)))
      (type $t (func (param i32) (result i32)))
      (table (export "table") 2 funcref)
      (elem (i32.const 0) $host)
      (elem declare func $host)
      (func (export "direct") (result i32) i32.const 1 call $host)
      (func (export "table-call") (result i32) i32.const 2 i32.const 0 call_indirect (type $t))
      (func (export "reference") (result i32)
        i32.const 1 ref.func $host table.set 0 i32.const 3 i32.const 1 call_indirect (type $t)))`,
      {
        host: { call: (value: number) => value * 10 },
      },
    );
    for (const [name, result] of [
      ['direct', 10],
      ['table-call', 20],
      ['reference', 30],
    ] as const) {
      expect(run.fuelOf(name)).toBeGreaterThanOrEqual(costs.importedCall);
      expect(run.call(name)).toBe(result);
    }
  });

  it('charges by the operand before the work is done', async () => {
    const run = await runText(`(module
      (memory (export "memory") 16 32) (table $t (export "table") 1000 2000 funcref)
      (data $d "${'x'.repeat(2000)}")
      (elem $e func ${'$f '.repeat(50)})
      (func $f)
      (func (export "fill") (param i32) i32.const 0 i32.const 1 local.get 0 memory.fill)
      (func (export "copy") (param i32) i32.const 0 i32.const 100 local.get 0 memory.copy)
      (func (export "init") (param i32) i32.const 0 i32.const 0 local.get 0 memory.init $d)
      (func (export "table-fill") (param i32) i32.const 0 ref.null func local.get 0 table.fill $t)
      (func (export "table-copy") (param i32) i32.const 0 i32.const 0 local.get 0 table.copy)
      (func (export "table-init") (param i32) i32.const 0 i32.const 0 local.get 0 table.init $e))`);
    const cases = [
      ['fill', 'memory_fill', 60_000],
      ['copy', 'memory_copy', 60_000],
      ['init', 'memory_init', 2_000],
      ['table-fill', 'table_fill', 900],
      ['table-copy', 'table_copy', 900],
      ['table-init', 'table_init', 50],
    ] as const;
    for (const [name, cost, length] of cases) {
      const more = run.fuelOf(name, length) - run.fuelOf(name, 0);
      expect(more, name).toBe(Math.floor((length * costs.lengthPer1024[cost]) / 1024));
    }
    // Exhausted by the length alone: the memory is not touched.
    const { buffer } = run.exports['memory'] as WebAssembly.Memory;
    new Uint8Array(buffer)[500] = 7;
    expect(run.isExhausted(run.fuelOf('fill', 0) + 10, 'fill', 60_000)).toBe(true);
    expect(new Uint8Array(buffer)[500]).toBe(7);
  });

  it('charges growing by pages, and growing by nothing or by too much only its base', async () => {
    const run = await runText(`(module (memory 1 10) (table 1 10 externref)
      (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
      (func (export "table-grow") (param i32) (result i32) ref.null extern local.get 0 table.grow))`);
    const base = run.fuelOf('grow', 0);
    expect(base).toBeGreaterThanOrEqual(fuelOfOperators('memory.grow'));
    expect(run.fuelOf('grow', 2) - base).toBe((2 * costs.lengthPer1024.memory_grow) / 1024);
    expect(run.fuelOf('grow', -1)).toBe(base);
    const tableBase = run.fuelOf('table-grow', 0);
    expect(run.fuelOf('table-grow', 2) - tableBase).toBe(
      Math.floor((2 * costs.lengthPer1024.table_grow) / 1024),
    );
    expect(run.fuelOf('table-grow', 11)).toBe(tableBase);
  });

  it('never wraps: the largest lengths leave the counter far below zero', async () => {
    const run = await runText(
      `(module (memory 1 10) (func (export "f") i32.const 0 i32.const 0 i32.const -1 memory.fill))`,
    );
    run.globals.fuel = 0n;
    expect(traps(() => run.call('f'))).toBe(true);
    expect(run.globals.fuel).toBeLessThan(0n);
    run.globals.fuel = MUCH_FUEL;
    expect(traps(() => run.call('f'))).toBe(true);
    expect(run.globals.fuel).toBeGreaterThan(0n);
  });

  it('counts declared locals', async () => {
    const run = await runText(
      `(module (func (export "few")) (func (export "many") (local ${'i64 '.repeat(10_000)})))`,
    );
    const each = costs.entryPer1024Locals + 8 * costs.entryPer1024FrameBytes;
    const more = run.fuelOf('many') - run.fuelOf('few');
    expect(Math.abs(more - (10_000 * each) / 1024)).toBeLessThanOrEqual(1);
  });
});

/** Work that no region may share with what others skip, `times` times over; and its cost. */
const WORK = 'local.get 0 i32.const 3 i32.div_u drop '.repeat(16);
const work = (times: number): string => WORK.repeat(times);
const WORK_FUEL = 16 * fuelOfOperators('local.get', 'i32.const', 'i32.div_u', 'drop');

describe('every way through a function', () => {
  // How much of the work each argument runs, 0 first; powers of two, so that a sum says which.
  const forms: readonly (readonly [string, string, readonly number[]])[] = [
    ['if and else', `local.get 0 if ${work(1)} else ${work(2)} end ${work(4)}`, [6, 5]],
    ['if without else', `local.get 0 if ${work(1)} end ${work(2)}`, [2, 3]],
    ['br_if out of a block', `block local.get 0 br_if 0 ${work(1)} end ${work(2)}`, [3, 2]],
    [
      'br from an arm to the end of a block that others fall to',
      `block ${work(1)} local.get 0 if ${work(2)} br 1 end ${work(4)} end ${work(8)}`,
      [13, 11],
    ],
    [
      'br to two blocks',
      `block block local.get 0 br_if 0 ${work(1)} br 1 end ${work(2)} end ${work(4)}`,
      [5, 6],
    ],
    [
      'br_table',
      `block block block local.get 0 br_table 0 1 2 end ${work(1)} br 1 end ${work(2)} end ${work(4)}`,
      [5, 6, 4, 4],
    ],
    [
      'br_table to the end of a block that others fall to',
      `block block local.get 0 br_table 0 1 end ${work(1)} end ${work(2)}`,
      [3, 2],
    ],
    ['return', `local.get 0 if ${work(1)} return end ${work(2)}`, [2, 1]],
    ['br_if to the function', `${work(1)} local.get 0 br_if 0 ${work(2)}`, [3, 1]],
    [
      'a call, then br_if',
      `block call $leaf local.get 0 br_if 0 ${work(1)} call $leaf end ${work(2)}`,
      [3, 2],
    ],
    [
      'a loop that ends in an arm',
      `(local i32) block loop ${work(1)} local.get 1 i32.const 1 i32.add local.tee 1 local.get 0 i32.gt_u if ${work(4)} br 2 end br 0 end end`,
      [5, 6, 7, 8],
    ],
    [
      'nested loops',
      `(local i32 i32) loop i32.const 0 local.set 2 loop ${work(1)} local.get 2 i32.const 1 i32.add local.tee 2 i32.const 3 i32.lt_u br_if 0 end
        local.get 1 i32.const 1 i32.add local.tee 1 local.get 0 i32.le_u br_if 0 end`,
      [3, 6, 9],
    ],
  ];
  for (const [name, body, units] of forms) {
    it(`pays for what it runs, and at most a bound for what it skips: ${name}`, async () => {
      const run = await runText(`(module (func $leaf) (func (export "f") (param i32) ${body}))`);
      const bare = WORK_FUEL / 2;
      for (const [argument, unit] of units.entries()) {
        const fuel = run.fuelOf('f', argument);
        const around = fuel - unit * WORK_FUEL;
        expect(around, String(argument)).toBeGreaterThan(0);
        // A round of a loop and its way back are work, too, a little of it.
        expect(around, String(argument)).toBeLessThan(bare + 20 * unit + 80 * (argument + 1));
      }
    });
  }

  it('skips imported calls for nothing, where they are more than one pays for another', async () => {
    const run = await runText(
      `(module (import "host" "call" (func $host)) (func (export "f") (param i32)
        local.get 0 if ${'call $host '.repeat(6)} end))`,
      { host: { call: () => undefined } },
    );
    expect(run.fuelOf('f', 1) - run.fuelOf('f', 0)).toBeGreaterThanOrEqual(6 * costs.importedCall);
  });
});

describe('what runs after the counter went below zero', () => {
  // One region may cost more than the bound; the work of one is what these regions have.
  const forms: readonly (readonly [string, string])[] = [
    ['arms that run', `local.get 0 if ${work(1)} end `],
    ['arms that do not run', `local.get 0 i32.eqz if ${work(1)} end `],
    ['if and else', `local.get 0 if ${work(1)} else ${work(1)} end `],
    ['blocks that are left', `block local.get 0 br_if 0 ${work(1)} end ${work(1)} `],
    ['calls of leaves that do not check', `call $leaf local.get 0 if ${work(1)} end `],
    [
      'many calls of leaves',
      'local.get 0 if call $leaf call $leaf call $leaf call $leaf else call $leaf end ',
    ],
  ];
  for (const [name, piece] of forms) {
    it(`is bounded in a function of ${name}`, async () => {
      const text = `(module
        (func $leaf (local i32) ${'local.get 0 drop '.repeat(20)})
        (func $f (export "f") (param i32) call $leaf ${piece.repeat(1200)}))`;
      const run = await runText(text);
      const need = run.fuelOf('f', 1);
      const most = UNCHECKED_FUEL + 2 * WORK_FUEL + 4 * UNCHECKED_CALL_FUEL;
      expect(need).toBeGreaterThan(most);
      let worst = 0;
      for (let fuel = 0; fuel < need; fuel += 101) {
        expect(run.isExhausted(fuel, 'f', 1)).toBe(true);
        worst = Math.max(worst, Number(-run.globals.fuel));
      }
      expect(worst).toBeLessThanOrEqual(most);
    });
  }
});

describe('endless programs', () => {
  const forms: readonly (readonly [string, string, string])[] = [
    ['an empty loop', '', 'loop br 0 end'],
    ['a loop that leaves by no br_if', '', 'loop i32.const 1 br_if 0 end'],
    ['a loop around a br_table', '', 'loop i32.const 7 br_table 0 0 0 end'],
    [
      'a loop whose way back is in an inner block',
      '',
      'loop block block i32.const 1 br_if 2 end end br 0 end',
    ],
    ['a loop in a loop', '', 'loop loop br 0 end end'],
    ['a loop that changes between two labels', '', 'loop loop br 1 end end'],
    ['a loop with parameters', '', 'i32.const 1 loop (param i32) (result i32) br 0 end drop'],
    ['a function that calls itself', '', 'call $f'],
    ['functions that call one another', '(func $g call $f)', 'call $g'],
    [
      'a call of itself through a table',
      '(table 1 funcref) (elem (i32.const 0) $f)',
      'i32.const 0 call_indirect',
    ],
    ['recursion in both arms', '', 'i32.const 1 if call $f else call $f end'],
    ['calls that double', '', 'call $f call $f'],
    ['a loop that calls a leaf', '(func $g)', 'loop call $g br 0 end'],
    ['a loop that calls a host function', '', 'loop call $host br 0 end'],
    ['a loop that grows memory by nothing', '(memory 1)', 'loop i32.const 0 memory.grow drop br 0 end'],
    [
      'a loop that fills memory',
      '(memory 1)',
      'loop i32.const 0 i32.const 0 i32.const 65536 memory.fill br 0 end',
    ],
  ];
  for (const [name, more, body] of forms) {
    it(`end: ${name}`, async () => {
      const text = `(import "host" "call" (func $host)) ${more} (func $f (export "f") ${body})`;
      const run = await runText(`(module ${text})`, { host: { call: () => undefined } });
      run.globals.fuel = 1_000_000n;
      expect(traps(() => run.call('f'))).toBe(true);
      expect(run.globals.fuel < 0n || run.globals.depth < 0).toBe(true);
    });
    it(`end in the start function: ${name}`, async () => {
      const text = `(module (import "host" "call" (func $host)) ${more} (func $f ${body}) (start $f))`;
      const globals = new MeterGlobals();
      globals.fuel = 1_000_000n;
      const metered = meterOrThrow(await fromText(text));
      expect(traps(() => new MeteredRun(metered, { host: { call: () => undefined } }, globals))).toBe(true);
      expect(globals.fuel < 0n || globals.depth < 0).toBe(true);
    });
  }
});
