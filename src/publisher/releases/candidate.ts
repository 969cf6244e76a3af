// Candidates: publications that wait. A candidate is unsigned JSON in a bucket that nobody trusts, so it is data without
// authority: a note of what somebody prepared, shown to whoever activates it and compared with what they sign.

import { isDigest, hexOf, type Digest } from '../../artifact/digest.ts';
import { FALLBACKS, type Fallback } from '../../artifact/release.ts';
import { WasmpayError } from '../../core/error.ts';
import { parseGuestLimits, type GuestLimits } from '../../core/guest-limits.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { parseTrial, type Trial } from '../trial.ts';
import { shieldFromCollection } from './collection-marks.ts';
import { listKeys } from './list-keys.ts';
import { candidateKey, candidatesPrefix } from './storage-keys.ts';

const SCHEMA = 'wasmpay-candidate/1';

/** Largest candidate, bytes; one has some 700. */
const MAX_CANDIDATE_BYTES = 16 * 1024;

export interface Candidate {
  readonly bankId: string;
  readonly component: Digest;
  readonly artifact: Digest;
  readonly contract: string;
  readonly grants: readonly string[];
  readonly limits: GuestLimits;
  readonly fallback: Fallback;
  readonly outage?: 'approve';
  /** What built the component, as its sections say. */
  readonly toolchain: string;
  readonly trial?: Trial;
  /** Seconds since the Unix epoch. */
  readonly madeAtS: number;
}

/** Keeps a candidate. A later one of the same artifact takes its place: it is the same code under other terms. */
export async function storeCandidate(store: ObjectStore, slug: string, candidate: Candidate): Promise<void> {
  const key = candidateKey(slug, hexOf(candidate.artifact));
  const bytes = new TextEncoder().encode(`${JSON.stringify({ schema: SCHEMA, ...candidate }, null, 2)}\n`);
  await shieldFromCollection(store, [key]);
  if ((await store.put(key, bytes, { kind: 'absent' })).kind === 'stored') return;
  const existing = await store.get(key);
  const condition =
    existing.kind === 'found'
      ? ({ kind: 'matches', etag: existing.object.etag } as const)
      : ({ kind: 'absent' } as const);
  if ((await store.put(key, bytes, condition)).kind === 'stored') return;
  throw new WasmpayError('store_conflict', `another publisher changes ${key}; publish again`);
}

/** The candidate of an artifact; undefined where there is none that can be read. Throws `store_unavailable`. */
export async function readCandidate(
  store: ObjectStore,
  slug: string,
  artifact: Digest,
): Promise<Candidate | undefined> {
  try {
    const found = await store.get(candidateKey(slug, hexOf(artifact)), { maxBytes: MAX_CANDIDATE_BYTES });
    const candidate = found.kind === 'found' ? parseCandidate(found.object.bytes) : undefined;
    return candidate?.artifact === artifact ? candidate : undefined;
  } catch (error) {
    if (error instanceof WasmpayError && error.code === 'store_object_too_large') return undefined;
    throw error;
  }
}

/** Candidates of a bank that can be read, the newest first as they say. Throws `store_unavailable`. */
export async function listCandidates(store: ObjectStore, slug: string): Promise<Candidate[]> {
  const prefix = candidatesPrefix(slug);
  const candidates: Candidate[] = [];
  for (const key of await listKeys(store, prefix)) {
    const digest = `sha256:${key.slice(prefix.length)}`;
    const candidate = isDigest(digest) ? await readCandidate(store, slug, digest) : undefined;
    if (candidate !== undefined) candidates.push(candidate);
  }
  return candidates.sort((a, b) => b.madeAtS - a.madeAtS);
}

/** Takes a candidate away that was activated. One that stays does no harm: whatever the store answers is no failure. */
export async function dropCandidate(store: ObjectStore, slug: string, artifact: Digest): Promise<void> {
  await store.delete(candidateKey(slug, hexOf(artifact))).catch(() => {});
}

function parseCandidate(bytes: Uint8Array): Candidate | undefined {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null || json['schema'] !== SCHEMA) return undefined;
  const { bankId, component, artifact, contract, grants, outage, toolchain, madeAtS } = json;
  const limits = parseGuestLimits(json['limits']);
  const fallback = FALLBACKS.find((known) => known === json['fallback']);
  const trial = parseTrial(json['trial']);
  if (!isDigest(component) || !isDigest(artifact) || limits === undefined || fallback === undefined)
    return undefined;
  if (typeof bankId !== 'string' || typeof contract !== 'string' || typeof toolchain !== 'string')
    return undefined;
  if (!Array.isArray(grants) || !grants.every((name) => typeof name === 'string')) return undefined;
  if (!Number.isSafeInteger(madeAtS) || (outage !== undefined && outage !== 'approve')) return undefined;
  return {
    bankId,
    component,
    artifact,
    contract,
    grants,
    limits,
    fallback,
    ...(outage !== undefined && { outage }),
    toolchain,
    ...(trial !== undefined && { trial }),
    madeAtS: Number(madeAtS),
  };
}
