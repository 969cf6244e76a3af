import { describe, expect, it } from 'vitest';
import { meterModule } from '../../../src/publisher/meter/meter-module.ts';
import { fromText, meterOrThrow, refusalOf, WIDE_OPTIONS } from '../../fixtures/meter-run.ts';

describe('proposals outside the supported set are refused by name', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['garbage collection', '(type (struct (field i32)))'],
    ['garbage collection', '(type (array i32))'],
    ['garbage collection', '(rec (type (func)) (type (func)))'],
    ['garbage collection', '(func (param anyref))'],
    ['garbage collection', '(func (drop (ref.i31 (i32.const 1))))'],
    ['garbage collection', '(func (result i32) ref.null extern ref.null extern ref.eq)'],
    ['threads', '(memory 1 2 shared)'],
    ['threads', '(import "a" "b" (memory 1 2 shared))'],
    ['threads', '(memory 1) (func (drop (i32.atomic.load (i32.const 0))))'],
    ['threads', '(func atomic.fence)'],
    ['relaxed SIMD', '(func (param v128) local.get 0 local.get 0 i8x16.relaxed_swizzle drop)'],
    ['relaxed SIMD', '(func (param v128) local.get 0 local.get 0 local.get 0 f32x4.relaxed_madd drop)'],
    ['memory64', '(memory i64 1)'],
    ['memory64', '(table i64 1 funcref)'],
    ['tail calls', '(func return_call 0)'],
    ['tail calls', '(table 1 funcref) (func i32.const 0 return_call_indirect)'],
    ['exception handling', '(tag)'],
    ['exception handling', '(import "a" "b" (tag))'],
    ['exception handling', '(func block try_table (catch_all 0) end end)'],
    ['exception handling', '(func unreachable throw_ref)'],
    ['exception handling', '(func (param exnref))'],
    ['exception handling', '(func try catch_all end)'],
    ['multi-memory', '(memory 1) (memory 1)'],
    ['multi-memory', '(import "a" "b" (memory 1)) (memory 1)'],
    ['multi-memory', '(memory 1) (func (drop (memory.size 1)))'],
    ['multi-memory', '(memory 1) (func (drop (i32.load 1 (i32.const 0))))'],
    ['typed function references', '(type $t (func)) (func (param (ref $t)))'],
    ['typed function references', '(type $t (func)) (func unreachable call_ref $t)'],
    ['typed function references', '(func unreachable ref.as_non_null drop)'],
    ['typed function references', '(table 1 funcref (ref.null func))'],
    ['stack switching', '(type $f (func)) (type (cont $f))'],
    ['custom-page-sizes', '(memory 1 (pagesize 1))'],
    ['wide arithmetic', '(func i64.const 1 i64.const 2 i64.mul_wide_s drop drop)'],
  ];
  for (const [proposal, text] of cases) {
    it(`${proposal}: ${text}`, async () => {
      const { code, message } = refusalOf(await fromText(`(module ${text})`));
      expect(code).toBe('unsupported_feature');
      expect(message).toContain(proposal);
    });
  }
});

/** A module that uses what there is: every section, many forms of code. */
const RICH = `(module $rich
  (import "host" "call" (func $host (param i32) (result i32)))
  (import "host" "global" (global i32))
  (type $two (func (result i32 i64)))
  (memory 1 2) (table $t 4 funcref)
  (global (mut i64) (i64.const -1)) (global f64 (f64.const 1.5))
  (export "f" (func $f)) (start $s)
  (elem (i32.const 0) func $f $host) (elem $p funcref (ref.func $f))
  (data (i32.const 8) "hello") (data $d "passive")
  (func $s)
  (func $f (param i32 f32) (result i32) (local i64 v128)
    block (result i32) loop local.get 0 br_if 0 local.get 0 i32.const 3 br_table 0 1 1 end i32.const 1 end
    if (result i32 i64) i32.const 1 i64.const 2 else i32.const -70000 i64.const 0x7fffffffffffffff end
    drop call $host
    local.get 1 local.get 1 f32.add drop
    v128.const i32x4 1 2 3 4 local.tee 3 local.get 3 f32x4.mul drop
    i32.const 0 i32.const 0 i32.const 1 memory.init $d data.drop $d
    i32.const 1 memory.grow i32.add
    i32.const 0 i32.load offset=4 align=1 i32.add))`;

