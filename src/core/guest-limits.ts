// What one guest call may cost. Every limit says its unit, the reason for its number and where it is enforced; a
// release carries the numbers, so an operator can choose others for a bank.

/** The limits of one release. */
export interface GuestLimits {
  /**
   * Cost units of one call; making an instance has {@link instantiationFuel}. Enforced by instructions in the metered
   * modules, and by the host for its own calls.
   */
  readonly fuel: number;
  /** Bytes of an upper bound of all frames. Enforced by instructions in the metered modules. */
  readonly stackBytes: number;
  /** Pages of 64 KiB of all memories together. Enforced before instantiation, and at each `memory.grow`. */
  readonly memoryPages: number;
  /** Elements of all tables together. Enforced before instantiation, and at each `table.grow`. */
  readonly tableElements: number;
}

interface LimitRule {
  readonly byDefault: number;
  readonly least: number;
  readonly most: number;
}

/** Default and range of each limit. */
export const GUEST_LIMIT_RULES: Readonly<Record<keyof GuestLimits, LimitRule>> = {
  // Default: QuickJS takes 0.5 million for the example, StarlingMonkey 5.3; an empty loop ends in 20 ms, the
  // dearest guest that was found in 185, its making included (longestHoldMs). Most: with the largest memory, just under
  // the 2 s that are the shortest deadline processors set for an authorization.
  fuel: { byDefault: 35_000_000, least: 1_000, most: 250_000_000 },
  // V8's own stack has about 1 MiB, of which glue and host use some; StarlingMonkey starts with 60 KiB.
  stackBytes: { byDefault: 256 * 1024, least: 4 * 1024, most: 384 * 1024 },
  // 16 MiB: QuickJS has 1.4, StarlingMonkey 9.5. A worker's isolate has 128 MiB for all of its guests. More makes each
  // unit of fuel slower at worst: see longestHoldMs.
  memoryPages: { byDefault: 256, least: 1, most: 2_048 },
  // The largest toolchain's table has 12,000 elements.
  tableElements: { byDefault: 20_000, least: 0, most: 200_000 },
};

/** The limits of a release that names none. */
export const DEFAULT_GUEST_LIMITS: GuestLimits = {
  fuel: GUEST_LIMIT_RULES.fuel.byDefault,
  stackBytes: GUEST_LIMIT_RULES.stackBytes.byDefault,
  memoryPages: GUEST_LIMIT_RULES.memoryPages.byDefault,
  tableElements: GUEST_LIMIT_RULES.tableElements.byDefault,
};

/**
 * What making an instance may use, of `fuel`. AssemblyScript, QuickJS and StarlingMonkey take less than a hundred units:
 * they start up when the component is built. A fourth leaves 8.7 million to those that do not, and lets no first call hold
 * the thread much longer than the others. Enforced as {@link GuestLimits.fuel} is: `fuel_exhausted`.
 */
const INSTANTIATION_SHARE = 1 / 4;

/** Fuel for making an instance under `limits`: of a call's by default where the release has less, for modules cost it. */
export function instantiationFuel({ fuel }: GuestLimits): number {
  return Math.floor(Math.max(fuel, GUEST_LIMIT_RULES.fuel.byDefault) * INSTANTIATION_SHARE);
}

/**
 * Nanoseconds that a unit of fuel takes in the worst guest that was found, a chase of pointers over all of its memory
 * (`npm run bench:worst-guests`): up to the default size, and up to the largest, where page tables are out of reach of
 * the caches as well. On the machine of the cost table; others differ.
 */
const WORST_NS_PER_FUEL = 4;
const WORST_NS_PER_FUEL_BEYOND_DEFAULT_MEMORY = 6;

/**
 * Microseconds that the host takes for each page of memory, besides fuel: it looks through a new instance's memory for
 * what is not zero, with a page fault for each 4 KiB (28), and puts all of it back after the call (10).
 */
const HOST_US_PER_PAGE = 40;

/**
 * Longest time that one transaction may hold a thread, milliseconds: a new instance and a call of the worst guest. What
 * raising a limit costs: by default it is 185; with the largest memory 344; with the most fuel 1,260; with both 1,957.
 */
export function longestHoldMs(limits: GuestLimits): number {
  const isLarge = limits.memoryPages > GUEST_LIMIT_RULES.memoryPages.byDefault;
  const nsPerFuel = isLarge ? WORST_NS_PER_FUEL_BEYOND_DEFAULT_MEMORY : WORST_NS_PER_FUEL;
  const guestMs = ((limits.fuel + instantiationFuel(limits)) * nsPerFuel) / 1e6;
  return guestMs + (limits.memoryPages * HOST_US_PER_PAGE) / 1e3;
}

export const GUEST_LIMIT_NAMES = Object.keys(GUEST_LIMIT_RULES) as (keyof GuestLimits)[];

/** What is wrong with one limit, as a sentence; undefined where it is within its range. */
export function faultOfLimit(name: keyof GuestLimits, value: unknown): string | undefined {
  const { least, most } = GUEST_LIMIT_RULES[name];
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return undefined;
  return `${name} is a whole number from ${least} to ${most}`;
}

/** Reads limits from JSON; undefined where one is missing or out of its range. */
export function parseGuestLimits(json: unknown): GuestLimits | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const limits = json as Record<keyof GuestLimits, unknown>;
  if (GUEST_LIMIT_NAMES.some((name) => faultOfLimit(name, limits[name]) !== undefined)) return undefined;
  const { fuel, stackBytes, memoryPages, tableElements } = limits as GuestLimits;
  return { fuel, stackBytes, memoryPages, tableElements };
}
