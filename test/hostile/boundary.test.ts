// Guests that cheat where values cross between guest and host: pointers, lengths, bools, variants, strings.

import { attack, describeAttacks } from '../fixtures/attacks.ts';
import { parsePolicy, DEFAULT_POLICY } from '../../src/publisher/policy.ts';

/** Runs when the last string, the hostile status of 12 bytes, is given its place. */
const forStatus = (then: string): string => `(if (i32.eq (local.get $size) (i32.const 12)) (then ${then}))`;

/** A policy with an inert interface of many types: what lifting makes of a guest's arguments, before the host denies. */
const policy = parsePolicy({
  ...DEFAULT_POLICY,
  imports: [
    ...DEFAULT_POLICY.imports,
    { match: 'test:w/sink', versions: '*', tier: 'inert', reason: 'Takes arguments of many types.' },
  ],
});

const sink = (declaration: string, type: string, call: string) => ({
  sink: declaration,
  imports: `(import "test:w/sink" "${declaration
    .split(':')[0]
    ?.replace(/.*;|.*\}/, '')
    .trim()}" (func $sink ${type}))`,
  attack: call,
});

describeAttacks('the boundary', [
  attack('answers 2 where the contract has a bool', { attack: '(return (i32.const 2))' }, 'bad_output'),
  attack('answers -1 where the contract has a bool', { attack: '(return (i32.const -1))' }, 'bad_output'),
  attack('traps', { attack: 'unreachable' }, 'trap'),
  attack(
    'traps after it has answered, in post-return',
    {
      fields: '(global $hostile (mut i32) (i32.const 0))',
      attack: '(global.set $hostile (i32.const 1)) (return (i32.const 1))',
      postReturn: '(if (global.get $hostile) (then unreachable))',
    },
    'trap',
  ),
  attack('traps in cabi_realloc', { realloc: forStatus('unreachable') }, 'trap'),
  attack(
    'gives its arguments a place outside of memory',
    { realloc: forStatus('(return (i32.const 0x7ffffff0))') },
    'trap',
  ),
  attack('gives them a negative place', { realloc: forStatus('(return (i32.const -16))') }, 'trap'),
  attack(
    'gives them a place that memory ends in the middle of',
    { realloc: forStatus('(return (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 6)))') },
    'trap',
  ),
  attack(
    'gives them the place of nothing, address zero',
    {
      realloc: forStatus('(return (i32.const 0))'),
      attack: '(return (i32.eq (i32.load8_u (i32.const 0)) (i32.const 0x75)))',
    },
    'approve',
  ),
  attack(
    'gives them a place on top of other arguments, and follows the pointer that it finds',
    {
      realloc: forStatus('(return (i32.const 4096))'),
      attack: '(drop (i32.load (i32.load (i32.const 4096))))',
    },
    'trap',
  ),
  attack(
    'gives the record a place that is not aligned',
    {
      realloc: `(if (i32.eq (local.get $align) (i32.const 8)) (then (return (i32.const 1025))))`,
      attack: '(return (i64.eq (i64.load offset=88 (local.get $transaction)) (i64.const 10000)))',
    },
    'approve',
  ),
  attack(
    'grows its memory while its arguments are written',
    {
      realloc: forStatus('(drop (memory.grow (i32.const 100)))'),
      attack:
        '(return (i32.eq (i32.load8_u (i32.load offset=96 (local.get $transaction))) (i32.const 0x75)))',
    },
    'approve',
  ),
  attack(
    'passes a bool of 7 to the host',
    sink('flag: func(x: bool);', '(param i32)', '(call $sink (i32.const 7))'),
    'bad_output',
    { options: { policy } },
  ),
  attack(
    'passes a variant that has no such case',
    {
      ...sink('kind: func(x: v);', '(param i32 i32)', '(call $sink (i32.const 9) (i32.const 0))'),
      sink: 'variant v { a, b(u32) } kind: func(x: v);',
    },
    'bad_output',
    { options: { policy } },
  ),
  attack(
    'passes an enum that has no such case',
    {
      ...sink('kind: func(x: e);', '(param i32)', '(call $sink (i32.const -5))'),
      sink: 'enum e { one, two, three } kind: func(x: e);',
    },
    'bad_output',
    { options: { policy } },
  ),
  attack(
    'passes a surrogate as a character',
    sink('letter: func(x: char);', '(param i32)', '(call $sink (i32.const 0xd800))'),
    'bad_output',
    { options: { policy } },
  ),
  attack(
    'passes a string that is no UTF-8',
    {
      ...sink('text: func(x: string);', '(param i32 i32)', '(call $sink (i32.const 64) (i32.const 4))'),
      fields: '(data (i32.const 64) "\\ff\\fe\\c0\\80")',
    },
    'trap',
    { options: { policy }, detail: 'UTF-8' },
  ),
  attack(
    'passes a string that lies outside of memory',
    sink('text: func(x: string);', '(param i32 i32)', '(call $sink (i32.const 65000) (i32.const 5000))'),
    'trap',
    { options: { policy } },
  ),
  attack(
    'passes a string of all of its memory, which holds other things as well',
    {
      ...sink('text: func(x: string);', '(param i32 i32)', '(call $sink (i32.const 0) (i32.const 16777216))'),
      memory: '(memory (export "memory") 256)',
    },
    'trap',
    { options: { policy }, detail: 'UTF-8' },
  ),
  attack(
    'passes a list whose size overflows 32 bits',
    sink('many: func(x: list<u64>);', '(param i32 i32)', '(call $sink (i32.const 8) (i32.const 0x20000001))'),
    'trap',
    { options: { policy }, detail: 'outside of memory' },
  ),
  attack(
    'passes a list that is not aligned',
    sink('many: func(x: list<u64>);', '(param i32 i32)', '(call $sink (i32.const 3) (i32.const 1))'),
    'trap',
    { options: { policy }, detail: 'outside of memory' },
  ),
]);
