// Guests that use what the sandbox cannot meter, restore or repeat: refused by name, whatever they would have done.

import { describeRefused, type Refused } from '../fixtures/attacks.ts';
import { handmadeValidator, hostileValidator, type HostileCore } from '../fixtures/hostile-validator.ts';

/** Refused by the meter, which names the proposal. */
const core = (name: string, parts: HostileCore, says?: string): Refused => ({
  name,
  component: () => hostileValidator(parts),
  code: 'unsupported_feature',
  ...(says !== undefined && { says }),
});

/** Refused before that: wasm-tools does not have the proposal on. */
const unknown = (name: string, parts: HostileCore): Refused => ({
  name,
  component: () => hostileValidator(parts),
  code: 'transpile_failed',
});

/** A canonical function of the asynchronous component model: glue for it is not of the form that the check knows. */
const canon = (name: string, definition: string, type: string): Refused => ({
  name,
  component: () =>
    handmadeValidator({
      core: { imports: `(import "async" "f" (func ${type}))` },
      definitions: `${definition} (core instance $async (export "f" (func $f)))`,
      args: '(with "async" (instance $async))',
    }),
  code: 'glue_rejected',
});

/** A second core module in the component. */
const helper = (name: string, fields: string, says: string): Refused => ({
  name,
  component: () =>
    handmadeValidator({
      core: {},
      definitions: `(core module $m ${fields}) (core instance (instantiate $m))`,
    }),
  code: 'unsupported_feature',
  says,
});

describeRefused('proposals', [
  core(
    'catch_all around exhaustion',
    {
      attack:
        '(loop $again (block $caught (try_table (catch_all $caught) (loop $forever (br $forever)))) (br $again))',
    },
    'exception',
  ),
  unknown('the older try and catch', { fields: '(func try catch_all end)' }),
  unknown('a tag', { fields: '(tag (param i32))' }),
  helper('a 64-bit memory', '(memory i64 1)', 'memory64'),
  helper('a memory shared with other threads', '(memory 1 2 shared)', 'threads'),
  core('atomics, unaligned', { attack: '(drop (i32.atomic.load (i32.const 2049)))' }, 'threads'),
  unknown('a second memory in one module', {
    fields: '(memory $second 1)',
    attack: '(drop (memory.grow $second (i32.const 10)))',
  }),
  core('tail calls for ever', { fields: '(func $f (return_call $f))', attack: '(call $f)' }, 'tail calls'),
  core(
    'garbage-collected arrays',
    { fields: '(type $a (array i64))', attack: '(drop (array.new_default $a (i32.const 1000000000)))' },
    'garbage collection',
  ),
  core(
    'relaxed SIMD',
    {
      attack:
        '(drop (i32x4.extract_lane 0 (f32x4.relaxed_madd (v128.const f32x4 1 2 3 4) (v128.const f32x4 1 2 3 4) (v128.const f32x4 1 2 3 4))))',
    },
    'relaxed SIMD',
  ),
  core(
    'typed function references',
    { fields: '(type $t (func)) (func $g (param (ref null $t)) (call_ref $t (local.get 0)))' },
    'typed function references',
  ),
  unknown('stack switching', { fields: '(type $f (func)) (type $c (cont $f))' }),
  unknown('memories of odd page sizes', {
    fields: '',
    memory: '(memory (export "memory") 65536 (pagesize 1))',
  }),
  core(
    'wide arithmetic',
    { attack: '(i64.mul_wide_u (i64.const 1) (i64.const 2)) drop drop' },
    'wide arithmetic',
  ),
  canon('backpressure, which would outlive the call', '(core func $f (canon backpressure.inc))', ''),
  canon('yielding in the middle of a call', '(core func $f (canon thread.yield))', '(result i32)'),
  canon('streams of its own', '(type $s (stream u8)) (core func $f (canon stream.new $s))', '(result i64)'),
  canon('futures of its own', '(type $s (future u8)) (core func $f (canon future.new $s))', '(result i64)'),
  canon('returning twice', '(core func $f (canon task.return (result bool)))', '(param i32)'),
  {
    name: 'spawning a thread',
    component: () =>
      handmadeValidator({
        core: {},
        definitions: '(core type $t (func (param i32))) (core func $f (canon thread.spawn-ref $t))',
      }),
    code: 'unsupported_feature',
  },
]);
