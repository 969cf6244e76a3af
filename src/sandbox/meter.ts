// The host's side of metering: the globals that a component's core modules share, in which instructions that the
// publisher wrote count fuel, stack, pages, and what restoring cannot undo.

import { DIRTY, METER_GLOBALS } from '../artifact/meter-abi.ts';
import type { Metering } from '../artifact/manifest.ts';
import type { Failure } from '../core/failure.ts';
import { instantiationFuel, type GuestLimits } from '../core/guest-limits.ts';

type MeterName = (typeof METER_GLOBALS)[number]['name'];

/** The meter of one guest instance. */
export interface Meter {
  /** What every core module of the instance is given under the meter's namespace. */
  readonly imports: Readonly<Record<MeterName, WebAssembly.Global>>;
  /** Fills up fuel and stack and clears the dirty flag, before an instance is made: it gets a share of a call's fuel. */
  beginInstantiation(): void;
  /** The same before each call of an instance that may be called again: stack and flag are whole then, but for the first. */
  begin(): void;
  /** Takes fuel for work of the host or the glue, before it is done. Throws a trap where there is not as much. */
  charge(fuel: number): void;
  /** Takes pages of 64 KiB and table elements that the sums do not count. Throws {@link MemoryExceeded}. */
  take(pages: number, elements: number): void;
  /** Fuel used since {@link begin}; the whole budget where it ran out or `trapped`: a trap can hide what was used. */
  usedFuel(trapped: boolean): number;
  /** Pages of 64 KiB of all memories now. */
  usedPages(): number;
  /** The limit that was hit since {@link begin}, if any. */
  failure(): Failure | undefined;
  /** Whether something happened since {@link begin} that restoring memories and globals does not undo. */
  isDirty(): boolean;
}

/** Thrown while an instance is made, where it would start above its limits. The message is ours. */
export class MemoryExceeded extends Error {
  override readonly name = 'MemoryExceeded';
}

/** A meter with what `limits` leave over a component that starts with the sizes in `metering`. */
export function createMeter(limits: GuestLimits, metering: Metering): Meter {
  const imports = Object.fromEntries(
    METER_GLOBALS.map(({ name, type }) => [
      name,
      new WebAssembly.Global({ value: type, mutable: true }, type === 'i64' ? 0n : 0),
    ]),
  ) as unknown as Readonly<Record<MeterName, WebAssembly.Global>>;
  const { fuel, depth, dirty, pages, elements } = imports;
  pages.value = limits.memoryPages - metering.initialPages;
  elements.value = limits.tableElements - metering.initialElements;
  let budget = limits.fuel;
  const fullTank = BigInt(limits.fuel);
  // A call that ends as it should leaves stack and flag as it found them; after any other nothing is called again.
  let isWhole = false;

  return {
    imports,
    beginInstantiation() {
      budget = instantiationFuel(limits);
      fuel.value = BigInt(budget);
      depth.value = limits.stackBytes;
      dirty.value = 0;
      isWhole = false;
    },
    begin() {
      budget = limits.fuel;
      fuel.value = fullTank;
      if (isWhole) return;
      depth.value = limits.stackBytes;
      dirty.value = 0;
      isWhole = true;
    },
    charge(units) {
      // Glue asks for it: whatever glue is, it must not give.
      if (!Number.isSafeInteger(units) || units < 0)
        throw new WebAssembly.RuntimeError('not an amount of fuel');
      const left = (fuel.value as bigint) - BigInt(units);
      fuel.value = left;
      if (left < 0n) throw new WebAssembly.RuntimeError('out of fuel');
    },
    take(takenPages, takenElements) {
      const leftPages = ((pages.value as number) >>> 0) - takenPages;
      if (leftPages < 0) throw new MemoryExceeded(`more than ${limits.memoryPages} pages at the start`);
      const leftElements = ((elements.value as number) >>> 0) - takenElements;
      if (leftElements < 0)
        throw new MemoryExceeded(`more than ${limits.tableElements} table elements at the start`);
      pages.value = leftPages;
      elements.value = leftElements;
    },
    usedPages: () => limits.memoryPages - ((pages.value as number) >>> 0),
    usedFuel(trapped) {
      const left = Number(fuel.value as bigint);
      return trapped || left < 0 ? budget : budget - left;
    },
    failure() {
      if ((fuel.value as bigint) < 0n) return { code: 'fuel_exhausted', detail: `${budget} fuel` };
      if ((depth.value as number) < 0) return { code: 'trap', detail: `stack of ${limits.stackBytes} bytes` };
      // A grow that its limits allowed and the engine refused: what the guest did then is no answer to repeat.
      if (((dirty.value as number) & DIRTY.growFailed) !== 0)
        return { code: 'memory_exceeded', detail: 'host' };
      return undefined;
    },
    isDirty: () => dirty.value !== 0,
  };
}

/** The limit that a component breaks before it has run, if any: checked before anything is allocated. */
export function checkInitialSizes(limits: GuestLimits, metering: Metering): Failure | undefined {
  if (metering.initialPages > limits.memoryPages) {
    return {
      code: 'memory_exceeded',
      detail: `starts with ${metering.initialPages} pages of ${limits.memoryPages}`,
    };
  }
  if (metering.initialElements > limits.tableElements) {
    return {
      code: 'memory_exceeded',
      detail: `starts with ${metering.initialElements} table elements of ${limits.tableElements}`,
    };
  }
  return undefined;
}
