// The worst core guests that were found, as text: each does one dear thing for ever, with as little else as that takes.
// `prepare`, where there is one, runs before, as a start function or data segments could: it costs nothing here.

/** A core module that exports `run`, which ends by a trap only, and perhaps `prepare`. */
export interface CoreGuest {
  readonly name: string;
  readonly wat: string;
}

const MEMORY_BYTES = 16 * 1024 * 1024;
const LINE_BYTES = 64;

const times = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join('\n');

/** A module whose `run` repeats `body`. */
function loopGuest(
  name: string,
  body: string,
  options: { fields?: string; locals?: string } = {},
): CoreGuest {
  const { fields = '', locals = '' } = options;
  return {
    name,
    wat: `(module ${fields} (func (export "run") ${locals} (loop $again ${body} (br $again))))`,
  };
}

/** x = x * a + c in i32 local $x, whose upper bits are as good as random: 6 simple operators. */
const STEP = '(local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))';
const RANDOM = '(local $x i32)';
/** The upper `bits` bits of $x. */
const top = (bits: number): string => `(i32.shr_u (local.get $x) (i32.const ${32 - bits}))`;
/** Bit `index` of $x. */
const bit = (index: number): string => `(i32.and (local.get $x) (i32.const ${2 ** index}))`;

/**
 * Memory in which each node, `offset` bytes into its slot of `slotBytes`, holds the address of another, all of them in
 * one cycle in random order (Sattolo's shuffle). One node a line, or a page, so that each step is a miss.
 */
export function chaseFields(slotBytes: number, offset: number, memoryBytes = MEMORY_BYTES): string {
  const slots = memoryBytes / slotBytes - 1;
  const at = (index: string): string =>
    `(i32.add (i32.mul (local.get ${index}) (i32.const ${slotBytes})) (i32.const ${offset}))`;
  return `(memory ${memoryBytes / 65536})
    (func (export "prepare") (local $i i32) (local $j i32) (local $t i32) (local $s i64)
      (loop $fill
        (i32.store ${at('$i')} ${at('$i')})
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $fill (i32.lt_u (local.get $i) (i32.const ${slots}))))
      (local.set $s (i64.const 88172645463325252))
      (local.set $i (i32.const ${slots - 1}))
      (loop $mix
        (local.set $s (i64.xor (local.get $s) (i64.shl (local.get $s) (i64.const 13))))
        (local.set $s (i64.xor (local.get $s) (i64.shr_u (local.get $s) (i64.const 7))))
        (local.set $s (i64.xor (local.get $s) (i64.shl (local.get $s) (i64.const 17))))
        (local.set $j (i32.wrap_i64 (i64.rem_u (local.get $s) (i64.extend_i32_u (local.get $i)))))
        (local.set $t (i32.load ${at('$i')}))
        (i32.store ${at('$i')} (i32.load ${at('$j')}))
        (i32.store ${at('$j')} (local.get $t))
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (br_if $mix (local.get $i))))`;
}

/** Follows the cycle: the address stays on the operand stack, so that a step is a load and nothing else. */
function chaseGuest(name: string, step: string, fields: string, offset: number): CoreGuest {
  return loopGuest(name, `(local.set $x (local.get $x) ${times(64, () => step)})`, {
    fields,
    locals: `${RANDOM}(local.set $x (i32.const ${offset}))`,
  });
}

const LINES = chaseFields(LINE_BYTES, 0);
const SPLIT = chaseFields(LINE_BYTES, LINE_BYTES - 2);
const PAGES = chaseFields(4096, 4094);

