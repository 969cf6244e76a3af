// How much runs after the counter went below zero: functions that check nothing are called as often as a text can hold,
// by as many frames as the stack can. The bound is that of check-policy.

import { describe, expect, it } from 'vitest';
import { DEFAULT_GUEST_LIMITS } from '../../../src/core/guest-limits.ts';
import { UNCHECKED_FUEL, UNCHECKED_LEAF_FUEL } from '../../../src/publisher/meter/check-policy.ts';
import { runText } from '../../fixtures/meter-run.ts';

/** Of a counted frame, bytes: as check-policy has it. */
const LEAST_FRAME_BYTES = 160;
const { stackBytes, fuel: FUEL } = DEFAULT_GUEST_LIMITS;
const MOST_OVERRUN = (Math.floor(stackBytes / LEAST_FRAME_BYTES) + 12) * UNCHECKED_FUEL + UNCHECKED_LEAF_FUEL;

const CALLS = 20_000;
const repeat = (text: string, count = CALLS): string => `${text} `.repeat(count);
const LEAF = `global.get $at i32.const 1103515245 i32.mul i32.const 12345 i32.add global.set $at
  global.get $at i32.const 65532 i32.and i32.load drop`;

/** What follows a frame's call of itself, by name, and what makes its leaf reached by more than a call. */
const WAYS: Readonly<Record<string, readonly [calls: string, reached: string]>> = {
  'one after another': [repeat('call $leaf'), ''],
  'one after another, of an exported leaf': [repeat('call $leaf'), '(export "leaf" (func $leaf))'],
  'through a table': [
    repeat('i32.const 0 call_indirect'),
    '(table 1 funcref) (elem (i32.const 0) func $leaf)',
  ],
  'in the arm of an if': [`local.get 0 if ${repeat('call $leaf')} end`, ''],
  'behind branches that are not taken': [
    `block ${repeat(`local.get 0 i32.eqz br_if 0 ${repeat('call $leaf', 12)}`, 2_000)} end`,
    '',
  ],
  'with their results on the stack': [
    `${repeat('call $give', 50)} ${repeat('call $give i32.add')} ${repeat('drop', 50)}`,
    '',
  ],
};

describe('what runs after exhaustion', () => {
  for (const [name, [calls, reached]] of Object.entries(WAYS)) {
    it(`is bounded where small leaves are called ${name}`, async () => {
      const run = await runText(`(module (memory 1) (global $at (mut i32) (i32.const 1)) ${reached}
        (func $leaf ${LEAF})
        (func $give (result i32) ${LEAF} i32.const 1)
        (func $f (export "f") (param i32)
          local.get 0 i32.eqz if return end
          local.get 0 i32.const 1 i32.sub call $f
          ${calls}))`);
      for (const frames of [2, 20, 200]) {
        run.globals.depth = stackBytes;
        const need = run.fuelOf('f', frames);
        // Enough for frames to start, and not for the leaves.
        for (const share of [0.1, 0.3, 0.5, 0.9]) {
          const budget = Math.min(FUEL, Math.floor(need * share));
          run.globals.depth = stackBytes;
          expect(run.isExhausted(budget, 'f', frames)).toBe(true);
          expect(Number(-run.globals.fuel), `${frames} frames, ${share}`).toBeLessThanOrEqual(MOST_OVERRUN);
        }
      }
    });
  }
});
