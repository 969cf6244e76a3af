// `npm run bench:worst`: how long the worst guests that were found hold the thread until their fuel is gone. The cost
// table and the default fuel stand on this: no line may reach 250 ms. Argument: a regular expression that chooses
// guests by name.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco';

import { DEFAULT_GUEST_LIMITS } from '../src/core/guest-limits.ts';
import { meterModule } from '../src/publisher/meter/meter-module.ts';
import { prepareComponent } from './metering/component-guest.ts';
import { CORE_GUESTS, type CoreGuest } from './metering/core-guests.ts';
import type { JobGuest, RunResult } from './metering/guest-run.ts';
import { buildHostGuest, HOST_GUESTS, type HostGuest } from './metering/host-guests.ts';
import { createStorms } from './metering/operator-storms.ts';
import { table } from './statistics.ts';

/** V8's tiers: as in production, where a guest's first call is all Liftoff, and each compiler alone. */
const TIERS = { default: [], liftoff: ['--liftoff-only'], turbofan: ['--no-liftoff'] } as const;
type Tier = keyof typeof TIERS;

const ROUNDS = 3;
const RUNNER = join(import.meta.dirname, 'metering/guest-run.ts');
const limits = DEFAULT_GUEST_LIMITS;
const wanted = new RegExp(process.argv[2] ?? '', 'i');
const folder = mkdtempSync(join(tmpdir(), 'worst-'));

interface Row {
  readonly name: string;
  readonly ms: Readonly<Record<Tier, number>>;
  readonly firstMs: number;
  readonly ended: string | undefined;
}

const worst = ({ ms }: Row): number => Math.max(...Object.values(ms));

let files = 0;
function store(bytes: Uint8Array): string {
  const file = join(folder, `${(files += 1)}.wasm`);
  writeFileSync(file, bytes);
  return file;
}

async function prepareCore({ name, wat }: CoreGuest): Promise<JobGuest> {
  const metered = meterModule(await parse(wat), {
    maxMemoryPages: limits.memoryPages,
    maxTableElements: limits.tableElements,
    // The dearer way: as in a component with a large memory.
    marksWrites: true,
  });
  if (!metered.ok) throw new Error(`${name}: ${JSON.stringify(metered.refusals)}`);
  const { bytes, report } = metered.value;
  return {
    name,
    modules: [store(bytes)],
    pages: report.memories[0]?.initialPages ?? 0,
    elements: report.tables.reduce((sum, { initialElements }) => sum + initialElements, 0),
  };
}

async function prepareHost(guest: HostGuest): Promise<JobGuest> {
  const { glue, imports, metering, metered } = await prepareComponent(await buildHostGuest(guest), limits);
  const { name } = guest;
  return { name, modules: metered.map(store), pages: 0, elements: 0, component: { glue, imports, metering } };
}

/** Runs guests together in one process a tier; their times are brought to the default fuel. */
function measure(guests: readonly JobGuest[], share: number, leastMs: number): Row[] {
  const run = (tier: Tier): RunResult[] => {
    const file = join(folder, 'job.json');
    const fuel = limits.fuel * share;
    writeFileSync(file, JSON.stringify({ guests, limits: { ...limits, fuel }, rounds: ROUNDS, leastMs }));
    const output = execFileSync(process.execPath, [...TIERS[tier], RUNNER, file], {
      encoding: 'utf8',
      timeout: 300_000,
      maxBuffer: 1 << 26,
    });
    return JSON.parse(output) as RunResult[];
  };
  const results = { default: run('default'), liftoff: run('liftoff'), turbofan: run('turbofan') };
  const rows = guests.map(({ name }, index): Row => {
    const least = (tier: Tier): number => Math.min(...(results[tier][index]?.ms ?? [])) / share;
    return {
      name,
      ms: { default: least('default'), liftoff: least('liftoff'), turbofan: least('turbofan') },
      firstMs: (results.default[index]?.ms[0] ?? Number.NaN) / share,
      ended: results.default[index]?.ended,
    };
  });
  // Minutes pass: tells where it is.
  for (const row of rows.slice(0, 1)) console.error(`${row.name}: ${worst(row).toFixed(1)} ms`);
  return rows;
}

try {
  const rows: Row[] = [];
  for (const guest of CORE_GUESTS) {
    if (wanted.test(guest.name)) rows.push(...measure([await prepareCore(guest)], 1, 100));
  }
  for (const guest of HOST_GUESTS) {
    if (wanted.test(guest.name)) rows.push(...measure([await prepareHost(guest)], 1, 0));
  }
  const storms: JobGuest[] = [];
  for (const guest of createStorms()) if (wanted.test(guest.name)) storms.push(await prepareCore(guest));
  // Short: there are two thousand. What is out of its operator's range traps at once and says nothing.
  rows.push(...measure(storms, 1 / 20, 0).filter(({ ended }) => ended === undefined));

  rows.sort((a, b) => worst(b) - worst(a));
  const number = (value: number): string => value.toFixed(1);
  console.log(
    table(
      ['guest', 'worst ms', 'ns/fuel', 'default', 'Liftoff', 'TurboFan', 'first run', 'ended by'],
      rows.map((row) => [
        row.name,
        number(worst(row)),
        ((worst(row) * 1e6) / limits.fuel).toFixed(2),
        number(row.ms.default),
        number(row.ms.liftoff),
        number(row.ms.turbofan),
        number(row.firstMs),
        row.ended ?? 'fuel',
      ]),
    ),
  );
  console.log(
    `\n${limits.fuel} fuel; the least of at least ${ROUNDS} rounds. Storms ran on a twentieth of it.`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
