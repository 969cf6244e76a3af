// Rollback, the kill switch and renewal: what each release says, what is refused, and what somebody who can write to the
// bucket gains by trying.

import { beforeEach, describe, expect, it } from 'vitest';

import { hexOf } from '../../../src/artifact/digest.ts';
import { HOST_ABI } from '../../../src/artifact/manifest.ts';
import { rollbackRelease } from '../../../src/publisher/releases/rollback.ts';
import { disableBank, enableBank } from '../../../src/publisher/releases/switch.ts';
import { renewRelease } from '../../../src/publisher/releases/renew.ts';
import { forEveryBank } from '../../../src/publisher/releases/every-bank.ts';
import type { Fallback } from '../../../src/artifact/release.ts';
import { artifactKey, currentReleaseKey, releaseKey } from '../../../src/store/keys.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';
import {
  BANK,
  codesOf,
  createReleaseBed,
  DAY_S,
  force,
  makeKey,
  NOW_S,
  releaseOf,
  replay,
  valueOf,
  type ReleaseBed,
} from './release-bed.ts';

let bed: ReleaseBed;
beforeEach(async () => {
  bed = await createReleaseBed();
});

const rollback = (to?: number) =>
  rollbackRelease(bed, BANK, { ...(to !== undefined && { to }), validityDays: 7 });
const disable = (answer: Fallback = 'deny') => disableBank(bed, BANK, { answer, validityDays: 7 });
const enable = () => enableBank(bed, BANK, { validityDays: 7 });

