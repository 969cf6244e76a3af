// The kill switch over a current release that nobody can believe: whoever spoils that object must not keep a bank
// running. Everything else refuses it, for what it hides may be that the bank is switched off.

import { beforeEach, describe, expect, it } from 'vitest';

import { MAX_RELEASE_BYTES } from '../../../src/core/limits.ts';
import { readHistory } from '../../../src/publisher/releases/history.ts';
import { renewRelease } from '../../../src/publisher/releases/renew.ts';
import { rollbackRelease } from '../../../src/publisher/releases/rollback.ts';
import { disableBank, enableBank } from '../../../src/publisher/releases/switch.ts';
import { currentReleaseKey, releaseKey } from '../../../src/store/keys.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';
import {
  BANK,
  codesOf,
  createReleaseBed,
  force,
  makeKey,
  releaseOf,
  replay,
  valueOf,
  type ReleaseBed,
} from './release-bed.ts';

const CURRENT = currentReleaseKey(BANK);

let bed: ReleaseBed;
beforeEach(async () => {
  bed = await createReleaseBed();
});

const disable = (over: ReleaseBed = bed, leastNumber?: number) =>
  disableBank(over, BANK, {
    answer: 'deny',
    validityDays: 7,
    ...(leastNumber !== undefined && { leastNumber }),
  });
const enable = () => enableBank(bed, BANK, { validityDays: 7 });

const write = (key: string, text: string) => force(bed.store, key, new TextEncoder().encode(text));

async function bytesOf(key: string): Promise<Uint8Array> {
  const found = await bed.store.get(key);
  if (found.kind !== 'found') throw new Error(`${key} is missing`);
  return found.object.bytes;
}

/** What somebody may leave in the place of release 2, the current one. */
const SPOILT: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['nothing in it', () => write(CURRENT, '')],
  ['other bytes', () => write(CURRENT, 'a.b.c')],
  ['an end cut off', async () => force(bed.store, CURRENT, (await bytesOf(CURRENT)).slice(0, 300))],
  [
    'one bit flipped',
    async () => {
      const bytes = (await bytesOf(CURRENT)).slice();
      const middle = Math.floor(bytes.length / 2);
      bytes[middle] = (bytes[middle] ?? 0) ^ 1;
      await force(bed.store, CURRENT, bytes);
    },
  ],
  ['more bytes than a release may have', () => write(CURRENT, 'x'.repeat(MAX_RELEASE_BYTES + 1))],
  ['JSON that ends early', () => write(CURRENT, '{"bank":"icamer","numb')],
  [
    'another bank’s release',
    async () => {
      await bed.release('evil', { bankId: 'other' });
      await bed.copy(releaseKey('other', 1), CURRENT);
    },
  ],
  [
    'a release of another deployment',
    async () => bed.plant(CURRENT, { ...(await known()), number: 9, audience: 'staging.example' }),
  ],
  [
    'a release that another key signed',
    async () => bed.plant(CURRENT, { ...(await known()), number: 9 }, await makeKey()),
  ],
];

async function known() {
  const release = await bed.current();
  if (release === undefined) throw new Error('no release');
  return release;
}

describe.each(SPOILT)('a current release with %s', (_, spoil) => {
  it('is replaced by the kill switch, above every number, and named', async () => {
    await bed.release('one');
    const second = await bed.release('two', { fallback: 'refuse' });
    await spoil();
    const made = valueOf(await disable());
    expect(made.release).toMatchObject({
      number: 3,
      replaces: 2,
      artifact: second.artifact,
      fallback: 'refuse',
      disabled: { answer: 'deny' },
    });
    expect(made.spoilt).toContain(`${CURRENT} cannot be believed: `);
    expect(made.previous?.number).toBe(2);
    expect(made.passedOver).toBeUndefined();
    expect(await bed.current()).toEqual(made.release);
  });

  it('is refused by everything else, and left', async () => {
    await bed.release('one');
    await bed.release('two');
    await spoil();
    const before = await bytesOf(CURRENT);
    const refused = { code: 'release_invalid' };
    await expect(bed.release('three')).rejects.toMatchObject(refused);
    await expect(enable()).rejects.toMatchObject(refused);
    await expect(renewRelease(bed, BANK, { expired: true })).rejects.toMatchObject(refused);
    await expect(rollbackRelease(bed, BANK, { to: 1, validityDays: 7 })).rejects.toMatchObject(refused);
    expect(await bytesOf(CURRENT)).toEqual(before);
  });
});

