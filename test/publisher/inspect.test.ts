import { componentize } from 'componentize-qjs';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { MAX_COMPONENT_BYTES, MAX_CORE_MODULES } from '../../src/core/limits.ts';
import { readComponent } from '../../src/publisher/component-binary.ts';
import { MAX_ITEMS, MAX_NAMES, MAX_NESTING } from '../../src/publisher/component-definitions.ts';
import { inspectComponent as inspect, type Inspection } from '../../src/publisher/inspect.ts';
import { CONFINED_TOOLS } from '../../src/publisher/workshop/tools.ts';
import { inspectComponent } from '../fixtures/shared-tools.ts';
import { applyPolicy, DEFAULT_POLICY } from '../../src/publisher/policy.ts';
import type { RefusalCode, Result } from '../../src/publisher/refusal.ts';
import { componentFromWat, plainValidator, WIT_PATH } from '../fixtures/components.ts';

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const MODULE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

let plain: Uint8Array;

beforeAll(async () => {
  plain = await plainValidator();
});

/** Unsigned LEB128. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? byte + 128 : byte);
  } while (rest > 0);
  return bytes;
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

function component(...sections: readonly (readonly number[])[]): Uint8Array {
  return new Uint8Array([...PREAMBLE, ...sections.flat()]);
}

/** Where the last section that is not a custom one ends. */
function contentEnd(bytes: Uint8Array): number {
  let end = 8;
  for (let offset = 8; offset < bytes.length;) {
    const id = bytes[offset];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      offset += 1;
      const byte = bytes[offset] ?? 0;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    offset += 1 + size;
    if (id !== 0) end = offset;
  }
  return end;
}

function codes(result: Result<unknown>): RefusalCode[] {
  return result.ok ? [] : result.refusals.map(({ code }) => code);
}

function places(result: Result<unknown>): string[] {
  return result.ok ? [] : result.refusals.map(({ where }) => where);
}

