// What one guest call may cost. Every limit says its unit, the reason for its number and where it is enforced; a
// release carries the numbers, so an operator can choose others for a bank.

/** The limits of one release. */
export interface GuestLimits {
  /** Cost units of one call, and again of making an instance. Enforced by instructions in the metered modules. */
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
  // An empty loop ends in 20 ms, the dearest guest found (bench/worst-guests) in 150; making an instance may take as
  // long again. QuickJS needs 0.74 million for the example.
  fuel: { byDefault: 35_000_000, least: 1_000, most: 2_000_000_000 },
  // V8's own stack has about 1 MiB, of which glue and host use some; StarlingMonkey starts with 60 KiB.
  stackBytes: { byDefault: 256 * 1024, least: 4 * 1024, most: 384 * 1024 },
  // 16 MiB: QuickJS has 1.4, StarlingMonkey 9.5. A worker's isolate has 128 MiB for all of its guests. A load that
  // misses takes 150 ns here, 15 within 4 MiB, 190 over 128 MiB: there, 35 million fuel may take 185 ms, not 140.
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
