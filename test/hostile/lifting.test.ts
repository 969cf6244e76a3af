// Guests that hand the host lists and strings so long, so many or so wrong that taking them out of memory would cost
// more than all of their fuel, and guests that make up handles or keep them.

import { attack, describeAttacks } from '../fixtures/attacks.ts';
import { wasi, wasiWorld } from '../fixtures/hostile-validator.ts';
import { DEFAULT_POLICY, parsePolicy } from '../../src/publisher/policy.ts';

const policy = parsePolicy({
  ...DEFAULT_POLICY,
  imports: [
    ...DEFAULT_POLICY.imports,
    { match: 'test:w/sink', versions: '*', tier: 'inert', reason: 'Takes arguments of many types.' },
  ],
});
const options = { options: { policy } };

/** All that the default limits allow: 16 MiB. */
const MEMORY = '(memory (export "memory") 256)';
const MEMORY_BYTES = 256 * 65_536;

/** A core that calls `sink.take`, which denies, with these arguments. */
const take = (type: string, flat: string, call: string, types = '') => ({
  sink: `${types} take: func(x: ${type});`,
  imports: `(import "test:w/sink" "take" (func $take (param ${flat})))`,
  attack: `(call $take ${call})`,
  memory: MEMORY,
});

const list = (type: string, pointer: number, length: number, types = '') =>
  take(type, 'i32 i32', `(i32.const ${pointer}) (i32.const ${length})`, types);

/** Fills memory from byte 65,536 on with the words that stand there, by doubling, for little fuel. */
const SPREAD = Array.from({ length: 12 }, (_, index) => 65_536 * 2 ** index)
  .filter((size) => 65_536 + size * 2 <= MEMORY_BYTES)
  .map((size) => `(memory.copy (i32.const ${65_536 + size}) (i32.const 65536) (i32.const ${size}))`)
  .join(' ');
/** The first 64 KiB of them: one pair of words, again and again. */
const pairs = (first: string, second: string): string => `
  (i32.store (i32.const 65536) ${first}) (i32.store (i32.const 65540) ${second})
  ${Array.from({ length: 13 }, (_, index) => 8 * 2 ** index)
    .map((size) => `(memory.copy (i32.const ${65_536 + size}) (i32.const 65536) (i32.const ${size}))`)
    .join(' ')} ${SPREAD}`;
/** Words from 65,536 on that {@link SPREAD} fills. */
const SPREAD_BYTES = 65_536 * 128;

const STREAMS = {
  world: wasiWorld('cli/stdout', 'io/streams', 'io/poll'),
  imports: `${wasi('cli/stdout', 'get-stdout', '$stdout (result i32)')}
    ${wasi('io/streams', '[method]output-stream.subscribe', '$subscribe (param i32) (result i32)')}
    ${wasi('io/streams', '[method]output-stream.check-write', '$check (param i32 i32)')}
    ${wasi('io/streams', '[method]output-stream.write', '$write (param i32 i32 i32 i32)')}
    ${wasi('io/streams', '[resource-drop]output-stream', '$drop (param i32)')}
    ${wasi('io/poll', 'poll', '$poll (param i32 i32 i32)')}`,
  memory: MEMORY,
};

const OPEN = {
  world: wasiWorld('filesystem/types'),
  imports: wasi(
    'filesystem/types',
    '[method]descriptor.open-at',
    '$open (param i32 i32 i32 i32 i32 i32 i32)',
  ),
  memory: MEMORY,
};

/** Every type whose lists glue copies, and some whose elements it takes one by one: all of memory. */
const WHOLE: [type: string, bytes: number, types?: string][] = [
  ['list<u8>', 1],
  ['list<s16>', 2],
  ['list<f32>', 4],
  ['list<u64>', 8],
  ['list<bool>', 1],
  ['list<char>', 4],
  ['list<e>', 1, 'enum e { one, two }'],
  ['list<f>', 1, 'flags f { a, b, c, d, e, f, g, h }'],
  ['list<r>', 16, 'record r { a: u8, b: u16, c: u32, d: u64 }'],
  ['list<option<u8>>', 2],
  ['list<result>', 1],
  ['list<string>', 8],
  ['list<list<string>>', 8],
  ['list<tuple<string, string>>', 16],
];

