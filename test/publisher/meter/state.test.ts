import { describe, expect, it } from 'vitest';
import { METER_GLOBALS, METER_NAMESPACE } from '../../../src/artifact/meter-abi.ts';
import { fromText, meterOrThrow, refusalOf, runText } from '../../fixtures/meter-run.ts';

describe('state', () => {
  it('is exported under the indices of the guest: own memories and mutable numbers', async () => {
    const run = await runText(
      `(module
      (import "host" "const" (global i32)) (import "host" "var" (global (mut i64)))
      (memory 1)
      (global $a (mut i32) (i32.const 5)) (global $b i32 (i32.const 6)) (global $c (mut f64) (f64.const 7))
      (func (export "bump") global.get $a i32.const 1 i32.add global.set $a i32.const 9 i32.const 3 i32.store8))`,
      {
        host: { const: 1, var: new WebAssembly.Global({ value: 'i64', mutable: true }, 3n) },
      },
    );
    expect(run.metered.report.state).toEqual({
      memories: [{ index: 0, name: '$meter:memory:0' }],
      globals: [
        { index: 2, name: '$meter:global:2', type: 'i32' },
        { index: 4, name: '$meter:global:4', type: 'f64' },
      ],
    });
    expect(run.metered.report.restorable).toBe(true);
    const a = run.exports['$meter:global:2'] as WebAssembly.Global;
    const memory = run.exports['$meter:memory:0'] as WebAssembly.Memory;
    run.call('bump');
    expect(a.value).toBe(6);
    expect(new Uint8Array(memory.buffer)[9]).toBe(3);
    a.value = 5;
    expect(run.globals.dirty).toBe(0);
  });

  it('says what cannot be put back', async () => {
    const { report } = meterOrThrow(
      await fromText(`(module
      (global (mut v128) (v128.const i64x2 0 0)) (global (mut funcref) (ref.null func)) (global v128 (v128.const i64x2 0 0)))`),
    );
    expect(report.restorable).toBe(false);
    expect(report.unrestorable).toEqual([
      'mutable global 0 of type v128',
      'mutable global 1 of type funcref',
    ]);
    expect(report.state.globals).toEqual([]);
  });
});

describe('names of the metering', () => {
  it('are the first imports', async () => {
    const { bytes } = meterOrThrow(await fromText('(module (import "a" "b" (func)))'));
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>));
    expect(imports.slice(0, METER_GLOBALS.length)).toEqual(
      METER_GLOBALS.map(({ name }) => ({ module: METER_NAMESPACE, name, kind: 'global' })),
    );
  });

  it('are refused in a guest, imported or exported', async () => {
    for (const text of [
      '(import "$meter" "fuel" (global (mut i64)))',
      '(import "$meter" "other" (func))',
      '(import "$meter:x" "f" (func))',
      '(import "host" "$meter:memory:0" (func))',
      '(func (export "$meter:global:0"))',
      '(memory (export "$meter") 1)',
    ]) {
      expect(refusalOf(await fromText(`(module ${text})`)).code, text).toBe('malformed');
    }
  });

  it("hide nothing else: similar names are the guest's", async () => {
    meterOrThrow(await fromText('(module (import "meter" "$fuel" (func)) (func (export "$mete")))'));
  });
});

describe('indices of globals', () => {
  it('are moved wherever one can stand', async () => {
    const run = await runText(
      `(module
      (import "host" "five" (global $five i32))
      (import "host" "ref" (global $ref externref))
      (global $six (export "six") i32 (global.get $five))
      (global $sum i32 (i32.add (global.get $five) (i32.const 2)))
      (global $held externref (global.get $ref))
      (global $fn funcref (ref.func $get))
      (memory (export "memory") 1) (table $t (export "table") 20 funcref) (table $x (export "externs") 20 externref)
      (data (global.get $five) "A")
      (data (memory 0) (offset (i32.add (global.get $five) (i32.const 1))) "B")
      (data $passive "C")
      (elem (table $t) (global.get $five) func $get)
      (elem (table $x) (offset (global.get $five)) externref (global.get $ref) (ref.null extern))
      (elem (offset (i32.const 6)) funcref (ref.func $get) (ref.null func))
      (elem $passive-functions func $get)
      (elem $passive-expressions funcref (ref.func $get) (global.get 2))
      (elem declare func $get)
      (elem declare funcref (ref.func $get))
      (elem (i32.const 8) $get)
      (func $get (export "get") (result i32) global.get $sum)
      (func (export "init") i32.const 10 i32.const 0 i32.const 1 table.init $t $passive-expressions
        i32.const 11 i32.const 0 i32.const 1 table.init $t $passive-functions
        i32.const 7 i32.const 0 i32.const 1 memory.init $passive))`.replace(
        '(global.get 2)',
        '(ref.null func)',
      ),
      {
        host: { five: 5, ref: 'held' as unknown as WebAssembly.ImportValue },
      },
    );
    run.call('init');
    expect(run.call('get')).toBe(7);
    expect((run.exports['six'] as WebAssembly.Global).value).toBe(5);
    const memory = new Uint8Array((run.exports['memory'] as WebAssembly.Memory).buffer);
    expect(String.fromCharCode(...memory.slice(5, 8))).toBe('ABC');
    const table = run.exports['table'] as WebAssembly.Table;
    for (const index of [5, 6, 8, 10, 11])
      expect((table.get(index) as () => number)(), String(index)).toBe(7);
    expect((run.exports['externs'] as WebAssembly.Table).get(5)).toBe('held');
  });

  it('are shared by all modules of a component, like the counters', async () => {
    const first = await runText('(module (func (export "f") (result i32) i32.const 1))');
    const before = first.globals.fuel;
    const { exports, globals } = first;
    expect((exports['f'] as () => number)()).toBe(1);
    expect(globals.fuel).toBeLessThan(before);
  });
});
