// Stage 5, bundle: everything that the gateway will run, in one object. The digest of that object is what a release
// names, so nothing goes in that is not a function of component, policy and publisher version.

import { packArtifact } from '../artifact/artifact.ts';
import { sha256, type Digest } from '../artifact/digest.ts';
import { HOST_ABI, MANIFEST_SCHEMA, type Manifest } from '../artifact/manifest.ts';
import { MAX_ARTIFACT_BYTES, MAX_CORE_MODULES } from '../core/limits.ts';
import type { PolicyDecision } from './policy.ts';
import type { Result } from './refusal.ts';
import type { MeteredModules } from './meter.ts';

export interface Bundle {
  readonly digest: Digest;
  readonly manifest: Manifest;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Packs the artifact of `component`. Refuses one with too many modules or bytes. */
export async function bundleArtifact(
  component: Digest,
  decision: PolicyDecision,
  glue: string,
  metered: MeteredModules,
): Promise<Result<Bundle>> {
  const { coreModules, metering } = metered;
  if (coreModules.length > MAX_CORE_MODULES) {
    return refuse(
      'too_many_modules',
      `${coreModules.length} core modules, at most ${MAX_CORE_MODULES} are taken`,
    );
  }
  const manifest: Manifest = {
    schema: MANIFEST_SCHEMA,
    hostAbi: HOST_ABI,
    contract: decision.contract,
    component,
    imports: decision.imports,
    exports: decision.exports,
    metering,
    coreModules: coreModules.length,
  };
  const bytes = packArtifact({ manifest, glue, coreModules });
  if (bytes.length > MAX_ARTIFACT_BYTES) {
    return refuse(
      'too_large',
      `the artifact has ${bytes.length} bytes, at most ${MAX_ARTIFACT_BYTES} are taken`,
    );
  }
  return { ok: true, value: { digest: await sha256(bytes), manifest, bytes } };
}

function refuse(code: 'too_many_modules' | 'too_large', message: string): Result<never> {
  return {
    ok: false,
    refusals: [
      {
        code,
        message,
        where: 'artifact',
        fix: 'Build a smaller component: strip it, or leave libraries out.',
      },
    ],
  };
}
