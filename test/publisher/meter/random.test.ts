import { describe, expect, it } from 'vitest';
import { OPERATORS } from '../../../src/publisher/meter/operators.ts';
import { operatorsThatRan, randomPair } from '../../fixtures/meter-random.ts';
import {
  instantiate,
  MeteredRun,
  meterOrThrow,
  MUCH_DEPTH,
  MUCH_FUEL,
  WIDE_OPTIONS,
  type Call,
} from '../../fixtures/meter-run.ts';
import { unmarkedWrites } from '../../fixtures/written.ts';

/** Modules a run; `METER_RANDOM_MODULES` makes it more, `METER_RANDOM_SEED` others. */
const MODULES = Number(process.env['METER_RANDOM_MODULES'] ?? 300);
const FIRST_SEED = Number(process.env['METER_RANDOM_SEED'] ?? 1);

const ARGUMENTS: Record<string, readonly unknown[]> = {
  i: [5, -1],
  I: [7n, -(2n ** 63n)],
  f: [1.5, NaN],
  F: [-2.25, Infinity],
};

type Exports = Record<string, WebAssembly.ExportValue>;

/** What running left: result or trap, memory, globals. */
function outcome(
  exports: Exports,
  name: string,
  values: readonly unknown[],
): { trapped: boolean; text: string } {
  let trapped = false;
  let result: unknown;
  try {
    result = (exports[name] as Call)(...values);
  } catch (cause) {
    if (!(cause instanceof WebAssembly.RuntimeError)) throw cause;
    trapped = true;
  }
  const memory = new Uint8Array((exports['memory'] as WebAssembly.Memory).buffer);
  let hash = memory.length;
  for (let at = 0; at < memory.length; at += 1) hash = (Math.imul(hash, 31) + (memory[at] ?? 0)) | 0;
  const globals = Array.from({ length: 8 }, (_, index) =>
    String((exports[`g${index}`] as WebAssembly.Global).value),
  );
  const table = exports['table'] as WebAssembly.Table;
  const functions = Array.from({ length: table.length }, (_, index) =>
    table.get(index) === null ? '-' : 'f',
  ).join('');
  return { trapped, text: `${trapped ? 'trap' : String(result)} ${hash} ${globals.join()} ${functions}` };
}

describe('random modules', () => {
  it(`give metered what they give plain, and pay for all they do (${MODULES} modules)`, () => {
    const reached = new Set<string>();
    let runs = 0;
    let ended = 0;
    let counted = 0;
    let charged = 0;
    let coveredBytes = 0;
    let memoryBytes = 0;
    const imports = { host: { call: (value: number) => (value ^ 0x55) | 0 } };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + MODULES; seed += 1) {
      const { guest, reference, functions } = randomPair(seed);
      const metered = meterOrThrow(guest, { ...WIDE_OPTIONS, marksWrites: true });
      for (const [index, { params }] of functions.entries()) {
        const values = params.split('').map((type) => ARGUMENTS[type]?.[(seed + index) % 2]);
        const plain = instantiate(reference, imports);
        const run = new MeteredRun(metered, imports);
        const memory = run.exports['memory'] as WebAssembly.Memory;
        const before = new Uint8Array(memory.buffer).slice();
        const expected = outcome(plain, `f${index}`, values);
        const got = outcome(run.exports, `f${index}`, values);
        const at = `seed ${seed}, f${index}`;
        expect(got.text, at).toBe(expected.text);
        const written = unmarkedWrites(run.exports, memory, before);
        expect(written.missed, at).toEqual([]);
        coveredBytes += written.coveredBytes;
        memoryBytes += before.length;
        runs += 1;
        for (const name of operatorsThatRan(plain)) reached.add(name);
        if (got.trapped) continue;
        ended += 1;
        expect(run.globals.depth, at).toBe(MUCH_DEPTH);
        const fuel = MUCH_FUEL - run.globals.fuel;
        const count = (plain['count'] as WebAssembly.Global).value as bigint;
        expect(fuel, at).toBeGreaterThanOrEqual(count);
        counted += Number(count);
        charged += Number(fuel);
        if (seed % 4 !== 0) continue;
        const again = new MeteredRun(metered, imports);
        expect(again.isExhausted(Number(fuel) - 1, `f${index}`, ...values), at).toBe(true);
        const enough = new MeteredRun(metered, imports);
        expect(enough.isExhausted(Number(fuel), `f${index}`, ...values), at).toBe(false);
      }
    }
    const missing = OPERATORS.filter(({ name }) => !reached.has(name)).map(({ name }) => name);
    console.log(
      `random modules: ${MODULES}, runs ${runs}, ended without a trap ${ended}, operators reached ` +
        `${reached.size} of ${OPERATORS.length} (not: ${missing.join(' ') || 'none'}), charged ${(charged / counted).toFixed(3)} of the work, ` +
        `marked ${(coveredBytes / memoryBytes).toFixed(3)} of memory`,
    );
    expect(ended).toBeGreaterThan(runs / 4);
    expect(charged / counted).toBeLessThan(3);
    expect(coveredBytes / memoryBytes).toBeLessThan(0.9);
  }, 120_000);
});