describe('a good component', () => {
  it('is described: digest, size, imports, exports, modules and toolchain', async () => {
    const result = await inspectComponent(plain);
    expect(result).toMatchObject({
      ok: true,
      value: {
        sizeBytes: plain.length,
        imports: [
          { interface: 'wasmpay:platform/types', version: '0.1.0', kind: 'instance', callable: false },
        ],
        exports: ['wasmpay:platform/validation@0.1.0'],
        coreModules: [{ index: 0, path: 'component/module[0]' }],
        toolchain: expect.stringMatching(/^wit-component \d/) as string,
      },
    });
    if (!result.ok) return;
    expect(result.value.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(result.value.wit).toContain('export wasmpay:platform/validation@0.1.0;');
    expect(result.value.coreModules[0]?.sizeBytes).toBeLessThan(plain.length);
  });

  it('passes when componentize-qjs made it, and its policy decision names what it is granted', async () => {
    const { component: bytes } = await componentize({
      witPath: WIT_PATH,
      jsSource: 'export const validation = { validate: (t) => t.amount.amount <= 100n };',
      world: 'validator',
      sync: true,
    });
    const result = await inspectComponent(new Uint8Array(bytes));
    expect(codes(result)).toEqual([]);
    if (!result.ok) return;
    expect(result.value.toolchain).toMatch(/rustc \d/);
    expect(result.value.imports.find((item) => item.interface === 'wasi:io/streams')?.callable).toBe(true);
    const decision = applyPolicy(result.value, DEFAULT_POLICY, { strict: false });
    expect(codes(decision)).toEqual([]);
    if (!decision.ok) return;
    expect(decision.value.exports).toEqual(['init', 'wasmpay:platform/validation@0.1.0']);
    expect(decision.value.grants).toContain('wasi:clocks/wall-clock');
    expect(decision.value.grants).not.toContain('wasi:filesystem/types');
    expect(codes(applyPolicy(result.value, DEFAULT_POLICY, { strict: true }))).toContain(
      'import_inert_strict',
    );
  });

  it('is inspected as it was handed in: later changes of the buffer do not matter', async () => {
    const buffer = plain.slice();
    const pending = inspectComponent(buffer);
    buffer.fill(0);
    expect((await pending).ok).toBe(true);
  });

  it('describes its producers in printable text without duplicates', async () => {
    const field = [...leb(12), ...new TextEncoder().encode('processed-by')];
    const entry = [2, 0x1b, 0x5b, 1, 0x0a];
    const producers = section(0, [
      9,
      ...new TextEncoder().encode('producers'),
      1,
      ...field,
      2,
      ...entry,
      ...entry,
    ]);
    const result = await inspectComponent(new Uint8Array([...plain, ...producers]));
    expect(result.ok).toBe(true);
    if (!result.ok) return;
    expect(result.value.producers).toContainEqual({
      field: 'processed-by',
      name: '\\u001b[',
      version: '\\n',
    });
    expect(result.value.producers).toHaveLength(2);
    expect(result.value.toolchain).toContain('\\u001b[ \\n');
  });

  it('may carry a broken producers section, which only informs', async () => {
    const broken = section(0, [9, ...new TextEncoder().encode('producers'), 0xff]);
    expect((await inspectComponent(new Uint8Array([...plain, ...broken]))).ok).toBe(true);
  });
});

describe('what is refused', () => {
  it.each<[RefusalCode, string, () => Uint8Array | Promise<Uint8Array>]>([
    ['not_wasm', 'byte 0', () => new Uint8Array()],
    ['not_wasm', 'byte 0', () => new TextEncoder().encode('<html>')],
    ['core_module', 'byte 4', () => componentFromWat('(module)')],
    ['too_large', `byte ${MAX_COMPONENT_BYTES}`, () => new Uint8Array(MAX_COMPONENT_BYTES + 1)],
    ['truncated', 'byte 0', () => new Uint8Array(PREAMBLE.slice(0, 5))],
    ['malformed', 'byte 0', () => new Uint8Array([...PREAMBLE.slice(0, 4), 0x0c, 0x00, 0x01, 0x00])],
    ['malformed', 'byte 10', () => component(section(13, []))],
    ['malformed', 'byte 11', () => component(section(7, [0, 0x7f]))],
    ['malformed', 'byte 12', () => component(section(7, [2, 0x7f]), section(0, [0]))],
    ['malformed', 'byte 13', () => component(section(10, [1, 0x00, 0x02, 0xc0, 0x80, 0x01, 0x00]))],
    ['malformed', 'byte 14', () => component(section(7, [0x80, 0x80, 0x80, 0x80, 0x10]))],
    ['truncated', 'byte 10', () => component([7, 5, 1])],
    ['unsupported_feature', 'byte 9', () => component(section(12, [1, 0x7f, 1, 1]))],
    ['unsupported_feature', 'byte 9', () => component(section(9, [0, 0, 0]))],
    ['unsupported_feature', 'byte 11', () => component(section(10, [1, 0x02, 1, 0x61, 0, 0x01, 0]))],
    ['unsupported_feature', 'byte 11', () => component(section(7, [1, 0x5f]))],
    ['unsupported_feature', 'byte 11', () => component(section(3, [1, 0x5f, 0]))],
    ['unsupported_feature', 'byte 11', () => component(section(8, [1, 0x26]))],
    ['unsupported_feature', 'import "m"', () => componentFromWat('(component (import "m" (core module)))')],
    [
      'unsupported_feature',
      'export "a:b/c"',
      () => componentFromWat('(component (import "f" (func $f)) (export "a:b/c" (func $f)))'),
    ],
    [
      'unsupported_feature',
      'byte 24',
      // Compact imports: many fields behind one module name.
      () => component(section(1, [...MODULE, ...section(2, [1, 1, 0x6d, 0, 0x7f, 0])])),
    ],
    [
      'unsupported_feature',
      'byte 26',
      () => componentFromWat('(component (core module (import "m" "f" (memory i64 1))))'),
    ],
    [
      'malformed',
      'component',
      // Well formed, but the index leads nowhere: wasm-tools' verdict.
      () => component(section(7, [1, 0x70, 5])),
    ],
  ])('%s at %s', async (code, where, build) => {
    const result = await inspectComponent(await build());
    expect(places(result)).toEqual([where]);
    expect(codes(result)).toEqual([code]);
  });

  it('too_many_modules: over the limit, not at it', async () => {
    const modules = (count: number) => component(...Array.from({ length: count }, () => section(1, MODULE)));
    expect(codes(await inspectComponent(modules(MAX_CORE_MODULES)))).toEqual([]);
    expect(codes(await inspectComponent(modules(MAX_CORE_MODULES + 1)))).toEqual(['too_many_modules']);
  });

  it('counts core modules over all nestings', async () => {
    const inner = section(4, [...PREAMBLE, ...section(1, MODULE)]);
    const bytes = component(...Array.from({ length: MAX_CORE_MODULES + 1 }, () => inner));
    expect(codes(await inspectComponent(bytes))).toEqual(['too_many_modules']);
  });

  it("keeps wasm-tools' words short and printable", async () => {
    const result = await inspectComponent(component(section(7, [1, 0x70, 5])));
    if (!result.ok) expect(result.refusals[0]?.message).toMatch(/^[\x20-\x7e]{1,200}$/);
  });
});

describe('hostile bytes', () => {
  const accept = (result: Result<Inspection>): boolean =>
    result.ok && applyPolicy(result.value, DEFAULT_POLICY, { strict: true }).ok;

  it('a component cut at any byte is refused, by its bytes or by what it lacks', async () => {
    // The last sections are custom ones: without them it is the same component, where the cut is between sections.
    const lastContent = contentEnd(plain);
    const accepted: number[] = [];
    for (let length = 0; length < plain.length; length += 1) {
      if (accept(await inspectComponent(plain.subarray(0, length)))) accepted.push(length);
    }
    expect(accepted[0]).toBe(lastContent);
    expect(accepted.length).toBeLessThanOrEqual(3);
  });

  it('2,000 random changes of bytes give a result, and never an exception', async () => {
    const change = fc.tuple(fc.nat({ max: plain.length - 1 }), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = plain.slice();
        for (const [offset, mask] of changes) bytes[offset] = (bytes[offset] ?? 0) ^ mask;
        const result = await inspectComponent(bytes);
        expect(result.ok || result.refusals.length > 0).toBe(true);
      }),
      { numRuns: 2000, seed: 20261124, endOnFailure: true },
    );
  }, 120_000);

  it('random bytes behind a preamble give a result of our reader', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (tail) => {
        const result = readComponent(new Uint8Array([...PREAMBLE, ...tail]));
        expect(result.ok || result.refusals.length === 1).toBe(true);
      }),
      { numRuns: 5000, seed: 20261124 },
    );
  });

  it('what our reader takes and wasm-tools takes is the same list of imports and exports, whatever was changed', async () => {
    // The names of imports and exports lie in a few places only: change each of their bytes.
    const text = new TextDecoder('latin1').decode(plain);
    for (const name of ['wasmpay:platform/types@0.1.0', 'wasmpay:platform/validation@0.1.0']) {
      for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
        for (let offset = at - 2; offset < at + name.length; offset += 1) {
          const bytes = plain.slice();
          bytes[offset] = (bytes[offset] ?? 0) ^ 0x01;
          const result = await inspectComponent(bytes);
          if (!result.ok) continue;
          for (const exported of result.value.exports) expect(result.value.wit).toContain(exported);
        }
      }
    }
  });

  it.each<[string, () => Uint8Array, RefusalCode]>([
    ['2^32-1 types', () => component(section(7, [0xff, 0xff, 0xff, 0xff, 0x0f])), 'truncated'],
    ['2^32-1 imports', () => component(section(10, [0xff, 0xff, 0xff, 0xff, 0x0f])), 'truncated'],
    [
      'a record of 2^32-1 fields',
      () => component(section(7, [1, 0x72, 0xff, 0xff, 0xff, 0xff, 0x0f])),
      'truncated',
    ],
    [
      'a name of 2^32-1 bytes',
      () => component(section(10, [1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f])),
      'malformed',
    ],
    ['a section of 2^32-1 bytes', () => component([7, 0xff, 0xff, 0xff, 0xff, 0x0f]), 'truncated'],
    [
      'a section that reaches past its component',
      () => component([4, ...leb(10), ...PREAMBLE, 7, 0x20], section(0, Array<number>(40).fill(0))),
      'malformed',
    ],
    [
      'a module that reaches past its section',
      () => component([1, ...leb(10), ...MODULE, 1, 0x20], section(0, Array<number>(40).fill(0))),
      'malformed',
    ],
    [
      'nesting of components, one level too many',
      () => {
        let bytes = [...PREAMBLE];
        for (let level = 0; level <= MAX_NESTING; level += 1) bytes = [...PREAMBLE, ...section(4, bytes)];
        return new Uint8Array(bytes);
      },
      'unsupported_feature',
    ],
    [
      'nesting of types, 10,000 levels',
      () => component(section(7, [1, ...Array.from({ length: 10_000 }, () => [0x41, 1, 1]).flat(), 0x7f])),
      'unsupported_feature',
    ],
    [
      'more names than are held',
      () => {
        const exports = Array.from({ length: MAX_NAMES + 1 }, () => [0, 0, 0]).flat();
        return component(section(1, [...MODULE, ...section(7, [...leb(MAX_NAMES + 1), ...exports])]));
      },
      'unsupported_feature',
    ],
    [
      'more items than are held',
      () => component(section(7, [...leb(MAX_ITEMS + 1), ...Array<number>(MAX_ITEMS + 1).fill(0x7f)])),
      'unsupported_feature',
    ],
  ])('%s is refused fast', (_title, build, code) => {
    const bytes = build();
    const start = performance.now();
    expect(codes(readComponent(bytes))).toEqual([code]);
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it('nesting up to the limit is read', () => {
    let bytes = [...PREAMBLE];
    for (let level = 0; level < MAX_NESTING; level += 1) bytes = [...PREAMBLE, ...section(4, bytes)];
    expect(codes(readComponent(new Uint8Array(bytes)))).toEqual([]);
  });
});

