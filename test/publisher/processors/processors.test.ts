// Processors' records as a publisher makes them: what each action changes, what races and an untrusted bucket cannot do.

import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';

import type { ProcessorRecord } from '../../../src/artifact/processor.ts';
import { generateReleaseKeys, parseSigningKey, trustOnly } from '../../../src/artifact/release-keys.ts';
import { signProcessor } from '../../../src/artifact/sign-processor.ts';
import { verifyProcessorSignature } from '../../../src/artifact/verify-processor.ts';
import { parseApiKey } from '../../../src/core/api-key.ts';
import { MAX_PROCESSOR_KEYS } from '../../../src/core/limits.ts';
import {
  addProcessor,
  changeTerms,
  revokeKeys,
  rotateKeys,
  type AddOptions,
} from '../../../src/publisher/processors/change-keys.ts';
import { listProcessors, readProcessorStanding } from '../../../src/publisher/processors/read-record.ts';
import { renewRecord } from '../../../src/publisher/processors/renew-record.ts';
import type { Result } from '../../../src/publisher/refusal.ts';
import type { ReleaseDesk } from '../../../src/publisher/releases/next-release.ts';
import { currentProcessorKey, processorRecordKey } from '../../../src/store/keys.ts';
import { createMemoryStore } from '../../../src/store/memory.ts';
import type { ObjectStore } from '../../../src/store/object-store.ts';

const NOW_S = 1_800_000_000;
const DAY_S = 86_400;
const invalid = expect.objectContaining({ code: 'processor_invalid' }) as Error;

let nowS = NOW_S;
let desk: ReleaseDesk & { readonly store: ObjectStore };

const OPTIONS: AddOptions = {
  name: 'Acme Payments',
  banks: ['icamer'],
  tier: 'standard',
  apiKey: true,
  publicKeys: [],
  random: randomBytes,
};
const NEW_KEY = { apiKey: true, publicKeys: [], random: randomBytes };
const PUBLIC_KEY = { id: 'i'.repeat(43), x: 'x'.repeat(43) };

beforeEach(async () => {
  nowS = NOW_S;
  const signingKey = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
  desk = {
    store: createMemoryStore(),
    audience: 'pay.example',
    trustedKeys: trustOnly(signingKey),
    signingKey,
    clock: () => nowS * 1000,
  };
});

function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.refusals));
}

const codesOf = (result: Result<unknown>): string[] =>
  result.ok ? ['done'] : result.refusals.map(({ code }) => code);

const add = async (changes: Partial<AddOptions> = {}, processor = 'acme') =>
  valueOf(await addProcessor(desk, processor, { ...OPTIONS, ...changes }));

/** What a gateway reads. */
async function current(processor = 'acme'): Promise<ProcessorRecord | undefined> {
  const found = await desk.store.get(currentProcessorKey(processor));
  return found.kind === 'found' ? verifyProcessorSignature(found.object.bytes, desk.trustedKeys) : undefined;
}

async function read(key: string): Promise<Uint8Array> {
  const found = await desk.store.get(key);
  if (found.kind !== 'found') throw new Error(`${key} is not there`);
  return found.object.bytes;
}

/** Writes as somebody with the bucket's key would. */
async function force(key: string, bytes: Uint8Array): Promise<void> {
  await desk.store.delete(key);
  await desk.store.put(key, bytes, { kind: 'absent' });
}

