// The manifest: what an artifact is made of and what its guest imports. It is a function of component, policy and
// publisher version alone: no time, no measurement, no machine.

import { WasmpayError } from '../core/error.ts';
import { MAX_CORE_MODULES } from '../core/limits.ts';
import type { GuestLimits } from '../core/guest-limits.ts';
import { isDigest, type Digest } from './digest.ts';

/** Version of the container and of this manifest. */
export const MANIFEST_SCHEMA = 'wasmpay-artifact/1';

/** What glue expects of the host that runs it. A change here means that artifacts must be rebuilt. */
export const HOST_ABI = 5;

/** Contracts that this host can call. */
export const CONTRACTS = ['wasmpay:platform@0.1.0', 'wasmpay:platform@0.2.0'] as const;
export type Contract = (typeof CONTRACTS)[number];

/** How an import is answered. Source: design, "Contracts". */
export type Tier = 'types' | 'granted' | 'inert';

/** One interface that the guest imports, as it names it. */
export interface ManifestImport {
  /** Without version: `wasi:cli/stdout`. */
  readonly interface: string;
  readonly version: string;
  readonly tier: Tier;
}

/** One core instance: fuel that is taken before it is made, pages of 64 KiB and table elements that it starts with. */
export interface InstanceMetering {
  readonly fuel: number;
  readonly pages: number;
  readonly elements: number;
}

/** What metering found in the core modules and wrote into them. */
export interface Metering {
  /** Version of the cost table: fuel of one version says nothing about another. */
  readonly costs: number;
  /** Pages of 64 KiB with which all memories together start. */
  readonly initialPages: number;
  /** Elements with which all tables together start. */
  readonly initialElements: number;
  /** By core module: what each instance of it costs and holds. A component may have several of one module. */
  readonly instances: readonly InstanceMetering[];
  /** What the modules' own maxima are lowered to: a release cannot allow more. */
  readonly caps: Pick<GuestLimits, 'memoryPages' | 'tableElements'>;
  /** Whether memories and globals are all that a call with a clear dirty flag can change. */
  readonly restorable: boolean;
  /** Whether the modules mark what they write, so that the host may put back nothing else. */
  readonly marksWrites: boolean;
}

export interface Manifest {
  readonly schema: typeof MANIFEST_SCHEMA;
  readonly hostAbi: number;
  readonly contract: Contract;
  /** Digest of the component as submitted. */
  readonly component: Digest;
  /** Sorted by interface. */
  readonly imports: readonly ManifestImport[];
  /** Every export of the component, as it names them, sorted. Only the contract's own is ever called. */
  readonly exports: readonly string[];
  readonly metering: Metering;
  /** Number of core modules: members `core0.wasm`, `core1.wasm`, … of the container. */
  readonly coreModules: number;
}

/** Reads a manifest. Throws `manifest_invalid`, naming the member, where it is not one that this host can run. */
export function parseManifest(json: unknown): Manifest {
  const manifest = asRecord(json, 'manifest');
  if (manifest['schema'] !== MANIFEST_SCHEMA) throw invalid('schema', `is not ${MANIFEST_SCHEMA}`);
  if (manifest['hostAbi'] !== HOST_ABI) {
    throw invalid('hostAbi', `is not ${HOST_ABI}: rebuild the artifact from its component`);
  }
  const contract = CONTRACTS.find((known) => known === manifest['contract']);
  if (contract === undefined) throw invalid('contract', `is none of ${CONTRACTS.join(', ')}`);
  const component = manifest['component'];
  if (!isDigest(component)) throw invalid('component', 'is no sha256 digest');
  const coreModules = manifest['coreModules'];
  if (!Number.isInteger(coreModules) || Number(coreModules) < 1 || Number(coreModules) > MAX_CORE_MODULES) {
    throw invalid('coreModules', `is not a number from 1 to ${MAX_CORE_MODULES}`);
  }
  const imports = asArray(manifest['imports'], 'imports').map(parseImport);
  const exports = asArray(manifest['exports'], 'exports').map((name) => asString(name, 'exports'));
  return {
    schema: MANIFEST_SCHEMA,
    hostAbi: HOST_ABI,
    contract,
    component,
    imports,
    exports,
    metering: parseMetering(manifest['metering']),
    coreModules: Number(coreModules),
  };
}

function parseMetering(json: unknown): Metering {
  const metering = asRecord(json, 'metering');
  const caps = asRecord(metering['caps'], 'metering');
  const { restorable, marksWrites } = metering;
  if (typeof restorable !== 'boolean') throw invalid('metering', 'does not say whether it is restorable');
  if (typeof marksWrites !== 'boolean') throw invalid('metering', 'does not say whether it marks writes');
  return {
    costs: asCount(metering['costs'], 'metering'),
    initialPages: asCount(metering['initialPages'], 'metering'),
    initialElements: asCount(metering['initialElements'], 'metering'),
    instances: asArray(metering['instances'], 'metering').map((entry) => {
      const { fuel, pages, elements } = asRecord(entry, 'metering');
      return {
        fuel: asCount(fuel, 'metering'),
        pages: asCount(pages, 'metering'),
        elements: asCount(elements, 'metering'),
      };
    }),
    caps: {
      memoryPages: asCount(caps['memoryPages'], 'metering'),
      tableElements: asCount(caps['tableElements'], 'metering'),
    },
    restorable,
    marksWrites,
  };
}

function parseImport(json: unknown): ManifestImport {
  const entry = asRecord(json, 'imports');
  const tier = entry['tier'];
  if (tier !== 'types' && tier !== 'granted' && tier !== 'inert')
    throw invalid('imports', 'has an unknown tier');
  return {
    interface: asString(entry['interface'], 'imports'),
    version: asString(entry['version'], 'imports'),
    tier,
  };
}

function asRecord(json: unknown, member: string): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid(member, 'is no object');
  return json as Record<string, unknown>;
}

function asArray(json: unknown, member: string): unknown[] {
  if (!Array.isArray(json)) throw invalid(member, 'is no array');
  return json;
}

function asString(json: unknown, member: string): string {
  if (typeof json !== 'string') throw invalid(member, 'holds something else than text');
  return json;
}

function asCount(json: unknown, member: string): number {
  if (!Number.isSafeInteger(json) || Number(json) < 0)
    throw invalid(member, 'holds something else than a count');
  return Number(json);
}

function invalid(member: string, problem: string): WasmpayError {
  return new WasmpayError('manifest_invalid', `manifest: ${member} ${problem}`);
}
