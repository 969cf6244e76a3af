// What somebody tries who can write to the bucket, and how each try ends: the last good release goes on being served,
// the log says why with a code, and a gateway that starts over it answers 503. Signatures and artifacts are real here.

import { base64url, CompactSign, type CompactJWSHeaderParameters } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';

import { hexOf } from '../../src/artifact/digest.ts';
import type { Release } from '../../src/artifact/release.ts';
import { encodeRelease } from '../../src/artifact/release-payload.ts';
import {
  generateReleaseKeys,
  parseSigningKey,
  parseTrustedKeys,
  type SigningKey,
  type TrustedKeys,
} from '../../src/artifact/release-keys.ts';
import { RELEASE_TYP, signRelease } from '../../src/artifact/sign-release.ts';
import { createReleaseVerifier } from '../../src/artifact/verify-release.ts';
import { MAX_RELEASE_BYTES } from '../../src/core/limits.ts';
import type { CacheEventCode } from '../../src/gateway/event.ts';
import { DEFAULT_FRESHNESS } from '../../src/gateway/freshness.ts';
import { artifactKey, currentReleaseKey } from '../../src/store/keys.ts';
import {
  createGatewayBed,
  DAY_S,
  makeRelease,
  problemOf,
  START_S,
  type GatewayBed,
} from '../fixtures/gateway-bed.ts';

const { refreshMs } = DEFAULT_FRESHNESS;

let keys: Awaited<ReturnType<typeof generateReleaseKeys>>;
let retired: Awaited<ReturnType<typeof generateReleaseKeys>>;
let signingKey: SigningKey;
let otherKey: SigningKey;
let retiredKey: SigningKey;
let trustedKeys: TrustedKeys;

beforeAll(async () => {
  keys = await generateReleaseKeys();
  retired = await generateReleaseKeys();
  signingKey = await parseSigningKey(JSON.stringify(keys.private));
  retiredKey = await parseSigningKey(JSON.stringify(retired.private));
  otherKey = await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
  const second = await generateReleaseKeys();
  trustedKeys = await parseTrustedKeys(JSON.stringify({ keys: [second.public, keys.public] }));
});

/** A gateway over a bucket of signed releases. */
function makeBed(minimumNumbers?: ReadonlyMap<string, number>): GatewayBed {
  let nowMs = (): number => START_S * 1000;
  const verifyRelease = createReleaseVerifier({
    trustedKeys,
    audience: 'test',
    clock: () => nowMs(),
    ...(minimumNumbers !== undefined && { minimumNumbers }),
  });
  const bed = createGatewayBed({ verifyRelease });
  nowMs = bed.time.clock;
  return bed;
}

/** The good release, number 7: its artifact is stored, too. */
async function publishGood(bed: GatewayBed, changes: Partial<Release> = {}): Promise<Release> {
  const { keyId: _, ...release } = await bed.publish(changes);
  await plant(bed, await signRelease(release, signingKey));
  return release;
}

const plant = (bed: GatewayBed, token: Uint8Array): Promise<void> =>
  bed.store.force(currentReleaseKey('meridian'), token);

/** What an attacker starts from: the good release, and its token in three parts. */
interface Loot {
  readonly good: Release;
  readonly token: Uint8Array;
  readonly parts: readonly [header: string, payload: string, signature: string];
}

const ascii = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const encode = (value: unknown): string => base64url.encode(JSON.stringify(value));
const header = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  alg: 'Ed25519',
  typ: RELEASE_TYP,
  kid: signingKey.keyId,
  ...changes,
});

/** A whole token over these texts, rightly signed by `key`. */
async function forge(headerText: string, payloadText: string, key = signingKey): Promise<Uint8Array> {
  const input = `${base64url.encode(headerText)}.${base64url.encode(payloadText)}`;
  return ascii(`${input}.${base64url.encode(await key.sign(ascii(input)))}`);
}

const payloadOf = (release: Release): string => new TextDecoder().decode(encodeRelease(release));

/** One character of a base64url text changed, in the middle: no bits there go unused. */
const flip = (text: string): string => {
  const at = Math.floor(text.length / 2);
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
};

