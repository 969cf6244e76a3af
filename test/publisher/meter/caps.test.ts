import { describe, expect, it } from 'vitest';
import { METER_GLOBALS } from '../../../src/artifact/meter-abi.ts';
import { fromText, meterOrThrow, refusalOf, runText } from '../../fixtures/meter-run.ts';

const OPTIONS = { maxMemoryPages: 10, maxTableElements: 20 };

describe('caps', () => {
  it('lowers a memory maximum above the cap and leaves one below it', async () => {
    for (const [declared, maximum] of [
      ['1 5', 5],
      ['1 10', 10],
      ['1 11', 10],
      ['1', 10],
      ['10 65536', 10],
    ] as const) {
      const run = await runText(
        `(module (memory (export "memory") ${declared})
        (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))`,
        {},
        OPTIONS,
      );
      const [memory] = run.metered.report.memories;
      expect(memory?.maximumPages, declared).toBe(maximum);
      const initial = memory?.initialPages ?? 0;
      expect(run.call('grow', maximum - initial + 1)).toBe(-1);
      expect(run.call('grow', maximum - initial)).toBe(initial);
    }
  });

  it('does the same with tables', async () => {
    for (const [declared, maximum] of [
      ['1 5', 5],
      ['1 21', 20],
      ['1', 20],
      ['20', 20],
    ] as const) {
      const run = await runText(
        `(module (table (export "table") ${declared} externref)
        (func (export "grow") (param i32) (result i32) ref.null extern local.get 0 table.grow))`,
        {},
        OPTIONS,
      );
      const [table] = run.metered.report.tables;
      expect(table?.maximumElements, declared).toBe(maximum);
      expect(table?.type).toBe('externref');
      const initial = table?.initialElements ?? 0;
      expect(run.call('grow', maximum - initial + 1)).toBe(-1);
      expect(run.call('grow', maximum - initial)).toBe(initial);
    }
  });

  it('refuses a minimum above the cap, of own and imported ones', async () => {
    for (const text of [
      '(memory 11)',
      '(table 21 funcref)',
      '(import "a" "b" (memory 11))',
      '(import "a" "b" (table 21 funcref))',
    ]) {
      expect(refusalOf(await fromText(`(module ${text})`), OPTIONS).code, text).toBe('too_large');
    }
  });

  it('caps what is imported', async () => {
    const { bytes, report } = meterOrThrow(
      await fromText('(module (import "a" "m" (memory 1)) (import "a" "t" (table 2 30 funcref)))'),
      OPTIONS,
    );
    expect(report.memories).toEqual([{ index: 0, imported: true, initialPages: 1, maximumPages: 10 }]);
    expect(report.tables).toEqual([
      { index: 0, imported: true, type: 'funcref', initialElements: 2, maximumElements: 20 },
    ]);
    const limits = WebAssembly.Module.imports(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>));
    expect(limits.map(({ name }) => name)).toEqual([...METER_GLOBALS.map(({ name }) => name), 'm', 't']);
  });

  it('takes limits of the engine for its own', async () => {
    const many = (count: number, what: string): string => what.repeat(count);
    expect(refusalOf(await fromText(`(module (func (local ${many(50_001, 'i32 ')})))`)).code).toBe(
      'too_large',
    );
    expect(refusalOf(await fromText(`(module (func (param ${many(1001, 'i32 ')})))`)).code).toBe('too_large');
    expect(refusalOf(await fromText(`(module (func i32.const 0 br_table ${many(65_522, '0 ')}))`)).code).toBe(
      'too_large',
    );
  });

  it('refuses a function that metering makes larger than the engine takes', async () => {
    // A host call in every region: the charges alone are more than what was there.
    const text = `(module (func (param i32) ${'loop end '.repeat(400_000)}))`;
    const bytes = await fromText(text);
    expect(bytes.length).toBeLessThan(7_654_321);
    expect(refusalOf(bytes).code).toBe('too_large');
  });
});
