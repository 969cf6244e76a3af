// What becomes of a key's entry, at the ends of leases and days, and where a clock is set.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  claimEntry,
  hasEnded,
  KEEP_MS,
  keepEntry,
  releaseEntry,
  type KeptEntry,
} from '../../src/gateway/kept-entry.ts';
import { describeIdempotencyStore } from '../fixtures/idempotency-contract.ts';
import { createKeptAnswers } from '../fixtures/kept-answers.ts';
import { createManualTime } from '../fixtures/manual-time.ts';

const NOW_MS = 1_700_000_000_000;
const LEASE_MS = 1_500;
const CLAIM = { fingerprint: 'f', claim: 'a', leaseMs: LEASE_MS };
const OTHER = { ...CLAIM, claim: 'b' };

const claimed = claimEntry(undefined, CLAIM, NOW_MS).entry;
const kept = keepEntry(claimed, { ...CLAIM, body: 'x' }, NOW_MS).entry;

test('a day is 86,400 seconds', () => {
  expect(KEEP_MS).toBe(86_400_000);
});

test.each([
  ['under', KEEP_MS - 1, 'kept'],
  ['at', KEEP_MS, 'claimed'],
  ['over', KEEP_MS + 1, 'claimed'],
])('%s the day an answer is %3$s', (_, afterMs, kind) => {
  expect(claimEntry(kept, OTHER, NOW_MS + afterMs).result.kind).toBe(kind);
  expect(claimEntry(kept, { ...OTHER, fingerprint: 'g' }, NOW_MS + afterMs).result.kind).toBe(
    kind === 'kept' ? 'conflict' : kind,
  );
  const other = keepEntry(kept, { ...OTHER, body: 'y' }, NOW_MS + afterMs).result;
  expect(other).toEqual({ kind: 'kept', body: kind === 'kept' ? 'x' : 'y' });
});

test.each([
  ['under', LEASE_MS - 1, 'busy'],
  ['at', LEASE_MS, 'claimed'],
  ['over', LEASE_MS + 1, 'claimed'],
])('%s its lease a claim makes others %3$s', (_, afterMs, kind) => {
  expect(claimEntry(claimed, OTHER, NOW_MS + afterMs).result.kind).toBe(kind);
});

describe('a clock that was set back', () => {
  test('ends a claim, which must not block its key', () => {
    const earlierMs = NOW_MS - 3_600_000;
    expect(claimEntry(claimed, OTHER, earlierMs).result).toEqual({ kind: 'claimed' });
    // Its answer still counts: it is the first.
    expect(keepEntry(claimed, { ...CLAIM, body: 'x' }, earlierMs).result).toEqual({
      kind: 'kept',
      body: 'x',
    });
  });

  test('ends no answer, and keeps none for longer than a day from when it is seen', () => {
    const earlierMs = NOW_MS - 400 * KEEP_MS;
    const { entry, result } = claimEntry(kept, OTHER, earlierMs);
    expect(result).toEqual({ kind: 'kept', body: 'x' });
    expect(claimEntry(entry, OTHER, earlierMs + KEEP_MS - 1).result.kind).toBe('kept');
    expect(claimEntry(entry, OTHER, earlierMs + KEEP_MS).result.kind).toBe('claimed');
    expect(keepEntry(kept, { ...OTHER, body: 'y' }, earlierMs)).toEqual({ entry, result });
  });
});

test('what nothing is changed in is the same object', () => {
  expect(claimEntry(kept, OTHER, NOW_MS + 1).entry).toBe(kept);
  expect(claimEntry(claimed, OTHER, NOW_MS + 1).entry).toBe(claimed);
  expect(keepEntry(kept, { ...OTHER, body: 'y' }, NOW_MS + 1).entry).toBe(kept);
  expect(releaseEntry(kept, 'a')).toBe(kept);
});

test('whatever comes in which order, two answers that are told within a day are one', () => {
  const step = fc.record({
    kind: fc.constantFrom('claim', 'keep', 'release'),
    claim: fc.constantFrom('a', 'b', 'c'),
    fingerprint: fc.constantFrom('f', 'g'),
    afterMs: fc.integer({ min: 0, max: 2_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let entry: KeptEntry | undefined;
      let nowMs = NOW_MS;
      const told = new Set<string>();
      for (const [index, { kind, claim, fingerprint, afterMs }] of steps.entries()) {
        nowMs += afterMs;
        if (kind === 'release') {
          entry = releaseEntry(entry, claim);
          continue;
        }
        const body = `${fingerprint} ${index}`;
        const change =
          kind === 'claim'
            ? claimEntry(entry, { fingerprint, claim, leaseMs: LEASE_MS }, nowMs)
            : keepEntry(entry, { fingerprint, claim, body }, nowMs);
        ({ entry } = change);
        if (change.result.kind === 'kept') {
          told.add(change.result.body);
          expect(change.result.body.startsWith(fingerprint)).toBe(true);
        }
        expect(entry !== undefined && hasEnded(entry, nowMs)).toBe(false);
      }
      expect(told.size).toBeLessThanOrEqual(1);
    }),
  );
});

describe('a store in memory', () => {
  const time = createManualTime(NOW_MS);
  const store = createKeptAnswers(time.clock);
  describeIdempotencyStore(
    () => store,
    (byMs) => time.advance(byMs),
  );
});
