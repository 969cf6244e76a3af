// Guests of two components: a validator that attacks from within a harness, and a harness that attacks the validator in
// it. What holds for one component holds for the two together: one meter, nothing kept, and no way out.

import { describeAttacks, describeRefused, type Attack } from '../fixtures/attacks.ts';
import {
  compose,
  composedValidator,
  harness,
  hostileHarness,
  inUtf16,
  IS_HOSTILE,
  type HarnessCore,
} from '../fixtures/compositions.ts';
import { hostileValidator, type HostileCore } from '../fixtures/hostile-validator.ts';

/** Text that ends the quotes of a generated string. */
const INJECTED = "x']; globalThis.hit = 1; exports0['";

type More = Omit<Partial<Attack>, 'name' | 'component' | 'ends'>;

/** The validator attacks. */
const within = (name: string, core: HostileCore, ends: Attack['ends'], more: More = {}): Attack => ({
  name: `a validator in a harness ${name}`,
  component: () => composedValidator(core),
  ends,
  ...more,
});

/** The harness attacks, where the transaction is the hostile one. */
const around = (
  name: string,
  attack: string,
  ends: Attack['ends'],
  { validator, ...core }: HarnessCore & { readonly validator?: HostileCore } = {},
  more: More = {},
): Attack => ({
  name: `a harness ${name}`,
  component: () =>
    hostileHarness(
      { ...core, before: `(if ${IS_HOSTILE} (then ${attack})) ${core.before ?? ''}` },
      validator,
    ),
  ends,
  ...more,
});

const SPIN = '(loop $again (br $again))';
/** Burns about `fuel`: three instructions a turn. */
const burn = (fuel: number): string => `(local.set $i (i32.const ${Math.round(fuel / 8)}))
  (loop $burn (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br_if $burn (local.get $i)))`;
const LOCALS = '(local $i i32)';
const GOOD_AMOUNT = '(i64.gt_s (i64.load offset=88 (local.get $transaction)) (i64.const 0))';
/** Writes a field of the transaction's record before the validator is handed it. */
const forge = (offset: number, value: string): string =>
  `(i32.store offset=${offset} (local.get $transaction) (i32.const ${value}))`;

describeAttacks('compositions: limits', [
  within('never ends', { attack: SPIN }, 'fuel_exhausted'),
  within(
    'recurses without end',
    {
      fields: '(func $deep (call $deep))',
      attack: '(call $deep)',
    },
    'trap',
    { detail: 'stack of' },
  ),
  within(
    'never ends in cabi_realloc, which the other component waits for',
    {
      realloc: `(if (i32.eq (local.get $size) (i32.const 12)) (then ${SPIN}))`,
    },
    'fuel_exhausted',
  ),
  within(
    'never ends in post-return',
    {
      fields: '(global $hostile (mut i32) (i32.const 0))',
      attack: '(global.set $hostile (i32.const 1)) (return (i32.const 1))',
      postReturn: `(if (global.get $hostile) (then ${SPIN}))`,
    },
    'fuel_exhausted',
  ),
  around('never ends', SPIN, 'fuel_exhausted'),
  around(
    'asks without end',
    '(loop $again (drop (call $ask (local.get $transaction))) (br $again))',
    'fuel_exhausted',
  ),
  {
    name: 'a harness and its validator burn each what neither alone may not',
    component: () =>
      hostileHarness(
        { locals: LOCALS, before: `(if ${IS_HOSTILE} (then ${burn(700_000)}))` },
        { locals: LOCALS, attack: burn(700_000) },
      ),
    options: { limits: { fuel: 2_000_000 } },
    ends: 'fuel_exhausted',
  },
  {
    name: 'a harness takes the memory that its validator then asks for',
    component: () =>
      hostileHarness(
        { before: `(if ${IS_HOSTILE} (then (drop (memory.grow (i32.const 200)))))` },
        { attack: '(return (i32.eq (memory.grow (i32.const 200)) (i32.const -1)))' },
      ),
    ends: 'approve',
  },
]);

describeAttacks('compositions: state', [
  within(
    'leaves a mark in its memory',
    {
      attack: '(i32.store (i32.const 2048) (i32.const 1)) (return (i32.const 1))',
      calm: `(i32.and (i32.eqz (i32.load (i32.const 2048))) ${GOOD_AMOUNT})`,
    },
    'approve',
  ),
  within(
    'leaves a mark in a global',
    {
      fields: '(global $mark (mut i64) (i64.const 5))',
      attack: '(global.set $mark (i64.const -1)) (return (i32.const 1))',
      calm: `(i32.and (i64.eq (global.get $mark) (i64.const 5)) ${GOOD_AMOUNT})`,
    },
    'approve',
  ),
  within(
    'leaves a mark in a large memory, of which only what was written is put back',
    {
      memory: '(memory (export "memory") 64)',
      attack: '(i32.store (i32.const 4000000) (i32.const 1)) (return (i32.const 1))',
      calm: `(i32.and (i32.eqz (i32.load (i32.const 4000000))) ${GOOD_AMOUNT})`,
    },
    'approve',
  ),
  {
    // Glue copies them, not the validator: 40 KiB behind the bump allocator's start.
    name: 'the strings that are copied into a validator’s large memory are gone afterwards',
    component: async () =>
      compose(
        await hostileValidator({
          memory: '(memory (export "memory") 64)',
          attack: '(return (i32.const 1))',
          realloc: `(if (i32.eq (local.get $size) (i32.const 12)) (then (return (i32.const 3000000))))`,
          calm: `(i32.and (i32.eqz (i32.load (i32.const 3000000))) ${GOOD_AMOUNT})`,
        }),
        await harness(),
      ),
    ends: 'approve',
  },
  around(
    'leaves a mark in its memory',
    '(i32.store (i32.const 2048) (i32.const 1)) (return (i32.const 1))',
    'approve',
    { before: '(if (i32.load (i32.const 2048)) (then (return (i32.const 0))))' },
  ),
  around(
    'leaves a validator that trapped, and may not enter it again',
    '(drop (call $ask (local.get $transaction)))',
    'trap',
    {
      validator: { attack: 'unreachable' },
    },
  ),
]);

