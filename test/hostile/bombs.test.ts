// Modules that are small to send and large to read, compile or run.

import { attack, describeAttacks, describeRefused } from '../fixtures/attacks.ts';
import { sized } from '../fixtures/custom-sections.ts';
import { handmadeValidator, hostileValidator } from '../fixtures/hostile-validator.ts';

const many = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');

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
    'has a br_table of 65,000 labels',
    {
      fields: `(func $table (param i32) (block $b (br_table ${'$b '.repeat(65_000)} (local.get 0))))`,
      attack: '(call $table (i32.const 64999)) (return (i32.const 1))',
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
    'has 10,000 globals to put back',
    { fields: many(10_000, () => '(global (mut i64) (i64.const 1))'), attack: '(return (i32.const 1))' },
    'approve',
  ),
  attack(
    'nests 500 blocks',
    {
      fields: `(func $deep ${'(block '.repeat(500)}${')'.repeat(500)})`,
      attack: '(call $deep) (return (i32.const 1))',
    },
    'approve',
  ),
]);

/** An empty component. */
const COMPONENT: readonly number[] = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];

const CONFINED = { options: { confined: true } } as const;

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
