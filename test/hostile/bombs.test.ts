// Modules that are small to send and large to read, compile or run.

import { attack, describeAttacks, describeRefused, type Refused } from '../fixtures/attacks.ts';
import { sized } from '../fixtures/custom-sections.ts';
import { handmadeValidator, hostileValidator } from '../fixtures/hostile-validator.ts';

const many = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');

/** `count` blocks, one in another, around a br_table; what each ends in leaves all of them. */
const cases = (count: number): string =>
  `(block $out ${'(block '.repeat(count)} (br_table ${many(count + 1, String)} (local.get 0))
    ${many(count, (index) => `) (global.set $next (i32.const ${index})) (br $out)`)})`;

/** `count` times an if that leaves the block around all of them. */
const ladder = (count: number): string =>
  `(func (param i32) (block $out ${'(if (local.get 0) (then (global.set $next (i32.const 1)) (br $out)))'.repeat(count)}))`;

describeAttacks('bombs', [
  attack(
    'has 20,000 locals in a function',
    {
      fields: `(func $wide (local ${'i64 '.repeat(20_000)}))`,
      attack: '(call $wide) (return (i32.const 1))',
    },
    'approve',
  ),
  attack(
    'has 20,000 locals in each of 60 functions, and calls them all',
    {
      fields: many(60, (index) => `(func $f${index} (local ${'i64 '.repeat(20_000)}))`),
      attack: `${many(60, (index) => `(call $f${index})`)} (return (i32.const 1))`,
    },
    'approve',
  ),
  attack(
    'has a br_table of as many labels as are taken',
    {
      fields: `(func $table (param i32) (block $b (br_table ${'$b '.repeat(25_001)} (local.get 0))))`,
      attack: '(call $table (i32.const 24999)) (return (i32.const 1))',
    },
    'approve',
  ),
  attack(
    'jumps out of 1,000 blocks through a br_table',
    {
      fields: `(func $cases (param i32) ${cases(1_000)})`,
      attack: '(call $cases (i32.const 999)) (return (i32.const 1))',
    },
    'approve',
  ),
  attack(
    'has a function of 2 MB, and calls it',
    {
      fields: `(func $long (param i32) ${'(i32.store (local.get 0) (i32.const 1)) '.repeat(250_000)})`,
      attack: '(call $long (i32.const 2048)) (return (i32.const 1))',
    },
    'approve',
  ),
  attack(
    'has 20,000 functions and as many types',
    {
      fields: many(
        20_000,
        (index) => `(func (param ${index % 2 ? 'i32' : 'i64'} ${index % 3 ? 'f32' : 'f64'}))`,
      ),
    },
    'approve',
  ),
  attack(
    'has 50,000 data segments',
    { fields: many(50_000, (index) => `(data (i32.const ${index % 4096}) "x")`) },
    'approve',
  ),
  attack(
    'has 4,000 globals to put back',
    { fields: many(4_000, () => '(global (mut i64) (i64.const 1))'), attack: '(return (i32.const 1))' },
    'approve',
  ),
  attack(
    'has 10,000 globals to put back: more than an instance may cost',
    { fields: many(10_000, () => '(global (mut i64) (i64.const 1))'), attack: '(return (i32.const 1))' },
    'fuel_exhausted',
    { always: true },
  ),
  attack(
    'nests 2,000 blocks',
    {
      fields: `(func $deep ${'(block '.repeat(2_000)}${')'.repeat(2_000)})`,
      attack: '(call $deep) (return (i32.const 1))',
    },
    'approve',
  ),
]);

/** An empty component. */
const COMPONENT: readonly number[] = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];

const CONFINED = { options: { confined: true } } as const;