/** A better release for the attacker: an artifact of theirs, and approval where there was none. */
const better = (good: Release): Release => ({
  ...good,
  number: 8,
  artifact: `sha256:${'e'.repeat(64)}`,
  outage: 'approve',
});

type Attempt = readonly [
  name: string,
  code: CacheEventCode,
  make: (loot: Loot) => Promise<Uint8Array> | Uint8Array,
];

const ATTEMPTS: readonly Attempt[] = [
  [
    'a byte of the header is changed',
    'release_rejected',
    ({ parts: [h, p, s] }) => ascii(`${flip(h)}.${p}.${s}`),
  ],
  [
    'a byte of the payload is changed',
    'release_rejected',
    ({ parts: [h, p, s] }) => ascii(`${h}.${flip(p)}.${s}`),
  ],
  [
    'a byte of the signature is changed',
    'release_rejected',
    ({ parts: [h, p, s] }) => ascii(`${h}.${p}.${flip(s)}`),
  ],
  [
    'another payload under a good signature',
    'release_rejected',
    ({ good, parts: [h, , s] }) => ascii(`${h}.${base64url.encode(payloadOf(better(good)))}.${s}`),
  ],
  [
    'a member of the payload is there twice, unsigned',
    'release_rejected',
    ({ good, parts: [h, , s] }) =>
      ascii(`${h}.${base64url.encode(`${payloadOf(good).slice(0, -1)},"number":99}`)}.${s}`),
  ],
  [
    'an older release is put back',
    'release_rolled_back',
    ({ good }) => signRelease({ ...good, number: 6 }, signingKey),
  ],
  [
    'another bank’s release',
    'release_rejected',
    ({ good }) => signRelease({ ...better(good), bank: 'icamer', bankId: 'icamer' }, signingKey),
  ],
  [
    'another deployment’s release',
    'release_rejected',
    ({ good }) => signRelease({ ...better(good), audience: 'staging' }, signingKey),
  ],
  ['a key that nobody trusts', 'release_rejected', ({ good }) => signRelease(better(good), otherKey)],
  ['a key that was retired', 'release_rejected', ({ good }) => signRelease(better(good), retiredKey)],
  [
    'a key that nobody trusts, under the id of one that is',
    'release_rejected',
    ({ good }) => forge(JSON.stringify(header()), payloadOf(better(good)), otherKey),
  ],
  [
    'an id of no key',
    'release_rejected',
    ({ good }) => forge(JSON.stringify(header({ kid: 'nobody' })), payloadOf(better(good))),
  ],
  [
    'an id that every object has',
    'release_rejected',
    ({ good }) => forge(JSON.stringify(header({ kid: '__proto__' })), payloadOf(better(good))),
  ],
  [
    'no id of a key',
    'release_rejected',
    ({ good }) => forge(JSON.stringify(header({ kid: undefined })), payloadOf(better(good))),
  ],
  [
    'a key that the token brings along',
    'release_rejected',
    async ({ good }) =>
      forge(
        JSON.stringify(header({ kid: undefined, jwk: retired.public })),
        payloadOf(better(good)),
        retiredKey,
      ),
  ],
  [
    'an address to fetch a key from',
    'release_rejected',
    ({ good }) =>
      forge(
        JSON.stringify(header({ kid: undefined, jku: 'https://evil.example/keys' })),
        payloadOf(better(good)),
        otherKey,
      ),
  ],
  [
    'algorithm none',
    'release_rejected',
    ({ good }) => ascii(`${encode(header({ alg: 'none' }))}.${base64url.encode(payloadOf(better(good)))}.`),
  ],
  [
    'algorithm None',
    'release_rejected',
    ({ good }) => ascii(`${encode(header({ alg: 'None' }))}.${base64url.encode(payloadOf(better(good)))}.`),
  ],
  [
    'algorithm EdDSA, the older name',
    'release_rejected',
    ({ good }) => forge(JSON.stringify(header({ alg: 'EdDSA' })), payloadOf(better(good))),
  ],
  [
    'HS256 with the public key as the secret',
    'release_rejected',
    ({ good }) => macWith(ascii(String(keys.public.x)), good),
  ],
  [
    'HS256 with the public key’s bytes as the secret',
    'release_rejected',
    ({ good }) => macWith(base64url.decode(String(keys.public.x)), good),
  ],
  [
    'another type of token',
    'release_rejected',
    ({ good }) => forge(JSON.stringify(header({ typ: 'JWT' })), payloadOf(better(good))),
  ],
  [
    'no type of token',
    'release_rejected',
    ({ good }) => forge(JSON.stringify(header({ typ: undefined })), payloadOf(better(good))),
  ],
  [
    'a header that must be understood',
    'release_rejected',
    ({ good }) => forge(JSON.stringify(header({ crit: ['exp'], exp: 1 })), payloadOf(better(good))),
  ],
  [
    'a payload that is not encoded',
    'release_rejected',
    ({ good }) => forge(JSON.stringify(header({ b64: false, crit: ['b64'] })), payloadOf(better(good))),
  ],
  [
    'a member of the header that is there twice',
    'release_rejected',
    ({ good }) =>
      forge(
        `{"alg":"Ed25519","typ":"${RELEASE_TYP}","kid":"${signingKey.keyId}","alg":"none"}`,
        payloadOf(better(good)),
      ),
  ],
  [
    'an end that is over',
    'release_rejected',
    ({ good }) =>
      signRelease(
        { ...good, number: 8, notBeforeS: START_S - 2 * DAY_S, notAfterS: START_S - 1 },
        signingKey,
      ),
  ],
  [
    'a start that is to come',
    'release_rejected',
    ({ good }) => signRelease({ ...good, number: 8, notBeforeS: START_S + DAY_S }, signingKey),
  ],
  [
    'an end before its start',
    'release_rejected',
    ({ good }) =>
      forge(JSON.stringify(header()), payloadOf({ ...good, number: 8, notAfterS: good.notBeforeS })),
  ],
  ['a token that is cut off', 'release_rejected', ({ token }) => token.subarray(0, token.length - 20)],
  ['nothing at all', 'release_rejected', () => new Uint8Array()],
  [
    'a token of 16 KiB and a byte',
    'release_read_failed',
    () => new Uint8Array(MAX_RELEASE_BYTES + 1).fill(0x41),
  ],
  ['a fourth part', 'release_rejected', ({ token }) => ascii(`${new TextDecoder().decode(token)}.AAAA`)],
  ['two parts', 'release_rejected', ({ parts: [h, p] }) => ascii(`${h}.${p}`)],
  [
    'padding after the signature',
    'release_rejected',
    ({ token }) => ascii(`${new TextDecoder().decode(token)}==`),
  ],
  [
    'JSON instead of a compact token',
    'release_rejected',
    ({ parts: [h, p, s] }) => ascii(JSON.stringify({ protected: h, payload: p, signature: s })),
  ],
  ['the release without any signature', 'release_rejected', ({ good }) => encodeRelease(better(good))],
  [
    'a member that no version knows',
    'release_rejected',
    ({ good }) =>
      forge(JSON.stringify(header()), `${payloadOf({ ...good, number: 8 }).slice(0, -1)},"override":true}`),
  ],
  [
    'a fallback that approves',
    'release_rejected',
    ({ good }) =>
      forge(JSON.stringify(header()), payloadOf({ ...good, number: 8, fallback: 'approve' as 'deny' })),
  ],
];

