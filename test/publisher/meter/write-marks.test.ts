import { describe, expect, it } from 'vitest';
import { MARK_SPAN_BYTES, MARKED_CHUNK_BYTES, MARKS_NAME } from '../../../src/artifact/meter-abi.ts';
import {
  fromText,
  MeteredRun,
  meterOrThrow,
  refusalOf,
  traps,
  WIDE_OPTIONS,
} from '../../fixtures/meter-run.ts';
import { unmarkedWrites } from '../../fixtures/written.ts';

const PAGES = 4;
const OPTIONS = { ...WIDE_OPTIONS, marksWrites: true };

/** Runs `f` of a module with a memory, and says what it wrote without a mark, and which chunks it marked. */
async function run(text: string, ...values: unknown[]) {
  const bytes = await fromText(`(module (memory (export "memory") ${PAGES} 8) ${text})`);
  const metered = new MeteredRun(meterOrThrow(bytes, OPTIONS));
  const memory = metered.exports['memory'] as WebAssembly.Memory;
  const before = new Uint8Array(memory.buffer).slice();
  const trapped = traps(() => metered.call('f', ...values));
  const marks = new Uint8Array((metered.exports[MARKS_NAME] as WebAssembly.Memory).buffer);
  const { missed } = unmarkedWrites(metered.exports, memory, before);
  return { missed, trapped, chunks: [...marks.entries()].flatMap(([chunk, mark]) => (mark ? [chunk] : [])) };
}

const SIZES: readonly [string, string, number][] = [
  ['i32.store', 'i32.const -1', 4],
  ['i32.store8', 'i32.const -1', 1],
  ['i32.store16', 'i32.const -1', 2],
  ['i64.store', 'i64.const -1', 8],
  ['i64.store8', 'i64.const -1', 1],
  ['i64.store16', 'i64.const -1', 2],
  ['i64.store32', 'i64.const -1', 4],
  ['f32.store', 'f32.const -1', 4],
  ['f64.store', 'f64.const -1', 8],
  ['v128.store', 'v128.const i64x2 -1 -1', 16],
];

describe('a store is marked', () => {
  it.each(SIZES)('%s, wherever it ends', async (operator, value, bytes) => {
    for (const offset of [0, 1, MARK_SPAN_BYTES - 1, MARK_SPAN_BYTES, 5_000, 70_000]) {
      const store = (address: string) =>
        `(func (export "f") (param i32) (${operator} offset=${offset} ${address} (${value})))`;
      for (const from of [0, MARKED_CHUNK_BYTES - 1, MARKED_CHUNK_BYTES - bytes + 1, 3 * 65_536 - 17]) {
        for (const address of [
          `(i32.const ${from})`,
          '(local.get 0)',
          '(i32.add (local.get 0) (i32.const 0))',
        ]) {
          const { missed, trapped } = await run(store(address), from);
          expect(missed, `${address} ${from} + ${offset}`).toEqual([]);
          expect(trapped).toBe(from + offset + bytes > PAGES * 65_536);
        }
      }
    }
  });

  it.each(['v128.store8_lane 15', 'v128.store16_lane 7', 'v128.store32_lane 3', 'v128.store64_lane 1'])(
    '%s',
    async (operator) => {
      const [name, lane] = operator.split(' ');
      const { missed, chunks } = await run(
        `(func (export "f") (param i32) (${name} offset=4090 ${lane} (local.get 0) (v128.const i64x2 -1 -1)))`,
        4_095,
      );
      expect(missed).toEqual([]);
      expect(chunks).toEqual([1]);
    },
  );

  it.each(['0xffffffff', '0x10000000', '0xfffff000'])('unless it traps: at %s', async (address) => {
    for (const text of [`(i32.const ${address})`, '(local.get 0)', '(i32.add (local.get 0) (i32.const 0))']) {
      const store = `(func (export "f") (param i32) (i32.store offset=4095 ${text} (i32.const -1)))`;
      expect(await run(store, Number(address) | 0)).toMatchObject({ trapped: true, missed: [] });
    }
  });
});