describe('a rollback', () => {
  it('is a new release of what the last different one ran, with all of its terms', async () => {
    const first = await bed.release('one', { fallback: 'refuse', outage: 'approve' });
    await bed.release('two');
    bed.advanceDays(1);
    const made = releaseOf(await rollback());
    expect(made).toEqual({
      ...first,
      number: 3,
      replaces: 2,
      notBeforeS: NOW_S + DAY_S,
      notAfterS: NOW_S + 8 * DAY_S,
    });
    expect(await bed.current()).toEqual(made);
  });

  it('goes past renewals and releases that were switched off', async () => {
    const first = await bed.release('one');
    await bed.release('two');
    valueOf(await disable());
    valueOf(await enable());
    valueOf(await renewRelease(bed, BANK));
    expect(releaseOf(await rollback()).artifact).toBe(first.artifact);
  });

  it('goes past the number of a publisher that never swapped it in', async () => {
    const first = await bed.release('one');
    const lost = { ...first, ...(await bed.makeArtifact('never current')), number: 2, replaces: 1 };
    await bed.plant(releaseKey(BANK, 2), lost);
    await bed.release('three');
    valueOf(await renewRelease(bed, BANK));
    const made = releaseOf(await rollback());
    expect([made.number, made.artifact]).toEqual([5, first.artifact]);
  });

  it('reads what is there, however high the numbers go', async () => {
    const first = await bed.release('one');
    // A bucket was lost, and its numbers went on far above; then releases in between were taken away.
    const second = { ...(await bed.makeArtifact('two')), number: 900_000, replaces: 899_999 };
    await bed.plant(releaseKey(BANK, 900_000), { ...first, ...second });
    await bed.plant(currentReleaseKey(BANK), { ...first, ...second });
    const reads: string[] = [];
    const store: ObjectStore = {
      ...bed.store,
      get(key, options) {
        reads.push(key);
        if (reads.length > 100) throw new Error('reads without an end');
        return bed.store.get(key, options);
      },
    };
    const made = releaseOf(await rollbackRelease({ ...bed, store }, BANK, { validityDays: 7 }));
    expect([made.number, made.artifact]).toEqual([900_001, first.artifact]);
    const releases = reads.filter((key) => key.startsWith('banks/'));
    expect(releases).toEqual([currentReleaseKey(BANK), releaseKey(BANK, 1)]);
  });

  it('passes over what is spoilt in between with one read each', async () => {
    const first = await bed.release('one');
    await bed.release('two');
    await bed.release('three');
    await force(bed.store, releaseKey(BANK, 2), new Uint8Array(3));
    expect(releaseOf(await rollback()).artifact).toBe(first.artifact);
  });

  it('undoes another fallback or limit, too', async () => {
    await bed.release('one', { fallback: 'refuse' });
    await bed.release('one');
    expect(releaseOf(await rollback()).fallback).toBe('refuse');
  });

  it('goes to a number that is asked for', async () => {
    const first = await bed.release('one');
    await bed.release('two');
    await bed.release('three');
    expect(releaseOf(await rollback(1)).artifact).toBe(first.artifact);
  });

  it('tells of a release that somebody hid behind an older one', async () => {
    await bed.release('one');
    await bed.release('two');
    expect(valueOf(await rollback()).passedOver).toBeUndefined();
    await replay(bed, 1);
    const { release, previous, passedOver } = valueOf(await rollback(2));
    expect([release.number, previous?.number, passedOver?.number]).toEqual([4, 1, 3]);
  });

  it('leaves a bank switched off that is', async () => {
    await bed.release('one');
    await bed.release('two');
    valueOf(await disable('refuse'));
    expect(releaseOf(await rollback(1)).disabled).toEqual({ answer: 'refuse' });
  });

  it.each<[string, string, () => Promise<unknown>, number?]>([
    ['of a bank without releases', 'bank_unknown', () => bed.store.delete(currentReleaseKey(BANK))],
    ['where nothing else ran before', 'release_unknown', () => bed.release('one')],
    ['to a number that is not there', 'release_unknown', () => bed.release('one'), 9],
    [
      'to a release that another key signed',
      'release_unknown',
      async () =>
        bed.plant(releaseKey(BANK, 5), { ...(await bed.release('one')), number: 5 }, await makeKey()),
      5,
    ],
    [
      'to a release under another number than its own',
      'release_unknown',
      async () => {
        await bed.release('one');
        await bed.copy(releaseKey(BANK, 1), releaseKey(BANK, 7));
      },
      7,
    ],
    [
      'to another bank’s release',
      'release_unknown',
      async () => {
        await bed.release('one');
        await bed.release('evil', { bankId: 'other' });
        await bed.copy(releaseKey('other', 1), releaseKey(BANK, 2));
      },
      2,
    ],
    [
      'to an artifact that is gone',
      'artifact_unusable',
      async () => {
        const { artifact } = await bed.release('one');
        await bed.release('two');
        await bed.store.delete(artifactKey(hexOf(artifact)));
      },
    ],
    [
      'to an artifact with other bytes',
      'artifact_unusable',
      async () => {
        const { artifact } = await bed.release('one');
        await bed.release('two');
        await force(bed.store, artifactKey(hexOf(artifact)), new Uint8Array(9));
      },
    ],
    [
      'to an artifact for another host ABI',
      'artifact_unusable',
      async () => {
        await bed.release('old', await bed.makeArtifact('old', HOST_ABI - 1));
        await bed.release('two');
      },
    ],
  ])('%s is %s', async (_, code, prepare, to) => {
    await prepare();
    const before = await bed.current().catch(() => undefined);
    expect(codesOf(await rollback(to))).toEqual([code]);
    expect(await bed.current()).toEqual(before);
  });
});