describe('bytes that are no valid module', () => {
  it('are refused when cut short anywhere, or leave a module that the engine judges', async () => {
    const bytes = await fromText(RICH);
    meterOrThrow(bytes);
    for (let length = 0; length < bytes.length; length += 1) {
      const result = meterModule(bytes.subarray(0, length), WIDE_OPTIONS);
      if (!result.ok) expect(result.refusals[0]?.code).toMatch(/^(?:malformed|truncated)$/);
    }
  });

  it('never throw nor hang when any byte is another', async () => {
    const bytes = await fromText(RICH);
    let taken = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      for (const value of [0x00, 0x0b, 0x7f, 0x80, 0xff, (bytes[at] ?? 0) ^ 1, (bytes[at] ?? 0) ^ 0x80]) {
        const changed = bytes.slice();
        changed[at] = value;
        const result = meterModule(changed, WIDE_OPTIONS);
        if (!result.ok) continue;
        taken += 1;
        // What is taken is as valid as it was.
        if (WebAssembly.validate(changed))
          expect(WebAssembly.validate(result.value.bytes as Uint8Array<ArrayBuffer>)).toBe(true);
      }
    }
    expect(taken).toBeGreaterThan(100);
  });

  it('never throw nor hang when many bytes are others', async () => {
    const bytes = await fromText(RICH);
    let seed = 12345;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let round = 0; round < 20_000; round += 1) {
      const changed = bytes.slice();
      for (let change = random(8); change >= 0; change -= 1) {
        const at = 8 + random(bytes.length - 8);
        if (random(4) === 0)
          changed.copyWithin(at, 8 + random(bytes.length - 8), 8 + random(bytes.length - 8));
        else changed[at] = random(256);
      }
      meterModule(changed, WIDE_OPTIONS);
    }
  });

  it('are refused with counts that promise more than there is', async () => {
    for (const section of [1, 2, 3, 4, 5, 6, 7, 9, 10, 11]) {
      const bytes = Uint8Array.from([
        0,
        0x61,
        0x73,
        0x6d,
        1,
        0,
        0,
        0,
        section,
        5,
        0xff,
        0xff,
        0xff,
        0xff,
        0x0f,
      ]);
      const started = performance.now();
      expect(refusalOf(bytes).code).toMatch(/^(?:malformed|too_large)$/);
      expect(performance.now() - started).toBeLessThan(100);
    }
  });

  it('cannot name what metering inserts: locals, globals, labels, types, functions', async () => {
    for (const body of [
      // The first local that metering inserts is an i64, of number 1.
      'local.get 1 drop',
      'i64.const 0 local.set 1',
      'i64.const 0 local.tee 1 drop',
      'i32.const 0 local.set 3',
      'global.get 1',
      'global.get 0xfffffffd',
      'i64.const 0 global.set 0xfffffffd',
      'br 1',
      'block br 2 end',
      'i32.const 0 br_table 0 1',
      'call 9',
      'i32.const 0 call_indirect (type 5)',
      'block (type 7) end',
      'ref.func 9 drop',
    ]) {
      const text = `(module (global (mut i32) (i32.const 0)) (table 1 funcref) (func (param i32) ${body}))`;
      expect(refusalOf(await fromText(text)).code, body).toBe('malformed');
    }
  });

  it('are metered the same way every time', async () => {
    const bytes = await fromText(RICH);
    expect(meterOrThrow(bytes).bytes).toEqual(meterOrThrow(bytes).bytes);
  });

  it('lose their custom sections', async () => {
    const { bytes } = meterOrThrow(await fromText('(module $name (func $f) (@custom "note" "text"))'));
    const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
    for (const name of ['name', 'note']) expect(WebAssembly.Module.customSections(module, name)).toEqual([]);
  });
});
