// Which banks there are and how traffic falls on them: the bank of rank r gets a share of it in proportion to 1/r (Zipf's
// law, s = 1). The same numbers each time.

/** One bank in this many runs the large validator, from the tenth on: about 1.5 % of the traffic. */
const LARGE_EVERY = 100;
const FIRST_LARGE_RANK = 10;

export interface Banks {
  /** By rank, the busiest first. */
  readonly all: readonly string[];
  readonly small: readonly string[];
  readonly large: readonly string[];
}

/** `count` banks by name. */
export function nameBanks(count: number): Banks {
  const all = Array.from({ length: count }, (_, index) => `bank-${index + 1}`);
  const isLarge = (_: string, index: number): boolean => (index + 1) % LARGE_EVERY === FIRST_LARGE_RANK;
  return {
    all,
    small: all.filter((bank, index) => !isLarge(bank, index)),
    large: all.filter(isLarge),
  };
}

/** `length` ranks, from 0, of `count`: rank r comes in proportion to 1/(r + 1). `random` gives numbers in [0, 1). */
export function drawRanks(count: number, length: number, random: () => number): number[] {
  let sum = 0;
  const cumulative = Float64Array.from({ length: count }, (_, rank) => (sum += 1 / (rank + 1)));
  return Array.from({ length }, () => {
    const drawn = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? sum) > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}

/** Numbers in [0, 1) that are the same for the same seed: Mulberry32 (Tommy Ettinger, public domain). */
export function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