describe('add', () => {
  it('makes record 1 with the digest of a key that is nowhere else', async () => {
    const { record, apiKey } = await add();
    expect(record).toMatchObject({ processor: 'acme', number: 1, banks: ['icamer'], tier: 'standard' });
    expect(record.notAfterS - record.notBeforeS).toBe(7 * DAY_S);
    expect(await current()).toMatchObject({ ...record });
    const text = apiKey?.text ?? '';
    expect(parseApiKey(text)).toMatchObject({ processor: 'acme', keyId: apiKey?.entry.id });
    expect(record.apiKeys).toEqual([
      { id: apiKey?.entry.id, sha256: createHash('sha256').update(text).digest('hex'), createdS: NOW_S },
    ]);
    for (const key of [currentProcessorKey('acme'), processorRecordKey('acme', 1)]) {
      const token = new TextDecoder().decode(await read(key));
      expect(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).not.toContain(
        text.split('_')[3],
      );
    }
  });

  it('makes another key each time', async () => {
    const texts = [];
    for (let index = 0; index < 20; index += 1)
      texts.push((await add({}, `p${index}`)).apiKey?.text.slice(-73));
    expect(new Set(texts).size).toBe(20);
  });

  it('takes a public key instead, and an end for the API key', async () => {
    const { record, apiKey } = await add({ apiKey: false, publicKeys: [PUBLIC_KEY] });
    expect(apiKey).toBeUndefined();
    expect([record.apiKeys, record.publicKeys]).toEqual([[], [{ ...PUBLIC_KEY, createdS: NOW_S }]]);
    const other = await add({ keyDays: 90 }, 'other');
    expect(other.record.apiKeys[0]?.notAfterS).toBe(NOW_S + 90 * DAY_S);
  });

  it('is refused for one that is there, and for what is no id', async () => {
    await add();
    expect(codesOf(await addProcessor(desk, 'acme', OPTIONS))).toEqual(['processor_exists']);
    for (const name of ['', 'Acme', 'a_b', '../a', 'a'.repeat(64)])
      expect(codesOf(await addProcessor(desk, name, OPTIONS))).toEqual(['processor_id_invalid']);
  });

  it('goes on above the numbers of a bucket that was lost', async () => {
    const { record } = await add({ leastNumber: 12 });
    expect(record.number).toBe(12);
  });

  it('at once, by two, is done once', async () => {
    const results = await Promise.all([1, 2, 3].map(() => addProcessor(desk, 'acme', OPTIONS)));
    expect(results.flatMap(codesOf).sort()).toEqual(['done', 'processor_exists', 'processor_exists']);
    const winner = results.find(({ ok }) => ok);
    expect(await current()).toMatchObject({
      apiKeys: [winner?.ok === true ? winner.value.apiKey?.entry : {}],
    });
  });
});

describe('rotate', () => {
  it('adds a key beside the old ones', async () => {
    const first = await add();
    const { record, apiKey } = valueOf(await rotateKeys(desk, 'acme', NEW_KEY));
    expect(record.number).toBe(2);
    expect(record.apiKeys).toEqual([first.apiKey?.entry, apiKey?.entry]);
  });

  it('lets the old ones end, none later than it would', async () => {
    await add({ keyDays: 1 });
    valueOf(await rotateKeys(desk, 'acme', NEW_KEY));
    const { record } = valueOf(await rotateKeys(desk, 'acme', { ...NEW_KEY, keepHours: 48 }));
    expect(record.apiKeys.map(({ notAfterS }) => notAfterS)).toEqual([
      NOW_S + DAY_S,
      NOW_S + 2 * DAY_S,
      undefined,
    ]);
    nowS += DAY_S;
    expect(valueOf(await rotateKeys(desk, 'acme', NEW_KEY)).record.apiKeys.length).toBe(3);
  });

  it('of a public key leaves API keys as they are', async () => {
    const first = await add();
    const options = { ...NEW_KEY, apiKey: false, publicKeys: [PUBLIC_KEY], keepHours: 1 };
    const { record, apiKey } = valueOf(await rotateKeys(desk, 'acme', options));
    expect([record.apiKeys, record.publicKeys.length, apiKey]).toEqual([[first.apiKey?.entry], 1, undefined]);
    expect(codesOf(await rotateKeys(desk, 'acme', options))).toEqual(['processor_key_exists']);
  });

  it('is refused where there is no such processor, or no room', async () => {
    expect(codesOf(await rotateKeys(desk, 'acme', NEW_KEY))).toEqual(['processor_unknown']);
    await add();
    for (let count = 2; count <= MAX_PROCESSOR_KEYS; count += 1)
      valueOf(await rotateKeys(desk, 'acme', NEW_KEY));
    expect(codesOf(await rotateKeys(desk, 'acme', NEW_KEY))).toEqual(['processor_keys_full']);
  });

  it('at once, by many, loses no key that was shown', async () => {
    await add();
    const results = await Promise.all(Array.from({ length: 10 }, () => rotateKeys(desk, 'acme', NEW_KEY)));
    const shown = results.map((result) => String(valueOf(result).apiKey?.entry.id)).sort();
    const record = await current();
    expect(record?.number).toBe(11);
    expect(
      record?.apiKeys
        .map(({ id }) => id)
        .slice(1)
        .sort(),
    ).toEqual(shown);
  });
});