describe('a mark stands for later stores', () => {
  const store = (address: string, offset = 0): string =>
    `(i32.store offset=${offset} ${address} (i32.const -1))`;
  const local = (offset = 0): string => store('(local.get $p)', offset);
  const set = (value: number): string => `(local.set $p (i32.const ${value}))`;
  const f = (body: string): string =>
    `(func (export "f") (param $p i32) (param $c i32) (local $q i32) (local $n i32) ${body})`;

  const PROGRAMS: Readonly<Record<string, string>> = {
    'of the same local': f(`${local()} ${local(8)} ${local(1_023)} ${local(1_024)} ${local(9_000)}`),
    'not where the local was set in between': f(`${local()} ${set(70_000)} ${local()}`),
    'not where the operand was read before that': f(
      `(local.get $p) ${set(70_000)} ${local()} (i32.store (i32.const -1))`,
    ),
    'not where a tee changed it': f(`${local()} ${store('(local.tee $p (i32.const 70000))')} ${local(4)}`),
    'not of an arm that was not taken': f(`(if (local.get $c) (then ${local()})) ${local()}`),
    'not of the first arm in the second': f(
      `(if (local.get $c) (then ${local()}) (else ${local()})) ${local()}`,
    ),
    'not of a block that was left before it': f(`(block (br_if 0 (local.get $c)) ${local()}) ${local()}`),
    'not of a block that was left by a table': f(
      `(block (block (br_table 0 1 (local.get $c))) ${local()}) ${local()}`,
    ),
    'not where an arm set the local': f(`${local()} (if (local.get $c) (then ${set(70_000)})) ${local()}`),
    'not in the next turn of a loop that sets the local': f(
      `${local()} (loop ${local()} (local.set $p (i32.add (local.get $p) (i32.const 20000)))
        (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 9))))`,
    ),
    'not in a later turn, at the start of which the local was another': f(
      `(loop (i32.store (local.get $p) (i32.const -1)) (local.set $p (i32.const 140000)) (i32.store (local.get $q) (i32.const -1))
        (local.set $q (i32.const 90000)) (br_if 0 (i32.eqz (local.tee $n (i32.add (local.get $n) (i32.const 1))))) (br_if 0 (i32.lt_u (local.get $n) (i32.const 3))))`,
    ),
    'not of another local with the same index in another function': `(func $g (param $p i32) ${local()}) ${f(`${local()} (call $g (i32.const 80000)) ${local()}`)}`,
    'of the same constant': f(`${store('(i32.const 4000)')} ${store('(i32.const 4000)', 4)}`),
    'not of a constant in the next chunk': f(
      `${store('(i32.const 4000)')} ${store('(i32.const 4000)', 96)} ${store('(i32.const 8192)')}`,
    ),
    'not of a constant where a local was meant': f(
      `${store('(i32.const 0)')} (local.get $p) ${local()} drop`,
    ),
    'with values that are computed in between': f(
      `(local.get $p) (local.get $p) (i32.store (i32.const -1)) (i32.const 7) (local.set $p (i32.const 99999)) (i32.store)`,
    ),
    'with block parameters': f(
      `(local.get $p) (block (param i32) ${set(70_000)} (i32.store (i32.const -1))) ${local()}`,
    ),
    'with loop parameters': f(
      `(local.get $p) (loop (param i32) (i32.store (i32.const -1)) (i32.const 90000)
        (br_if 0 (i32.eqz (local.tee $n (i32.add (local.get $n) (i32.const 1))))) drop)`,
    ),
    'in code after a way out': f(`(block (br 0) ${local()}) ${local()}`),
  };

  it.each(Object.entries(PROGRAMS))('%s', async (_, text) => {
    for (const [pointer, condition] of [
      [0, 0],
      [0, 1],
      [4_095, 0],
      [50_000, 1],
    ]) {
      expect((await run(text, pointer, condition)).missed, `${pointer}, ${condition}`).toEqual([]);
    }
  });

  it('however many marks there are', async () => {
    const stores = Array.from({ length: 64 }, (_, index) => local(index * 1_500)).join('\n');
    expect((await run(f(`${stores} ${stores}`), 17, 0)).missed).toEqual([]);
  });

  it('so that one is enough for a frame', async () => {
    const text = f(Array.from({ length: 20 }, (_, index) => local(index * 4)).join(' '));
    const { bytes } = meterOrThrow(await fromText(`(module (memory ${PAGES}) ${text})`), OPTIONS);
    const plain = meterOrThrow(await fromText(`(module (memory ${PAGES}) ${text})`), WIDE_OPTIONS);
    expect(bytes.length - plain.bytes.length).toBeLessThan(130);
  });
});

