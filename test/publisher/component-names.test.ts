import { describe, expect, it } from 'vitest';
import { readComponent } from '../../src/publisher/component-binary.ts';
import { checkNames, isSafeName, MAX_REPORTED_NAMES } from '../../src/publisher/component-names.ts';
import { inspectComponent } from '../fixtures/shared-tools.ts';
import { componentFromWat } from '../fixtures/components.ts';

/** What ran as JavaScript in jco's glue when it was a core export's name. */
const PAYLOAD = "validate'] ?? (globalThis.PWNED = typeof process), exports0['validate2";
const MORE_PAYLOADS = [
  "a'b",
  'a"b',
  'a\\b',
  'a`b',
  'a\nb',
  'a\rb',
  'a\u2028b',
  'a\u2029b',
  'a\u0000b',
  'a{b',
  'a}b',
  'a(b)',
  'a;b',
  'a,b',
  'a b',
  'a*/b',
  'a<b>',
  'a=b',
  'ä',
  '\ufeffa',
  '__proto__',
  'constructor',
  'prototype',
  'a'.repeat(513),
];

/** A string literal of WAT: every byte escaped. */
function wat(text: string): string {
  return `"${[...new TextEncoder().encode(text)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')}"`;
}

/** Components that carry one name, given as a WAT literal, in the place that the title says. */
const CORE_PLACES: Record<string, (name: string) => string> = {
  'core export': (name) => `(core module (func (export ${name})))`,
  'core import module': (name) => `(core module (import ${name} "f" (func)))`,
  'core import field': (name) => `(core module (import "m" ${name} (func)))`,
  'core import field of a table, after other imports': (name) =>
    `(core module (import "m" "g" (global i64)) (import "m" "t" (memory 1 2)) (import "m" ${name} (table 1 funcref)))`,
  'core inline export': (name) =>
    `(core module $m (func (export "f"))) (core instance $i (instantiate $m))
     (alias core export $i "f" (core func $f)) (core instance (export ${name} (func $f)))`,
  'core instantiation argument': (name) =>
    `(core module $m (func (export "f"))) (core instance $i (instantiate $m))
     (core instance (instantiate $m (with ${name} (instance $i))))`,
  'core alias': (name) =>
    `(core module $m (func (export "f"))) (core instance $i (instantiate $m))
     (alias core export $i ${name} (core func))`,
  "a nested component's core export": (name) => `(component (core module (func (export ${name}))))`,
  "a doubly nested component's core import": (name) =>
    `(component (component (core module (import "m" ${name} (func)))))`,
  "a composed component's core export": (name) =>
    `(component $inner (core module $m (func (export ${name}))) (core instance (instantiate $m)))
     (instance (instantiate $inner))`,
  "a module type's import module": (name) => `(core type (module (import ${name} "f" (func))))`,
  "a module type's import field": (name) => `(core type (module (import "m" ${name} (func))))`,
  "a module type's export": (name) => `(core type (module (export ${name} (func))))`,
  "a module type's export in an instance type": (name) =>
    `(type (instance (core type (module (export ${name} (func))))))`,
  "an imported module's export": (name) => `(import "m" (core module (export ${name} (func))))`,
};

const COMPONENT_PLACES: Record<string, (name: string) => string> = {
  import: (name) => `(import ${name} (func))`,
  export: (name) => `(import "f" (func $f)) (export ${name} (func $f))`,
  alias: (name) => `(import "i" (instance $i)) (alias export $i ${name} (func))`,
  'inline export': (name) => `(import "f" (func $f)) (instance (export ${name} (func $f)))`,
  'instantiation argument': (name) =>
    `(component $c) (import "f" (func $f)) (instance (instantiate $c (with ${name} (func $f))))`,
  "a nested component's import": (name) => `(component (import ${name} (func)))`,
  "a component type's import": (name) => `(type (component (import ${name} (func))))`,
  "a component type's export": (name) => `(type (component (export ${name} (func))))`,
  "an instance type's export": (name) => `(type (instance (export ${name} (func))))`,
  'an alias in an instance type': (name) =>
    `(type (instance (type $t (instance)) (export "i" (instance $i (type $t))) (alias export $i ${name} (type))))`,
};

const LABEL_PLACES: Record<string, (name: string) => string> = {
  'record field': (name) => `(type (record (field ${name} u32)))`,
  'variant case': (name) => `(type (variant (case ${name})))`,
  flag: (name) => `(type (flags ${name}))`,
  'enum case': (name) => `(type (enum ${name}))`,
  parameter: (name) => `(type (func (param ${name} u32)))`,
  'a parameter of an async function': (name) => `(type (func async (param ${name} u32)))`,
  'a field in an instance type in a component type': (name) =>
    `(type (component (type (instance (type (record (field ${name} u32)))))))`,
};