async function macWith(secret: Uint8Array, good: Release): Promise<Uint8Array> {
  const protectedHeader = header({ alg: 'HS256' }) as unknown as CompactJWSHeaderParameters;
  const mac = new CompactSign(encodeRelease(better(good))).setProtectedHeader(protectedHeader);
  return ascii(await mac.sign(secret));
}

async function lootOf(bed: GatewayBed): Promise<Loot> {
  const good = await publishGood(bed);
  const token = await signRelease(good, signingKey);
  const [h = '', p = '', s = ''] = new TextDecoder().decode(token).split('.');
  return { good, token, parts: [h, p, s] };
}

/** The attempts as a table: names of one length, for whoever reads the tests' names. */
const TABLE = ATTEMPTS.map(([name, code, make]) => [name.padEnd(56), code.padEnd(19), make, code] as const);

describe('a writer to the bucket tries', () => {
  test.each(TABLE)('%s → %s; release 7 goes on', async (_, __, make, code) => {
    const bed = makeBed();
    const loot = await lootOf(bed);
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'approve', release: 7 });
    await plant(bed, await make(loot));
    await bed.time.advance(refreshMs + 1);
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'approve', release: 7 });
    expect(bed.cacheEvents.map((event) => event.code)).toEqual([code, 'release_served_stale']);
    expect(bed.cacheEvents[0]).toMatchObject({ bank: 'meridian' });

    // The honest next release is taken at once.
    await bed.time.advance(DEFAULT_FRESHNESS.retryMs + 1);
    await plant(bed, await signRelease({ ...loot.good, number: 9 }, signingKey));
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'approve', release: 9 });
  });

  test.each(TABLE.filter(([, , , code]) => code !== 'release_rolled_back'))(
    '%s on a gateway that starts → 503',
    async (_, __, make) => {
      const bed = makeBed();
      await plant(bed, await make(await lootOf(bed)));
      expect(await problemOf(await bed.post())).toBe('store_unavailable');
      expect(bed.calls).toEqual([]);
    },
  );

  test('other bytes under an artifact’s digest → artifact_rejected, denied by the fallback', async () => {
    const bed = makeBed();
    const { artifact } = await publishGood(bed, { outage: 'approve' });
    await bed.store.force(artifactKey(hexOf(artifact)), ascii('another validator'));
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'deny', failure: 'load_failed' });
    expect(bed.cacheEvents.map((event) => event.code)).toEqual(['artifact_rejected']);
    expect(bed.calls).toEqual([]);
  });

  test('to delete the artifact → artifact_missing, denied though an outage would be approved', async () => {
    const bed = makeBed();
    const { artifact } = await publishGood(bed, { outage: 'approve' });
    await bed.store.delete(artifactKey(hexOf(artifact)));
    expect(await (await bed.post()).json()).toMatchObject({ decision: 'deny', failure: 'load_failed' });
  });

  test('to delete the release → release_vanished; release 7 goes on', async () => {
    const bed = makeBed();
    await publishGood(bed);
    await bed.post();
    await bed.store.delete(currentReleaseKey('meridian'));
    await bed.time.advance(refreshMs + 1);
    expect(await (await bed.post()).json()).toMatchObject({ release: 7 });
    expect(bed.cacheEvents.map((event) => event.code)).toEqual(['release_vanished', 'release_served_stale']);
  });
});

