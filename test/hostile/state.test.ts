// Guests that try to remember: each one leaves a mark on the hostile transaction, and denies every payment when it
// finds its mark again.

import { componentize } from 'componentize-qjs';

import { attack, describeAttacks } from '../fixtures/attacks.ts';
import { WIT_PATH } from '../fixtures/components.ts';
import { handmadeValidator, wasi, wasiWorld, type HostileCore } from '../fixtures/hostile-validator.ts';

const GOOD_AMOUNT = '(i64.gt_s (i64.load offset=88 (local.get $transaction)) (i64.const 0))';

/** Approves when it leaves its mark; afterwards `clean` is 1 only where there is none. */
const marks = (mark: string, clean: string, more: HostileCore = {}): HostileCore => ({
  attack: `${mark} (return (i32.const 1))`,
  calm: `(i32.and ${clean} ${GOOD_AMOUNT})`,
  ...more,
});

const STREAMS = {
  world: wasiWorld('cli/stdout', 'io/streams'),
  imports: `${wasi('cli/stdout', 'get-stdout', '$stdout (result i32)')}
    ${wasi('io/streams', '[resource-drop]output-stream', '$drop (param i32)')}
    ${wasi('io/streams', '[method]output-stream.write', '$write (param i32 i32 i32 i32)')}`,
};

/** Two functions that a table tells apart. */
const TABLE = `(type $number (func (result i32))) (table $t 4 8 funcref) (elem (i32.const 0) $zero $one) (elem $e func $one $one)
  (func $zero (result i32) i32.const 0) (func $one (result i32) i32.const 1)`;
const tableIsClean = '(i32.eqz (call_indirect $t (type $number) (i32.const 0)))';

