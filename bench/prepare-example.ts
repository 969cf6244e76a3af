// One of the example validators, built, published and read back as a gateway reads it.

import { join } from 'node:path';

import { readArtifact, type Artifact } from '../src/artifact/artifact.ts';
import { hexOf } from '../src/artifact/digest.ts';
import { generateReleaseKeys, parseSigningKey } from '../src/artifact/release-keys.ts';
import type { SandboxPolicy } from '../src/artifact/release.ts';
import { buildValidator } from '../src/authoring/build-validator.ts';
import { DEFAULT_POLICY } from '../src/publisher/policy.ts';
import { publishComponent } from '../src/publisher/publish.ts';
import { artifactKey } from '../src/store/keys.ts';
import { createMemoryStore } from '../src/store/memory.ts';

const ROOT = join(import.meta.dirname, '..');

export interface PreparedExample {
  /** The artifact as stored. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly artifact: Artifact;
  readonly policy: SandboxPolicy;
}

/** Prepares the example in `examples/validators/<name>`; throws where it is refused. */
export async function prepareExample(name: string): Promise<PreparedExample> {
  const { bank, component } = await buildValidator({
    directory: join(ROOT, 'examples/validators', name),
    outDirectory: join(ROOT, 'build/validators'),
  });
  const store = createMemoryStore();
  const published = await publishComponent({
    bankId: bank,
    component,
    store,
    signingKey: await parseSigningKey(JSON.stringify((await generateReleaseKeys()).private)),
    audience: 'bench',
    policy: DEFAULT_POLICY,
    clock: () => Date.now(),
    stopwatch: () => performance.now(),
  });
  if (!published.ok) throw new Error(JSON.stringify(published.refusals));
  const digest = published.value.artifact;
  const found = await store.get(artifactKey(hexOf(digest)));
  if (found.kind !== 'found') throw new Error('not stored');
  const { bytes } = found.object;
  return { bytes, artifact: await readArtifact(bytes, digest), policy: published.value.release.policy };
}
