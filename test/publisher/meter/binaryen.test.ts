import { describe, expect, it } from 'vitest';
import { meterModule } from '../../../src/publisher/meter/meter-module.ts';
import { OPERATORS } from '../../../src/publisher/meter/operators.ts';
import { BinaryenFuzzer, exportedFunctions, withNotes } from '../../fixtures/meter-binaryen.ts';
import { operatorsThatRan } from '../../fixtures/meter-random.ts';
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
import { MARKS_NAME } from '../../../src/artifact/meter-abi.ts';

/** Modules a run; `METER_BINARYEN_MODULES` makes it more, `METER_BINARYEN_SEED` others. */
const MODULES = Number(process.env['METER_BINARYEN_MODULES'] ?? 25);
const FIRST_SEED = Number(process.env['METER_BINARYEN_SEED'] ?? 1);
/** Bytes of input: a module grows with them. */
const SIZES = [500, 3000, 12_000, 40_000];

const ARGUMENTS: Record<string, readonly unknown[]> = {
  i: [0, 7, -1, 65_000],
  I: [0n, 9n, -1n, 2n ** 40n],
  f: [0, 1.5, -3, 1e9],
  F: [0, -2.25, 1e300, 4],
  r: [null, null, null, null],
};

/** Calls from host functions back into the guest, during one call. */
const MOST_REENTRIES = 20;

type Exports = Record<string, WebAssembly.ExportValue>;

/** One instance and what it told its host. */
class Subject {
  readonly log: string[] = [];
  readonly imports: WebAssembly.Imports;
  exports: Exports = {};
  readonly memories: { memory: WebAssembly.Memory; bytes: Uint8Array }[] = [];
  private reentries = 0;

  constructor() {
    const log = (...values: unknown[]): void => {
      if (this.log.length < 1000) this.log.push(values.map(describeValue).join());
    };
    // The fuzzer's host: whatever else it asks for is a function that only logs.
    const named: Record<string, (...values: never[]) => unknown> = {
      'table-get': (index: number) => this.table.get(index >>> 0) as unknown,
      'table-set': (index: number, value: unknown) => this.table.set(index >>> 0, value),
      'call-export': (index: number) => this.enter(this.functions[index]),
      'call-export-catch': (index: number) => this.attempt(this.functions[index]),
      'call-ref': (callee: unknown) => this.enter(callee),
      'call-ref-catch': (callee: unknown) => this.attempt(callee),
    };
    const support = new Proxy({}, { get: (_, name: string) => named[name] ?? log });
    this.imports = { 'fuzzing-support': support, __fuzz_import: { extern$: EXTERN } };
  }

  /** Calls an export and says how it went: a trap of wasm and an error of the host both end a call. */
  call(name: string, values: readonly unknown[]): { ended: boolean; text: string } {
    this.reentries = 0;
    try {
      return { ended: true, text: `${name}: ${describeValue((this.exports[name] as Call)(...values))}` };
    } catch (cause) {
      if (cause instanceof RangeError && cause.message.includes('call stack')) throw cause;
      return { ended: false, text: `${name}: ${(cause as Error).name}` };
    }
  }

  /** Remembers what the memories hold now. */
  noteMemories(): void {
    for (const value of Object.values(this.exports)) {
      if (value instanceof WebAssembly.Memory && value !== this.exports[MARKS_NAME])
        this.memories.push({ memory: value, bytes: new Uint8Array(value.buffer).slice() });
    }
  }

  /** A digest of memory and tables. */
  get state(): string {
    return Object.entries(this.exports)
      .filter(([name]) => !name.startsWith('$meter'))
      .map(([name, value]) => {
        if (value instanceof WebAssembly.Memory) return `${name} ${digest(new Uint8Array(value.buffer))}`;
        if (value instanceof WebAssembly.Table) return `${name} ${describeTable(value)}`;
        if (value instanceof WebAssembly.Global) return `${name} ${describeGlobal(value)}`;
        return name;
      })
      .join('; ');
  }

  private get table(): WebAssembly.Table {
    return Object.values(this.exports).find((value) => value instanceof WebAssembly.Table) ?? new NoTable();
  }

  private get functions(): unknown[] {
    return Object.values(this.exports).filter((value) => typeof value === 'function');
  }

  /** A guest that calls itself through its host could do so without end: the module's own bound starts again. */
  private enter(callee: unknown): void {
    this.reentries += 1;
    if (this.reentries > MOST_REENTRIES) throw new TypeError('too many calls back');
    (callee as Call)();
  }

  private attempt(callee: unknown): number {
    try {
      this.enter(callee);
      return 0;
    } catch {
      return 1;
    }
  }
}

const EXTERN = new WebAssembly.Global({ value: 'externref' }, 'extern');
class NoTable extends WebAssembly.Table {
  constructor() {
    super({ initial: 0, element: 'anyfunc' });
  }
}

