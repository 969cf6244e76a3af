import { describe, expect, it } from 'vitest';
import { OPERATORS } from '../../../src/publisher/meter/operators.ts';
import { runText } from '../../fixtures/meter-run.ts';

const F32_CANONICAL = 0x7fc00000;
const F64_CANONICAL = 0x7ff8000000000000n;
/** NaNs with signs and payloads, one of them signalling. */
const F32_NANS = [0x7fc00000, 0xffc00000, 0x7fc12345, 0xffedcba9, 0x7f800001];
const F64_NANS = [
  0x7ff8000000000000n,
  0xfff8000000000000n,
  0x7ff8123456789abcn,
  0xfffedcba98765432n,
  0x7ff0000000000001n,
];

const scalars = OPERATORS.filter(({ nan, pops }) => nan === 'canon' && !pops.includes('v'));
const vectors = OPERATORS.filter(({ nan, pops }) => nan === 'canon' && pops.includes('v'));

describe('NaNs', () => {
  it('are made canonical by every operator that may give one', async () => {
    expect(scalars.map(({ name }) => name).join(' ')).toBe(
      'f32.ceil f32.floor f32.trunc f32.nearest f32.sqrt f32.add f32.sub f32.mul f32.div f32.min f32.max ' +
        'f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt f64.add f64.sub f64.mul f64.div f64.min f64.max ' +
        'f32.demote_f64 f64.promote_f32',
    );
    const functions = scalars.map(({ name, pops, pushes }) => {
      const wide = pops.startsWith('F');
      const operand = (local: number): string =>
        wide
          ? `local.get ${local} f64.reinterpret_i64`
          : `local.get ${local} i32.wrap_i64 f32.reinterpret_i32`;
      const result = pushes === 'F' ? 'i64.reinterpret_f64' : 'i32.reinterpret_f32 i64.extend_i32_u';
      const operands = pops
        .split('')
        .map((_, local) => operand(local))
        .join(' ');
      return `(func (export "${name}") (param i64 i64) (result i64) ${operands} ${name} ${result})`;
    });
    const run = await runText(`(module ${functions.join('\n')})`);
    for (const { name, pops, pushes } of scalars) {
      const canonical = pushes === 'F' ? F64_CANONICAL : BigInt(F32_CANONICAL);
      const nans = pops.startsWith('F') ? F64_NANS : F32_NANS.map(BigInt);
      const one = pops.startsWith('F') ? 0x3ff0000000000000n : 0x3f800000n;
      for (const nan of nans) {
        expect(BigInt.asUintN(64, run.call(name, nan, one) as bigint), name).toBe(canonical);
        if (pops.length > 1) {
          expect(BigInt.asUintN(64, run.call(name, one, nan) as bigint), name).toBe(canonical);
          expect(BigInt.asUintN(64, run.call(name, nan, nans[2]) as bigint), name).toBe(canonical);
        }
      }
    }
  });

  it('are made canonical in every lane', async () => {
    const lane = (name: string): 'f32x4' | 'f64x2' => (name.startsWith('f32x4') ? 'f32x4' : 'f64x2');
    const functions = vectors.map(
      ({ name, pops }) => `(func (export "${name}") (param i32)
        i32.const 64 local.get 0 v128.load ${pops.length > 1 ? 'local.get 0 v128.load offset=16' : ''} ${name} v128.store)`,
    );
    const run = await runText(`(module (memory (export "memory") 1) ${functions.join('\n')})`);
    const view = new DataView((run.exports['memory'] as WebAssembly.Memory).buffer);
    expect(vectors.length).toBe(24);
    for (const { name } of vectors) {
      const wideIn =
        name === 'f32x4.demote_f64x2_zero' || (lane(name) === 'f64x2' && !name.includes('promote'));
      for (let at = 0; at < 4; at += 1) {
        view.setUint32(at * 4, F32_NANS[at + 1] ?? 0, true);
        view.setUint32(16 + at * 4, F32_NANS[(at + 2) % 5] ?? 0, true);
      }
      if (wideIn) {
        for (let at = 0; at < 2; at += 1) {
          view.setBigUint64(at * 8, F64_NANS[at + 1] ?? 0n, true);
          view.setBigUint64(16 + at * 8, F64_NANS[at + 3] ?? 0n, true);
        }
      }
      run.call(name, 0);
      const lanes = name.includes('demote') ? 2 : lane(name) === 'f32x4' ? 4 : 2;
      for (let at = 0; at < lanes; at += 1) {
        if (lane(name) === 'f32x4') expect(view.getUint32(64 + at * 4, true), name).toBe(F32_CANONICAL);
        else expect(view.getBigUint64(64 + at * 8, true), name).toBe(F64_CANONICAL);
      }
    }
  });

  it('keep their bits where the specification says so', async () => {
    const run = await runText(`(module (memory 1)
      (func (export "store-load") (param i64) (result i64)
        i32.const 0 local.get 0 f64.reinterpret_i64 f64.store i32.const 0 f64.load i64.reinterpret_f64)
      (func (export "neg") (param i64) (result i64) local.get 0 f64.reinterpret_i64 f64.neg i64.reinterpret_f64)
      (func (export "abs") (param i64) (result i64) local.get 0 f64.reinterpret_i64 f64.abs i64.reinterpret_f64)
      (func (export "copysign") (param i64) (result i64)
        local.get 0 f64.reinterpret_i64 f64.const -1 f64.copysign i64.reinterpret_f64)
      (func (export "select") (param i64) (result i64)
        local.get 0 f64.reinterpret_i64 f64.const 1 i32.const 1 select i64.reinterpret_f64))`);
    const nan = 0x7ff8123456789abcn;
    const sign = 1n << 63n;
    const expected = { 'store-load': nan, neg: nan | sign, abs: nan, copysign: nan | sign, select: nan };
    for (const [name, bits] of Object.entries(expected)) {
      expect(BigInt.asUintN(64, run.call(name, nan) as bigint), name).toBe(bits);
    }
  });

  it('show their sign in copysign only after they were made canonical', async () => {
    const run = await runText(`(module (func (export "f") (param f64 f64) (result f64)
      f64.const 1 local.get 0 local.get 1 f64.sub f64.copysign))`);
    expect(run.call('f', Infinity, Infinity)).toBe(1);
    expect(run.call('f', -Infinity, -Infinity)).toBe(1);
  });

  it('are not made canonical twice where the next operator does it, however it is reached', async () => {
    const body = (middle: string): string =>
      `(module (func (export "f") (param f64 f64) (result i64) local.get 0 local.get 1 f64.mul ${middle} i64.reinterpret_f64))`;
    const short = await runText(body(''));
    const chained = await runText(body('local.get 0 f64.add'));
    const seen = await runText(body('local.get 1 f64.copysign'));
    expect(chained.metered.bytes.length).toBeLessThan(short.metered.bytes.length + 8);
    expect(seen.metered.bytes.length).toBeGreaterThan(short.metered.bytes.length);
    for (const run of [short, chained]) {
      expect(BigInt.asUintN(64, run.call('f', Infinity, 0) as bigint)).toBe(F64_CANONICAL);
    }
  });

  it('are made canonical although what comes next works on other values above them', async () => {
    const run = await runText(`(module (func (export "f") (param f64 f64 i32) (result i64)
      local.get 0 local.get 1 f64.mul
      local.get 1 f64.sqrt drop
      local.get 2 i32.eqz drop
      i64.reinterpret_f64))`);
    expect(BigInt.asUintN(64, run.call('f', Infinity, 0, 1) as bigint)).toBe(F64_CANONICAL);
  });
});
