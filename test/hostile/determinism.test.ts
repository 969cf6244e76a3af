// Guests that look for something that is not the same every time. Each one turns what it finds into work, so that a
// difference shows in its fuel; it is the same in new pools, in used ones, and on both hosts.

import { componentize } from 'componentize-qjs';

import { attack, describeAttacks } from '../fixtures/attacks.ts';
import { WIT_PATH } from '../fixtures/components.ts';
import { wasi, wasiWorld, type HostileCore } from '../fixtures/hostile-validator.ts';

/** Works for as long as the low bits of what `probe` leaves on the stack say, and approves. */
const burns = (probe: string, more: HostileCore = {}): HostileCore => ({
  ...more,
  locals: `(local $work i64) ${more.locals ?? ''}`,
  attack: `(local.set $work (i64.and (i64.add (i64.xor (local.tee $work ${probe}) (i64.shr_u (local.get $work) (i64.const 17))) (i64.shr_u (local.get $work) (i64.const 44))) (i64.const 0xfff)))
    (loop $burn (local.set $work (i64.sub (local.get $work) (i64.const 1)))
      (br_if $burn (i64.gt_s (local.get $work) (i64.const 0))))
    (return (i32.const 1))`,
});

const f64Bits = (expression: string): string => `(i64.reinterpret_f64 ${expression})`;
const f32Bits = (expression: string): string => `(i64.extend_i32_u (i32.reinterpret_f32 ${expression}))`;

describeAttacks('determinism', [
  attack(
    'reads memory that it never wrote',
    burns('(i64.load (i32.const 131064))', { memory: '(memory (export "memory") 2)' }),
    'approve',
  ),
  attack(
    'reads memory that it has just grown',
    burns(
      '(block (result i64) (drop (memory.grow (i32.const 3))) (i64.add (i64.load (i32.const 65536)) (i64.load (i32.const 262136))))',
    ),
    'approve',
  ),
  attack(
    'reads the bits of a NaN that arithmetic made',
    burns(f64Bits('(f64.div (f64.const 0) (f64.const 0))')),
    'approve',
  ),
  attack(
    'reads the bits of a NaN that passed through arithmetic',
    burns(f64Bits('(f64.add (f64.const nan:0xabcdef0123) (f64.const -nan:0x77))')),
    'approve',
  ),
  attack(
    'reads the bits of the smaller of two NaNs',
    burns(f32Bits('(f32.min (f32.const nan:0x12345) (f32.const -nan:0x54321))')),
    'approve',
  ),
  attack(
    'reads the bits of a NaN that was made wider',
    burns(f64Bits('(f64.promote_f32 (f32.const nan:0x12345))')),
    'approve',
  ),
  attack(
    'reads the bits of a NaN in a vector',
    burns('(i64x2.extract_lane 1 (f64x2.sqrt (v128.const f64x2 -1 -1)))'),
    'approve',
  ),
  attack(
    'grows by all sizes and works on what it is told',
    burns(
      '(i64.extend_i32_u (i32.xor (i32.mul (memory.grow (i32.const 300)) (i32.const 31)) (i32.add (memory.grow (i32.const 100)) (memory.grow (i32.const 155)))))',
    ),
    'approve',
  ),
  attack(
    'reads the clocks, twice, with work in between',
    burns('(i64.add (i64.mul (call $now) (i64.const 7)) (i64.sub (call $now) (call $now)))', {
      world: wasiWorld('clocks/monotonic-clock'),
      imports: wasi('clocks/monotonic-clock', 'now', '$now (result i64)'),
    }),
    'approve',
  ),
  attack(
    'measures how long a loop takes',
    {
      world: wasiWorld('clocks/monotonic-clock'),
      imports: wasi('clocks/monotonic-clock', 'now', '$now (result i64)'),
      locals: '(local $start i64) (local $i i32)',
      attack: `(local.set $start (call $now))
        (loop $work (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $work (i32.lt_u (local.get $i) (i32.const 500000))))
        (return (i64.eq (call $now) (local.get $start)))`,
    },
    'approve',
  ),
  attack(
    'asks for entropy',
    burns('(i64.add (call $random) (i64.mul (call $random) (i64.const 3)))', {
      world: wasiWorld('random/random'),
      imports: wasi('random/random', 'get-random-u64', '$random (result i64)'),
    }),
    'approve',
  ),
  attack(
    'asks for the seed of its hash maps',
    burns(
      '(block (result i64) (call $seed (i32.const 2048)) (i64.xor (i64.load (i32.const 2048)) (i64.load (i32.const 2056))))',
      {
        world: wasiWorld('random/insecure-seed'),
        imports: wasi('random/insecure-seed', 'insecure-seed', '$seed (param i32)'),
      },
    ),
    'approve',
  ),
  attack(
    'keeps the entropy that it got when it was made',
    burns('(i64.xor (global.get $kept) (call $random))', {
      world: wasiWorld('random/random'),
      imports: wasi('random/random', 'get-random-u64', '$random (result i64)'),
      fields:
        '(global $kept (mut i64) (i64.const 0)) (func $start (global.set $kept (call $random))) (export "_initialize" (func $start))',
    }),
    'approve',
  ),
  attack(
    'finds out how deep it may recurse, short of the limit',
    {
      fields: `(func $down (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
          (else (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))))`,
      attack: '(return (i32.eq (call $down (i32.const 1000)) (i32.const 1000)))',
    },
    'approve',
  ),
  attack(
    'works on what it finds where its arguments were put',
    burns(
      '(i64.extend_i32_u (i32.mul (i32.load offset=96 (local.get $transaction)) (i32.add (local.get $transaction) (i32.const 13))))',
    ),
    'approve',
  ),
  {
    name: 'asks an interpreter for time, randomness and the order of its objects',
    component: async () => {
      const { component } = await componentize({
        witPath: WIT_PATH,
        world: 'validator',
        sync: true,
        jsSource: `export const validation = { validate(t) {
          if (t.status !== 'under attack') return t.amount.amount > 0n;
          let work = Date.now() % 1000 + new Date().getTimezoneOffset() + Math.floor(Math.random() * 1000);
          for (const key in { b: 1, a: 2, 7: 3, 1: 4 }) work += key.charCodeAt(0);
          work += new Error('x').stack.length + [3, 1, 2].sort(() => Math.random() - 0.5)[0] + String(0.1 + 0.2).length;
          const start = Date.now(); for (let i = 0; i < work; i += 1) Math.sin(i);
          return Date.now() === start;
        } };`,
      });
      return component;
    },
    ends: 'approve',
  },
]);