describe('the kill switch over a spoilt current release', () => {
  it('goes on from there: enabled again, or rolled back', async () => {
    const first = await bed.release('one');
    const second = await bed.release('two');
    await write(CURRENT, 'spoilt');
    valueOf(await disable());
    expect((await readHistory(bed, BANK)).entries.map((entry) => 'place' in entry && entry.place)).toEqual([
      'current',
      'was_current',
      'was_current',
    ]);
    const enabled = valueOf(await enable());
    expect(enabled.spoilt).toBeUndefined();
    expect(enabled.release).toMatchObject({ number: 4, artifact: second.artifact });
    const back = releaseOf(await rollbackRelease(bed, BANK, { validityDays: 7 }));
    expect(back.artifact).toBe(first.artifact);
  });

  it('counts numbers whose releases are spoilt as well, so that gateways take it', async () => {
    const first = await bed.release('one');
    await bed.release('two');
    await bed.release('three');
    await write(releaseKey(BANK, 2), 'spoilt');
    await write(releaseKey(BANK, 3), 'spoilt');
    await write(CURRENT, 'spoilt');
    expect(releaseOf(await disable())).toMatchObject({ number: 4, artifact: first.artifact });
  });

  it('takes a number that is named where those in the bucket were taken away', async () => {
    await bed.release('one');
    await bed.release('two');
    await bed.store.delete(releaseKey(BANK, 2));
    await write(CURRENT, 'spoilt');
    expect(releaseOf(await disable(bed, 42)).number).toBe(42);
  });

  it('cannot be told what to stop where nothing signed is left, and leaves the object', async () => {
    await bed.release('one');
    await write(releaseKey(BANK, 1), 'spoilt');
    await write(CURRENT, 'spoilt');
    await expect(disable()).rejects.toMatchObject({ code: 'release_invalid' });
    expect(new TextDecoder().decode(await bytesOf(CURRENT))).toBe('spoilt');
  });

  it('of a deployment without releases here touches no other deployment’s', async () => {
    await bed.release('one');
    const before = await bytesOf(CURRENT);
    await expect(disable({ ...bed, audience: 'pay.exmaple' })).rejects.toMatchObject({
      code: 'release_invalid',
    });
    expect(await bytesOf(CURRENT)).toEqual(before);
  });

  it.each([
    ['small', 'spoilt'],
    ['too large', 'x'.repeat(MAX_RELEASE_BYTES + 1)],
  ])('swaps against the %s object that it read: what another publisher mended is kept', async (_, text) => {
    const first = await bed.release('one');
    await write(CURRENT, text);
    // Somebody puts a good release in its place just before the swap.
    const inner = bed.store;
    let isMended = false;
    const store: ObjectStore = {
      ...inner,
      async put(key, bytes, condition) {
        if (key === CURRENT && !isMended) {
          isMended = true;
          await bed.plant(CURRENT, { ...first, number: 7, replaces: 1, fallback: 'refuse' });
        }
        return inner.put(key, bytes, condition);
      },
    };
    const made = valueOf(await disable({ ...bed, store }));
    expect(made.release).toMatchObject({ number: 8, replaces: 7, fallback: 'refuse' });
    expect(made.spoilt).toBeUndefined();
  });

  it('two at once both succeed in order', async () => {
    await bed.release('one');
    await write(CURRENT, 'spoilt');
    const made = await Promise.all([disable(), disable(), disable()]);
    expect(new Set(made.map((one) => releaseOf(one).number)).size).toBe(3);
    expect(made.filter((one) => valueOf(one).spoilt !== undefined)).toHaveLength(1);
    expect((await bed.current())?.disabled).toEqual({ answer: 'deny' });
  });
});

describe('a number that no publisher can have taken', () => {
  // Without room above it, it would be the bank's last.
  it.each([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, 2e9])(
    '%i, planted, stops neither the switch nor anything after it',
    async (planted) => {
      await bed.release('one');
      await write(releaseKey(BANK, planted), 'planted');
      expect(releaseOf(await disable()).number).toBe(2);
      expect(releaseOf(await enable()).number).toBe(3);
      expect(valueOf(await renewRelease(bed, BANK)).kind).toBe('renewed');
    },
  );

  it.each([
    ['under', 1e9, 1e9 + 1],
    ['at', 1e9 + 1, 1e9 + 2],
    ['over', 1e9 + 2, 2],
  ])('%s the leap that is believed of release 1', async (_, planted, number) => {
    await bed.release('one');
    await write(releaseKey(BANK, planted), 'planted');
    expect(releaseOf(await disable()).number).toBe(number);
  });

  it('is not taken either where it is next', async () => {
    await bed.release('one');
    await write(releaseKey(BANK, 1e9 + 1), 'planted');
    await write(releaseKey(BANK, 1e9 + 2), 'planted');
    expect(releaseOf(await disable()).number).toBe(1e9 + 3);
  });

  it('is believed where a trusted key signed it', async () => {
    const first = await bed.release('one');
    await bed.plant(releaseKey(BANK, 5e9), { ...first, number: 5e9 });
    expect(releaseOf(await disable()).number).toBe(5e9 + 1);
    await replay(bed, 1);
    expect(codesOf(await renewRelease(bed, BANK))).toEqual(['release_superseded']);
  });
});