/** A function's name is its index, and a reference to an import is one to its stub. */
function describeValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(describeValue).join();
  return typeof value === 'function' ? 'function' : String(value);
}

function digest(bytes: Uint8Array): number {
  let hash = bytes.length;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  return hash;
}

function describeTable(table: WebAssembly.Table): string {
  return Array.from({ length: table.length }, (_, index) => (table.get(index) === null ? '-' : 'f')).join('');
}

function describeGlobal(global: WebAssembly.Global): string {
  try {
    return describeValue(global.value);
  } catch {
    return 'a vector';
  }
}

/** The fuzzer sometimes writes an operator of a proposal that it was told not to use. */
function isOutside(guest: Uint8Array): boolean {
  const result = meterModule(guest, WIDE_OPTIONS);
  return !result.ok && result.refusals.every(({ code }) => code === 'unsupported_feature');
}

describe("modules of binaryen's fuzzer", () => {
  it(`do metered what they do plain, for the same fuel every time (${MODULES} modules)`, async () => {
    using fuzzer = new BinaryenFuzzer();
    const reached = new Set<string>();
    // V8 13.6 may end the process where code is freed (nodejs/node#64500): nothing is, up to the end.
    const kept: unknown[] = [];
    let [runs, ended, bytesIn, functionCount, uninstantiable, outside] = [0, 0, 0, 0, 0, 0];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + MODULES; seed += 1) {
      const guest = await fuzzer.generate(seed, SIZES[seed % SIZES.length] ?? 0);
      expect(WebAssembly.validate(guest as Uint8Array<ArrayBuffer>), `seed ${seed}`).toBe(true);
      if (isOutside(guest)) {
        outside += 1;
        continue;
      }
      const metered = meterOrThrow(guest, { ...WIDE_OPTIONS, marksWrites: true });
      const functions = exportedFunctions(guest);
      bytesIn += guest.length;
      functionCount += metered.report.functionCount;
      const plain = new Subject();
      const noted = new Subject();
      const subject = new Subject();
      const again = new Subject();
      try {
        plain.exports = instantiate(guest, plain.imports);
      } catch (cause) {
        // An active segment out of bounds, say: then the metered one cannot be instantiated either.
        expect(() => new MeteredRun(metered, subject.imports)).toThrow((cause as Error).constructor);
        uninstantiable += 1;
        continue;
      }
      const run = new MeteredRun(metered, subject.imports);
      subject.exports = run.exports;
      subject.noteMemories();
      const second = new MeteredRun(metered, again.imports);
      again.exports = second.exports;
      noted.exports = instantiate(withNotes(guest), noted.imports);
      kept.push(plain.exports, run.exports, second.exports, noted.exports);
      for (const [index, { name, params }] of functions.entries()) {
        const values = params.split('').map((type) => ARGUMENTS[type]?.[(seed + index) % 4]);
        const at = `seed ${seed}, ${name}`;
        const expected = plain.call(name, values);
        run.globals.fuel = second.globals.fuel = MUCH_FUEL;
        run.globals.depth = second.globals.depth = MUCH_DEPTH;
        expect(subject.call(name, values), at).toEqual(expected);
        for (const { memory, bytes } of subject.memories) {
          expect(unmarkedWrites(run.exports, memory, bytes).missed, at).toEqual([]);
        }
        again.call(name, values);
        expect(second.globals.fuel, at).toBe(run.globals.fuel);
        noted.call(name, values);
        runs += 1;
        if (!expected.ended) continue;
        ended += 1;
        expect(run.globals.fuel, at).toBeLessThan(MUCH_FUEL);
        expect(run.globals.depth, at).toBe(MUCH_DEPTH);
      }
      expect(subject.log, `seed ${seed}`).toEqual(plain.log);
      expect(subject.state, `seed ${seed}`).toBe(plain.state);
      for (const name of operatorsThatRan(noted.exports)) reached.add(name);
    }
    const missing = OPERATORS.filter(({ name }) => !reached.has(name)).map(({ name }) => name);
    console.log(
      `binaryen's fuzzer: ${MODULES} modules (${uninstantiable} that cannot be instantiated, ${outside} outside the supported set), ${bytesIn} bytes, ` +
        `${functionCount} functions, ${runs} runs, ended without a trap ${ended}, operators reached ` +
        `${reached.size} of ${OPERATORS.length} (not: ${missing.length > 60 ? `${missing.length}` : missing.join(' ') || 'none'})`,
    );
    expect(kept.length).toBe(4 * (MODULES - uninstantiable - outside));
    expect(outside).toBeLessThanOrEqual(MODULES / 20);
    expect(ended).toBeGreaterThan(runs / 10);
    expect(reached.size).toBeGreaterThan(100);
  }, 300_000);
});