describe('revoke', () => {
  it('takes one key, or all', async () => {
    const first = await add();
    const second = valueOf(await rotateKeys(desk, 'acme', NEW_KEY));
    const one = valueOf(await revokeKeys(desk, 'acme', first.apiKey?.entry.id));
    expect(one.record.apiKeys).toEqual([second.apiKey?.entry]);
    const all = valueOf(await revokeKeys(desk, 'acme', undefined));
    expect([all.record.apiKeys, all.record.publicKeys, all.record.number]).toEqual([[], [], 4]);
  });

  it('is refused for a key that is not there', async () => {
    expect(codesOf(await revokeKeys(desk, 'acme', 'k1a2b3c4'))).toEqual(['processor_unknown']);
    await add();
    expect(codesOf(await revokeKeys(desk, 'acme', 'k1a2b3c4'))).toEqual(['processor_key_unknown']);
  });

  it('is not undone by a rotation at the same time', async () => {
    for (let round = 0; round < 10; round += 1) {
      const processor = `p${round}`;
      const first = await add({}, processor);
      const id = first.apiKey?.entry.id;
      const results = await Promise.all([
        rotateKeys(desk, processor, NEW_KEY),
        revokeKeys(desk, processor, id),
        rotateKeys(desk, processor, NEW_KEY),
      ]);
      results.forEach((result) => valueOf(result));
      const record = await current(processor);
      expect(record?.apiKeys.map((key) => key.id)).not.toContain(id);
      expect(record?.apiKeys.length).toBe(2);
    }
  });
});

describe('what a processor may do', () => {
  it('changes, and its keys stay', async () => {
    const { apiKey } = await add();
    const { record } = valueOf(await changeTerms(desk, 'acme', { banks: 'all', tier: 'high' }));
    expect(record).toMatchObject({
      banks: 'all',
      tier: 'high',
      name: 'Acme Payments',
      apiKeys: [apiKey?.entry],
    });
    expect(codesOf(await changeTerms(desk, 'nobody', { tier: 'high' }))).toEqual(['processor_unknown']);
  });
});

describe('renewal', () => {
  it('makes the record last as long again, and drops keys that have ended', async () => {
    await add({ validityDays: 3, keyDays: 1 });
    valueOf(await rotateKeys(desk, 'acme', NEW_KEY));
    nowS += 2 * DAY_S;
    const renewed = valueOf(await renewRecord(desk, 'acme'));
    expect(renewed).toMatchObject({ kind: 'renewed', recorded: { record: { number: 3 } } });
    expect(await current()).toMatchObject({ notAfterS: nowS + 3 * DAY_S, apiKeys: [{}] });
  });

  it('is not due before it is', async () => {
    await add();
    expect(valueOf(await renewRecord(desk, 'acme', { withinDays: 3 })).kind).toBe('not_due');
    nowS += 4 * DAY_S;
    expect(valueOf(await renewRecord(desk, 'acme', { withinDays: 3 })).kind).toBe('renewed');
  });

  it('of one that has ended needs a person', async () => {
    await add();
    nowS += 7 * DAY_S;
    expect(codesOf(await renewRecord(desk, 'acme'))).toEqual(['processor_expired']);
    expect(valueOf(await renewRecord(desk, 'acme', { expired: true, attended: true })).kind).toBe('renewed');
    expect(codesOf(await renewRecord(desk, 'nobody'))).toEqual(['processor_unknown']);
  });
});

