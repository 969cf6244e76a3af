// Artifacts and components that releases name, read back from the bucket. Bytes count only under their digest.

import { readArtifact, type Artifact } from '../../artifact/artifact.ts';
import { unpackContainer } from '../../artifact/container.ts';
import { hexOf, sha256, type Digest } from '../../artifact/digest.ts';
import type { Release } from '../../artifact/release.ts';
import { WasmpayError } from '../../core/error.ts';
import { MAX_ARTIFACT_BYTES, MAX_COMPONENT_BYTES } from '../../core/limits.ts';
import { artifactKey, componentKey } from '../../store/keys.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { inspectComponent } from '../inspect.ts';
import type { Refusal, Result } from '../refusal.ts';
import type { Tools } from '../workshop/tools.ts';

/** The bytes of an artifact; undefined where they are missing or not the digest's. Throws `store_unavailable`. */
export function readArtifactBytes(
  store: ObjectStore,
  digest: Digest,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return readDigest(store, artifactKey(hexOf(digest)), digest, MAX_ARTIFACT_BYTES);
}

/** The bytes of a component; undefined where they are missing or not the digest's. Throws `store_unavailable`. */
export function readComponentBytes(
  store: ObjectStore,
  digest: Digest,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return readDigest(store, componentKey(hexOf(digest)), digest, MAX_COMPONENT_BYTES);
}

async function readDigest(
  store: ObjectStore,
  key: string,
  digest: Digest,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const found = await store.get(key, { maxBytes });
    if (found.kind !== 'found') return undefined;
    return (await sha256(found.object.bytes)) === digest ? found.object.bytes : undefined;
  } catch (error) {
    if (error instanceof WasmpayError && error.code === 'store_object_too_large') return undefined;
    throw error;
  }
}

/** An artifact that this version can run; the refusal says how to get one. Throws `store_unavailable`. */
export async function readUsableArtifact(
  store: ObjectStore,
  release: Pick<Release, 'artifact' | 'bank' | 'number'>,
): Promise<Result<{ artifact: Artifact; bytes: Uint8Array<ArrayBuffer> }>> {
  const bytes = await readArtifactBytes(store, release.artifact);
  if (bytes === undefined)
    return refuse(release, 'is missing from the store, or other bytes are in its place');
  try {
    return { ok: true, value: { artifact: await readArtifact(bytes, release.artifact), bytes } };
  } catch (error) {
    if (!(error instanceof WasmpayError)) throw error;
    return refuse(release, `cannot be run by this version (${error.message})`);
  }
}

/** Interfaces that a release's guest imports, beyond those of types; undefined where nothing is left to tell. */
export async function readImportedInterfaces(
  store: ObjectStore,
  release: Release,
  tools: Tools | undefined,
): Promise<ReadonlySet<string> | undefined> {
  if (release.validator !== undefined) return new Set();
  const bytes = await readArtifactBytes(store, release.artifact);
  const named = bytes === undefined ? undefined : importsInContainer(bytes);
  if (named !== undefined) return named;
  const component = await readComponentBytes(store, release.component);
  if (component === undefined) return undefined;
  const inspected = await inspectComponent(component, tools);
  if (!inspected.ok) return undefined;
  return new Set(inspected.value.imports.map((entry) => entry.interface));
}

/** From a manifest of any version: its digest is signed, so this publisher wrote it, for whichever host ABI. */
function importsInContainer(bytes: Uint8Array): ReadonlySet<string> | undefined {
  try {
    const [manifest] = unpackContainer(bytes);
    const { imports } = JSON.parse(new TextDecoder().decode(manifest?.bytes)) as { imports: unknown };
    if (!Array.isArray(imports)) return undefined;
    const names = imports.map((entry: { interface?: unknown }) => entry.interface);
    return names.every((name) => typeof name === 'string') ? new Set(names) : undefined;
  } catch {
    return undefined;
  }
}

function refuse(
  { bank, number, artifact }: Pick<Release, 'artifact' | 'bank' | 'number'>,
  problem: string,
): Result<never> {
  const refusal: Refusal = {
    code: 'artifact_unusable',
    message: `The artifact of release ${number} ${problem}.`,
    where: artifact,
    fix: `Make it anew from its component: wasmpay rebuild ${bank} --release ${number}`,
  };
  return { ok: false, refusals: [refusal] };
}
