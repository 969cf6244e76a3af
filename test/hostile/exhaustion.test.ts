// Guests that do not end, in every place where a guest runs, and guests that eat the stack.

import { attack, describeAttacks } from '../fixtures/attacks.ts';
import { wasi, wasiWorld } from '../fixtures/hostile-validator.ts';

const FOREVER = '(loop $forever (br $forever))';

describeAttacks('exhaustion', [
  attack('loops for ever', { attack: FOREVER }, 'fuel_exhausted'),
  attack(
    'loops for ever in a start function, so that no instance can be made',
    { fields: `(func $start ${FOREVER}) (start $start)` },
    'fuel_exhausted',
    { always: true },
  ),
  attack(
    'loops for ever in cabi_realloc, while its arguments are written',
    { realloc: `(if (i32.eq (local.get $size) (i32.const 12)) (then ${FOREVER}))` },
    'fuel_exhausted',
  ),
  attack(
    'loops for ever after it has answered, in post-return',
    {
      fields: '(global $hostile (mut i32) (i32.const 0))',
      attack: '(global.set $hostile (i32.const 1)) (return (i32.const 1))',
      postReturn: `(if (global.get $hostile) (then ${FOREVER}))`,
    },
    'fuel_exhausted',
  ),
  attack(
    'counts to 2^64 in a loop that ends, some day',
    {
      locals: '(local $i i64)',
      attack: `(loop $again (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $again (i64.ne (local.get $i) (i64.const 0))))`,
    },
    'fuel_exhausted',
  ),
  attack(
    'jumps through a br_table storm',
    {
      locals: '(local $i i32)',
      attack: `(loop $a (loop $b (loop $c
        (local.set $i (i32.add (i32.mul (local.get $i) (i32.const 1103515245)) (i32.const 12345)))
        (br_table $a $b $c (i32.rem_u (local.get $i) (i32.const 3))))))`,
    },
    'fuel_exhausted',
  ),
  attack(
    'asks for no more memory, again and again',
    { attack: '(loop $again (drop (memory.grow (i32.const 0))) (br $again))' },
    'fuel_exhausted',
  ),
  attack(
    'fills all of its memory, again and again',
    {
      memory: '(memory (export "memory") 256)',
      attack: `(loop $again (memory.fill (i32.const 8192) (i32.const 1) (i32.const 16000000)) (br $again))`,
    },
    'fuel_exhausted',
  ),
  attack(
    'chases a pointer over all of its memory',
    {
      memory: '(memory (export "memory") 256)',
      locals: '(local $at i32)',
      attack: `(loop $again
        (i32.store (local.get $at) (i32.add (i32.mul (local.get $at) (i32.const 1664525)) (i32.const 1013904223)))
        (local.set $at (i32.and (i32.load (local.get $at)) (i32.const 0xfffffc)))
        (br $again))`,
    },
    'fuel_exhausted',
  ),
  attack('calls itself for ever', { fields: '(func $down (call $down))', attack: '(call $down)' }, 'trap', {
    detail: 'stack of',
  }),
  attack(
    'calls itself through a table for ever',
    {
      fields: `(type $void (func)) (table 1 funcref) (elem (i32.const 0) $down)
        (func $down (call_indirect (type $void) (i32.const 0)))`,
      attack: '(call $down)',
    },
    'trap',
    { detail: 'stack of' },
  ),
  attack(
    'calls two functions in turn for ever',
    { fields: '(func $ping (call $pong)) (func $pong (call $ping))', attack: '(call $ping)' },
    'trap',
    { detail: 'stack of' },
  ),
  attack(
    'recurses with frames of a thousand locals',
    {
      fields: `(func $wide (param i64) (result i64) (local ${'i64 '.repeat(1000)})
        (local.set 500 (local.get 0)) (i64.add (call $wide (i64.add (local.get 0) (i64.const 1))) (local.get 500)))`,
      attack: '(drop (call $wide (i64.const 1)))',
    },
    'trap',
    { detail: 'stack of' },
  ),
  attack(
    'recurses in a tree, shallow and without end',
    {
      fields: `(func $tree (param $depth i32)
        (if (i32.lt_s (local.get $depth) (i32.const 100)) (then
          (call $tree (i32.add (local.get $depth) (i32.const 1)))
          (call $tree (i32.add (local.get $depth) (i32.const 1))))))`,
      attack: '(call $tree (i32.const 0))',
    },
    'fuel_exhausted',
  ),
  attack('recurses in a start function', { fields: '(func $start (call $start)) (start $start)' }, 'trap', {
    always: true,
    detail: 'stack of',
  }),
  attack(
    'writes to standard output for ever',
    {
      world: wasiWorld('cli/stdout', 'io/streams'),
      imports: `${wasi('cli/stdout', 'get-stdout', '$stdout (result i32)')}
        ${wasi('io/streams', '[method]output-stream.write', '$write (param i32 i32 i32 i32)')}`,
      locals: '(local $out i32)',
      attack: `(local.set $out (call $stdout))
        (loop $again (call $write (local.get $out) (i32.const 0) (i32.const 4096) (i32.const 64)) (br $again))`,
    },
    'fuel_exhausted',
  ),
  attack(
    'asks the clock for ever',
    {
      world: wasiWorld('clocks/monotonic-clock'),
      imports: wasi('clocks/monotonic-clock', 'now', '$now (result i64)'),
      attack: '(loop $again (br_if $again (i64.ge_u (call $now) (i64.const 0))))',
    },
    'fuel_exhausted',
  ),
]);
