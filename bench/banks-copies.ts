// Many banks out of one publication: each copy has the same code under a manifest that names another component, so that
// nothing but the code is shared: artifact, digest and release are the bank's own.

import { packArtifact, readArtifact, type Artifact } from '../src/artifact/artifact.ts';
import { hexOf, sha256 } from '../src/artifact/digest.ts';
import type { Release } from '../src/artifact/release.ts';
import type { SigningKey } from '../src/artifact/release-keys.ts';
import { signRelease } from '../src/artifact/sign-release.ts';
import { slugOf } from '../src/core/bank.ts';
import type { Publication } from '../src/publisher/publish.ts';
import { artifactKey } from '../src/store/keys.ts';
import type { ObjectStore } from '../src/store/object-store.ts';

/** What copies are made of. */
export interface Template {
  readonly artifact: Artifact;
  readonly release: Release;
}

/** A bank of its own. */
export interface Copy {
  readonly slug: string;
  /** The artifact as stored. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly release: Release;
  /** The signed release as stored. */
  readonly token: Uint8Array<ArrayBuffer>;
}

/** The template that a publication into `store` left there. */
export async function readTemplate(store: ObjectStore, { release }: Publication): Promise<Template> {
  const found = await store.get(artifactKey(hexOf(release.artifact)));
  if (found.kind !== 'found') throw new Error(`${release.artifact} is not stored`);
  return { artifact: await readArtifact(found.object.bytes, release.artifact), release };
}

/** The artifact of `bankId`: the same bytes each time. */
export async function packCopy({ artifact }: Template, bankId: string): Promise<Uint8Array<ArrayBuffer>> {
  const component = await sha256(new TextEncoder().encode(bankId));
  return packArtifact({ ...artifact, manifest: { ...artifact.manifest, component } });
}

/** Artifact and first release of `bankId`. */
export async function makeCopy(template: Template, bankId: string, signingKey: SigningKey): Promise<Copy> {
  const slug = slugOf(bankId);
  if (slug === undefined) throw new Error(`${bankId} is no bank id`);
  const bytes = await packCopy(template, bankId);
  const release: Release = {
    ...template.release,
    bank: slug,
    bankId,
    number: 1,
    replaces: 0,
    artifact: await sha256(bytes),
    component: await sha256(new TextEncoder().encode(bankId)),
  };
  return { slug, bytes, release, token: await signRelease(release, signingKey) };
}