describe('the kill switch', () => {
  it('switches off with its answer, keeps what would run, and switches on again to just that', async () => {
    const first = await bed.release('one', { fallback: 'refuse', outage: 'approve' });
    const off = releaseOf(await disable());
    expect(off).toMatchObject({ number: 2, disabled: { answer: 'deny' }, artifact: first.artifact });
    expect(await bed.current()).toEqual(off);
    const on = releaseOf(await enable());
    expect(on).toEqual({ ...first, number: 3, replaces: 2 });
  });

  it('is undone by no publication, and the newest one runs after it is switched on', async () => {
    await bed.release('one');
    valueOf(await disable());
    const fixed = await bed.release('fixed');
    expect(fixed.disabled).toEqual({ answer: 'deny' });
    expect(releaseOf(await enable())).toMatchObject({ artifact: fixed.artifact });
    expect((await bed.current())?.disabled).toBeUndefined();
  });

  it('is undone by no renewal', async () => {
    await bed.release('one');
    valueOf(await disable('refuse'));
    valueOf(await renewRelease(bed, BANK));
    expect((await bed.current())?.disabled).toEqual({ answer: 'refuse' });
  });

  it('is undone by no publication after somebody put the release before it back', async () => {
    await bed.release('one');
    valueOf(await disable());
    await replay(bed, 1);
    expect((await bed.release('two')).disabled).toEqual({ answer: 'deny' });
  });

  it('is undone by no publication after somebody deleted the current release', async () => {
    await bed.release('one');
    valueOf(await disable());
    await bed.store.delete(currentReleaseKey(BANK));
    expect((await bed.release('two')).disabled).toEqual({ answer: 'deny' });
  });

  it('can be thrown again with another answer', async () => {
    await bed.release('one');
    valueOf(await disable());
    expect(releaseOf(await disable('refuse')).disabled).toEqual({ answer: 'refuse' });
  });

  it('refuses to switch on what is on, and banks that it does not know', async () => {
    expect(codesOf(await disable())).toEqual(['bank_unknown']);
    expect(codesOf(await enable())).toEqual(['bank_unknown']);
    await bed.release('one');
    expect(codesOf(await enable())).toEqual(['not_disabled']);
    expect((await bed.current())?.number).toBe(1);
  });

  it.each(['approve', 'APPROVE', '', 'constructor'])('never answers %j', async (answer) => {
    await bed.release('one');
    expect(codesOf(await disable(answer as Fallback))).toEqual(['fallback_approves']);
    expect((await bed.current())?.number).toBe(1);
  });
});

describe('the fallback of a release', () => {
  it.each([
    [{ fallback: 'approve' as Fallback }],
    [{ outage: 'deny' as 'approve' }],
    [{ outage: 'always' as 'approve' }],
  ])('is refused as %j', async (changes) => {
    await expect(bed.release('one', changes)).rejects.toThrow('fallback_approves');
    expect(await bed.current()).toBeUndefined();
  });
});