const memoryGuests: readonly CoreGuest[] = [
  chaseGuest('pointer chase, i32', '(i32.load)', LINES, 0),
  chaseGuest('pointer chase, i64', '(i64.load) (i32.wrap_i64)', LINES, 0),
  chaseGuest('pointer chase, i32 over two lines', '(i32.load)', SPLIT, LINE_BYTES - 2),
  chaseGuest('pointer chase, i32 over two pages', '(i32.load)', PAGES, 4094),
  chaseGuest('pointer chase, v128', '(v128.load) (i32x4.extract_lane 0)', LINES, 0),
  chaseGuest(
    'pointer chase, v128 over two lines',
    '(v128.load) (i32x4.extract_lane 0)',
    SPLIT,
    LINE_BYTES - 2,
  ),
  loopGuest(
    'pointer chase that writes',
    times(
      32,
      () => '(i32.store offset=4 (local.get $x) (local.get $x)) (local.set $x (i32.load (local.get $x)))',
    ),
    { fields: LINES, locals: RANDOM },
  ),
  loopGuest(
    'random loads',
    times(32, () => `${STEP} (drop (i64.load ${top(24)}))`),
    {
      fields: '(memory 256)',
      locals: RANDOM,
    },
  ),
  loopGuest(
    'random stores',
    times(32, () => `${STEP} (i64.store (i32.and (local.get $x) (i32.const 0xfffff0)) (i64.const 1))`),
    {
      fields: '(memory 256)',
      locals: RANDOM,
    },
  ),
  loopGuest(
    'random stores over two pages',
    times(
      32,
      () => `${STEP} (i64.store offset=4092 (i32.and (local.get $x) (i32.const 0xffe000)) (i64.const 1))`,
    ),
    { fields: '(memory 256)', locals: RANDOM },
  ),
  loopGuest(
    'stores over two pages, one after the other',
    `${times(256, (index) => `(i64.store offset=${((index * 1663 + 7) % 2048) * 8192 + 4092} (local.get $x) (i64.const 1))`)}
     (local.set $x (i32.xor (local.get $x) (i32.const 4096)))`,
    { fields: '(memory 256)', locals: RANDOM },
  ),
  loopGuest(
    'stores to other lines, one after the other',
    `${times(1024, (index) => `(i64.store offset=${((index * 40_503 + 7) % 65_536) * 192} (local.get $x) (i64.const 1))`)}
     (local.set $x (i32.and (i32.add (local.get $x) (i32.const 64)) (i32.const 0x1fffff)))`,
    { fields: '(memory 256)', locals: RANDOM },
  ),
  loopGuest(
    'store and load of one place',
    `(local.set $x (i32.const 64))
    ${times(64, () => '(i32.store (i32.const 64) (local.get $x)) (local.set $x (i32.load (i32.const 64)))')}`,
    {
      fields: '(memory 1)',
      locals: RANDOM,
    },
  ),
  loopGuest(
    'narrow stores, wide load',
    times(
      32,
      () => `(i32.store8 (i32.const 4097) (local.get $x))
    (local.set $x (i32.wrap_i64 (i64.load (i32.const 4093))))`,
    ),
    { fields: '(memory 1)', locals: RANDOM },
  ),
  loopGuest(
    'first touch of each page',
    `(i32.store (local.get $x) (i32.const 1))
    (local.set $x (i32.and (i32.add (local.get $x) (i32.const 4096)) (i32.const 0xffffff)))`,
    {
      fields: '(memory 256)',
      locals: RANDOM,
    },
  ),
];

const bulkGuest = (name: string, operator: string, operands: string, fields = ''): CoreGuest =>
  loopGuest(name, `${STEP} (${operator} ${operands})`, { fields: `(memory 256) ${fields}`, locals: RANDOM });

