// What a release changes against the one before it: for the person who publishes, in sentences.

import { readArtifact, type Artifact } from '../artifact/artifact.ts';
import { hexOf } from '../artifact/digest.ts';
import type { Manifest } from '../artifact/manifest.ts';
import type { Release } from '../artifact/release.ts';
import { WasmpayError } from '../core/error.ts';
import { MAX_ARTIFACT_BYTES } from '../core/limits.ts';
import { artifactKey } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Bundle } from './bundle.ts';

/** Sentences on what differs between `previous` and `release`; empty where both say the same. */
export async function describeChanges(
  store: ObjectStore,
  release: Release,
  bundle: Bundle,
  previous: Release | undefined,
): Promise<string[]> {
  if (previous === undefined) return ['first release of this bank'];
  const terms: readonly (readonly [noun: string, before: string, after: string])[] = [
    ['component', previous.component, release.component],
    ['artifact', previous.artifact, release.artifact],
    ['contract', previous.contract, release.contract],
    ['fallback', previous.fallback, release.fallback],
  ];
  const changes = terms
    .filter(([, before, after]) => before !== after)
    .map(([noun, before, after]) => `${noun} ${before} → ${after}`);
  changes.push(...listChanges('grant', previous.policy.grants, release.policy.grants));
  const before = await readPreviousArtifact(store, previous);
  if (before === undefined)
    return [...changes, 'the previous artifact cannot be read: size, imports and exports not compared'];
  if (before.sizeBytes !== bundle.bytes.length)
    changes.push(`artifact size ${before.sizeBytes} → ${bundle.bytes.length} bytes`);
  changes.push(...listChanges('import', importNames(before.manifest), importNames(bundle.manifest)));
  changes.push(...listChanges('export', before.manifest.exports, bundle.manifest.exports));
  return changes;
}

function importNames(manifest: Manifest): string[] {
  return manifest.imports.map((entry) => `${entry.interface}@${entry.version} (${entry.tier})`);
}

function listChanges(noun: string, before: readonly string[], after: readonly string[]): string[] {
  return [
    ...after.filter((name) => !before.includes(name)).map((name) => `new ${noun} ${name}`),
    ...before.filter((name) => !after.includes(name)).map((name) => `${noun} ${name} is gone`),
  ];
}

async function readPreviousArtifact(store: ObjectStore, release: Release): Promise<Artifact | undefined> {
  try {
    const found = await store.get(artifactKey(hexOf(release.artifact)), { maxBytes: MAX_ARTIFACT_BYTES });
    if (found.kind !== 'found') return undefined;
    return await readArtifact(found.object.bytes, release.artifact);
  } catch (error) {
    if (error instanceof WasmpayError) return undefined;
    throw error;
  }
}