describe('a renewal', () => {
  it('is the same release with a later end, as long as before', async () => {
    const first = await bed.release('one', { validityDays: 3 });
    bed.advanceDays(2);
    const renewal = valueOf(await renewRelease(bed, BANK));
    expect(renewal.kind).toBe('renewed');
    const shiftS = 2 * DAY_S;
    expect(await bed.current()).toEqual({
      ...first,
      number: 2,
      replaces: 1,
      notBeforeS: first.notBeforeS + shiftS,
      notAfterS: first.notAfterS + shiftS,
    });
  });

  it.each([
    ['over', 2.999, 'not_due'],
    ['at', 3, 'renewed'],
    ['under', 3.001, 'renewed'],
  ])('within four days: with the rest %s it', async (_, days, kind) => {
    await bed.release('one');
    bed.advanceDays(days);
    expect(valueOf(await renewRelease(bed, BANK, { withinDays: 4 })).kind).toBe(kind);
  });

  it.each([
    ['a second before', 7 - 1 / DAY_S, []],
    ['at', 7, ['release_expired']],
    ['a day after', 8, ['release_expired']],
  ])('%s its end', async (_, days, codes) => {
    await bed.release('one');
    bed.advanceDays(days);
    expect(codesOf(await renewRelease(bed, BANK))).toEqual(codes);
  });

  it('of one that has ended takes a person', async () => {
    await bed.release('one');
    bed.advanceDays(30);
    expect(valueOf(await renewRelease(bed, BANK, { expired: true })).kind).toBe('renewed');
  });

  it('makes nothing current of an old release that somebody put back', async () => {
    await bed.release('old and broken');
    bed.advanceDays(1);
    await bed.release('mended');
    await replay(bed, 1);
    expect(codesOf(await renewRelease(bed, BANK))).toEqual(['release_superseded']);
    expect((await bed.current())?.number).toBe(1);
  });

  // Write access is enough for each of these; a signature is not to be had.
  it.each<[string, () => Promise<unknown>]>([
    ['spoiling it', () => force(bed.store, releaseKey(BANK, 2), new TextEncoder().encode('x.y.z'))],
    ['emptying it', () => force(bed.store, releaseKey(BANK, 2), new Uint8Array(0))],
    ['putting the old one in its place', () => bed.copy(releaseKey(BANK, 1), releaseKey(BANK, 2))],
    [
      'putting one there that another key signed',
      async () => {
        const release = await bed.current();
        if (release !== undefined) await bed.plant(releaseKey(BANK, 2), release, await makeKey());
      },
    ],
  ])('makes nothing current of an old release that somebody put back after %s', async (_, spoil) => {
    await bed.release('old and broken');
    await bed.release('mended');
    await spoil();
    await replay(bed, 1);
    const result = await renewRelease(bed, BANK, { expired: true });
    expect(codesOf(result)).toEqual(['release_superseded']);
    const [refusal] = result.ok ? [] : result.refusals;
    expect(refusal?.message).toMatch(/release 2 of .* release 1 is current/);
    expect(refusal?.fix).toContain('wasmpay rollback icamer --to 1');
    expect((await bed.current())?.number).toBe(1);
    // A person who has looked decides: the release that is right goes above what was planted, and renewals go on.
    expect(releaseOf(await rollback(1)).number).toBe(3);
    expect(valueOf(await renewRelease(bed, BANK)).kind).toBe('renewed');
  });

  it('makes nothing current of the second last of three, or after a publisher that was cut off', async () => {
    await bed.release('one');
    await bed.release('two');
    const third = await bed.release('three');
    await replay(bed, 2);
    const result = await renewRelease(bed, BANK);
    expect(codesOf(result)).toEqual(['release_superseded']);
    expect(result.ok ? '' : result.refusals[0]?.message).toMatch(/Release 3 of .* release 2 is current/);
    await replay(bed, 3);
    expect(valueOf(await renewRelease(bed, BANK)).kind).toBe('renewed');
    expect(await bed.current()).toMatchObject({ number: 4, artifact: third.artifact });
  });

  it('makes nothing current of one that is left after somebody deleted the current release', async () => {
    await bed.release('one');
    await bed.store.delete(currentReleaseKey(BANK));
    expect(codesOf(await renewRelease(bed, BANK))).toEqual(['release_superseded']);
    expect(await bed.current()).toBeUndefined();
  });

  it('signs no release of another deployment whose bucket was copied over', async () => {
    const first = await bed.release('one');
    await bed.plant(currentReleaseKey(BANK), { ...first, audience: 'staging.example' });
    await expect(renewRelease(bed, BANK)).rejects.toMatchObject({ code: 'release_invalid' });
  });

  it('can be run by a new key while both are trusted, and afterwards the old one is of no use', async () => {
    await bed.release('one');
    const next = await makeKey();
    const both = new Map([...bed.trustedKeys, [next.keyId, next.publicKey]]);
    const desk = { ...bed, signingKey: next };
    await expect(
      renewRelease({ ...desk, trustedKeys: new Map([[next.keyId, next.publicKey]]) }, BANK),
    ).rejects.toMatchObject({
      code: 'release_invalid',
    });
    valueOf(await renewRelease({ ...desk, trustedKeys: both }, BANK));
    const alone = { ...desk, trustedKeys: new Map([[next.keyId, next.publicKey]]) };
    expect(valueOf(await renewRelease(alone, BANK)).kind).toBe('renewed');
  });

  it('of all banks goes on after those that fail, and tells of each', async () => {
    await bed.release('a', { bankId: 'a-good' });
    await bed.release('b', { bankId: 'b_forged' });
    await bed.release('c', { bankId: 'c-short', validityDays: 1 });
    await bed.release('d', { bankId: 'd_off' });
    valueOf(await disableBank(bed, 'd-off', { answer: 'deny', validityDays: 7 }));
    await force(bed.store, currentReleaseKey('b-forged'), new TextEncoder().encode('x.y.z'));
    bed.advanceDays(2);
    const told: string[] = [];
    const outcomes = await forEveryBank(
      bed.store,
      (slug) => renewRelease(bed, slug),
      ({ name }) => told.push(name),
    );
    expect(told).toEqual(['a-good', 'b-forged', 'c-short', 'd-off']);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'failed', 'refused', 'done']);
    expect(outcomes[1]).toMatchObject({ code: 'release_invalid' });
    expect((await bed.current('a-good'))?.number).toBe(2);
    expect(await bed.current('d-off')).toMatchObject({ number: 3, disabled: { answer: 'deny' } });
  });
});