describe('features of WASI 0.3', () => {
  it('are read in full: async functions, streams, futures, error contexts and their built-ins', async () => {
    const bytes = await componentFromWat(`(component
      (core module $m (memory (export "m") 1) (func (export "f")))
      (core instance $i (instantiate $m))
      (alias core export $i "m" (core memory $m))
      (type $s (stream u8)) (type $f (future (list string))) (type (stream)) (type (future))
      (type (func async (param "a" $s) (result $f)))
      (type (map string u32))
      (core func (canon backpressure.inc)) (core func (canon backpressure.dec))
      (core func (canon task.return (result u32) (memory $m)))
      (core func (canon task.cancel))
      (core func (canon context.get i32 0)) (core func (canon context.set i32 0))
      (core func (canon subtask.cancel async)) (core func (canon subtask.drop))
      (core func (canon stream.new $s)) (core func (canon stream.read $s async (memory $m)))
      (core func (canon stream.write $s (memory $m))) (core func (canon stream.cancel-read $s async))
      (core func (canon stream.cancel-write $s)) (core func (canon stream.drop-readable $s))
      (core func (canon stream.drop-writable $s))
      (core func (canon future.new $f)) (core func (canon future.cancel-read $f async))
      (core func (canon future.drop-readable $f)) (core func (canon future.drop-writable $f))
      (core func (canon error-context.new (memory $m))) (core func (canon error-context.drop))
      (core func (canon waitable-set.new)) (core func (canon waitable-set.wait (memory $m)))
      (core func (canon waitable-set.poll (memory $m))) (core func (canon waitable-set.drop))
      (core func (canon waitable.join))
      (core func (canon thread.yield))
      (type $r (resource (rep i32)))
      (core func (canon resource.new $r)) (core func (canon resource.rep $r)) (core func (canon resource.drop $r))
      (alias core export $i "f" (core func $g))
      (type $t (func))
      (func $lifted (type $t) (canon lift (core func $g)))
      (core func (canon lower (func $lifted) (memory $m) string-encoding=utf16))
    )`);
    expect(codes(readComponent(bytes))).toEqual([]);
  });
});

describe('wasm-tools', () => {
  it('panics in a process of its own: that component is refused, and the next one is inspected', async () => {
    // Looks like a WIT package, but exports neither an interface nor a world: an `unreachable!()` in wit-parser.
    const panics = await componentFromWat(`(component
      (type $c (component (type $t (func)) (export "f" (func (type $t))))) (export "x" (type $c)))`);
    expect((await CONFINED_TOOLS.printWit(panics)).kind).toBe('failed');
    expect(codes(await inspect(panics))).toEqual(['malformed']);
    expect((await inspect(plain)).ok).toBe(true);
  });

  it('answers several at once', async () => {
    const results = await Promise.all([inspect(plain), inspect(plain), inspect(plain)]);
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true]);
  });
});
