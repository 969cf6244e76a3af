import { describe, expect, it } from 'vitest';
import { MUCH_DEPTH, runText, traps } from '../../fixtures/meter-run.ts';

const RECURSION =
  '(func $deep (export "deep") (param i32) (result i32) local.get 0 i32.eqz if (result i32) i32.const 0 else local.get 0 i32.const 1 i32.sub call $deep i32.const 1 i32.add end)';

/** Bytes of depth that one more level of recursion takes. */
async function frameBytes(locals: string, operands: string, drops: string): Promise<number> {
  const run = await runText(
    `(module
    (import "host" "look" (func $look))
    (func $f (export "f") (param i32) ${locals}
      ${operands}
      call $look
      local.get 0 if local.get 0 i32.const 1 i32.sub call $f end
      ${drops}))`,
    { host: { look: () => seen.push(run.globals.depth) } },
  );
  const seen: number[] = [];
  run.call('f', 1);
  return (seen[0] ?? 0) - (seen[1] ?? 0);
}

describe('depth', () => {
  const results = { one: '(result i32)', two: '(result i32 i64)', none: '' };
  const call = 'call $other';
  const exits: readonly (readonly [string, string, string])[] = [
    ['falling through', results.one, `${call} i32.const 1`],
    ['return', results.one, `${call} i32.const 1 return`],
    ['return out of blocks', results.one, `${call} block loop i32.const 1 return end end unreachable`],
    ['br to the function', results.one, `${call} i32.const 1 br 0`],
    [
      'br out of blocks to the function',
      results.one,
      `${call} block block i32.const 1 br 2 end end i32.const 2`,
    ],
    ['br_if that is taken', results.one, `${call} i32.const 1 i32.const 1 br_if 0`],
    ['br_if that is not taken', results.one, `${call} i32.const 1 i32.const 0 br_if 0`],
    [
      'br_table to the function',
      results.one,
      `${call} block (result i32) i32.const 1 i32.const 1 br_table 0 1 0 end`,
    ],
    [
      'br_table by default',
      results.one,
      `${call} block (result i32) i32.const 1 i32.const 9 br_table 0 0 1 end`,
    ],
    ['return of two values', results.two, `${call} i32.const 1 i64.const 2 return`],
    [
      'br with two values',
      results.two,
      `${call} block i32.const 1 i64.const 2 br 1 end i32.const 3 i64.const 4`,
    ],
    ['falling through with two values', results.two, `${call} i32.const 1 i64.const 2`],
    ['return of nothing', results.none, `${call} return`],
    [
      'a loop that returns',
      results.one,
      `(local i32) loop ${call} local.get 0 i32.const 1 i32.add local.tee 0 i32.const 5 i32.lt_s br_if 0 local.get 0 return end unreachable`,
    ],
    [
      'a loop that leaves by br_if',
      results.one,
      `(local i32) loop ${call} i32.const 8 local.get 0 i32.const 1 i32.add local.tee 0 i32.const 5 i32.eq br_if 1 drop br 0 end unreachable`,
    ],
    ['code after a return', results.one, `${call} i32.const 1 return ${call} drop unreachable`],
  ];
  for (const [name, result, body] of exits) {
    it(`is whole again after ${name}`, async () => {
      const run = await runText(`(module (func $other) (func (export "f") ${result} ${body}))`);
      run.call('f');
      expect(run.globals.depth).toBe(MUCH_DEPTH);
    });
  }

  it('bounds recursion below what the engine bears, and says so', async () => {
    const run = await runText(`(module ${RECURSION})`);
    expect(run.call('deep', 100)).toBe(100);
    expect(run.globals.depth).toBe(MUCH_DEPTH);
    expect(traps(() => run.call('deep', 1_000_000))).toBe(true);
    expect(run.globals.depth).toBeLessThan(0);
    expect(run.globals.fuel).toBeGreaterThan(0n);
  });

  it('stops at the same level whatever the engine does', async () => {
    const run = await runText(`(module ${RECURSION})`);
    const deepest = (): number => {
      let [low, high] = [0, 100_000];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        run.globals.depth = MUCH_DEPTH;
        if (traps(() => run.call('deep', middle))) high = middle - 1;
        else low = middle;
      }
      return low;
    };
    const first = deepest();
    for (let warm = 0; warm < 20_000; warm += 1) {
      run.globals.depth = MUCH_DEPTH;
      run.call('deep', 50);
    }
    expect(deepest()).toBe(first);
    expect(first).toBeGreaterThan(500);
  });

  it('counts parameters, locals and the operand stack at its highest', async () => {
    const plain = await frameBytes('', '', '');
    const values = 'i64.const 1 '.repeat(100);
    expect((await frameBytes(`(local ${'i64 '.repeat(100)})`, '', '')) - plain).toBe(800);
    expect((await frameBytes('', values, 'drop '.repeat(100))) - plain).toBeGreaterThanOrEqual(800);
    expect((await frameBytes(`(local ${'v128 '.repeat(100)})`, '', '')) - plain).toBeGreaterThanOrEqual(1600);
  });

  it('counts operands that come as the results of blocks and calls of many values', async () => {
    const many = 'i32 '.repeat(50);
    const block = `block (result ${many}) ${'i32.const 1 '.repeat(50)} end`;
    const plain = await frameBytes('', '', '');
    expect((await frameBytes('', block, 'drop '.repeat(50))) - plain).toBeGreaterThanOrEqual(400);
  });

  it('counts recursion through a table and of functions that call one another', async () => {
    const run = await runText(`(module
      (table 1 funcref) (elem (i32.const 0) $f)
      (func $f (export "f") i32.const 0 call_indirect)
      (func $a (export "a") call $b) (func $b call $a))`);
    for (const name of ['f', 'a']) {
      run.globals.depth = MUCH_DEPTH;
      expect(traps(() => run.call(name))).toBe(true);
      expect(run.globals.depth).toBeLessThan(0);
    }
  });

  it('never reaches the end of the native stack with 256 KiB, whatever the frames hold', async () => {
    const locals = `(local ${'i64 '.repeat(2000)})`;
    const run = await runText(
      `(module (func $f (export "f") ${locals} ${'i64.const 1 '.repeat(500)} call $f ${'drop '.repeat(500)}))`,
    );
    expect(traps(() => run.call('f'))).toBe(true);
    expect(run.globals.depth).toBeLessThan(0);
  });

  it('lets leaves with small frames go uncounted, but not large ones', async () => {
    const run = await runText(`(module
      (func (export "small") (param i32) (result i32) local.get 0)
      (func (export "large") (param i32) (result i32) (local ${'i64 '.repeat(500)}) local.get 0))`);
    run.globals.depth = 0;
    expect(run.call('small', 1)).toBe(1);
    expect(traps(() => run.call('large', 1))).toBe(true);
  });
});
