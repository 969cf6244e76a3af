// `npm run bench:metering`: what metering costs in time: metered / plain of interleaved runs in one process. Medians, and,
// since others use the machine, the least of each.
// Kernels have no glue. A validator's call has it on both sides; what an empty validator's call takes is subtracted in
// the column without glue.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { METER_GLOBALS, METER_NAMESPACE } from '../../src/artifact/meter-abi.ts';
import { DEFAULT_GUEST_LIMITS } from '../../src/core/guest-limits.ts';
import { meterModule } from '../../src/publisher/meter/meter-module.ts';
import { createGuestInstance, createMeterOf } from '../../src/sandbox/guest-instance.ts';
import { plainValidator } from '../../test/fixtures/components.ts';
import { median, table } from '../statistics.ts';
import { loadComponent } from './component-guest.ts';
import { compileKernels, KERNELS } from './kernels.ts';
import { TRANSACTION } from './transaction.ts';

const limits = { ...DEFAULT_GUEST_LIMITS, fuel: 2_000_000_000 };
const ROOT = join(import.meta.dirname, '../..');
const ROUNDS = 301;
const WARM_UP_MS = 400;

/** Both forms of one program: each makes what is then run and timed. Runs of both do the same work. */
interface Subject {
  readonly name: string;
  readonly plain: () => () => void;
  readonly metered: () => () => void;
}

const rows: string[][] = [];
const emptyMs = compare(await componentSubject('empty validator', await plainValidator(), 200), 200, 0);
for (const [name, calls] of [
  ['icamer-assemblyscript', 200],
  ['nordhaven-typescript', 10],
] as const) {
  const component = readFileSync(join(ROOT, `build/validators/${name}.wasm`));
  compare(await componentSubject(name, component, calls), calls, emptyMs);
}
for (const subject of await kernelSubjects()) compare(subject, 1, 0);
console.log(
  table(
    [
      'program',
      'plain µs',
      'metered µs',
      'metered / plain',
      'without glue',
      'of medians',
      'median of ratios',
    ],
    rows,
  ),
);
console.log(
  `\n${ROUNDS} interleaved rounds of one process; the first four columns are of the least round of each.`,
);

/** Adds a row; gives the least microseconds of a plain call. */
function compare({ name, plain, metered }: Subject, calls: number, glueUs: number): number {
  const samples = { plain: [] as number[], metered: [] as number[], ratio: [] as number[] };
  for (const make of [plain, metered]) {
    const end = performance.now() + WARM_UP_MS;
    while (performance.now() < end) make()();
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    const both = { plain: time(plain), metered: 0 };
    both.metered = time(metered);
    samples.plain.push((both.plain * 1000) / calls);
    samples.metered.push((both.metered * 1000) / calls);
    samples.ratio.push(both.metered / both.plain);
  }
  const least = { plain: Math.min(...samples.plain), metered: Math.min(...samples.metered) };
  // Where glue is most of the call, the difference is noise.
  const bare =
    glueUs === 0 || least.plain < 2 * glueUs
      ? ''
      : ((least.metered - glueUs) / (least.plain - glueUs)).toFixed(2);
  rows.push([
    name,
    least.plain.toFixed(2),
    least.metered.toFixed(2),
    (least.metered / least.plain).toFixed(2),
    bare,
    (median(samples.metered) / median(samples.plain)).toFixed(2),
    median(samples.ratio).toFixed(2),
  ]);
  return least.plain;
}

function time(make: () => () => void): number {
  const run = make();
  const start = performance.now();
  run();
  return performance.now() - start;
}

async function componentSubject(name: string, component: Uint8Array, calls: number): Promise<Subject> {
  const guest = await loadComponent(component, limits);
  // A new instance for each round: nothing is restored between calls here, and guests may never free.
  return {
    name,
    plain() {
      const validate = guest.createPlain();
      return () => {
        for (let call = 0; call < calls; call += 1) validate(TRANSACTION);
      };
    },
    metered() {
      const meter = createMeterOf(guest.code);
      meter.begin();
      const instance = createGuestInstance(guest.code, meter);
      return () => {
        for (let call = 0; call < calls; call += 1) {
          meter.begin();
          instance.validate(TRANSACTION);
        }
      };
    },
  };
}

async function kernelSubjects(): Promise<Subject[]> {
  const binary = await compileKernels();
  const metered = meterModule(binary, { maxMemoryPages: limits.memoryPages, maxTableElements: 0 });
  if (!metered.ok) throw new Error(JSON.stringify(metered.refusals));
  const globals = Object.fromEntries(
    METER_GLOBALS.map(({ name, type }) => [
      name,
      new WebAssembly.Global({ value: type, mutable: true }, type === 'i64' ? 0n : limits.stackBytes),
    ]),
  ) as Record<(typeof METER_GLOBALS)[number]['name'], WebAssembly.Global>;
  const exportsOf = (bytes: Uint8Array, imports: WebAssembly.Imports) =>
    new WebAssembly.Instance(new WebAssembly.Module(bytes.slice()), imports).exports as Record<
      string,
      (argument: number) => unknown
    >;
  const plainExports = exportsOf(binary, {});
  const meteredExports = exportsOf(metered.value.bytes, { [METER_NAMESPACE]: globals });
  return KERNELS.map(({ name, argument }) => ({
    name,
    plain: () => () => plainExports[name]?.(argument),
    metered: () => () => {
      globals.fuel.value = 2n ** 60n;
      meteredExports[name]?.(argument);
    },
  }));
}
