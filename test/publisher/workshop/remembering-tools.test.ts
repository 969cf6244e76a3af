// What wasm-tools and jco wrote for a component is taken for one that differs in data alone, and its modules are its own.

import { describe, expect, it } from 'vitest';

import { createMemory } from '../../../src/publisher/memory.ts';
import { TRANSPILE_OPTIONS } from '../../../src/publisher/transpile.ts';
import { readSkeleton } from '../../../src/publisher/workshop/component-skeleton.ts';
import { createRememberingTools } from '../../../src/publisher/workshop/remembering-tools.ts';
import type { GenerateOutcome, Tools } from '../../../src/publisher/workshop/tools.ts';
import { validatorFromCoreWat } from '../../fixtures/components.ts';
import { buildQuickJs } from '../../fixtures/glue-components.ts';
import { SHARED_TOOLS } from '../../fixtures/shared-tools.ts';

function createCountedTools(tools: Tools = SHARED_TOOLS) {
  const runs = { wit: 0, generate: 0 };
  const counted: Tools = {
    printWit(component) {
      runs.wit += 1;
      return tools.printWit(component);
    },
    generate(component, options) {
      runs.generate += 1;
      return tools.generate(component, options);
    },
  };
  return { runs, remembering: createRememberingTools(counted, createMemory()) };
}

/** Bytes as bytes: some are views, some are buffers. */
function plainOf(outcome: GenerateOutcome): object {
  if (!outcome.ok) throw new Error(outcome.reason);
  const files = Object.entries(outcome.files).map(([name, bytes]) => [
    name,
    Buffer.from(bytes).toString('hex'),
  ]);
  return { files, imports: outcome.imports };
}

const OTHER_SOURCE = `const codes = ["a text", "and another"].map((code) => code.length * 2);
export const list = [...codes, ...codes];
export const validation = { validate(t) { return list.includes(t.status.length); } };`;

const withData = (data: string, validateBody = '(i32.load8_u (i32.const 8))') =>
  validatorFromCoreWat({ validateBody, extra: `(data (i32.const 8) "${data}")` });

describe('remembering tools', () => {
  it('answer for the data that is there, as the tools themselves would', async () => {
    const { runs, remembering } = createCountedTools();
    for (const data of ['\\01', '\\00', '\\01 and a longer text', '']) {
      const component = await withData(data);
      expect(await remembering.printWit(component)).toEqual(await SHARED_TOOLS.printWit(component));
      expect(plainOf(await remembering.generate(component, TRANSPILE_OPTIONS))).toEqual(
        plainOf(await SHARED_TOOLS.generate(component, TRANSPILE_OPTIONS)),
      );
    }
    expect(runs).toEqual({ wit: 1, generate: 1 });
  });

  it('answer for the numbers that globals start with', async () => {
    const { runs, remembering } = createCountedTools();
    const withGlobal = (value: string) =>
      validatorFromCoreWat({
        extra: `(global $g (mut i32) (i32.const ${value}))`,
        validateBody: 'global.get $g',
      });
    for (const value of ['1', '0', '-70000']) {
      const component = await withGlobal(value);
      expect(plainOf(await remembering.generate(component, TRANSPILE_OPTIONS))).toEqual(
        plainOf(await SHARED_TOOLS.generate(component, TRANSPILE_OPTIONS)),
      );
    }
    expect(runs.generate).toBe(1);
    for (const global of ['i64 (i64.const 1)', 'i64 (i64.const 2)', '(mut i64) (i64.const 2)'])
      await remembering.generate(
        await validatorFromCoreWat({ extra: `(global ${global})` }),
        TRANSPILE_OPTIONS,
      );
    expect(runs.generate).toBe(4);
  });

  it('hold for two builds of QuickJS, of other sources', async () => {
    const { runs, remembering } = createCountedTools();
    const components = [await buildQuickJs('sync'), await buildQuickJs('sync', '0.1.0', OTHER_SOURCE)];
    expect(components[0]).not.toEqual(components[1]);
    for (const component of components)
      expect(plainOf(await remembering.generate(component, TRANSPILE_OPTIONS))).toEqual(
        plainOf(await SHARED_TOOLS.generate(component, TRANSPILE_OPTIONS)),
      );
    expect(runs.generate).toBe(1);
  });

  it('run for other code, other names and other options', async () => {
    const { runs, remembering } = createCountedTools();
    const component = await withData('x');
    await remembering.generate(component, TRANSPILE_OPTIONS);
    await remembering.generate(await withData('x', 'i32.const 1'), TRANSPILE_OPTIONS);
    await remembering.generate(
      await validatorFromCoreWat({ extra: '(data (i32.const 8) "x") (func (export "more"))' }),
      TRANSPILE_OPTIONS,
    );
    await remembering.generate(component, { ...TRANSPILE_OPTIONS, name: 'other' });
    expect(runs.generate).toBe(4);
  });

  it('try again what failed, and what is no component', async () => {
    const failing: Tools = {
      printWit: () => Promise.resolve({ kind: 'failed', reason: 'it took too long' }),
      generate: () => Promise.resolve({ ok: false, reason: 'it took too long' }),
    };
    const { runs, remembering } = createCountedTools(failing);
    for (const component of [await withData('x'), Uint8Array.of(0, 0x61, 0x73)])
      for (let i = 0; i < 2; i += 1) {
        expect((await remembering.printWit(component)).kind).toBe('failed');
        expect((await remembering.generate(component, TRANSPILE_OPTIONS)).ok).toBe(false);
      }
    expect(runs).toEqual({ wit: 4, generate: 4 });
  });

  it('remember no module that jco might have made of data', async () => {
    const component = await withData('x');
    const [module] = readSkeleton(component)?.modules ?? [];
    if (module === undefined) throw new Error('no module');
    // An engine may rewrite a module: here its last byte, which is data, is another.
    const rewritten = new Uint8Array(module);
    const at = Buffer.from(rewritten).lastIndexOf('x');
    rewritten[at] = 0x79;
    const rewriting: Tools = {
      printWit: (bytes) => SHARED_TOOLS.printWit(bytes),
      generate: () => Promise.resolve({ ok: true, files: { 'a.core.wasm': rewritten }, imports: [] }),
    };
    const { runs, remembering } = createCountedTools(rewriting);
    await remembering.generate(component, TRANSPILE_OPTIONS);
    expect(await remembering.generate(component, TRANSPILE_OPTIONS)).toMatchObject({
      files: { 'a.core.wasm': rewritten },
    });
    expect(runs.generate).toBe(2);
  });
});

describe('the skeleton of a component', () => {
  it('is the same whatever the data, and another with any other byte that is read', async () => {
    const component = await withData('abc');
    const digest = readSkeleton(component)?.digest;
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(readSkeleton(await withData('abcdef'))?.digest).toBe(digest);
    const data = Buffer.from(component).indexOf('abc');
    let same = 0;
    for (let at = 0; at < component.length; at += 1) {
      const changed = new Uint8Array(component);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      if (readSkeleton(changed)?.digest !== digest) continue;
      // A global's start value, 1024, which is no data and is left out as well.
      if (
        Buffer.from(component)
          .subarray(at - 4, at + 3)
          .includes(Buffer.from([0x41, 0x80, 0x08]))
      )
        continue;
      same += 1;
      expect(Math.abs(at - data)).toBeLessThan(16);
    }
    // The data section: its count, and the segment's flags, place, length and bytes.
    expect(same).toBeGreaterThanOrEqual(3);
    expect(same).toBeLessThan(16);
  });
});
