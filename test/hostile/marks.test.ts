// Guests that try to remember in a memory so large that only what was written is put back: each one leaves a trace where
// the marks of what it wrote might not reach, and denies every payment when it finds the trace again.

import { attack, describeAttacks } from '../fixtures/attacks.ts';
import { handmadeValidator, wasi, wasiWorld, type HostileCore } from '../fixtures/hostile-validator.ts';

const GOOD_AMOUNT = '(i64.gt_s (i64.load offset=88 (local.get $transaction)) (i64.const 0))';
const MEMORY = '(memory (export "memory") 6)';
const LAST_PAGE = 5 * 65_536;

/** Approves when it leaves its trace; afterwards `clean` is 1 only where there is none. */
const leaves = (trace: string, clean: string, more: HostileCore = {}): HostileCore => ({
  attack: `${trace} (return (i32.const 1))`,
  calm: `(i32.and ${clean} ${GOOD_AMOUNT})`,
  memory: MEMORY,
  locals: '(local $p i32) (local $n i32)',
  ...more,
});

const isZero = (address: number): string => `(i64.eqz (i64.load (i32.const ${address})))`;

const RANDOM = {
  world: wasiWorld('random/random'),
  imports: wasi('random/random', 'get-random-bytes', '$random (param i64 i32)'),
};

describeAttacks('marks', [
  attack(
    'leaves a trace in the last byte of a large memory',
    leaves(`(i32.store8 (i32.const ${LAST_PAGE + 65_535}) (i32.const 1))`, isZero(LAST_PAGE + 65_528)),
    'approve',
  ),
  attack(
    'writes over the end of a chunk, at an address that it computes',
    leaves(
      `(v128.store (i32.add (local.get $transaction) (i32.sub (i32.const ${LAST_PAGE + 4_095}) (local.get $transaction)))
        (v128.const i64x2 -1 -1))`,
      `(i32.and ${isZero(LAST_PAGE + 4_096)} ${isZero(LAST_PAGE + 4_088)})`,
    ),
    'approve',
  ),
  attack(
    'writes far behind an address by the operator’s own offset',
    leaves(
      `(local.set $p (i32.const 8)) (i32.store (local.get $p) (i32.const 0))
       (i64.store offset=${LAST_PAGE} (local.get $p) (i64.const -1))`,
      isZero(LAST_PAGE + 8),
    ),
    'approve',
  ),
  attack(
    'walks through memory with a local that was marked before the loop',
    leaves(
      `(local.set $p (i32.const 4096)) (i32.store (local.get $p) (i32.const 1))
       (loop (i32.store (local.get $p) (i32.const 1)) (local.set $p (i32.add (local.get $p) (i32.const 4096)))
         (br_if 0 (i32.lt_u (local.get $p) (i32.const ${LAST_PAGE}))))`,
      `(i32.and ${isZero(3 * 65_536)} ${isZero(LAST_PAGE - 4_096)})`,
    ),
    'approve',
  ),
  attack(
    'fills, copies and initialises large parts of memory',
    leaves(
      `(memory.fill (i32.const 65000) (i32.const 7) (i32.const 100000))
       (memory.copy (i32.const 200000) (i32.const 65000) (i32.const 90000))
       (memory.init $d (i32.const 300000) (i32.const 0) (i32.const 9000))`,
      [65_000, 120_000, 164_984, 200_000, 250_000, 289_984, 300_000, 308_992]
        .map(isZero)
        .reduce((all, each) => `(i32.and ${all} ${each})`),
      { fields: `(data $d "${'x'.repeat(9_000)}")` },
    ),
    'approve',
  ),
  attack(
    'has the host write the transaction’s strings to a far place',
    leaves('', isZero(LAST_PAGE + 4_092), {
      // Only the hostile transaction has a string of 12 bytes.
      realloc: `(if (i32.eq (local.get $size) (i32.const 12)) (then (return (i32.const ${LAST_PAGE + 4_092}))))`,
    }),
    'approve',
  ),
  attack(
    'has the host write the transaction itself to a far place, once',
    leaves('(i32.store8 (i32.const 64) (i32.const 1))', isZero(LAST_PAGE), {
      // The record has 104 bytes and is allocated before what it holds is known: every call may use another place.
      realloc: `(if (i32.eq (local.get $size) (i32.const 12))
        (then (memory.fill (i32.const ${LAST_PAGE}) (i32.const 1) (i32.const 8))))`,
    }),
    'approve',
  ),
  attack(
    'has the host write random bytes to a far place, and where they are to another',
    leaves(
      `(global.set $far (i32.const ${LAST_PAGE})) (call $random (i64.const 9000) (i32.const ${LAST_PAGE - 8}))`,
      [LAST_PAGE - 8, LAST_PAGE + 8, LAST_PAGE + 4_096, LAST_PAGE + 8_984]
        .map(isZero)
        .reduce((all, each) => `(i32.and ${all} ${each})`),
      {
        ...RANDOM,
        fields: '(global $far (mut i32) (i32.const 0))',
        realloc: '(if (global.get $far) (then (return (global.get $far))))',
      },
    ),
    'approve',
  ),
  {
    name: 'leaves a trace in its memory by another module',
    component: () =>
      handmadeValidator({
        core: leaves('(call $set (i32.const 300000))', isZero(300_000), {
          imports: '(import "other" "set" (func $set (param i32))) (import "other" "memory" (memory $m 6))',
          memory: '(export "memory" (memory $m))',
        }),
        definitions: `(core module $owner (memory (export "memory") 6))
          (core instance $owner (instantiate $owner))
          (core module $writer (import "owner" "memory" (memory 6))
            (func (export "set") (param i32) (i64.store (local.get 0) (i64.const -1))))
          (core instance $writer (instantiate $writer (with "owner" (instance $owner))))
          (alias core export $writer "set" (core func $set))
          (alias core export $owner "memory" (core memory $shared))
          (core instance $other (export "set" (func $set)) (export "memory" (memory $shared)))`,
        args: '(with "other" (instance $other))',
      }),
    ends: 'approve',
  },
  {
    name: 'leaves a trace in a second memory, larger than its own',
    component: () =>
      handmadeValidator({
        core: leaves('(call $set (i32.const 500000))', '(i32.eqz (call $get (i32.const 500000)))', {
          imports:
            '(import "big" "set" (func $set (param i32))) (import "big" "get" (func $get (param i32) (result i32)))',
        }),
        definitions: `(core module $big (memory 9)
            (func (export "get") (param i32) (result i32) (i32.load (local.get 0)))
            (func (export "set") (param i32) (i32.store (local.get 0) (i32.const 1))))
          (core instance $big (instantiate $big))`,
        args: '(with "big" (instance $big))',
      }),
    ends: 'approve',
  },
]);