/** Numbers are copied at once, for fuel by the byte. */
const isCopied = (type: string): boolean => /^list<(?:[us]\d+|f\d+)>$/.test(type);

describeAttacks('lifting', [
  ...WHOLE.map(([type, bytes, types]) =>
    attack(
      `passes all of its memory as a ${type}`,
      list(type, 0, MEMORY_BYTES / bytes, types),
      // A copy of 16 MiB is within the default fuel; elements one by one are not.
      isCopied(type) ? 'capability_denied' : 'fuel_exhausted',
      options,
    ),
  ),
  attack(
    'passes all of its memory that it left empty as a string',
    take('string', 'i32 i32', `(i32.const 65536) (i32.const ${MEMORY_BYTES - 65_536})`),
    'capability_denied',
    options,
  ),
  attack(
    'passes it as each of eight strings',
    take(
      's',
      'i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32',
      `(i32.const 65536) (i32.const ${MEMORY_BYTES - 65_536}) `.repeat(8),
      'record s { a: string, b: string, c: string, d: string, e: string, f: string, g: string, h: string }',
    ),
    'fuel_exhausted',
    options,
  ),
  attack(
    'passes a list of strings that are each half of its memory',
    {
      ...list('list<string>', 65_536, SPREAD_BYTES / 8),
      attack: `${pairs('(i32.const 0)', `(i32.const ${MEMORY_BYTES / 2})`)}
        (call $take (i32.const 65536) (i32.const ${SPREAD_BYTES / 8}))`,
    },
    'fuel_exhausted',
    options,
  ),
  attack(
    'passes a list of lists that each contain it',
    {
      ...list('list<list<list<list<u32>>>>', 65_536, SPREAD_BYTES / 8),
      attack: `${pairs('(i32.const 65536)', `(i32.const ${SPREAD_BYTES / 8})`)}
        (call $take (i32.const 65536) (i32.const ${SPREAD_BYTES / 8}))`,
    },
    'fuel_exhausted',
    options,
  ),
  ...(
    [
      ['list<u8>', -1, 1],
      ['list<u8>', 0, -1],
      ['list<u8>', MEMORY_BYTES, 1],
      ['list<u8>', MEMORY_BYTES - 1, 2],
      ['list<u64>', 8, 0x20000001 | 0],
      ['list<u64>', 3, 1],
      ['list<u64>', 3, 0],
      ['list<string>', MEMORY_BYTES - 8, 2],
      ['list<string>', 2, 1],
      ['list<string>', 0, -1],
      ['list<bool>', 0, -1],
      ['list<bool>', -16, 16],
      ['string', -1, 2],
      ['string', MEMORY_BYTES - 1, 2],
      ['string', 0, -1],
    ] as const
  ).map(([type, pointer, length]) =>
    attack(`passes a ${type} of ${length} at ${pointer}`, list(type, pointer, length), 'trap', {
      ...options,
      detail: 'outside of memory',
    }),
  ),
  ...(
    [
      ['list<u8>', MEMORY_BYTES, 0],
      ['list<u8>', MEMORY_BYTES - 1, 1],
      ['list<u64>', MEMORY_BYTES - 8, 1],
      ['list<bool>', MEMORY_BYTES - 1, 1],
      ['string', MEMORY_BYTES, 0],
      ['string', MEMORY_BYTES - 1, 1],
    ] as const
  ).map(([type, pointer, length]) =>
    attack(
      `passes a ${type} of ${length} at ${pointer}, which memory just holds`,
      list(type, pointer, length),
      'capability_denied',
      options,
    ),
  ),
  ...(
    [
      ['a lone continuation', '\\80'],
      ['an overlong zero', '\\c0\\80'],
      ['a surrogate', '\\ed\\a0\\80'],
      ['a scalar above the last', '\\f4\\90\\80\\80'],
      ['a sequence that ends early', 'a\\e2\\82'],
    ] as const
  ).map(([what, bytes]) =>
    attack(
      `passes a string with ${what}`,
      {
        ...list('string', 64, bytes.replaceAll('a', '').split('\\').length - 1 + (bytes[0] === 'a' ? 1 : 0)),
        fields: `(data (i32.const 64) "${bytes}")`,
      },
      'trap',
      { ...options, detail: 'UTF-8' },
    ),
  ),
  attack(
    'opens a file whose name is all of its memory, by a descriptor that it made up',
    {
      ...OPEN,
      attack: `(call $open (i32.const 77) (i32.const 0) (i32.const 0) (i32.const ${MEMORY_BYTES})
        (i32.const 0) (i32.const 1) (i32.const 64))`,
    },
    'trap',
    { detail: 'unknown handle' },
  ),
  attack(
    'polls four million handles that it made up',
    { ...STREAMS, attack: `(call $poll (i32.const 0) (i32.const ${MEMORY_BYTES / 4}) (i32.const 64))` },
    'fuel_exhausted',
  ),
  attack(
    'polls one handle two million times in one list',
    {
      ...STREAMS,
      locals: '(local $h i32)',
      attack: `(local.set $h (call $subscribe (call $stdout)))
        ${pairs('(local.get $h)', '(local.get $h)')}
        (call $poll (i32.const 65536) (i32.const ${SPREAD_BYTES / 4}) (i32.const 64))`,
    },
    'fuel_exhausted',
  ),
  attack(
    'polls ten thousand handles, which its fuel allows, and is denied',
    {
      ...STREAMS,
      locals: '(local $h i32)',
      attack: `(local.set $h (call $subscribe (call $stdout)))
        ${pairs('(local.get $h)', '(local.get $h)')}
        (call $poll (i32.const 65536) (i32.const 10000) (i32.const 64))`,
    },
    'capability_denied',
    { detail: 'wasi:io/poll#poll' },
  ),
  ...(['0', '1', '2', '-1', '0x3fffffff', '0x40000000', '0x7fffffff', '-0x80000000'] as const).flatMap(
    (handle) => [
      attack(
        `uses handle ${handle}, which it was not given`,
        { ...STREAMS, attack: `(call $check (i32.const ${handle}) (i32.const 64)) (return (i32.const 1))` },
        'trap',
        { detail: 'unknown handle' },
      ),
      attack(
        `drops handle ${handle}, which it was not given`,
        { ...STREAMS, attack: `(call $drop (i32.const ${handle})) (return (i32.const 1))` },
        'trap',
        { detail: 'unknown handle' },
      ),
    ],
  ),
  attack(
    'drops a stream twice',
    {
      ...STREAMS,
      locals: '(local $h i32)',
      attack: `(local.set $h (call $stdout)) (drop (call $stdout))
        (call $drop (local.get $h)) (call $drop (local.get $h))`,
    },
    'trap',
    { detail: 'unknown handle' },
  ),
  attack(
    'uses a stream that it dropped',
    {
      ...STREAMS,
      locals: '(local $h i32)',
      attack: `(local.set $h (call $stdout)) (call $drop (local.get $h))
        (call $check (local.get $h) (i32.const 64)) (return (i32.const 1))`,
    },
    'trap',
    { detail: 'unknown handle' },
  ),
  ...([1_024, 1_025] as const).map((count) =>
    attack(
      `keeps ${count} streams`,
      {
        ...STREAMS,
        locals: '(local $i i32)',
        attack: `(loop $again (drop (call $stdout))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const ${count}))))
          (return (i32.const 1))`,
      },
      count === 1_024 ? 'approve' : 'trap',
      count === 1_024 ? {} : { detail: 'more than' },
    ),
  ),
  attack(
    'takes and drops 1,200 streams, one at a time',
    {
      ...STREAMS,
      locals: '(local $i i32)',
      attack: `(loop $again (call $drop (call $stdout))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $i) (i32.const 1200))))
        (return (i32.const 1))`,
    },
    'approve',
  ),
]);
