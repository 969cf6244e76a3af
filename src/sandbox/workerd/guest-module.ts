// The modules of a child worker: our child, the artifact's glue and core modules, and a small module of ours that
// joins them. Only values of our own making are written into JavaScript here, all of them as JSON.

import type { WorkerLoaderModule } from '@cloudflare/workers-types';

import { coreModuleName, type Artifact } from '../../artifact/artifact.ts';
import { bytesOfHex, hexOf } from '../../artifact/digest.ts';
import type { SandboxPolicy } from '../../artifact/release.ts';
import { STACK_PROBE } from '../stack-probe.ts';

export const MAIN_MODULE = 'child.js';

/** All modules of the child that runs `artifact` under `policy`; `childSource` is our bundled child. */
export function createGuestModules(
  artifact: Artifact,
  policy: SandboxPolicy,
  childSource: string,
): Record<string, string | WorkerLoaderModule> {
  const modules: Record<string, string | WorkerLoaderModule> = {
    [MAIN_MODULE]: childSource,
    'guest.js': guestSource(artifact, policy),
    'glue.js': artifact.glue,
    'stack-probe.wasm': { wasm: STACK_PROBE.slice().buffer },
  };
  for (const [index, bytes] of artifact.coreModules.entries()) {
    modules[coreModuleName(index)] = { wasm: bytes.slice().buffer };
  }
  return modules;
}

function guestSource(artifact: Artifact, policy: SandboxPolicy): string {
  const names = artifact.coreModules.map((_, index) => coreModuleName(index));
  const seed = bytesOfHex(hexOf(artifact.digest));
  return [
    `import { instantiate } from './glue.js';`,
    `import stackProbe from './stack-probe.wasm';`,
    ...names.map((name, index) => `import core${index} from './${name}';`),
    `export { stackProbe };`,
    `export const code = {`,
    `  instantiate,`,
    `  coreModules: new Map([${names.map((name, index) => `['${name}', core${index}]`).join(', ')}]),`,
    `  contract: ${JSON.stringify(artifact.manifest.contract)},`,
    `  imports: ${JSON.stringify(artifact.manifest.imports)},`,
    `  grants: ${JSON.stringify(policy.grants)},`,
    `  limits: ${JSON.stringify(policy.limits)},`,
    `  metering: ${JSON.stringify(artifact.manifest.metering)},`,
    `  seed: new Uint8Array(${JSON.stringify([...seed])}),`,
    `};`,
  ].join('\n');
}
