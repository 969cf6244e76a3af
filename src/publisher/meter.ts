// Stage 4, meter: every core module of a component is rewritten to count what it does, on one meter for all of them.

import type { Metering } from '../artifact/manifest.ts';
import { MARKED_FROM_PAGES } from '../artifact/meter-abi.ts';
import type { GuestLimits } from '../core/guest-limits.ts';
import { BinaryFault } from '../core/binary-reader.ts';
import { NO_MEMORY, type Memory } from './memory.ts';
import { mostCompileNs } from './meter/compile-work.ts';
import { costs } from './meter/costs.ts';
import { LimitFault } from './meter/engine-limits.ts';
import { meterModule } from './meter/meter-module.ts';
import { readModuleShape } from './meter/module-shape.ts';
import type { MeterReport } from './meter/report.ts';
import type { Refusal, Result } from './refusal.ts';
import { METERED } from './result-codecs.ts';

export interface MeteredModules {
  readonly coreModules: readonly Uint8Array[];
  readonly metering: Metering;
  /** Why an instance cannot be put back after a call, for people; empty where it can. */
  readonly unrestorable: readonly string[];
}

/**
 * Meters `coreModules` under the sizes that `limits` allow. Refuses every module that uses a proposal outside the
 * supported set or is larger than a cap, and a component that starts above them.
 */
export function meterModules(
  coreModules: readonly Uint8Array[],
  limits: GuestLimits,
  makesHandles: boolean,
  memory: Memory = NO_MEMORY,
): Result<MeteredModules> {
  const { memoryPages, tableElements } = limits;
  const marksWrites = sum(coreModules, initialPagesOf) >= MARKED_FROM_PAGES;
  const refusals: Refusal[] = [];
  const metered: Uint8Array[] = [];
  const reports: MeterReport[] = [];
  for (const [index, bytes] of coreModules.entries()) {
    const where = `core module ${index}`;
    const options = { maxMemoryPages: memoryPages, maxTableElements: tableElements, marksWrites, where };
    const result = memory.recall(
      'meter',
      [bytes, JSON.stringify(options)],
      () => meterModule(bytes, options),
      METERED,
    );
    if (result.ok) {
      metered.push(result.value.bytes);
      reports.push(result.value.report);
    } else {
      refusals.push(...result.refusals);
    }
  }
  const initialPages = sum(reports, ({ memories }) =>
    sum(memories.filter(isOwn), (memory) => memory.initialPages),
  );
  const initialElements = sum(reports, ({ tables }) =>
    sum(tables.filter(isOwn), (table) => table.initialElements),
  );
  if (initialPages > memoryPages)
    refusals.push(tooLarge('memories', initialPages, memoryPages, 'pages of 64 KiB'));
  if (initialElements > tableElements)
    refusals.push(tooLarge('tables', initialElements, tableElements, 'elements'));
  const compileNs = sum(reports, (report) => report.compileNs);
  const mostNs = mostCompileNs(sum(reports, ({ codeBytes }) => codeBytes));
  if (compileNs > mostNs) refusals.push(tooSlowToCompile(compileNs, mostNs));
  if (refusals.length > 0) return { ok: false, refusals };

  const unrestorable = [
    ...reports.flatMap((report, index) => report.unrestorable.map((why) => `core module ${index}: ${why}`)),
    // Glue numbers handles in tables that nobody can set back.
    ...(makesHandles ? ['the component makes handles of its own'] : []),
  ];
  const metering: Metering = {
    costs: costs.version,
    initialPages,
    initialElements,
    instances: reports.map(({ instanceFuel, memories, tables }) => ({
      fuel: instanceFuel,
      pages: sum(memories.filter(isOwn), (memory) => memory.initialPages),
      elements: sum(tables.filter(isOwn), (table) => table.initialElements),
    })),
    caps: { memoryPages, tableElements },
    restorable: unrestorable.length === 0,
    marksWrites,
  };
  return { ok: true, value: { coreModules: metered, metering, unrestorable } };
}

/** Pages that a module's own memories start with; 0 where it is no module, which is refused elsewhere. */
function initialPagesOf(bytes: Uint8Array): number {
  try {
    return sum(readModuleShape(bytes).memories.filter(isOwn), ({ initial }) => initial);
  } catch (cause) {
    if (cause instanceof BinaryFault || cause instanceof LimitFault) return 0;
    throw cause;
  }
}

function isOwn({ imported }: { readonly imported: boolean }): boolean {
  return !imported;
}

function sum<T>(items: readonly T[], sizeOf: (item: T) => number): number {
  return items.reduce((total, item) => total + sizeOf(item), 0);
}

function tooLarge(what: string, actual: number, most: number, unit: string): Refusal {
  return {
    code: 'too_large',
    message: `The component's ${what} start with ${actual} ${unit}; at most ${most} are taken.`,
    where: what,
    fix: 'Lower the initial sizes, or publish with a higher limit if the platform allows it.',
  };
}

function tooSlowToCompile(actualNs: number, mostNs: number): Refusal {
  const [actual, most] = [actualNs, mostNs].map((ns) => Math.ceil(ns / 1_000_000));
  return {
    code: 'too_large',
    message: `Compiling the component is estimated to take ${actual} ms; at most ${most} are taken for its size.`,
    where: 'core modules',
    fix: 'Build with an optimizing compiler, without generated tables of functions, and with fewer locals a function.',
  };
}
