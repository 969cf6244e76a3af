import { describe, expect, it } from 'vitest';
import {
  FRAME_BASE_BYTES,
  HANDED_FUEL_BYTES,
  UNCOUNTED_STACK_BYTES,
} from '../../../src/publisher/meter/check-policy.ts';
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

  describe('of trees of calls', () => {
    /** A chain of `length` functions, the last with `locals` of its own, called by the exported `f`. */
    const chain = (length: number, locals: number, end = ''): string => {
      const links = Array.from({ length: length - 1 }, (_, at) => `(func $f${at} call $f${at + 1})`);
      return `(module (import "host" "look" (func $look)) (table 1 funcref) (elem (i32.const 0) func $f0)
        ${links.join('')} (func $f${length - 1} (local ${'i64 '.repeat(locals)}) ${end})
        (func (export "f") call $f0) (func (export "indirect") i32.const 0 call_indirect))`;
    };
    const HOST = { host: { look: () => undefined } };
    /** Whether the exported function runs with no stack left. */
    const runsWithoutDepth = async (text: string, name = 'f'): Promise<boolean> => {
      const run = await runText(text, HOST);
      run.globals.depth = 0;
      const trapped = traps(() => run.call(name));
      if (trapped) expect(run.globals.depth).toBeLessThan(0);
      else expect(run.globals.depth).toBe(0);
      return !trapped;
    };
    const FRAME = FRAME_BASE_BYTES + 8 * 8 + HANDED_FUEL_BYTES;

    it('counts none up to the stack that the host keeps for them, and all above it', async () => {
      for (const length of [1, 4, 8]) {
        const locals = Math.floor((UNCOUNTED_STACK_BYTES - (length + 1) * FRAME) / 8);
        expect(await runsWithoutDepth(chain(length, locals - 1))).toBe(true);
        expect(await runsWithoutDepth(chain(length, locals))).toBe(true);
        expect(await runsWithoutDepth(chain(length, locals + 1))).toBe(false);
      }
      const most = Math.floor(UNCOUNTED_STACK_BYTES / FRAME) - 1;
      expect(await runsWithoutDepth(chain(most, 0))).toBe(true);
      expect(await runsWithoutDepth(chain(most + 1, 0))).toBe(false);
    });

    it('counts who calls through a table, whatever is in it, and the deepest of several ways', async () => {
      expect(await runsWithoutDepth(chain(2, 0), 'indirect')).toBe(false);
      expect(await runsWithoutDepth(chain(2, 0, 'i32.const 0 call_indirect'))).toBe(false);
      const ways = (
        calls: string,
      ): string => `(module (func $small) (func $large (local ${'i64 '.repeat(240)}))
        (func $both ${calls}) (func (export "f") call $both))`;
      expect(await runsWithoutDepth(ways('call $small call $small'))).toBe(true);
      expect(await runsWithoutDepth(ways('call $small call $large call $small'))).toBe(false);
      expect(await runsWithoutDepth(ways('return call $large'))).toBe(false);
    });

    it('counts who calls what another module has, for that may come back', async () => {
      expect(await runsWithoutDepth(chain(2, 0, 'call $look'))).toBe(false);
      const run = await runText(
        '(module (import "host" "again" (func $again)) (func $small call $again) (func (export "f") call $small))',
        { host: { again: () => run.call('f') } },
      );
      expect(traps(() => run.call('f'))).toBe(true);
      expect(run.globals.depth).toBeLessThan(0);
    });

    const rings: Readonly<Record<string, string>> = {
      itself: '(func $a call $a)',
      'one another': '(func $a call $b) (func $b call $a)',
      'three around': '(func $a call $b) (func $b call $c) (func $c call $a)',
      // $c is looked at when $b, which leads back to $a, is done with.
      'a way back that was seen before':
        '(func $a (param i32) local.get 0 if i32.const 0 call $b end i32.const 1 call $c) (func $b (param i32) local.get 0 if i32.const 1 call $a end) (func $c (param i32) i32.const 1 call $b)',
      'a ring that is entered in its middle': '(func $a call $b) (func $b call $c) (func $c call $b)',
      'a table': '(table 1 funcref) (elem (i32.const 0) func $a) (func $a i32.const 0 call_indirect)',
      'a table and a call':
        '(table 1 funcref) (elem (i32.const 0) func $b) (func $a i32.const 0 call_indirect) (func $b call $a)',
      'its export, by a reference':
        '(table 1 funcref) (elem declare func $a) (func $a i32.const 0 ref.func $a table.set 0 i32.const 0 call_indirect)',
    };
    for (const [name, functions] of Object.entries(rings)) {
      it(`bounds recursion of small functions: ${name}`, async () => {
        const argument = functions.includes('param') ? 'i32.const 1' : '';
        for (const order of [functions, `(func $x) ${functions}`]) {
          const run = await runText(`(module ${order} (func (export "f") ${argument} call $a))`);
          expect(traps(() => run.call('f'))).toBe(true);
          expect(run.globals.depth).toBeLessThan(0);
          expect(run.globals.fuel).toBeGreaterThan(0n);
        }
      });
    }

    it('counts a chain as long as the module, and plans it without a stack as deep', async () => {
      const run = await runText(chain(30_000, 0), HOST);
      expect(traps(() => run.call('f'))).toBe(true);
      expect(run.globals.depth).toBeLessThan(0);
    });

    it('counts every frame of a recursion that calls what is not counted', async () => {
      const run = await runText(`(module
        (func $small (param i32) (result i32) local.get 0)
        (func $deep (export "deep") (param i32) (result i32)
          local.get 0 call $small if (result i32) local.get 0 i32.const 1 i32.sub call $deep else i32.const 7 end))`);
      const least = (): number => {
        let [low, high] = [0, MUCH_DEPTH];
        while (low < high) {
          const middle = (low + high) >> 1;
          run.globals.depth = middle;
          if (traps(() => run.call('deep', 10))) low = middle + 1;
          else high = middle;
        }
        return low;
      };
      expect(least() % 11).toBe(0);
      expect(least()).toBeGreaterThanOrEqual(11 * FRAME_BASE_BYTES);
    });
  });
});