describeAttacks('compositions: what glue writes into a harness', [
  {
    // Adapters reach a harness's memory through glue, since engines of one memory cannot.
    name: 'a verdict in a large memory is gone with its transaction',
    component: () =>
      hostileHarness(
        {
          contract: '0.2.0',
          memory: '(memory (export "memory") 64)',
          before: `(if ${IS_HOSTILE} (then
              (call $ask (local.get $transaction) (i32.const 3000000))
              (return (i32.const 3000000))))
            (if (i32.load (i32.const 3000000)) (then unreachable))`,
        },
        { attack: '(return (i32.const 288))' },
      ),
    ends: 'deny',
  },
]);

describeAttacks('compositions: the boundary between the two', [
  around('hands over a string outside of its memory', forge(96, '0x7ffffff0'), 'trap'),
  around('hands over a string at a negative place', forge(96, '-16'), 'trap'),
  around('hands over a string as long as can be', forge(100, '-1'), 'trap'),
  around('hands over a string that its memory ends in the middle of', forge(96, '65530'), 'trap'),
  around(
    'hands over bytes that are no UTF-8',
    '(i32.store8 (i32.load offset=96 (local.get $transaction)) (i32.const 0xff))',
    'trap',
  ),
  around('hands over a record outside of its memory', '(return (call $ask (i32.const 65528)))', 'trap'),
  around(
    'hands over a record at an odd place',
    '(return (call $ask (i32.add (local.get $transaction) (i32.const 1))))',
    'trap',
  ),
  around('asks twice', '(drop (call $ask (local.get $transaction)))', 'deny', {
    validator: { attack: '(return (i32.const 0))' },
  }),
  within(
    'gives the copies a place outside of its memory',
    {
      realloc: '(if (i32.eq (local.get $size) (i32.const 12)) (then (return (i32.const 0x7ffffff0))))',
    },
    'trap',
  ),
  within('traps', { attack: 'unreachable' }, 'trap'),
  within(
    'answers a case that verdict has not',
    {
      contract: '0.2.0',
      fields: '(data (i32.const 600) "\\07")',
      attack: '(return (i32.const 600))',
    },
    'trap',
  ),
  within(
    'answers a verdict outside of its memory',
    { contract: '0.2.0', attack: '(return (i32.const 65532))' },
    'trap',
  ),
  within(
    'answers a reason outside of its memory',
    {
      contract: '0.2.0',
      fields:
        '(data (i32.const 600) "\\01\\00\\00\\00\\f0\\ff\\00\\00\\ff\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00")',
      attack: '(return (i32.const 600))',
    },
    'trap',
  ),
  {
    name: 'a harness asks again while it is handed the answer',
    component: () =>
      hostileHarness(
        {
          contract: '0.2.0',
          fields: '(global $asked (mut i32) (i32.const 0))',
          before: `(if ${IS_HOSTILE} (then (global.set $asked (local.get $transaction))))`,
          // The code of the denial has four bytes.
          realloc: `(if (i32.and (i32.ne (global.get $asked) (i32.const 0)) (i32.eq (local.get $size) (i32.const 4)))
            (then (call $ask (global.get $asked) (i32.const 768))))`,
        },
        { attack: '(return (i32.const 288))' },
      ),
    ends: 'trap',
  },
]);

describeRefused('compositions', [
  {
    name: 'a validator that takes strings as UTF-16 in a harness that has them as UTF-8',
    component: async () => compose(await inUtf16(await hostileValidator({})), await harness()),
    code: 'transpile_failed',
    says: 'build all of them for UTF-8',
  },
  {
    name: 'a harness that has strings as UTF-16 around a validator that takes them as UTF-8',
    component: async () => compose(await hostileValidator({}), await inUtf16(await harness())),
    code: 'transpile_failed',
    says: 'build all of them for UTF-8',
  },
  {
    name: 'a name of the validator, deep in the composition, that would be JavaScript',
    component: async () =>
      compose(await hostileValidator({ fields: `(func (export "${INJECTED}"))` }), await harness()),
    code: 'unsafe_name',
  },
  {
    name: 'a validator deep in the composition that uses what metering does not know',
    component: async () =>
      compose(await hostileValidator({ fields: '(func $f (return_call $f))' }), await harness()),
    code: 'unsupported_feature',
  },
]);
