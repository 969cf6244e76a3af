import { describe, expect, it } from 'vitest';
import { CONTRACTS } from '../../src/artifact/manifest.ts';
import { readComponent } from '../../src/publisher/component-binary.ts';
import {
  compareShape,
  CONTRACT_SHAPES,
  describeExport,
  findCallableImports,
  MAX_STEPS,
  UNKNOWN_SHAPE,
  VALIDATION_INTERFACE,
} from '../../src/publisher/contract-shape.ts';
import { inspectComponent } from '../fixtures/shared-tools.ts';
import { applyPolicy, DEFAULT_POLICY } from '../../src/publisher/policy.ts';
import {
  changedContract,
  componentFromWat,
  componentFromWit,
  CONTRACT_VERSIONS,
  contractWit,
  plainValidator,
  type ContractVersion,
} from '../fixtures/components.ts';

const CONTRACT = 'wasmpay:platform@0.1.0';
const EXPORT = exportOf('0.1.0');

function exportOf(version: ContractVersion): string {
  return `${VALIDATION_INTERFACE}@${version}`;
}

function shapeOf(bytes: Uint8Array, name = EXPORT): readonly string[] | undefined {
  const read = readComponent(bytes);
  if (!read.ok) throw new Error(read.refusals[0]?.message);
  return describeExport(read.value.definitions, name);
}

it('every contract of the manifest has a WIT file and a shape', () => {
  expect(CONTRACTS).toEqual(CONTRACT_VERSIONS.map((version) => `wasmpay:platform@${version}`));
  expect(Object.keys(CONTRACT_SHAPES)).toEqual([...CONTRACTS]);
});

describe.each(CONTRACT_VERSIONS)('the shape of contract %s', (version) => {
  const expected = [...CONTRACT_SHAPES[`wasmpay:platform@${version}`]].sort();

  it.each(['validator', 'validator-messenger'])('is that of the WIT file, world %s', async (world) => {
    expect(shapeOf(await componentFromWit(contractWit(version), world), exportOf(version))).toEqual(expected);
  });

  it('is taken by the publisher’s policy as that contract', async () => {
    const inspected = await inspectComponent(await componentFromWit(contractWit(version), 'validator'));
    const decision = inspected.ok
      ? applyPolicy(inspected.value, DEFAULT_POLICY, { strict: true })
      : inspected;
    expect(decision).toMatchObject({ ok: true, value: { contract: `wasmpay:platform@${version}` } });
  });
});

describe('the shape of the contract', () => {
  it('is found in every way of building: by hand, by world, with messaging', async () => {
    for (const bytes of [
      await plainValidator(),
      await componentFromWit(contractWit(), 'validator'),
      await componentFromWit(contractWit(), 'validator-messenger'),
    ]) {
      expect(compareShape(shapeOf(bytes) ?? [], CONTRACT)).toEqual({ unexpected: [], missing: [] });
    }
  });

  it('does not depend on comments in the WIT', async () => {
    const wit = changedContract('amount: s64', '/// In cents.\n/* or so */ amount: s64');
    expect(shapeOf(await componentFromWit(wit, 'validator'))).toEqual([...CONTRACT_SHAPES[CONTRACT]].sort());
  });
});