const I64 = (count: number): string => 'i64 '.repeat(count);
/** What is above each bound of what V8's compilers take, in kilobytes: seconds of time, or the process's end. */
const compileBombs: readonly Refused[] = [
  {
    name: 'a br_table of 65,000 labels, which take 2 s to optimize',
    component: () =>
      hostileValidator({
        fields: `(func (param i32) (block $b (br_table ${'$b '.repeat(65_000)} (local.get 0))))`,
      }),
    says: 'labels in a br_table',
  },
  {
    name: '4,096 blocks around a br_table, on which optimizing takes a gigabyte',
    component: () => hostileValidator({ fields: `(func (param i32) ${cases(4_096)})` }),
    says: 'nested blocks',
  },
  {
    name: '16,384 ifs that leave one block, on which the optimizing compiler dies',
    component: () => hostileValidator({ fields: ladder(16_384) }),
    says: 'a branch within its block',
  },
  {
    name: '4,096 nested loops',
    component: () => hostileValidator({ fields: `(func ${'(loop '.repeat(4_096)}${')'.repeat(4_096)})` }),
    says: 'nested blocks',
  },
  {
    name: '10,000 loops, one after the other, which take 9 s to optimize',
    component: () => hostileValidator({ fields: `(func ${'(loop) '.repeat(10_000)})` }),
    says: 'loops in a function',
  },
  {
    name: '50,000 branches to one place, which take minutes to optimize',
    component: () =>
      hostileValidator({
        fields: `(func (param i32) (block $b ${'(br_if $b (local.get 0))'.repeat(50_000)}))`,
      }),
    says: 'more than',
  },
  {
    name: '20,000 locals and 20,000 ifs, which take 10 GB',
    component: () =>
      hostileValidator({
        fields: `(func (param i32) (local ${I64(20_000)}) ${'(if (local.get 0) (then))'.repeat(20_000)})`,
      }),
    says: 'more than',
  },
  {
    name: '2,000 locals and 500 ifs in each of 40 functions',
    component: () =>
      hostileValidator({
        fields: many(
          40,
          () => `(func (param i32) (local ${I64(2_000)}) ${'(if (local.get 0) (then))'.repeat(500)})`,
        ),
      }),
    says: 'Compiling the component',
  },
  {
    name: '1,000 operands on the stack and 5,000 ifs',
    component: () =>
      hostileValidator({
        fields: `(func (param i32) ${'(local.get 0) '.repeat(1_000)} ${'(if (local.get 0) (then))'.repeat(5_000)} ${'drop '.repeat(1_000)})`,
      }),
    says: 'nanoseconds of compiling',
  },
  {
    name: '1,000 calls that take and give 1,000 values, in 10 kB, which take 3.5 s',
    component: () =>
      hostileValidator({
        fields: `(func $wide (param ${I64(1_000)}) (result ${I64(1_000)}) unreachable)
          (func ${'(i64.const 1) '.repeat(1_000)} ${'(call $wide) '.repeat(1_000)} ${'drop '.repeat(1_000)})`,
      }),
    says: 'nanoseconds of compiling',
  },
  {
    name: '100,000 calls through a table in a function, which take 16 s to optimize',
    component: () =>
      hostileValidator({
        fields: `(type $f (func)) (table 1 funcref)
          (func ${'(call_indirect (type $f) (i32.const 0))'.repeat(100_000)})`,
      }),
    says: 'nanoseconds of compiling',
  },
  {
    name: '20,000 times memory.grow, which metering makes 20 times as long',
    component: () =>
      hostileValidator({ fields: `(func ${'(drop (memory.grow (i32.const 1)))'.repeat(20_000)})` }),
    says: 'nanoseconds of compiling',
  },
  {
    name: '100,000 empty functions',
    component: () => hostileValidator({ fields: '(func)'.repeat(100_000) }),
    says: 'Compiling the component',
  },
  {
    name: '130,000 globals to make with each instance',
    component: () => hostileValidator({ fields: '(global i64 (i64.const 1))'.repeat(130_000) }),
    says: 'Compiling the component',
  },
].map((bomb) => ({ ...bomb, code: 'too_large' }));

describeRefused('bombs', [
  {
    name: 'more locals than an engine takes',
    component: () =>
      handmadeValidator({ core: {}, definitions: `(core module (func (local ${'i32 '.repeat(50_001)})))` }),
    code: 'transpile_failed',
    ...CONFINED,
  },
  {
    name: 'a function that metering makes larger than an engine takes',
    component: () => hostileValidator({ fields: `(func ${'loop end '.repeat(400_000)})` }),
    code: 'too_large',
    ...CONFINED,
  },
  ...compileBombs,
  {
    name: 'a thousand components, one in another',
    component: () => {
      let bytes = COMPONENT;
      for (let depth = 0; depth < 1000; depth += 1) bytes = [...COMPONENT, 4, ...sized(bytes)];
      return Promise.resolve(Uint8Array.from(bytes));
    },
    code: 'unsupported_feature',
    ...CONFINED,
  },
  {
    name: 'a hundred core modules',
    component: () =>
      handmadeValidator({
        core: {},
        definitions: many(
          100,
          (index) =>
            `(core module $m${index} (func (export "f") (result i32) i32.const ${index})) (core instance (instantiate $m${index}))`,
        ),
      }),
    code: 'too_many_modules',
    ...CONFINED,
  },
  {
    name: 'counts that promise four billion types',
    component: async () => {
      const bytes = await hostileValidator({});
      return new Uint8Array([...bytes, 7, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    },
    code: 'truncated',
    ...CONFINED,
  },
  {
    name: 'a component of 33 MB',
    component: () => {
      const bytes = new Uint8Array(33 * 1024 * 1024);
      bytes.set(COMPONENT);
      return Promise.resolve(bytes);
    },
    code: 'too_large',
    ...CONFINED,
  },
]);
