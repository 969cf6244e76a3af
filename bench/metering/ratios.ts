// `npm run bench:metering`: what metering costs in time: metered / plain of interleaved runs in one process. Medians, and,
// since others use the machine, the least of each.
// Kernels have no glue. A validator's call has it on both sides, but for the small validator's core function, which is
// called by itself as well. The kernels that write to memory run again with marks of what they write.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { METER_GLOBALS, METER_NAMESPACE } from '../../src/artifact/meter-abi.ts';
import { DEFAULT_GUEST_LIMITS } from '../../src/core/guest-limits.ts';
import { meterModule } from '../../src/publisher/meter/meter-module.ts';
import { createGuestInstance, createMeterOf } from '../../src/sandbox/guest-instance.ts';
import { median, table } from '../statistics.ts';
import { prepareBareCall } from './bare-call.ts';
import { loadComponent, prepareComponent } from './component-guest.ts';
import { compileKernels, KERNELS } from './kernels.ts';
import { TRANSACTION } from './transaction.ts';

const limits = { ...DEFAULT_GUEST_LIMITS, fuel: 2_000_000_000 };
const ROOT = join(import.meta.dirname, '../..');
const ROUNDS = 301;
const WARM_UP_MS = 400;
const BARE_CALLS = 20_000;

type KernelExports = Record<string, (argument: number) => unknown>;

/** Both forms of one program: each makes what is then run and timed. Runs of both do the same work. */
interface Subject {
  readonly name: string;
  readonly plain: () => () => void;
  readonly metered: () => () => void;
}

const rows: string[][] = [];
for (const [name, calls] of [
  ['icamer-assemblyscript', 200],
  ['nordhaven-typescript', 10],
] as const) {
  const component = readFileSync(join(ROOT, `build/validators/${name}.wasm`));
  if (name === 'icamer-assemblyscript')
    compare(await bareSubject(`${name}, core function alone`, component), BARE_CALLS);
  compare(await componentSubject(name, component, calls), calls);
}
for (const subject of await kernelSubjects()) compare(subject, 1);
console.log(
  table(['program', 'plain µs', 'metered µs', 'metered / plain', 'of medians', 'median of ratios'], rows),
);
console.log(
  `\n${ROUNDS} interleaved rounds of one process; the first three figures are of the least round of each.`,
);

/** Adds a row. */
function compare({ name, plain, metered }: Subject, calls: number): void {
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
  rows.push([
    name,
    least.plain.toFixed(3),
    least.metered.toFixed(3),
    (least.metered / least.plain).toFixed(2),
    (median(samples.metered) / median(samples.plain)).toFixed(2),
    median(samples.ratio).toFixed(2),
  ]);
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

/** The validator's core module alone, called with a transaction that lies in its memory. */
async function bareSubject(name: string, component: Uint8Array): Promise<Subject> {
  const prepared = await prepareComponent(component, limits);
  const [plain, metered] = [prepared.plain[0], prepared.metered[0]];
  if (plain === undefined || metered === undefined || prepared.plain.length > 1) throw new Error(name);
  const globals = createGlobals();
  const bare = prepareBareCall(exportsOf(plain, {}), TRANSACTION);
  const counted = prepareBareCall(exportsOf(metered, { [METER_NAMESPACE]: globals }), TRANSACTION);
  return {
    name,
    plain: () => () => {
      for (let call = 0; call < BARE_CALLS; call += 1) bare.validate(bare.record);
    },
    metered: () => () => {
      globals.fuel.value = 2n ** 60n;
      for (let call = 0; call < BARE_CALLS; call += 1) counted.validate(counted.record);
    },
  };
}

type MeterGlobals = Record<(typeof METER_GLOBALS)[number]['name'], WebAssembly.Global>;

function createGlobals(): MeterGlobals {
  const entries = METER_GLOBALS.map(({ name, type }) => [
    name,
    new WebAssembly.Global({ value: type, mutable: true }, type === 'i64' ? 2n ** 60n : limits.stackBytes),
  ]);
  return Object.fromEntries(entries) as MeterGlobals;
}

function exportsOf(bytes: Uint8Array, imports: WebAssembly.Imports): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes.slice()), imports).exports;
}

async function kernelSubjects(): Promise<Subject[]> {
  const binary = await compileKernels();
  const plain = exportsOf(binary, {}) as KernelExports;
  return [false, true].flatMap((marksWrites) => {
    const options = { maxMemoryPages: limits.memoryPages, maxTableElements: 0, marksWrites };
    const metered = meterModule(binary, options);
    if (!metered.ok) throw new Error(JSON.stringify(metered.refusals));
    const globals = createGlobals();
    const exports = exportsOf(metered.value.bytes, { [METER_NAMESPACE]: globals }) as KernelExports;
    return KERNELS.filter(({ writes }) => writes || !marksWrites).map(({ name, argument }) => ({
      name: marksWrites ? `${name}, writes marked` : name,
      plain: () => () => plain[name]?.(argument),
      metered: () => () => {
        globals.fuel.value = 2n ** 60n;
        exports[name]?.(argument);
      },
    }));
  });
}