describe('an older release on a gateway that has seen nothing yet', () => {
  test.each([
    ['under', 8, 503],
    ['at', 7, 200],
    ['over', 6, 200],
  ])('%s the number that its configuration demands', async (_, minimum, status) => {
    const bed = makeBed(new Map([['meridian', minimum]]));
    await publishGood(bed);
    expect((await bed.post()).status).toBe(status);
  });

  test('is bound by its own bank’s number alone', async () => {
    const bed = makeBed(new Map([['icamer', 1_000]]));
    await publishGood(bed);
    expect((await bed.post()).status).toBe(200);
  });

  test('is what a replay is good for until its end, where no number is demanded', async () => {
    const bed = makeBed();
    await publishGood(bed, { number: 3 });
    expect(await (await bed.post()).json()).toMatchObject({ release: 3 });
  });
});

test('every key of the set is trusted, and one that is taken out is not any more', async () => {
  const good = makeRelease();
  const both = await parseTrustedKeys(JSON.stringify({ keys: [keys.public, retired.public] }));
  const trust = { audience: 'test', clock: () => START_S * 1000 };
  const { keyId: _, ...release } = { ...good, artifact: `sha256:${'a'.repeat(64)}` as const };
  for (const key of [signingKey, retiredKey]) {
    const verified = await createReleaseVerifier({ ...trust, trustedKeys: both })(
      await signRelease(release, key),
      'meridian',
    );
    expect(verified.keyId).toBe(key.keyId);
  }
  const token = await signRelease(release, retiredKey);
  await expect(createReleaseVerifier({ ...trust, trustedKeys })(token, 'meridian')).rejects.toMatchObject({
    code: 'release_invalid',
  });
});
