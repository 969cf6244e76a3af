// The example banks of `npm start`: built from source, or as committed beside it, and published when they changed. A release that runs out soon,
// or whose artifact this version cannot run, is made anew; what someone published by hand is left alone otherwise.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readArtifact } from '../artifact/artifact.ts';
import { hexOf, sha256 } from '../artifact/digest.ts';
import type { VerifiedRelease } from '../artifact/release.ts';
import { obtainComponent } from '../authoring/committed.ts';
import { slugOf } from '../core/bank.ts';
import { WasmpayError } from '../core/error.ts';
import { DEFAULT_POLICY } from '../publisher/policy.ts';
import { publishComponent } from '../publisher/publish.ts';
import { readCurrentRelease } from '../publisher/release.ts';
import { artifactKey, componentKey } from '../store/keys.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { DEV_AUDIENCE, writePrivateFile, type DevDirectory } from './dev-directory.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLES = join(ROOT, 'examples/validators');

/** A release with less than this left is made anew, seconds: half of a release's seven days. */
const RENEW_BEFORE_S = 3.5 * 86_400;

/** Builds and publishes what needs it, saying so on the console. */
export async function publishExamples(store: ObjectStore, directory: DevDirectory): Promise<void> {
  for (const entry of await readdir(EXAMPLES, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const obtained = await obtainComponent(join(EXAMPLES, entry.name), join(ROOT, 'build/validators'));
    // One that takes half a minute to build, where it can be built at all: whoever wants it publishes it.
    if (obtained === undefined) continue;
    const { bank, component, builtInMs } = obtained;
    if (builtInMs !== undefined)
      console.log(`wasmpay: built ${entry.name} in ${(builtInMs / 1000).toFixed(1)} s`);
    await publishExample(store, directory, bank, component);
  }
}

async function publishExample(
  store: ObjectStore,
  directory: DevDirectory,
  bankId: string,
  component: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const marker = join(directory.path, `published-${slugOf(bankId)}`);
  const digest = await sha256(component);
  const lastPublished = await readFile(marker, 'utf8').catch(() => undefined);
  const current = await readCurrentRelease(store, slugOf(bankId) ?? bankId, directory.signingKey);
  const changed = current === undefined || (current.release.component !== digest && lastPublished !== digest);
  if (!changed && (await isUsable(store, current.release))) return;

  const bytes = changed ? component : await readComponent(store, current.release);
  const published = await publishComponent({
    bankId,
    component: bytes,
    store,
    // Whoever edits an example has seen what it imports.
    acceptImports: true,
    signingKey: directory.signingKey,
    audience: DEV_AUDIENCE,
    policy: DEFAULT_POLICY,
    trialScript: new URL('../sandbox/node/trial-child.ts', import.meta.url),
    clock: () => Date.now(),
    stopwatch: () => performance.now(),
  });
  if (!published.ok) {
    const reasons = published.refusals.map(({ code, message }) => `${code}: ${message}`).join('; ');
    throw new WasmpayError('internal', `the example of bank ${bankId} is refused: ${reasons}`);
  }
  await writePrivateFile(marker, digest);
  console.log(
    `wasmpay: published release ${published.value.release.number} of bank ${published.value.release.bank}`,
  );
}

/** Whether a release still has time left and an artifact that this version can run. */
async function isUsable(store: ObjectStore, release: VerifiedRelease): Promise<boolean> {
  if (release.validator !== undefined) return true;
  if (release.notAfterS - Date.now() / 1000 < RENEW_BEFORE_S) return false;
  const found = await store.get(artifactKey(hexOf(release.artifact)));
  if (found.kind !== 'found') return false;
  return readArtifact(found.object.bytes, release.artifact).then(
    () => true,
    () => false,
  );
}

async function readComponent(store: ObjectStore, release: VerifiedRelease): Promise<Uint8Array<ArrayBuffer>> {
  const found = await store.get(componentKey(hexOf(release.component)));
  if (found.kind === 'found') return found.object.bytes;
  throw new WasmpayError(
    'artifact_invalid',
    `the component of bank ${release.bank} is gone; publish one again`,
  );
}
