// Guests that want more memory and tables than they may have, or that reach outside of what they have.

import { attack, describeAttacks, describeRefused } from '../fixtures/attacks.ts';
import { handmadeValidator, hostileValidator } from '../fixtures/hostile-validator.ts';

/** Another core module of the component, whose memory and table grow on demand. */
const HOARD = `(core module $hoard (memory 1) (table 1 funcref)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "table-grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))
  (func (export "size") (result i32) memory.size))`;
const USES_HOARD = `(import "hoard" "grow" (func $hoard (param i32) (result i32)))
  (import "hoard" "table-grow" (func $hoardTable (param i32) (result i32)))
  (import "hoard" "size" (func $hoarded (result i32)))`;
const WITH_HOARD = {
  definitions: `${HOARD} (core instance $hoard (instantiate $hoard))`,
  args: '(with "hoard" (instance $hoard))',
};
/** Page by page, until it is told no. */
const GROW_ALL = '(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))';

describeAttacks('memory', [
  attack(
    'grows its memory step by step, to the limit and no further',
    { attack: `${GROW_ALL} (return (i32.eq (memory.size) (i32.const 256)))` },
    'approve',
  ),
  attack(
    'grows its memory by everything at once',
    {
      attack:
        '(return (i32.and (i32.eq (memory.grow (i32.const 65535)) (i32.const -1)) (i32.eq (memory.size) (i32.const 1))))',
    },
    'approve',
  ),
  {
    name: 'grows a second module’s memory, where all memories share one budget',
    component: () =>
      handmadeValidator({
        core: {
          imports: USES_HOARD,
          attack: `(loop $again (br_if $again (i32.ne (call $hoard (i32.const 1)) (i32.const -1)))) ${GROW_ALL}
            (return (i32.eq (i32.add (call $hoarded) (memory.size)) (i32.const 256)))`,
        },
        ...WITH_HOARD,
      }),
    ends: 'approve',
  },
  {
    name: 'makes many instances of one module, which has a memory just under the limit',
    component: () =>
      handmadeValidator({
        core: {},
        definitions: `(core module $big (memory 200)) ${'(core instance (instantiate $big))'.repeat(50)}`,
      }),
    ends: 'memory_exceeded',
    always: true,
  },
  {
    name: 'makes two hundred instances of a module that has only a table',
    component: () =>
      handmadeValidator({
        core: {},
        definitions: `(core module $tables (table 15000 funcref)) ${'(core instance (instantiate $tables))'.repeat(200)}`,
      }),
    ends: 'memory_exceeded',
    detail: 'table elements',
    always: true,
  },
  {
    name: 'grows the tables of two modules, which share one budget',
    component: () =>
      handmadeValidator({
        core: {
          imports: USES_HOARD,
          fields: '(table $own 1 funcref)',
          attack: `(loop $again (br_if $again (i32.ne (call $hoardTable (i32.const 1000)) (i32.const -1))))
            (return (i32.eq (table.grow $own (ref.null func) (i32.const 1000)) (i32.const -1)))`,
        },
        ...WITH_HOARD,
      }),
    ends: 'approve',
  },
  attack(
    'copies memory from outside of it',
    { attack: '(memory.copy (i32.const 0) (i32.const 60000) (i32.const 100000))' },
    'trap',
    { detail: 'out of bounds' },
  ),
  attack(
    'fills memory past its end',
    { attack: '(memory.fill (i32.const 65535) (i32.const 7) (i32.const 2))' },
    'trap',
  ),
  attack(
    'loads at an address whose offset wraps around',
    { attack: '(drop (i32.load offset=0xffffffff (i32.const 1)))' },
    'trap',
  ),
  attack(
    'takes from a data segment more than it has',
    { fields: '(data $d "abc")', attack: '(memory.init $d (i32.const 0) (i32.const 1) (i32.const 3))' },
    'trap',
  ),
  attack(
    'lets its stack pointer wrap below zero',
    {
      fields: '(global $sp (mut i32) (i32.const 1024))',
      attack: `(loop $push (global.set $sp (i32.sub (global.get $sp) (i32.const 512)))
        (i64.store (global.get $sp) (i64.const -1)) (br $push))`,
    },
    'trap',
  ),
  attack('has a data segment outside of its memory', { fields: '(data (i32.const 65535) "abc")' }, 'trap', {
    always: true,
  }),
  attack(
    'has an element segment outside of its table',
    { fields: '(table 1 funcref) (func $f) (elem (i32.const 1) func $f)' },
    'trap',
    { always: true },
  ),
  attack(
    'calls a table element that is null',
    { fields: '(table 4 funcref)', attack: '(call_indirect (i32.const 2))' },
    'trap',
  ),
  attack(
    'calls a function through a table by another signature',
    {
      fields: '(table 1 funcref) (elem (i32.const 0) func $f) (func $f (param f64))',
      attack: '(drop (call_indirect (result i32) (i32.const 0)))',
    },
    'trap',
  ),
  attack(
    'calls beyond the end of its table',
    { fields: '(table 1 funcref)', attack: '(call_indirect (i32.const -1))' },
    'trap',
  ),
  attack(
    'copies table elements from outside of the table',
    { fields: '(table 4 funcref)', attack: '(table.copy (i32.const 0) (i32.const 3) (i32.const 2))' },
    'trap',
  ),
]);

describeRefused('sizes', [
  {
    name: 'a memory with a giant minimum',
    component: () => hostileValidator({ memory: '(memory (export "memory") 65536)' }),
    code: 'too_large',
    says: 'pages',
  },
  {
    name: 'two memories that are over the limit together',
    component: () =>
      handmadeValidator({ core: {}, definitions: '(core module (memory 200)) (core module (memory 200))' }),
    code: 'too_large',
    says: 'pages',
  },
  {
    name: 'a giant table',
    component: () => hostileValidator({ fields: '(table 9000000 funcref)' }),
    code: 'too_large',
    says: 'elements',
  },
  {
    name: 'three tables that are over the limit together',
    component: () =>
      hostileValidator({ fields: '(table 9000 funcref) (table 9000 externref) (table 9000 funcref)' }),
    code: 'too_large',
    says: 'elements',
  },
]);