const bulkGuests: readonly CoreGuest[] = [
  loopGuest(
    'memory.grow(0)',
    times(16, () => '(drop (memory.grow (i32.const 0)))'),
    { fields: '(memory 1)' },
  ),
  loopGuest(
    'memory.grow(0) of 16 MiB',
    times(16, () => '(drop (memory.grow (i32.const 0)))'),
    {
      fields: '(memory 256)',
    },
  ),
  loopGuest('memory.grow(1) to the cap and on', '(drop (memory.grow (i32.const 1)))', {
    fields: '(memory 0)',
  }),
  loopGuest(
    'memory.grow beyond the cap',
    times(16, () => '(drop (memory.grow (i32.const 65535)))'),
    {
      fields: '(memory 1)',
    },
  ),
  bulkGuest('memory.fill, nothing', 'memory.fill', `${top(23)} (i32.const 1) (i32.const 0)`),
  bulkGuest('memory.fill, 1 byte at random', 'memory.fill', `${top(23)} (i32.const 1) (i32.const 1)`),
  bulkGuest('memory.fill, 64 bytes at random', 'memory.fill', `${top(23)} (i32.const 1) (i32.const 64)`),
  bulkGuest('memory.fill, 4 KiB at random', 'memory.fill', `${top(23)} (i32.const 1) (i32.const 4096)`),
  bulkGuest('memory.fill, 1 MiB', 'memory.fill', '(i32.const 1) (i32.const 1) (i32.const 0x100000)'),
  bulkGuest('memory.fill, 16 MiB', 'memory.fill', '(i32.const 0) (i32.const 1) (i32.const 0x1000000)'),
  bulkGuest('memory.copy, nothing', 'memory.copy', `${top(23)} ${top(22)} (i32.const 0)`),
  bulkGuest(
    'memory.copy, 1 byte at random',
    'memory.copy',
    `${top(23)} (i32.xor ${top(23)} (i32.const 0x5a5a5a)) (i32.const 1)`,
  ),
  bulkGuest(
    'memory.copy, 256 bytes at random',
    'memory.copy',
    `${top(23)} (i32.xor ${top(23)} (i32.const 0x5a5a5a)) (i32.const 256)`,
  ),
  bulkGuest(
    'memory.copy, 4 KiB at random',
    'memory.copy',
    `${top(23)} (i32.xor ${top(23)} (i32.const 0x5a5a5a)) (i32.const 4096)`,
  ),
  bulkGuest(
    'memory.copy, 1 MiB, overlapping',
    'memory.copy',
    '(i32.const 1) (i32.const 0) (i32.const 0x100000)',
  ),
  bulkGuest('memory.copy, 8 MiB', 'memory.copy', '(i32.const 0x7fffff) (i32.const 0) (i32.const 0x800000)'),
  bulkGuest(
    'memory.copy, 16 MiB, overlapping',
    'memory.copy',
    '(i32.const 1) (i32.const 0) (i32.const 0xffffff)',
  ),
  bulkGuest(
    'memory.init, 1 byte at random',
    'memory.init $d',
    `${top(23)} (i32.const 7) (i32.const 1)`,
    `(data $d "${'x'.repeat(4096)}")`,
  ),
  bulkGuest(
    'memory.init, 64 KiB',
    'memory.init $d',
    '(i32.const 1) (i32.const 0) (i32.const 65536)',
    `(data $d "${'x'.repeat(65536)}")`,
  ),
  loopGuest(
    'data.drop',
    times(16, () => '(data.drop $d)'),
    { fields: '(memory 1) (data $d "x")' },
  ),
  loopGuest(
    'elem.drop',
    times(16, () => '(elem.drop $e)'),
    { fields: '(func $f) (elem $e func $f)' },
  ),
];

const TABLE = 20_000;
const tableGuest = (name: string, body: string, fields = `(table $t ${TABLE} funcref)`): CoreGuest =>
  loopGuest(name, `${STEP} ${times(8, () => body)}`, {
    fields: `(func $f) (elem declare func $f) ${fields}`,
    locals: RANDOM,
  });
const slot = `(i32.rem_u (local.get $x) (i32.const ${TABLE}))`;

