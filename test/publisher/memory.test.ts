// What pure stages made before is found again, for the same input only.

import { describe, expect, it } from 'vitest';

import { createMemory, NO_MEMORY, type Codec } from '../../src/publisher/memory.ts';
import { meterModules } from '../../src/publisher/meter.ts';
import { DEFAULT_GUEST_LIMITS } from '../../src/core/guest-limits.ts';
import { parse } from '@bytecodealliance/jco';

const NUMBER: Codec<number> = { encode: () => undefined, decode: () => undefined };

describe('the memory of a workbench', () => {
  it('makes once for one input, and anew for another stage, another text, or texts cut elsewhere', () => {
    const memory = createMemory();
    let made = 0;
    const recall = (stage: string, ...inputs: string[]): number =>
      memory.recall(stage, inputs, () => (made += 1), NUMBER);
    expect([recall('a', 'bc', 'd'), recall('a', 'bc', 'd')]).toEqual([1, 1]);
    expect([
      recall('b', 'bc', 'd'),
      recall('a', 'b', 'cd'),
      recall('a', 'bcd'),
      recall('ab', 'c', 'd'),
    ]).toEqual([2, 3, 4, 5]);
    expect(NO_MEMORY.recall('a', [], () => (made += 1), NUMBER)).toBe(6);
  });

  it('forgets what was not used for long', () => {
    const memory = createMemory();
    let made = 0;
    const recall = (input: string): number => memory.recall('a', [input], () => (made += 1), NUMBER);
    recall('kept');
    for (let i = 0; i < 31; i += 1) recall(`${i}`);
    expect(recall('kept')).toBe(1);
    recall('one more');
    expect(recall('kept')).toBe(1);
    expect(recall('0')).toBe(34);
  });

  it('gives meters the same bytes as without it, and for other limits others', async () => {
    const module = await parse(
      '(module (memory (export "m") 1) (func (export "f") (drop (memory.grow (i32.const 1)))))',
    );
    const memory = createMemory();
    const meter = (pages: number, remembered = memory) => {
      const result = meterModules(
        [module],
        { ...DEFAULT_GUEST_LIMITS, memoryPages: pages },
        false,
        remembered,
      );
      if (!result.ok) throw new Error('refused');
      return result.value;
    };
    const first = meter(16);
    expect(meter(16)).toEqual(first);
    expect(meter(16, NO_MEMORY)).toEqual(first);
    expect(meter(17)).toEqual(meter(17, NO_MEMORY));
    expect(meter(17)).not.toEqual(first);
  });
});