describe.each([
  ...Object.entries(CORE_PLACES),
  ...Object.entries(COMPONENT_PLACES),
  ...Object.entries(LABEL_PLACES),
])('a hostile name as %s', (_place, build) => {
  it('is refused with its place', async () => {
    const bytes = await componentFromWat(`(component ${build(wat(PAYLOAD))})`);
    const result = await inspectComponent(bytes);
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.refusals[0]?.code).toBe('unsafe_name');
    expect(result.refusals[0]?.where).toMatch(/^component\S* at byte \d+$/);
    // The offset is that of the name's length, so the name itself is found right behind it.
    const offset = Number(result.refusals[0]?.where.split(' ').at(-1));
    const found = new TextDecoder().decode(bytes.subarray(offset + 1, offset + 1 + PAYLOAD.length));
    expect(found).toBe(PAYLOAD);
    expect(result.refusals[0]?.message).toMatch(/^[\x20-\x7e]*$/);
  });

  it.each(MORE_PAYLOADS)('is refused: %j', async (payload) => {
    const read = readComponent(await componentFromWat(`(component ${build(wat(payload))})`));
    expect(read.ok && checkNames(read.value.names).map(({ code }) => code)).toContain('unsafe_name');
  });
});

describe.each(Object.entries(CORE_PLACES))('a usual core name as %s', (_place, build) => {
  it.each([
    '',
    'cm32p2|wasi:io/poll@0.2|poll',
    '[method]output-stream.write',
    'wasmpay:platform/validation@0.1.0#validate',
    '$imports',
    '$root',
    'cabi_realloc_wit-bindgen_0.28.0',
    '[export]$root',
    'a:b/c@1.0.0-rc.1+build.5',
    'GOT.mem',
    'libfoo.so:memory_base',
    '15',
  ])('passes: %j', async (name) => {
    const read = readComponent(await componentFromWat(`(component ${build(wat(name))})`));
    expect(read.ok && checkNames(read.value.names)).toEqual([]);
  });
});

it('lets debug names be anything, for transpiling drops them', async () => {
  const bytes = await componentFromWat(
    `(component (@custom "name" "\\ff\\00") (@custom "component-name" ${wat(PAYLOAD)})
       (core module (@custom "name" ${wat(PAYLOAD)}) (@custom "x" ${wat(PAYLOAD)})))`,
  );
  const read = readComponent(bytes);
  expect(read.ok && checkNames(read.value.names)).toEqual([]);
});

it('names each name that is refused, up to a bound', async () => {
  const exports = Array.from({ length: 40 }, (_, index) => `(func (export "a'${index}"))`).join('');
  const result = await inspectComponent(await componentFromWat(`(component (core module ${exports}))`));
  expect(result.ok).toBe(false);
  if (!result.ok) expect(result.refusals).toHaveLength(MAX_REPORTED_NAMES);
});

describe('the grammar of names of the component model', () => {
  it.each([
    'a',
    'a-b',
    'a1-2b',
    'A-b',
    'HTTP-x',
    '[constructor]a',
    '[method]a.b',
    '[static]a-c.b',
    'a:b/c',
    'a:b/c@0.1.0',
    'a:b/c@1.2.3-rc.1+x.2',
  ])('takes %j', (name) => {
    expect(isSafeName('import', name)).toBe(true);
  });

  it.each([
    '',
    'a_b',
    'aB',
    'a-',
    '-a',
    '1a',
    'a--b',
    '[method]a',
    '[method]a.b.c',
    '[other]a',
    '[constructor]constructor',
    '[method]a.prototype',
    'CONSTRUCTOR',
    'A:b/c',
    'a:b',
    'a:b/c@0.1',
    'a:b/c@01.0.0',
    'a:b/c/d',
    'a:b:c/d',
    'a:b/constructor',
    'url=<https://example.com>',
    'unlocked-dep=<a:b>',
    "integrity=<sha256-'>",
    'a\n',
  ])('refuses %j', (name) => {
    expect(isSafeName('import', name)).toBe(false);
  });

  it('takes labels of types, but nothing that only functions and interfaces are called', () => {
    expect(isSafeName('record field', 'reply-to')).toBe(true);
    expect(isSafeName('record field', 'a:b/c')).toBe(false);
    expect(isSafeName('parameter', '[method]a.b')).toBe(false);
    expect(isSafeName('enum case', 'Constructor')).toBe(false);
  });
});
