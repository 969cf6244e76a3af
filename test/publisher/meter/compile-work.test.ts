import { describe, expect, it } from 'vitest';
import { meterModules } from '../../../src/publisher/meter.ts';
import { mostCompileNs } from '../../../src/publisher/meter/compile-work.ts';
import { meterModule } from '../../../src/publisher/meter/meter-module.ts';
import { fromText, meterOrThrow, refusalOf, WIDE_OPTIONS } from '../../fixtures/meter-run.ts';
import { DEFAULT_GUEST_LIMITS } from '../../../src/core/guest-limits.ts';

const NO_REFUSAL = { code: 'taken', message: '', where: '', fix: '' };
const times = (count: number, text: string): string => text.repeat(count);

/** [what is bounded, the module with so many of it, the most, part of the message] */
const bounds: readonly (readonly [string, (count: number) => string, number, string])[] = [
  [
    'labels of a br_table',
    (count) => `(func (param i32) (block (br_table ${times(count, '0 ')} 0 (local.get 0))))`,
    25_000,
    'labels in a br_table',
  ],
  ['nested blocks', (count) => `(func ${times(count, 'block ')} ${times(count, 'end ')})`, 2_048, 'nested'],
  ['nested loops', (count) => `(func ${times(count, 'loop ')} ${times(count, 'end ')})`, 2_048, 'nested'],
  ['loops of a function', (count) => `(func ${times(count, '(loop)')})`, 2_048, 'loops in a function'],
  [
    // A block is two, the function's end one.
    'branches of a function',
    (count) => `(func ${times((count - 1) / 2, '(block)')} ${times((count - 1) % 2, '(block)')})`,
    32_767,
    'branches and ends of blocks',
  ],
  [
    // `count` branches, the way through the end, and as many branches and that end within the block.
    'branches to one label times branches within its block',
    (count) => `(func (param i32) (block ${times(count, '(br_if 0 (local.get 0))')}))`,
    5_791,
    'pairs of a branch',
  ],
];

describe('what compiling may take', () => {
  for (const [what, build, most, says] of bounds) {
    it(`bounds ${what}: ${most} are taken, one more is not`, async () => {
      const wrap = async (count: number): Promise<Uint8Array> => fromText(`(module ${build(count)})`);
      expect(meterModule(await wrap(most - 2), WIDE_OPTIONS).ok).toBe(true);
      expect(meterModule(await wrap(most), WIDE_OPTIONS).ok).toBe(true);
      const over = meterModule(await wrap(most + (most === 32_767 ? 2 : 1)), WIDE_OPTIONS);
      const { code, message, where, fix } = over.ok ? NO_REFUSAL : (over.refusals[0] ?? NO_REFUSAL);
      expect([code, where]).toEqual(['too_large', 'core module, function 0']);
      expect(message).toContain(says);
      expect(fix).toMatch(/\S/);
    });
  }

  it('counts returns as branches to the function’s own label', async () => {
    const text = (count: number): string =>
      `(module (func (param i32) ${times(count, '(if (local.get 0) (then (return)))')}))`;
    meterOrThrow(await fromText(text(1_000)));
    expect(refusalOf(await fromText(text(8_000))).message).toContain('pairs of a branch');
  });

  it('does not count what can never run, which is not written', async () => {
    meterOrThrow(await fromText(`(module (func unreachable ${times(10_000, '(loop)')}))`));
  });

  // [what, its text with so many, a number that is refused by the estimate of one function]
  const dear: readonly (readonly [string, (count: number) => string, number])[] = [
    ['locals at branches', (n) => `(func (local ${times(n, 'i64 ')}) ${times(1_000, '(block)')})`, 2_700],
    [
      'operands at branches',
      (n) =>
        `(func (param i32) ${times(n, '(local.get 0) ')} ${times(1_000, '(block)')} ${times(n, 'drop ')})`,
      2_700,
    ],
    [
      'values of calls, squared',
      (n) => `(func $f (param ${times(n, 'i64 ')}) (result ${times(n, 'i64 ')}) unreachable)
        (func ${times(n, '(i64.const 1)')} ${times(100, '(call $f)')} ${times(n, 'drop ')})`,
      200,
    ],
    [
      'labels of all br_tables',
      (n) => `(func (param i32) ${times(n, `(block (br_table ${times(1000, '0 ')} (local.get 0)))`)})`,
      214,
    ],
  ];
  for (const [what, build, over] of dear) {
    it(`estimates ${what}`, async () => {
      meterOrThrow(await fromText(`(module ${build(Math.floor(over * 0.9))})`));
      expect(refusalOf(await fromText(`(module ${build(over)})`)).message).toContain(
        'nanoseconds of compiling',
      );
    });
  }

  it('lets a component take more for every byte of its code', async () => {
    const body = times(60_000, '(drop (i32.div_u (local.get 0) (local.get 0)))');
    const module = await fromText(`(module (func (param i32) ${body}))`);
    const modules = Array.from({ length: 7 }, () => module);
    const { compileNs, codeBytes } = meterOrThrow(module).report;
    expect(7 * compileNs).toBeGreaterThan(mostCompileNs(0));
    expect(7 * compileNs).toBeLessThan(mostCompileNs(7 * codeBytes));
    expect(meterModules(modules, DEFAULT_GUEST_LIMITS, false).ok).toBe(true);
  });

  it('bounds all modules of a component together, by their size', async () => {
    const half = await fromText(
      `(module ${times(10, `(func (local ${times(1_000, 'i64 ')}) ${times(500, '(block)')})`)})`,
    );
    expect(meterModules([half, half], DEFAULT_GUEST_LIMITS, false).ok).toBe(true);
    const result = meterModules([half, half, half], DEFAULT_GUEST_LIMITS, false);
    expect(result.ok ? [] : result.refusals.map(({ code, where }) => [code, where])).toEqual([
      ['too_large', 'core modules'],
    ]);
  });
});