describe('a component whose validation is not the contract’s', () => {
  it.each([
    ['answers a number', '-> bool', '-> u32'],
    ['answers nothing', ' -> bool', ''],
    ['answers a result', '-> bool', '-> result<bool>'],
    [
      'takes one more parameter',
      'func(transaction: transaction)',
      'func(transaction: transaction, more: u32)',
    ],
    ['takes no parameter', 'func(transaction: transaction)', 'func()'],
    ['calls its parameter otherwise', 'func(transaction: transaction)', 'func(tx: transaction)'],
    ['takes an option', 'func(transaction: transaction)', 'func(transaction: option<transaction>)'],
    ['is asynchronous', 'validate: func', 'validate: async func'],
    ['has one more function', 'validate: func', 'version: func() -> string;\n validate: func'],
    ['has a function of another name', 'validate: func', 'check: func'],
    ['counts amounts without sign', 'amount: s64', 'amount: u64'],
    ['counts amounts in floating point', 'amount: s64', 'amount: f64'],
    ['counts amounts in 32 bits', 'amount: s64', 'amount: s32'],
    [
      'has a bank with fields in another order',
      'country: string,\n      currency: string',
      'currency: string,\n      country: string',
    ],
    ['has a bank with a renamed field', 'country: string', 'land: string'],
    ['has a bank without a field', '      country: string,\n', ''],
    ['has a transaction with one more field', 'status: string,', 'status: string, note: string,'],
    ['has a transaction whose banks are texts', 'origin: bank', 'origin: string'],
    ['has one more type', 'use types.{transaction};', 'use types.{transaction, bank};'],
    [
      'has a transaction of its own',
      'use types.{transaction};',
      'use types.{bank, currency};\n record transaction { id: string, origin: bank, destination: bank, amount: currency, status: string }',
    ],
  ])('that %s is refused', async (_title, from, to) => {
    const result = await inspectComponent(await componentFromWit(changedContract(from, to), 'validator'));
    expect(result.ok).toBe(true);
    if (!result.ok) return;
    const decision = applyPolicy(result.value, DEFAULT_POLICY, { strict: false });
    expect(decision.ok ? [] : decision.refusals.map(({ code, where }) => [code, where])).toEqual([
      ['validation_shape', `export ${EXPORT}`],
    ]);
  });

  it.each([
    ['answers a bool', '-> verdict', '-> bool', 'use types.{transaction};'],
    ['answers a denial at most', '-> verdict', '-> option<denial>', 'use types.{transaction, denial};'],
    ['approves with a text', 'approve,', 'approve(string),'],
    ['denies without a reason', 'deny(denial),', 'deny,'],
    ['denies with a text', 'deny(denial),', 'deny(string),'],
    ['has its cases in another order', 'approve,\n      deny(denial),', 'deny(denial),\n      approve,'],
    ['has one more case', 'deny(denial),', 'deny(denial),\n      maybe,'],
    ['calls a case otherwise', 'approve,', 'accept,'],
    ['has no code', '      code: string,\n', ''],
    [
      'has its texts in another order',
      'code: string,\n      message: string,',
      'message: string,\n      code: string,',
    ],
    ['has a list of bytes for a message', 'message: string', 'message: list<u8>'],
    ['says more', 'message: string,', 'message: string,\n      approved: bool,'],
  ])('of 0.2.0 that %s is refused', async (_title, from, to, use = 'use types.{transaction, verdict};') => {
    const wit = changedContract(from, to, '0.2.0').replace('use types.{transaction, verdict};', use);
    const result = await inspectComponent(await componentFromWit(wit, 'validator'));
    if (!result.ok) throw new Error('not inspected');
    const decision = applyPolicy(result.value, DEFAULT_POLICY, { strict: false });
    expect(decision.ok ? [] : decision.refusals.map(({ code, where }) => [code, where])).toEqual([
      ['validation_shape', `export ${exportOf('0.2.0')}`],
    ]);
    expect(decision.ok ? '' : decision.refusals[0]?.fix).toContain('wasmpay-platform-0.2.0.wit');
  });

  it.each([
    ['0.1.0', '0.2.0'],
    ['0.2.0', '0.1.0'],
  ] as const)('that has the shape of %s under the name of %s is refused', async (shape, name) => {
    const wit = contractWit(shape).replaceAll(`wasmpay:platform@${shape}`, `wasmpay:platform@${name}`);
    const result = await inspectComponent(await componentFromWit(wit, 'validator'));
    if (!result.ok) throw new Error('not inspected');
    const decision = applyPolicy(result.value, DEFAULT_POLICY, { strict: false });
    expect(decision.ok ? [] : decision.refusals.map(({ code, where }) => [code, where])).toEqual([
      ['validation_shape', `export ${exportOf(name)}`],
    ]);
  });

  it('that is of another version is refused, once', async () => {
    const wit = changedContract('wasmpay:platform@0.1.0', 'wasmpay:platform@0.9.0');
    const result = await inspectComponent(await componentFromWit(wit, 'validator'));
    if (!result.ok) throw new Error('not inspected');
    const decision = applyPolicy(result.value, DEFAULT_POLICY, { strict: false });
    const refused = decision.ok ? [] : decision.refusals;
    expect(refused).toContainEqual(
      expect.objectContaining({ code: 'validation_shape', where: `export ${VALIDATION_INTERFACE}@0.9.0` }),
    );
    expect(refused.map(({ code }) => code)).not.toContain('no_validation_export');
  });
});

