// Limits that the host itself holds, each under, at and over. Guests are functions here that do what glue does with what
// the sandbox hands it. (Fuel, stack, pages and elements of real guests: runtime/sandbox.)

import { describe, expect, it, test } from 'vitest';

import type { ManifestImport } from '../../src/artifact/manifest.ts';
import { DEFAULT_GUEST_LIMITS, instantiationFuel, type GuestLimits } from '../../src/core/guest-limits.ts';
import type { JudgedCall } from '../../src/sandbox/guest-call.ts';
import type { Instantiate } from '../../src/sandbox/guest-instance.ts';
import { createGuestPool } from '../../src/sandbox/guest-pool.ts';
import { MAX_OUTPUT_BYTES } from '../../src/sandbox/guest-state.ts';
import { createMeter, MemoryExceeded } from '../../src/sandbox/meter.ts';
import { createRandomStream, MAX_RANDOM_REQUEST_BYTES } from '../../src/sandbox/random-stream.ts';
import { MAX_WRITE_BYTES } from '../../src/sandbox/wasi/io.ts';
import { guestCall } from '../fixtures/hosts.ts';
import { NO_MEMORY } from '../fixtures/metering.ts';

const GRANTS = ['wasi:cli/stdout', 'wasi:cli/stderr', 'wasi:io/streams'];
const IMPORTS = GRANTS.map((name): ManifestImport => ({
  interface: name,
  version: '0.2.12',
  tier: 'granted',
}));

interface OutputStream {
  write(bytes: Uint8Array): void;
  writeZeroes(length: bigint): void;
}
type Streams = Record<'stdout' | 'stderr', () => OutputStream>;

/** One call of a guest with this `validate`, whose instance is made by `make`. */
function runGuest(
  validate: (streams: Streams) => unknown,
  make: (...args: Parameters<Instantiate>) => void = () => {},
  limits: Partial<GuestLimits> = {},
): JudgedCall {
  const pool = createGuestPool({
    instantiate(...args) {
      make(...args);
      const imports = args[1] as Record<string, Record<string, () => OutputStream>>;
      const streams = {
        stdout: () => imports['wasi:cli/stdout']?.['getStdout']?.(),
        stderr: () => imports['wasi:cli/stderr']?.['getStderr']?.(),
      } as Streams;
      return { 'wasmpay:platform/validation@0.1.0': { validate: () => validate(streams) } };
    },
    coreModules: new Map([['core0.wasm', EMPTY]]),
    contract: 'wasmpay:platform@0.1.0',
    imports: IMPORTS,
    grants: GRANTS,
    limits: { ...DEFAULT_GUEST_LIMITS, ...limits },
    metering: { ...NO_MEMORY, instances: [{ fuel: 0, pages: 0, elements: 0 }] },
    seed: new Uint8Array(32),
  });
  return pool.call(guestCall());
}

const EMPTY = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));

const endOf = ({ outcome }: JudgedCall): string =>
  outcome.kind === 'verdict' ? outcome.verdict.kind : `${outcome.failure.code} ${outcome.failure.detail}`;
const sizeOf = ({ output }: JudgedCall): number => output.reduce((sum, { length }) => sum + length, 0);

describe('captured output', () => {
  it.each([
    ['under', MAX_OUTPUT_BYTES - 1, MAX_OUTPUT_BYTES - 1],
    ['at', MAX_OUTPUT_BYTES, MAX_OUTPUT_BYTES],
    ['over', MAX_OUTPUT_BYTES + 1, MAX_OUTPUT_BYTES],
    ['far over', 10 * MAX_OUTPUT_BYTES, MAX_OUTPUT_BYTES],
  ])('is kept up to 16 KiB of both streams together: %s', (_, written, kept) => {
    const judged = runGuest(({ stdout, stderr }) => {
      const streams = [stdout(), stderr()];
      for (let left = written, turn = 0; left > 0; turn += 1) {
        const size = Math.min(left, 1000);
        streams[turn % 2]?.write(new Uint8Array(size).fill(turn % 2));
        left -= size;
      }
      return true;
    });
    // What is over is dropped: printing too much is no reason to deny a payment.
    expect([endOf(judged), sizeOf(judged)]).toEqual(['approve', kept]);
  });

  it('is another one for each call', () => {
    const judged = runGuest(({ stdout }) => {
      stdout().write(Uint8Array.of(1));
      return true;
    });
    expect(sizeOf(judged)).toBe(1);
  });
});

describe('a write', () => {
  it.each([
    ['under', MAX_WRITE_BYTES - 1, 'approve'],
    ['at', MAX_WRITE_BYTES, 'approve'],
    ['over', MAX_WRITE_BYTES + 1, 'trap write beyond its permit'],
  ])('carries up to 4,096 bytes: %s', (_, size, end) => {
    expect(
      endOf(
        runGuest(({ stdout }) => {
          stdout().write(new Uint8Array(size));
          return true;
        }),
      ),
    ).toBe(end);
    const zeroes = runGuest(({ stdout }) => {
      stdout().writeZeroes(BigInt(size));
      return true;
    });
    expect([endOf(zeroes), sizeOf(zeroes)]).toEqual([end, end === 'approve' ? size : 0]);
  });
});

describe('random bytes', () => {
  const ask = (length: number) => () => createRandomStream(new Uint8Array(32)).bytes(length).length;

  it('come up to 64 KiB at once: under, at, over', () => {
    expect(ask(MAX_RANDOM_REQUEST_BYTES - 1)()).toBe(MAX_RANDOM_REQUEST_BYTES - 1);
    expect(ask(MAX_RANDOM_REQUEST_BYTES)()).toBe(MAX_RANDOM_REQUEST_BYTES);
    expect(ask(MAX_RANDOM_REQUEST_BYTES + 1)).toThrow(WebAssembly.RuntimeError);
  });
});

