// A bucket with releases of artifacts that are real containers and were never run: what the tests of release management
// stand on. Time stands still unless a test moves it.

import { packArtifact } from '../../../src/artifact/artifact.ts';
import { hexOf, sha256, type Digest } from '../../../src/artifact/digest.ts';
import { HOST_ABI, MANIFEST_SCHEMA, type Manifest } from '../../../src/artifact/manifest.ts';
import type { Release } from '../../../src/artifact/release.ts';
import {
  generateReleaseKeys,
  parseSigningKey,
  trustOnly,
  type SigningKey,
  type TrustedKeys,
} from '../../../src/artifact/release-keys.ts';
import { signRelease } from '../../../src/artifact/sign-release.ts';
import { verifySignature } from '../../../src/artifact/verify-release.ts';
import { DEFAULT_GUEST_LIMITS } from '../../../src/core/guest-limits.ts';
import { WasmpayError } from '../../../src/core/error.ts';
import type { Result } from '../../../src/publisher/refusal.ts';
import { releaseArtifact, type ReleaseTerms } from '../../../src/publisher/release.ts';
import type { Released, ReleaseDesk } from '../../../src/publisher/releases/next-release.ts';
import { artifactKey, componentKey, currentReleaseKey, releaseKey } from '../../../src/store/keys.ts';
import { createMemoryStore } from '../../../src/store/memory.ts';
import type { ObjectStore, PutResult } from '../../../src/store/object-store.ts';
import { NO_MEMORY } from '../../fixtures/metering.ts';

export const NOW_S = 1_800_000_000;
export const DAY_S = 86_400;
export const AUDIENCE = 'pay.example';
export const BANK = 'icamer';

export interface ReleaseBed extends ReleaseDesk {
  /** Moves the clock. */
  advanceDays(days: number): void;
  /** Stores an artifact and its component, both told apart by `name`; gives their digests. */
  makeArtifact(name: string, hostAbi?: number): Promise<{ artifact: Digest; component: Digest }>;
  /** Releases the artifact of `name`, which it stores first. */
  release(name: string, changes?: Partial<ReleaseTerms>): Promise<Release>;
  /** The bank's current release; throws where it is none to be believed. */
  current(bank?: string): Promise<Release | undefined>;
  /** Puts a signed release wherever a writer to the bucket would. */
  plant(key: string, release: Release, by?: SigningKey): Promise<void>;
  /** Copies the bytes of one key to another, over what is there. */
  copy(from: string, to: string): Promise<void>;
}

export async function createReleaseBed(store: ObjectStore = createMemoryStore()): Promise<ReleaseBed> {
  const signingKey = await makeKey();
  let nowMs = NOW_S * 1000;
  const trustedKeys: TrustedKeys = trustOnly(signingKey);
  const clock = (): number => nowMs;
  const bed: ReleaseBed = {
    store,
    audience: AUDIENCE,
    trustedKeys,
    signingKey,
    clock,
    advanceDays(days) {
      nowMs += days * DAY_S * 1000;
    },
    async makeArtifact(name, hostAbi = HOST_ABI) {
      const component = new TextEncoder().encode(`component ${name}`);
      const manifest: Manifest = {
        schema: MANIFEST_SCHEMA,
        hostAbi,
        contract: 'wasmpay:platform@0.1.0',
        component: await sha256(component),
        imports: [],
        exports: [],
        metering: NO_MEMORY,
        coreModules: 1,
      };
      const bytes = packArtifact({ manifest, glue: `// ${name}`, coreModules: [component] });
      const artifact = await sha256(bytes);
      await store.put(artifactKey(hexOf(artifact)), bytes, { kind: 'absent' });
      await store.put(componentKey(hexOf(manifest.component)), component, { kind: 'absent' });
      return { artifact, component: manifest.component };
    },
    async release(name, changes = {}) {
      const terms: ReleaseTerms = {
        audience: AUDIENCE,
        bankId: BANK,
        ...(await bed.makeArtifact(name)),
        contract: 'wasmpay:platform@0.1.0',
        policy: { grants: [], limits: DEFAULT_GUEST_LIMITS },
        fallback: 'deny',
        validityDays: 7,
        ...changes,
      };
      return releaseOf(await releaseArtifact(store, terms, signingKey, clock));
    },
    async current(bank = BANK) {
      const found = await store.get(currentReleaseKey(bank));
      if (found.kind !== 'found') return undefined;
      const { keyId: _, ...release } = await verifySignature(found.object.bytes, trustedKeys);
      return release;
    },
    async plant(key, release, by = signingKey) {
      await force(store, key, await signRelease(release, by));
    },
    async copy(from, to) {
      const found = await store.get(from);
      if (found.kind !== 'found') throw new Error(`${from} is missing`);
      await force(store, to, found.object.bytes);
    },
  };
  return bed;
}

export async function makeKey(): Promise<SigningKey> {
  return parseSigningKey(JSON.stringify((await generateReleaseKeys()).private));
}

/** Writes without a condition: what somebody with the bucket's credentials does. */
export async function force(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  await store.delete(key);
  await store.put(key, bytes, { kind: 'absent' });
}

/** The release that was made; throws the refusals' codes. */
export function releaseOf(made: Result<Released>): Release {
  return valueOf(made).release;
}

export function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(result.refusals.map(({ code, message }) => `${code}: ${message}`).join('; '));
}

/** Codes of the refusals; none where there are none. */
export function codesOf(result: Result<unknown>): string[] {
  return result.ok ? [] : result.refusals.map(({ code }) => code);
}

export const replay = (bed: ReleaseBed, number: number, bank = BANK): Promise<void> =>
  bed.copy(releaseKey(bank, number), currentReleaseKey(bank));

export interface FailingStore extends ObjectStore {
  /** Writes and deletions so far, by key. */
  readonly writes: string[];
}

/** A store whose write or deletion number `failing` (from 1) fails: before it takes effect, or with its answer lost. */
export function createFailingStore(
  inner: ObjectStore,
  failing: number,
  when: 'before' | 'after',
): FailingStore {
  const writes: string[] = [];
  const write = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    writes.push(key);
    const fails = writes.length === failing;
    if (fails && when === 'before') throw new WasmpayError('store_unavailable', 'made to fail');
    const result = await work();
    if (fails) throw new WasmpayError('store_unavailable', 'made to fail');
    return result;
  };
  return {
    ...inner,
    writes,
    put: (key, bytes, condition): Promise<PutResult> => write(key, () => inner.put(key, bytes, condition)),
    delete: (key) => write(key, () => inner.delete(key)),
  };
}