const tableGuests: readonly CoreGuest[] = [
  tableGuest('table.get', `(drop (table.get $t (i32.const 19999)))`),
  tableGuest(
    'table.get of functions not yet made',
    `${STEP} (drop (table.get $t ${slot}))`,
    `(table $t ${TABLE} funcref) (elem (i32.const 0) func ${'$f '.repeat(TABLE)})`,
  ),
  tableGuest('table.set, null', '(table.set $t (i32.const 1) (ref.null func))'),
  tableGuest('table.set, function', '(table.set $t (i32.const 1) (ref.func $f))'),
  tableGuest('table.set, function at random', `${STEP} (table.set $t ${slot} (ref.func $f))`),
  tableGuest('ref.func', '(drop (ref.func $f))'),
  tableGuest(
    'ref.func of many',
    times(64, (index) => `(drop (ref.func $g${index}))`),
    `${times(64, (index) => `(func $g${index})`)} (elem declare func ${times(64, (index) => `$g${index}`)})`,
  ),
  tableGuest('table.fill, nothing', '(table.fill $t (i32.const 0) (ref.null func) (i32.const 0))'),
  tableGuest('table.fill, all, function', `(table.fill $t (i32.const 0) (ref.func $f) (i32.const ${TABLE}))`),
  tableGuest('table.copy, nothing', '(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 0))'),
  tableGuest(
    'table.copy, all, overlapping',
    `(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const ${TABLE - 1}))`,
    `(table $t ${TABLE} funcref) (elem (i32.const 0) func ${'$f '.repeat(TABLE)})`,
  ),
  tableGuest(
    'table.copy between tables',
    `(table.copy $u $t (i32.const 0) (i32.const 0) (i32.const 10000))`,
    `(table $t 10000 funcref) (table $u 10000 funcref) (elem (i32.const 0) func ${'$f '.repeat(10_000)})`,
  ),
  tableGuest(
    'table.init, nothing',
    '(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 0))',
    `(table $t ${TABLE} funcref) (elem $e func $f)`,
  ),
  tableGuest(
    'table.init, 1 at random',
    `${STEP} (table.init $t $e ${slot} (i32.const 0) (i32.const 1))`,
    `(table $t ${TABLE} funcref) (elem $e func $f)`,
  ),
  tableGuest(
    'table.init, all, the same',
    `(table.init $t $e (i32.const 0) (i32.const 0) (i32.const ${TABLE}))`,
    `(table $t ${TABLE} funcref) (elem $e func ${'$f '.repeat(TABLE)})`,
  ),
  tableGuest(
    'table.init, all, different',
    `(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2000))`,
    `(table $t ${TABLE} funcref) ${times(2000, (index) => `(func $h${index} (param i32) (drop (i32.const ${index})))`)}
     (elem $e func ${times(2000, (index) => `$h${index}`)})`,
  ),
  tableGuest(
    'table.init, expressions',
    `(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2000))`,
    `(table $t ${TABLE} funcref) (elem $e funcref ${times(2000, () => '(ref.func $f)')})`,
  ),
  tableGuest(
    'table.fill of externref',
    `(table.fill $t (i32.const 0) (ref.null extern) (i32.const ${TABLE}))`,
    `(table $t ${TABLE} externref)`,
  ),
  tableGuest('table.grow(0)', '(drop (table.grow $t (ref.null func) (i32.const 0)))', '(table $t 1 funcref)'),
  tableGuest('table.grow(0) of a large table', '(drop (table.grow $t (ref.null func) (i32.const 0)))'),
  tableGuest(
    'table.grow(1) to the cap and on',
    '(drop (table.grow $t (ref.func $f) (i32.const 1)))',
    '(table $t 0 funcref)',
  ),
  tableGuest('table.grow beyond the cap', '(drop (table.grow $t (ref.null func) (i32.const -1)))'),
];

/** `count` labels around a br_table whose index is random; each target does a little and goes on. */
function branchTable(name: string, count: number, index: string): CoreGuest {
  return loopGuest(
    name,
    `(block $out ${times(count, (label) => `(block $l${count - 1 - label}`)}
      ${STEP}
      (br_table ${times(count, (label) => `$l${label}`)} $out ${index})
    ${times(count, (label) => `) (local.set $y (i32.const ${label})) (br $again)`)})`,
    { locals: `${RANDOM} (local $y i32)` },
  );
}

