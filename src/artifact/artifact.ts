// An artifact: what the publisher makes of a component and the gateway runs. One object in storage, named by its
// SHA-256. Nothing is read from the bytes before their digest was checked against a signed release.

import { WasmpayError } from '../core/error.ts';
import { MAX_ARTIFACT_BYTES } from '../core/limits.ts';
import { packContainer, unpackContainer, type Member } from './container.ts';
import { sha256, type Digest } from './digest.ts';
import { parseManifest, type Manifest } from './manifest.ts';

/** An artifact whose digest was checked and whose container was read. */
export interface Artifact {
  readonly digest: Digest;
  readonly manifest: Manifest;
  /** JavaScript module that exports `instantiate`. */
  readonly glue: string;
  /** Core WebAssembly modules; the glue asks for the one at index N as `coreN.wasm`. Views into one buffer. */
  readonly coreModules: readonly Uint8Array[];
  /** Size of the whole object, bytes: what a cache counts. */
  readonly sizeBytes: number;
}

/** Name of the core module at `index`, in the container and in the glue. */
export const coreModuleName = (index: number): string => `core${index}.wasm`;

/** Packs an artifact: manifest, glue and core modules in fixed order. The same parts give the same bytes. */
export function packArtifact(
  parts: Pick<Artifact, 'manifest' | 'glue' | 'coreModules'>,
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  return packContainer([
    { name: 'manifest.json', bytes: encoder.encode(`${JSON.stringify(parts.manifest, null, 2)}\n`) },
    { name: 'glue.js', bytes: encoder.encode(parts.glue) },
    ...parts.coreModules.map((bytes, index): Member => ({ name: coreModuleName(index), bytes })),
  ]);
}

/**
 * Reads an artifact after checking that its SHA-256 is `digest`. Throws `artifact_invalid` (size, digest,
 * container) or `manifest_invalid`.
 */
export async function readArtifact(bytes: Uint8Array<ArrayBuffer>, digest: Digest): Promise<Artifact> {
  if (bytes.length > MAX_ARTIFACT_BYTES) throw invalid(`is larger than ${MAX_ARTIFACT_BYTES} bytes`);
  const actual = await sha256(bytes);
  if (actual !== digest) throw invalid(`has digest ${actual}, the release names ${digest}`);
  const [manifestMember, glueMember, ...moduleMembers] = unpackContainer(bytes);
  if (manifestMember?.name !== 'manifest.json') throw invalid('has no manifest.json in first place');
  if (glueMember?.name !== 'glue.js') throw invalid('has no glue.js in second place');
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const manifest = parseManifest(parseJson(decoder.decode(manifestMember.bytes)));
  if (moduleMembers.length !== manifest.coreModules) {
    throw invalid(`has ${moduleMembers.length} core modules, its manifest says ${manifest.coreModules}`);
  }
  const coreModules = moduleMembers.map((member, index) => {
    if (member.name !== coreModuleName(index)) throw invalid(`has a member ${member.name} out of order`);
    return member.bytes;
  });
  return { digest, manifest, glue: decoder.decode(glueMember.bytes), coreModules, sizeBytes: bytes.length };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new WasmpayError('manifest_invalid', 'manifest: is no JSON', { cause });
  }
}

function invalid(problem: string): WasmpayError {
  return new WasmpayError('artifact_invalid', `artifact ${problem}`);
}