describe('core instances of a component', () => {
  it.each([
    ['under', 127, 'approve'],
    ['at', 128, 'approve'],
    ['over', 129, 'memory_exceeded more than 128 core instances'],
  ])('are at most 128: %s', (_, count, end) => {
    let made = 0;
    const judged = runGuest(
      () => true,
      (_getCoreModule, _imports, instantiateCore) => {
        for (; made < count; made += 1) instantiateCore(EMPTY);
      },
    );
    expect(endOf(judged)).toBe(end);
    expect(made, 'and the one over is not made').toBe(Math.min(count, 128));
  });
});

describe('fuel for making an instance', () => {
  const limits = { fuel: 140_000_003 };
  const share = 35_000_000;

  it('is a fourth of a call’s, in whole units', () => {
    expect(instantiationFuel({ ...DEFAULT_GUEST_LIMITS, ...limits })).toBe(share);
  });

  it.each([
    ['under', share - 1, { outcome: { kind: 'verdict', fuel: 7 } }],
    ['at', share, { outcome: { kind: 'verdict', fuel: 7 } }],
    [
      'over',
      share + 1,
      {
        outcome: {
          kind: 'failure',
          failure: { code: 'fuel_exhausted', detail: '35000000 fuel' },
          fuel: share,
        },
      },
    ],
  ])('ends a guest that starts with more: %s', (_, used, expected) => {
    let charge: ((fuel: number) => void) | undefined;
    const judged = runGuest(
      () => {
        charge?.(7);
        return true;
      },
      (_getCoreModule, _imports, _instantiateCore, chargeFuel) => {
        charge = chargeFuel;
        chargeFuel(used);
      },
      limits,
    );
    expect(judged).toMatchObject(expected);
  });

  it('leaves the whole budget to the call', () => {
    let charge: ((fuel: number) => void) | undefined;
    const callWith = (fuel: number): string =>
      endOf(
        runGuest(
          () => {
            charge?.(fuel);
            return true;
          },
          (_getCoreModule, _imports, _instantiateCore, chargeFuel) => {
            charge = chargeFuel;
            chargeFuel(share);
          },
          limits,
        ),
      );
    expect(callWith(limits.fuel)).toBe('approve');
    expect(callWith(limits.fuel + 1)).toBe(`fuel_exhausted ${limits.fuel} fuel`);
  });

  it('ends a guest that catches its own exhaustion', () => {
    const judged = runGuest(
      () => true,
      (_getCoreModule, _imports, _instantiateCore, chargeFuel) => {
        try {
          chargeFuel(share + 1);
        } catch {
          // As a guest with exception handling would.
        }
      },
      limits,
    );
    expect(endOf(judged)).toBe(`fuel_exhausted ${share} fuel`);
  });
});

describe('pages that the manifest does not count', () => {
  it.each([
    ['under', 2, true],
    ['at', 3, true],
    ['over', 4, false],
  ])('are taken from what the limit leaves: %s', (_, pages, fits) => {
    const meter = createMeter({ ...DEFAULT_GUEST_LIMITS, memoryPages: 5 }, { ...NO_MEMORY, initialPages: 2 });
    if (fits) expect(() => meter.take(pages, 0)).not.toThrow();
    else expect(() => meter.take(pages, 0)).toThrow(MemoryExceeded);
    expect(meter.imports.pages.value).toBe(fits ? 3 - pages : 3);
  });
});

describe('table elements that the manifest does not count', () => {
  it.each([
    ['under', 2, true],
    ['at', 3, true],
    ['over', 4, false],
  ])('are taken from what the limit leaves: %s', (_, elements, fits) => {
    const limits = { ...DEFAULT_GUEST_LIMITS, tableElements: 5 };
    const meter = createMeter(limits, { ...NO_MEMORY, initialElements: 2 });
    if (fits) expect(() => meter.take(1, elements)).not.toThrow();
    else expect(() => meter.take(1, elements)).toThrow(MemoryExceeded);
    expect(meter.imports.elements.value).toBe(fits ? 3 - elements : 3);
  });
});

test.each([-1, -1e9, 0.5, Number.NaN, Infinity, 2 ** 53])('glue cannot take %d fuel', (units) => {
  const meter = createMeter(DEFAULT_GUEST_LIMITS, NO_MEMORY);
  meter.begin();
  expect(() => meter.charge(units)).toThrow('not an amount of fuel');
  expect(meter.usedFuel(false)).toBe(0);
});

test('what a new instance took is told where the last one had to go, not where it is the first', () => {
  const PAGES = 3;
  let traps = true;
  const pool = createGuestPool({
    instantiate: (_getCoreModule, _imports, _instantiateCore, charge) => {
      charge(1_000);
      return {
        'wasmpay:platform/validation@0.1.0': {
          validate: () => {
            if (traps) throw new WebAssembly.RuntimeError('unreachable');
            return true;
          },
        },
      };
    },
    contract: 'wasmpay:platform@0.1.0',
    coreModules: new Map(),
    imports: [],
    grants: [],
    limits: DEFAULT_GUEST_LIMITS,
    metering: { ...NO_MEMORY, initialPages: PAGES },
    seed: new Uint8Array(32),
  });
  expect(pool.call(guestCall()).makingFuel).toBe(0);
  traps = false;
  expect(pool.call(guestCall()).makingFuel).toBe(1_000 + PAGES * 14_000);
  expect(pool.call(guestCall()).makingFuel).toBe(0);
});