const MANY = 2048;
const HUGE = 16_384;
/** Functions with bodies of their own, so that each stands in lines of its own. */
const manyFunctions = (count: number, work: number): string => `(type $n (func))
  (global $g (mut i32) (i32.const 0))
  ${times(count, (index) => `(func $m${index} ${times(work, () => `(global.set $g (i32.const ${index}))`)})`)}
  (table ${count} funcref) (elem (i32.const 0) func ${times(count, (index) => `$m${index}`)})`;

const controlGuests: readonly CoreGuest[] = [
  loopGuest('empty loop', ''),
  loopGuest('counting loop', '(local.set $x (i32.add (local.get $x) (i32.const 1)))', { locals: RANDOM }),
  loopGuest(
    'straight additions',
    `(local.set $x (local.get $x) ${times(500, () => '(i32.add (local.get $x))')})`,
    {
      locals: RANDOM,
    },
  ),
  loopGuest(
    'straight rotations',
    `(local.set $x (local.get $x) ${times(500, () => '(i32.rotl (local.get $x))')})`,
    {
      locals: RANDOM,
    },
  ),
  loopGuest(
    'nested loops, entered once each',
    times(64, () => '(loop $inner)'),
  ),
  loopGuest(
    'blocks',
    times(64, () => '(block $b (br_if $b (local.get $x)))'),
    { locals: RANDOM },
  ),
  loopGuest(
    'predicted branches out of blocks',
    times(64, () => '(block $b (br $b))'),
  ),
  loopGuest(
    'unpredictable br_if',
    `${STEP} ${times(24, (index) => `(block $b (br_if $b ${bit(31 - index)}) (local.set $y (local.get $x)))`)}`,
    {
      locals: `${RANDOM} (local $y i32)`,
    },
  ),
  loopGuest(
    'unpredictable if and else',
    `${STEP} ${times(24, (index) => `(if ${bit(31 - index)} (then (local.set $y (local.get $x))) (else (local.set $z (local.get $x))))`)}`,
    {
      locals: `${RANDOM} (local $y i32) (local $z i32)`,
    },
  ),
  loopGuest('unpredictable empty if', `${STEP} ${times(24, (index) => `(if ${bit(31 - index)} (then))`)}`, {
    locals: RANDOM,
  }),
  loopGuest(
    'unpredictable select',
    `${STEP} ${times(24, (index) => `(local.set $y (select (local.get $y) (local.get $x) ${bit(31 - index)}))`)}`,
    {
      locals: `${RANDOM} (local $y i32)`,
    },
  ),
  branchTable('br_table of 4', 4, top(2)),
  branchTable('br_table of 16', 16, top(4)),
  branchTable('br_table of 256', 256, top(8)),
  branchTable('br_table of 1,900', 1900, top(11)),
  branchTable('br_table of 1,024', 1024, top(10)),
  loopGuest(
    'call_indirect of one',
    times(32, () => '(call_indirect (type $n) (i32.const 0))'),
    {
      fields: manyFunctions(1, 1),
    },
  ),
  loopGuest(
    'call_indirect at random of 2,048',
    times(16, () => `${STEP} (call_indirect (type $n) ${top(11)})`),
    {
      fields: manyFunctions(MANY, 1),
      locals: RANDOM,
    },
  ),
  loopGuest(
    'call_indirect at random of 16,384 with bodies',
    times(16, () => `${STEP} (call_indirect (type $n) ${top(14)})`),
    {
      fields: manyFunctions(HUGE, 8),
      locals: RANDOM,
    },
  ),
  loopGuest(
    'call_indirect at random of 16,384',
    times(16, () => `${STEP} (call_indirect (type $n) ${top(14)})`),
    {
      fields: manyFunctions(HUGE, 1),
      locals: RANDOM,
    },
  ),
  loopGuest(
    'calls of 16,384 functions in turn',
    times(HUGE, (index) => `(call $m${(index * 7919) % HUGE})`),
    {
      fields: manyFunctions(HUGE, 8),
    },
  ),
  loopGuest(
    'global.get and set',
    times(
      64,
      (index) => `(global.set $g${index} (i64.add (global.get $g${(index + 1) % 64}) (i64.const 1)))`,
    ),
    {
      fields: times(64, (index) => `(global $g${index} (mut i64) (i64.const 1))`),
    },
  ),
  loopGuest(
    'global.set chain',
    times(128, () => '(global.set $g (global.get $g))'),
    {
      fields: '(global $g (mut i64) (i64.const 1))',
    },
  ),
  loopGuest(
    'global.set of vectors',
    times(128, () => '(global.set $g (global.get $g))'),
    {
      fields: '(global $g (mut v128) (v128.const i64x2 1 2))',
    },
  ),
  loopGuest(
    'global.set of references',
    times(128, () => '(global.set $g (global.get $g))'),
    {
      fields: '(global $g (mut funcref) (ref.null func))',
    },
  ),
  loopGuest(
    'a thousand locals in turn',
    times(1000, (index) => `(local.set ${(index * 7) % 1000} (local.get ${(index * 13) % 1000}))`),
    {
      locals: `(local ${'i64 '.repeat(1000)})`,
    },
  ),
];

