// Runs guests in a process of its own, each until its fuel is gone, and prints what that took. Argument: the file of a
// job. Node's flags choose the compiler's tier.

import { readFileSync } from 'node:fs';

import { METER_GLOBALS, METER_NAMESPACE } from '../../src/artifact/meter-abi.ts';
import type { GuestLimits } from '../../src/core/guest-limits.ts';
import { createGuestPool } from '../../src/sandbox/guest-pool.ts';
import { compileGuest, type PreparedComponent } from './compile-guest.ts';
import { TRANSACTION } from './transaction.ts';

/** A guest to run: the files of its metered modules, and what makes a component of them, if it is one. */
export interface JobGuest {
  readonly name: string;
  readonly modules: readonly string[];
  /** Pages and elements that a lone core module starts with. */
  readonly pages: number;
  readonly elements: number;
  readonly component?: PreparedComponent;
}

export interface Job {
  readonly guests: readonly JobGuest[];
  readonly limits: GuestLimits;
  readonly rounds: number;
  /** More rounds are run until they took this long together: of short ones, one is met that nothing came between. */
  readonly leastMs: number;
}

/** What one guest took, milliseconds of the thread by round; the first includes compilation. */
export interface RunResult {
  readonly name: string;
  readonly ms: readonly number[];
  /** How the last round ended, if not by exhaustion. */
  readonly ended: string | undefined;
}

/** Runs once; gives how it ended if not by exhaustion, and what it took. */
type Round = () => { readonly ended: string | undefined; readonly ms: number };

const MUCH_FUEL = 2n ** 62n;
const MOST_ROUNDS = 40;
const TICK_MS = 4;

if (import.meta.main) {
  const job = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Job;
  console.log(JSON.stringify(job.guests.map((guest) => run(guest, job))));
}

function run(guest: JobGuest, { limits, rounds, leastMs }: Job): RunResult {
  const round = guest.component === undefined ? coreRound(guest, limits) : componentRound(guest, limits);
  const ms: number[] = [];
  let ended: string | undefined;
  let total = 0;
  while (ms.length < rounds || (total < leastMs && ms.length < MOST_ROUNDS)) {
    const result = round();
    ended = result.ended;
    ms.push(result.ms);
    total += result.ms;
  }
  return { name: guest.name, ms, ended };
}

/** A lone core module under a meter as the sandbox makes it; `prepare` runs free, as what makes an instance would. */
function coreRound({ modules, pages, elements }: JobGuest, limits: GuestLimits): Round {
  const module = new WebAssembly.Module(readFileSync(modules[0] ?? ''));
  return () => {
    const globals = Object.fromEntries(
      METER_GLOBALS.map(({ name, type }) => [
        name,
        new WebAssembly.Global({ value: type, mutable: true }, type === 'i64' ? 0n : 0),
      ]),
    ) as Record<(typeof METER_GLOBALS)[number]['name'], WebAssembly.Global>;
    globals.pages.value = limits.memoryPages - pages;
    globals.elements.value = limits.tableElements - elements;
    globals.depth.value = limits.stackBytes;
    globals.fuel.value = MUCH_FUEL;
    const instance = new WebAssembly.Instance(module, { [METER_NAMESPACE]: globals });
    const exports = instance.exports as Record<string, () => void>;
    exports['prepare']?.();
    globals.fuel.value = BigInt(limits.fuel);
    const elapsed = startWatch();
    let ended: string | undefined = 'returned';
    try {
      exports['run']?.();
    } catch (cause) {
      ended = (globals.fuel.value as bigint) < 0n ? undefined : String(cause);
    }
    return { ended, ms: elapsed() };
  };
}

/** A component in the production sandbox: a new instance and a call, each time. */
function componentRound({ modules, component }: JobGuest, limits: GuestLimits): Round {
  const bytes = modules.map((file) => readFileSync(file));
  const pool = createGuestPool(compileGuest(component as PreparedComponent, bytes, limits));
  const call = { transaction: TRANSACTION, seed: new Uint8Array(32), evaluatedAtMs: 1_800_000_000_000 };
  return () => {
    const elapsed = startWatch();
    const { outcome } = pool.call(call);
    const ms = elapsed();
    const code = outcome.kind === 'failure' ? outcome.failure.code : outcome.kind;
    return { ended: code === 'fuel_exhausted' ? undefined : code, ms };
  };
}

/**
 * Milliseconds from now on for which this thread ran. Linux may count CPU time in ticks of 4 ms, and others use the
 * machine as well: it was no more than the time that went by, and no more than a tick above what is counted.
 */
function startWatch(): () => number {
  const wall = performance.now();
  const cpu = process.threadCpuUsage();
  return () => {
    const wallMs = performance.now() - wall;
    const { user, system } = process.threadCpuUsage(cpu);
    return Math.min(wallMs, (user + system) / 1000 + TICK_MS);
  };
}
