// Guests whose names are the attack: on the metering, on the glue that is written around them, on those who read them.

import { attack, describeAttacks, describeRefused, type Attack } from '../fixtures/attacks.ts';
import {
  changedContract,
  componentFromWat,
  componentFromWit,
  validatorWithWorld,
} from '../fixtures/components.ts';
import { customSection, named, sized, wat } from '../fixtures/custom-sections.ts';
import { handmadeValidator, hostileCoreWat, hostileValidator } from '../fixtures/hostile-validator.ts';

/** What ran as JavaScript in jco's glue when it was a core export's name (facts.md). */
const PAYLOAD = "validate'] ?? (globalThis.PWNED = typeof process), exports0['validate2";

const text = (value: string): number[] => [...new TextEncoder().encode(value)];

/** A validator with more sections behind its own. */
const withSections = (name: string, ...sections: readonly number[][]): Attack => ({
  name,
  component: async () => new Uint8Array([...(await hostileValidator({})), ...sections.flat()]),
  ends: 'approve',
});

describeAttacks('names', [
  withSections(
    'forges who made it',
    customSection('producers', [1, ...named('language'), 1, ...named('Trusted'), ...named('1.0 (audited)')]),
  ),
  withSections('forges the producers’ count', customSection('producers', [0xff, 0xff, 0xff, 0xff, 0x0f])),
  withSections(
    'forges a second type of itself',
    customSection('component-type:validator', [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 0xff]),
  ),
  withSections(
    'forges names that no section of names can have',
    customSection('component-name', [0, ...sized(named(PAYLOAD)), 1, 0xff, 0xff, 0x7f]),
  ),
  withSections(
    'carries a megabyte of custom section, twice',
    customSection('notes', text('A'.repeat(1_000_000))),
    customSection('notes', text('B'.repeat(1_000_000))),
  ),
  attack(
    'gives a function a debug name that is JavaScript',
    {
      fields: `(func $${wat("');process.exit();('")} (result i32) i32.const 1)`,
      attack: `(return (call $${wat("');process.exit();('")}))`,
    },
    'approve',
  ),
  {
    name: 'imports a module named like the host’s own import keys',
    component: () =>
      handmadeValidator({
        core: {
          imports: '(import "wasi:cli/exit" "exit" (func $f (result i32)))',
          attack: '(return (call $f))',
        },
        definitions:
          '(core module $e (func (export "exit") (result i32) i32.const 1)) (core instance $e (instantiate $e))',
        args: '(with "wasi:cli/exit" (instance $e))',
      }),
    ends: 'approve',
  },
]);

const coreExport = (name: string) => () => hostileValidator({ fields: `(func (export ${wat(name)}))` });

const METER_IMPORT = '(import "$meter" "fuel" (global $fuel (mut i64)))';

describeRefused('names', [
  {
    name: 'an import of the metering’s fuel',
    component: () =>
      handmadeValidator({
        core: { imports: METER_IMPORT, attack: '(global.set $fuel (i64.const 0x7fffffffffffffff))' },
        definitions:
          '(core module $m (global (export "fuel") (mut i64) (i64.const 0))) (core instance $m (instantiate $m))',
        args: '(with "$meter" (instance $m))',
      }),
    code: 'unsafe_name',
    says: '$meter',
  },
  {
    name: 'an export in the metering’s name',
    component: coreExport('$meter:memory:0'),
    code: 'unsafe_name',
    says: '$meter',
  },
  {
    name: 'an import of the metering’s from a module that only helps',
    component: () =>
      handmadeValidator({
        core: {},
        definitions: `(core module $m (global (export "dirty") (mut i32) (i32.const 0))) (core instance $m (instantiate $m))
          (core module $n (import "$meter" "dirty" (global (mut i32)))) (core instance (instantiate $n (with "$meter" (instance $m))))`,
      }),
    code: 'unsafe_name',
    says: '$meter',
  },
  { name: 'a core export that is JavaScript', component: coreExport(PAYLOAD), code: 'unsafe_name' },
  {
    name: 'a core export that ends a template',
    component: coreExport('`+process+`${1}'),
    code: 'unsafe_name',
  },
  { name: 'a core export with a line separator', component: coreExport('a\u2028b'), code: 'unsafe_name' },
  { name: 'a core export with an escape', component: coreExport('a\\x27'), code: 'unsafe_name' },
  { name: 'a core export named __proto__', component: coreExport('__proto__'), code: 'unsafe_name' },
  { name: 'a core export named constructor', component: coreExport('constructor'), code: 'unsafe_name' },
  {
    name: 'a core export of a thousand characters',
    component: coreExport('a'.repeat(1000)),
    code: 'unsafe_name',
  },
  {
    name: 'JavaScript in the name of an inline export',
    component: () =>
      handmadeValidator({
        core: {},
        definitions: `(core module $m (func (export "f"))) (core instance $i (instantiate $m))
          (alias core export $i "f" (core func $f)) (core instance (export ${wat(PAYLOAD)} (func $f)))`,
      }),
    code: 'unsafe_name',
  },
  {
    name: 'JavaScript in a nested component',
    component: () =>
      handmadeValidator({
        core: {},
        definitions: `(component (component (core module (func (export ${wat(PAYLOAD)})))))`,
      }),
    code: 'unsafe_name',
  },
  {
    name: 'JavaScript in what a composition passes on',
    component: () =>
      handmadeValidator({
        core: {},
        definitions: `(core module $m (import ${wat(PAYLOAD)} "f" (func)))
          (core module $n (func (export "f"))) (core instance $n (instantiate $n))
          (core instance (instantiate $m (with ${wat(PAYLOAD)} (instance $n))))`,
      }),
    code: 'unsafe_name',
  },
  {
    name: 'JavaScript in the type of a module',
    component: () =>
      handmadeValidator({
        core: {},
        definitions: `(core type (module (import ${wat(PAYLOAD)} "f" (func))))`,
      }),
    code: 'unsafe_name',
  },
  {
    name: 'an export that no platform calls',
    component: () => validatorWithWorld('export run: func();'),
    code: 'export_not_allowed',
  },
  {
    name: 'a validation that answers a number',
    component: () => componentFromWit(changedContract('-> bool', '-> u32'), 'validator'),
    code: 'validation_shape',
  },
  {
    name: 'a validation whose transaction has its fields in another order',
    component: () => componentFromWit(changedContract('country: string,', 'country: u64,'), 'validator'),
    code: 'validation_shape',
  },
  {
    name: 'a core module by itself',
    component: () => componentFromWat(hostileCoreWat({})),
    code: 'core_module',
  },
  {
    name: 'a component that is cut off',
    component: async () => (await hostileValidator({})).slice(0, -40),
    code: 'truncated',
  },
  {
    name: 'text in place of a component',
    component: () => Promise.resolve(new TextEncoder().encode('(component)')),
    code: 'not_wasm',
  },
]);