const recursion = (name: string, locals: number, depth: number): CoreGuest =>
  loopGuest(name, `(call $down (i32.const ${depth}))`, {
    fields: `(func $down (param $n i32) ${locals > 0 ? `(local ${'i64 '.repeat(locals)})` : ''}
      (if (local.get $n) (then (call $down (i32.sub (local.get $n) (i32.const 1))))))`,
  });

const callGuests: readonly CoreGuest[] = [
  loopGuest(
    'calls of an empty function',
    times(64, () => '(call $f)'),
    { fields: '(func $f)' },
  ),
  loopGuest(
    'calls with 16 parameters',
    times(16, () => `(call $f ${times(16, () => '(i64.const 1)')})`),
    {
      fields: `(func $f (param ${'i64 '.repeat(16)}))`,
    },
  ),
  loopGuest(
    'calls with 120 parameters',
    `${times(120, () => '(i64.const 1)')} ${times(16, () => '(call $f)')} ${times(120, () => '(drop)')}`,
    {
      fields: `(func $f (param ${'i64 '.repeat(120)}) (result ${'i64 '.repeat(120)}) ${times(120, (index) => `(local.get ${index})`)})`,
    },
  ),
  loopGuest('fib', '(drop (call $fib (i32.const 25)))', {
    fields: `(func $fib (param $n i32) (result i32)
      (if (result i32) (i32.lt_s (local.get $n) (i32.const 2)) (then (local.get $n))
        (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1))) (call $fib (i32.sub (local.get $n) (i32.const 2)))))))`,
  }),
  recursion('recursion down and up', 0, 1200),
  recursion('recursion with 200 locals', 200, 120),
  recursion('recursion with 2,000 locals', 2000, 14),
  loopGuest('calls of a function with 20,000 locals', '(call $f)', {
    fields: `(func $f (local ${'i64 '.repeat(20_000)}))`,
  }),
  loopGuest(
    'calls of a function with 1,900 locals',
    times(16, () => '(call $f)'),
    {
      fields: `(func $f (local ${'i64 '.repeat(1_900)}))`,
    },
  ),
  loopGuest(
    'calls of a function with 1,900 vectors',
    times(16, () => '(call $f)'),
    {
      fields: `(func $f (local ${'v128 '.repeat(1_900)}))`,
    },
  ),
  loopGuest(
    'calls of a function with 20 locals',
    times(16, () => '(call $f)'),
    {
      fields: `(func $f (local ${'i64 '.repeat(20)}))`,
    },
  ),
];

export const CORE_GUESTS: readonly CoreGuest[] = [
  ...controlGuests,
  ...callGuests,
  ...memoryGuests,
  ...bulkGuests,
  ...tableGuests,
];