describeAttacks('state', [
  attack(
    'leaves a mark in memory',
    marks('(i32.store (i32.const 2048) (i32.const 1))', '(i32.eqz (i32.load (i32.const 2048)))'),
    'approve',
  ),
  attack(
    'leaves a mark in the last byte of memory',
    marks('(i32.store8 (i32.const 65535) (i32.const 1))', '(i32.eqz (i32.load8_u (i32.const 65535)))'),
    'approve',
  ),
  attack(
    'changes its initial data',
    marks(
      '(memory.fill (i32.const 64) (i32.const 0) (i32.const 8))',
      '(i64.eq (i64.load (i32.const 64)) (i64.const 0x3837363534333231))',
      {
        fields: '(data (i32.const 64) "12345678")',
      },
    ),
    'approve',
  ),
  attack(
    'leaves a mark in memory that it grew',
    marks(
      '(drop (memory.grow (i32.const 2))) (i32.store (i32.const 70000) (i32.const 1))',
      '(i32.eq (memory.size) (i32.const 1))',
    ),
    'approve',
  ),
  attack(
    'uses up the component’s budget of pages',
    marks('(drop (memory.grow (i32.const 255)))', '(i32.ne (memory.grow (i32.const 255)) (i32.const -1))'),
    'approve',
  ),
  attack(
    'leaves a mark in a global',
    marks('(global.set $mark (i64.const -1))', '(i64.eq (global.get $mark) (i64.const 5))', {
      fields: '(global $mark (mut i64) (i64.const 5))',
    }),
    'approve',
  ),
  attack(
    'leaves a mark in the bits of a NaN in a global',
    marks(
      '(global.set $mark (f64.reinterpret_i64 (i64.const 0x7ff8000000001234)))',
      '(i64.eq (i64.reinterpret_f64 (global.get $mark)) (i64.const 0x7ff0000000000001))',
      { fields: '(global $mark (mut f64) (f64.const nan:0x1))' },
    ),
    'approve',
  ),
  attack(
    'leaves a mark in a vector global, which no host can put back',
    marks('(global.set $mark (v128.const i32x4 1 1 1 1))', '(i32.eqz (v128.any_true (global.get $mark)))', {
      fields: '(global $mark (mut v128) (v128.const i32x4 0 0 0 0))',
    }),
    'approve',
  ),
  attack(
    'leaves a mark in a reference global',
    marks('(global.set $mark (ref.func $isHostile))', '(ref.is_null (global.get $mark))', {
      fields: '(global $mark (mut funcref) (ref.null func)) (elem declare func $isHostile)',
    }),
    'approve',
  ),
  {
    name: 'leaves a mark in a global of another module',
    component: () =>
      handmadeValidator({
        core: marks('(global.set $mark (i32.const 1))', '(i32.eqz (global.get $mark))', {
          imports: '(import "other" "mark" (global $mark (mut i32)))',
        }),
        definitions: `(core module $other (global (export "mark") (mut i32) (i32.const 0)))
          (core instance $other (instantiate $other))`,
        args: '(with "other" (instance $other))',
      }),
    ends: 'approve',
  },
  {
    name: 'leaves a mark in one of two instances of one module',
    component: () =>
      handmadeValidator({
        core: marks('(call $set2 (i32.const 1))', '(i32.and (i32.eqz (call $get1)) (i32.eqz (call $get2)))', {
          imports: `(import "one" "get" (func $get1 (result i32)))
              (import "two" "get" (func $get2 (result i32))) (import "two" "set" (func $set2 (param i32)))`,
        }),
        definitions: `(core module $twin (memory 1)
            (func (export "get") (result i32) (i32.load (i32.const 0)))
            (func (export "set") (param i32) (i32.store (i32.const 0) (local.get 0))))
          (core instance $one (instantiate $twin)) (core instance $two (instantiate $twin))`,
        args: '(with "one" (instance $one)) (with "two" (instance $two))',
      }),
    ends: 'approve',
  },
  {
    name: 'leaves a mark in the context of its task',
    component: () =>
      handmadeValidator({
        core: marks('(call $set (i32.const 7))', '(i32.eqz (call $get))', {
          imports:
            '(import "task" "get" (func $get (result i32))) (import "task" "set" (func $set (param i32)))',
        }),
        definitions: `(core func $get (canon context.get i32 0)) (core func $set (canon context.set i32 0))
          (core instance $task (export "get" (func $get)) (export "set" (func $set)))`,
        args: '(with "task" (instance $task))',
      }),
    ends: 'approve',
  },
  {
    name: 'counts by the numbers of its own resources’ handles',
    component: () =>
      handmadeValidator({
        core: marks('(drop (call $new (i32.const 5)))', '(i32.eq (call $new (i32.const 5)) (i32.const 1))', {
          imports: '(import "thing" "new" (func $new (param i32) (result i32)))',
        }),
        definitions: `(type $thing (resource (rep i32))) (core func $new (canon resource.new $thing))
          (core instance $things (export "new" (func $new)))`,
        args: '(with "thing" (instance $things))',
      }),
    ends: 'approve',
  },
  {
    name: 'counts by the numbers of waitable sets',
    component: () =>
      handmadeValidator({
        core: marks('(drop (call $new)) (drop (call $new))', '(i32.eq (call $new) (i32.const 1))', {
          imports: '(import "set" "new" (func $new (result i32)))',
        }),
        definitions: `(core func $new (canon waitable-set.new)) (core instance $sets (export "new" (func $new)))`,
        args: '(with "set" (instance $sets))',
      }),
    ends: 'approve',
  },
  attack(
    'leaves a mark in a table',
    marks('(table.set $t (i32.const 0) (ref.func $one))', tableIsClean, { fields: TABLE }),
    'approve',
  ),
  attack(
    'grows a table',
    marks('(drop (table.grow $t (ref.null func) (i32.const 1)))', '(i32.eq (table.size $t) (i32.const 4))', {
      fields: TABLE,
    }),
    'approve',
  ),
  attack(
    'fills a table',
    marks('(table.fill $t (i32.const 0) (ref.func $one) (i32.const 2))', tableIsClean, { fields: TABLE }),
    'approve',
  ),
  attack(
    'copies within a table',
    marks('(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))', tableIsClean, { fields: TABLE }),
    'approve',
  ),
  attack(
    'initializes a table anew',
    marks('(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))', tableIsClean, { fields: TABLE }),
    'approve',
  ),
  attack(
    'drops a data segment that each call needs',
    marks(
      '(data.drop $d)',
      '(i32.eq (block (result i32) (memory.init $d (i32.const 2048) (i32.const 0) (i32.const 4)) (i32.load (i32.const 2048))) (i32.const 0x6b72616d))',
      {
        fields: '(data $d "mark")',
      },
    ),
    'approve',
  ),
  attack(
    'drops an element segment that each call needs',
    marks(
      '(elem.drop $e)',
      '(block (result i32) (table.init $t $e (i32.const 2) (i32.const 0) (i32.const 2)) (call_indirect $t (type $number) (i32.const 3)))',
      { fields: TABLE },
    ),
    'approve',
  ),
  attack(
    'leaves a mark and traps',
    {
      ...marks('', '(i32.eqz (i32.load (i32.const 2048)))'),
      attack: '(i32.store (i32.const 2048) (i32.const 1)) unreachable',
    },
    'trap',
  ),
  attack(
    'leaves a mark after its answer, in post-return',
    marks('(global.set $hostile (i32.const 1))', '(i32.eqz (i32.load (i32.const 2048)))', {
      fields: '(global $hostile (mut i32) (i32.const 0))',
      postReturn: '(if (global.get $hostile) (then (i32.store (i32.const 2048) (i32.const 1))))',
    }),
    'approve',
  ),
  attack(
    'leaves its allocator deep in memory',
    marks('(global.set $next (i32.const 60000))', '(i32.lt_u (global.get $next) (i32.const 10000))'),
    'approve',
  ),
  attack(
    'keeps the stream that it got, and counts by its handle',
    marks('(drop (call $stdout)) (drop (call $stdout))', '(i32.lt_u (call $stdout) (i32.const 2))', STREAMS),
    'approve',
  ),
  attack(
    'drops a stream that it got when it was made',
    marks(
      '(call $drop (global.get $kept))',
      '(block (result i32) (call $write (global.get $kept) (i32.const 0) (i32.const 4) (i32.const 64)) (i32.eqz (i32.load8_u (i32.const 64))))',
      {
        ...STREAMS,
        fields:
          '(global $kept (mut i32) (i32.const 0)) (func $start (global.set $kept (call $stdout))) (export "_initialize" (func $start))',
      },
    ),
    'approve',
  ),
  attack(
    'drops a stream twice',
    {
      ...STREAMS,
      locals: '(local $out i32)',
      attack: '(local.set $out (call $stdout)) (call $drop (local.get $out)) (call $drop (local.get $out))',
    },
    'trap',
  ),
  {
    name: 'keeps a counter in an interpreter’s global object, prototypes and closures',
    component: async () => {
      const { component } = await componentize({
        witPath: WIT_PATH,
        world: 'validator',
        sync: true,
        jsSource: `let calls = 0;
          export const validation = { validate(t) {
            if (t.status === 'under attack') {
              calls += 1; globalThis.mark = 1; Array.prototype.mark = 1; Object.defineProperty(String.prototype, 'mark', { value: 1 });
              Math.max = () => -1; validation.validate = () => true;
              return true;
            }
            return calls === 0 && globalThis.mark === undefined && [].mark === undefined && ''.mark === undefined
              && Math.max(1, 2) === 2 && t.amount.amount > 0n;
          } };`,
      });
      return component;
    },
    ends: 'approve',
  },
]);