describe('a bulk operator is marked', () => {
  const BULK = `(data $d "${'x'.repeat(9_000)}")
    (func (export "f") (param $to i32) (param $bytes i32) (param $what i32)
      (block (block (block (br_table 0 1 2 (local.get $what)))
        (memory.fill (local.get $to) (i32.const -1) (local.get $bytes)) return)
        (memory.init $d (local.get $to) (i32.const 0) (local.get $bytes)) return)
        (memory.copy (local.get $to) (i32.const 200000) (local.get $bytes)))
    (data (i32.const 200000) "${'y'.repeat(9_000)}")`;

  it.each([0, 1, 2])('from its first byte to its last (%i)', async (what) => {
    for (const bytes of [0, 1, 4_095, 4_096, 4_097, 8_191, 8_192, 9_000]) {
      for (const to of [0, 1, 4_095, 4_096, 65_535, PAGES * 65_536 - bytes]) {
        const { missed, trapped, chunks } = await run(BULK, to, bytes, what);
        expect(missed, `${to} ${bytes}`).toEqual([]);
        expect(trapped).toBe(false);
        expect(chunks.length).toBeLessThanOrEqual(Math.ceil(bytes / 4_096) + 1);
      }
    }
  });

  it('unless it traps', async () => {
    for (const [to, bytes] of [
      [-1, 1],
      [PAGES * 65_536, 1],
      [0, -1],
      [PAGES * 65_536 + 1, 0],
    ])
      expect(await run(BULK, to, bytes, 0)).toMatchObject({ trapped: true, missed: [] });
  });
});

describe('marks', () => {
  it('are not made where nobody asks for them', async () => {
    const { bytes } = meterOrThrow(
      await fromText('(module (memory 1) (func (i32.store (i32.const 0) (i32.const 1))))'),
    );
    const names = WebAssembly.Module.exports(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>));
    expect(names.map(({ name }) => name)).toEqual(['$meter:memory:0']);
  });

  it('are a memory of their own, which the guest has no name for', async () => {
    const text = '(module (memory 1) (func (export "size") (result i32) memory.size))';
    const metered = meterOrThrow(await fromText(text), OPTIONS);
    expect(new MeteredRun(metered).call('size')).toBe(1);
    const named = await fromText('(module (memory 1) (export "$meter:marks" (memory 0)))');
    expect(refusalOf(named, OPTIONS).code).toBe('malformed');
  });

  it('are made by a module that imports its memory as well', async () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const text = `(module (import "env" "memory" (memory 1 1))
      (func (export "f") (param i32) (i32.store (local.get 0) (i32.const -1))))`;
    const guest = new MeteredRun(meterOrThrow(await fromText(text), OPTIONS), { env: { memory } });
    guest.call('f', 60_000);
    const { missed, coveredBytes } = unmarkedWrites(guest.exports, memory, new Uint8Array(65_536));
    expect(missed).toEqual([]);
    expect(coveredBytes).toBeLessThan(3 * 4_096);
  });

  it('change no fuel but that of a larger frame', async () => {
    const text = `(module (memory 1) (func (export "f") (param i32)
      (loop (i32.store (local.get 0) (i32.const 1)) (local.set 0 (i32.sub (local.get 0) (i32.const 4))) (br_if 0 (local.get 0)))))`;
    const fuel = (options: typeof OPTIONS) =>
      fromText(text).then((bytes) => new MeteredRun(meterOrThrow(bytes, options)).fuelOf('f', 40_000));
    expect(Math.abs((await fuel(OPTIONS)) - (await fuel({ ...OPTIONS, marksWrites: false })))).toBeLessThan(
      8,
    );
  });
});