describe('following definitions', () => {
  it('goes through instantiation, inline exports, aliases and outer types', async () => {
    const bytes = await componentFromWat(`(component
      (type $rec (record (field "x" u8)))
      (component $inner
        (alias outer 1 $rec (type $outer))
        (import "t" (type $t (eq $outer)))
        (import "f" (func $f (param "a" $t) (result u8)))
        (instance $bundle (export "g" (func $f)) (export "t" (type $t)))
        (export "i" (instance $bundle)))
      (import "f" (func $f (param "a" $rec) (result u8)))
      (instance $made (instantiate $inner (with "t" (type $rec)) (with "f" (func $f))))
      (alias export $made "i" (instance $i))
      (export "a:b/c" (instance $i)))`);
    expect(shapeOf(bytes, 'a:b/c')).toEqual(['g = func(a: record { x: u8 }) -> u8', 't = record { x: u8 }']);
  });

  it('says so where an index leads nowhere or an export is no instance', async () => {
    expect(shapeOf(await componentFromWat('(component (export "a:b/c" (instance 7)))'), 'a:b/c')).toBe(
      UNKNOWN_SHAPE,
    );
    expect(
      shapeOf(
        await componentFromWat('(component (import "f" (func $f)) (export "a:b/c" (func $f)))'),
        'a:b/c',
      ),
    ).toBe(UNKNOWN_SHAPE);
    expect(shapeOf(await componentFromWat('(component)'), 'a:b/c')).toBeUndefined();
  });

  it('ends where components instantiate each other twice at each of 40 levels', async () => {
    const levels = Array.from(
      { length: 40 },
      (_, level) =>
        `(component $c${level + 1} (alias outer 1 $c${level} (component $d)) (instance (instantiate $d)) (instance (instantiate $d)))`,
    ).join('\n');
    const bytes = await componentFromWat(
      `(component (component $c0) ${levels} (instance $i (instantiate $c40)) (export "a:b/c" (instance $i)))`,
    );
    const start = performance.now();
    expect(shapeOf(bytes, 'a:b/c')).toBe(UNKNOWN_SHAPE);
    expect(performance.now() - start).toBeLessThan(MAX_STEPS / 50);
  });

  it('ends where types double at each of 40 levels', async () => {
    const levels = Array.from(
      { length: 40 },
      (_, level) => `(type $t${level + 1} (tuple $t${level} $t${level}))`,
    );
    const bytes = await componentFromWat(
      `(component (type $t0 (tuple u8)) ${levels.join('\n')} (instance $i (export "t" (type $t40))) (export "a:b/c" (instance $i)))`,
    );
    const start = performance.now();
    expect(shapeOf(bytes, 'a:b/c')).toBe(UNKNOWN_SHAPE);
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it('finds imports that hold functions', async () => {
    const read = readComponent(
      await componentFromWat(`(component
        (import "a:b/types" (instance (type $r (record (field "x" u8))) (export "r" (type (eq $r)))))
        (import "a:b/calls" (instance (export "f" (func))))
        (import "a:b/nested" (instance (export "i" (instance (export "f" (func)))))))`),
    );
    expect(read.ok && [...findCallableImports(read.value.definitions)]).toEqual(['a:b/calls', 'a:b/nested']);
  });
});
