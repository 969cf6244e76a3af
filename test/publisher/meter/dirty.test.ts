import { describe, expect, it } from 'vitest';
import { DIRTY } from '../../../src/artifact/meter-abi.ts';
import { runText, traps } from '../../fixtures/meter-run.ts';

const MODULE = `(module
  (memory (export "memory") 1 4)
  (table $t (export "table") 4 8 funcref)
  (global $number (mut i32) (i32.const 0))
  (global $vector (mut v128) (v128.const i64x2 0 0))
  (global $reference (mut externref) (ref.null extern))
  (data $d "abc") (elem $e func $f) (func $f)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
  (func (export "table-grow") (param i32) (result i32) ref.null func local.get 0 table.grow $t)
  (func (export "table-set") (param i32) local.get 0 ref.null func table.set $t)
  (func (export "table-fill") (param i32) local.get 0 ref.null func i32.const 1 table.fill $t)
  (func (export "table-copy") (param i32) local.get 0 i32.const 0 i32.const 1 table.copy)
  (func (export "table-init") (param i32) local.get 0 i32.const 0 i32.const 1 table.init $e)
  (func (export "data-drop") data.drop $d)
  (func (export "elem-drop") elem.drop $e)
  (func (export "set-number") i32.const 1 global.set $number)
  (func (export "set-vector") v128.const i64x2 1 1 global.set $vector)
  (func (export "set-reference") ref.null extern global.set $reference)
  (func (export "read") (result i32) i32.const 0 table.get $t drop table.size $t memory.size i32.add)
  (func (export "write") i32.const 0 i32.const 7 i32.store i32.const 0 i32.const 1 i32.const 9 memory.fill
    i32.const 0 i32.const 0 i32.const 2 memory.init $d i32.const 5 i32.const 0 i32.const 2 memory.copy))`;

describe('the dirty flag', () => {
  const cases: readonly (readonly [string, readonly unknown[], number])[] = [
    ['grow', [0], 0],
    ['grow', [1], DIRTY.memoryGrown],
    ['grow', [4], 0],
    ['grow', [-1], 0],
    ['table-grow', [0], 0],
    ['table-grow', [1], DIRTY.tableWritten],
    ['table-grow', [5], 0],
    ['table-set', [0], DIRTY.tableWritten],
    ['table-fill', [0], DIRTY.tableWritten],
    ['table-copy', [1], DIRTY.tableWritten],
    ['table-init', [0], DIRTY.tableWritten],
    ['data-drop', [], DIRTY.segmentDropped],
    ['elem-drop', [], DIRTY.segmentDropped],
    ['set-number', [], 0],
    ['set-vector', [], DIRTY.unrestorable],
    ['set-reference', [], DIRTY.unrestorable],
    ['read', [], 0],
    ['write', [], 0],
  ];
  for (const [name, values, bits] of cases) {
    it(`is ${bits} after ${name}(${values.join()})`, async () => {
      const run = await runText(MODULE);
      run.call(name, ...values);
      expect(run.globals.dirty).toBe(bits);
    });
  }

  it('is not set by an operation that traps', async () => {
    const run = await runText(MODULE);
    for (const name of ['table-set', 'table-fill', 'table-copy', 'table-init']) {
      expect(traps(() => run.call(name, 100))).toBe(true);
      expect(run.globals.dirty).toBe(0);
    }
  });

  it('gathers bits and keeps those that were there', async () => {
    const run = await runText(MODULE);
    run.globals.dirty = 256;
    run.call('grow', 1);
    run.call('data-drop');
    expect(run.globals.dirty).toBe(256 | DIRTY.memoryGrown | DIRTY.segmentDropped);
  });

  it('tells a host that could not grow from a guest that asked for too much', async () => {
    const text = `(module (import "host" "memory" (memory 1 8))
      (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))`;
    // The module may have 8 pages and the host's memory ends at 2: the engine fails below the module's maximum.
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    const run = await runText(text, { host: { memory } });
    expect(run.call('grow', 9)).toBe(-1);
    expect(run.globals.dirty).toBe(0);
    expect(run.call('grow', 5)).toBe(-1);
    expect(run.globals.dirty).toBe(DIRTY.growFailed);
  });
});