describe('somebody who can write to the bucket and cannot sign', () => {
  it('brings a revoked key back in no new record, by putting an older record back', async () => {
    const { apiKey } = await add();
    const before = await read(currentProcessorKey('acme'));
    valueOf(await revokeKeys(desk, 'acme', apiKey?.entry.id));
    await force(currentProcessorKey('acme'), before);

    expect(codesOf(await renewRecord(desk, 'acme'))).toEqual(['processor_superseded']);
    const { record, passedOver } = valueOf(await rotateKeys(desk, 'acme', NEW_KEY));
    expect(record.number).toBe(3);
    expect(record.apiKeys.map(({ id }) => id)).not.toContain(apiKey?.entry.id);
    expect(passedOver?.number).toBe(1);
  });

  it('and a person who renews takes the newest record, not the one put back', async () => {
    const { apiKey } = await add();
    const before = await read(currentProcessorKey('acme'));
    valueOf(await revokeKeys(desk, 'acme', apiKey?.entry.id));
    await force(currentProcessorKey('acme'), before);
    valueOf(await renewRecord(desk, 'acme', { attended: true }));
    expect(await current()).toMatchObject({ number: 3, apiKeys: [] });
  });

  it('makes no first record of a processor by deleting the current one', async () => {
    await add();
    await desk.store.delete(currentProcessorKey('acme'));
    expect(codesOf(await addProcessor(desk, 'acme', OPTIONS))).toEqual(['processor_exists']);
    valueOf(await rotateKeys(desk, 'acme', NEW_KEY));
    expect(await current()).toMatchObject({ number: 2, apiKeys: [{}, {}] });
  });

  it('is not built on: forged, of another processor, of another deployment', async () => {
    await add();
    await add({}, 'other');
    const good = valueOf(await changeTerms(desk, 'acme', { tier: 'high' })).record;
    const foreign = await signProcessor({ ...good, audience: 'other.example' }, desk.signingKey);
    for (const bytes of [
      new TextEncoder().encode('x.y.z'),
      await read(currentProcessorKey('other')),
      foreign,
    ]) {
      await force(currentProcessorKey('acme'), bytes);
      await expect(rotateKeys(desk, 'acme', NEW_KEY)).rejects.toThrow(invalid);
    }
  });

  it('stands in no way with garbage under numbers', async () => {
    await add();
    await force(processorRecordKey('acme', 2), new TextEncoder().encode('x.y.z'));
    await force(processorRecordKey('acme', 4), await read(processorRecordKey('acme', 1)));
    await force(`processors/acme/records/latest`, new Uint8Array(1));
    expect(valueOf(await rotateKeys(desk, 'acme', NEW_KEY)).record.number).toBe(5);
    expect(await readProcessorStanding(desk, 'acme')).toMatchObject({
      highestNumber: 5,
      newest: { number: 5 },
    });
  });

  it('and a number that cannot grow is told, not passed', async () => {
    await add();
    await force(processorRecordKey('acme', Number.MAX_SAFE_INTEGER), new Uint8Array(1));
    await expect(rotateKeys(desk, 'acme', NEW_KEY)).rejects.toThrow(invalid);
  });
});

it('processors are listed by what is stored of them', async () => {
  await add({}, 'zeta');
  await add({}, 'acme');
  await force('processors/UPPER/current', new Uint8Array(1));
  await force('banks/icamer/current', new Uint8Array(1));
  expect(await listProcessors(desk.store)).toEqual(['acme', 'zeta']);
});

it('a publisher that was stopped after it took a number is made up for by the next', async () => {
  await add();
  const { store } = desk;
  desk = {
    ...desk,
    store: {
      ...store,
      put: (key, bytes, condition) =>
        key === currentProcessorKey('acme')
          ? Promise.reject(new Error('stopped'))
          : store.put(key, bytes, condition),
    },
  };
  await expect(revokeKeys(desk, 'acme', undefined)).rejects.toThrow('stopped');
  desk = { ...desk, store };
  expect((await current())?.number).toBe(1);
  const { record } = valueOf(await changeTerms(desk, 'acme', { tier: 'high' }));
  expect([record.number, record.apiKeys]).toEqual([3, []]);
});
