// Stage 2: policy. Decides from an inspection what the component may import and export. The rules are data, in
// policy.json, which an operator reads and changes; what no rule names is refused.

import { CONTRACTS, type Contract, type ManifestImport, type Tier } from '../artifact/manifest.ts';
import { WasmpayError } from '../core/error.ts';
import { parseInterfaceName } from './component-names.ts';
import { compareShape, UNKNOWN_SHAPE, VALIDATION_INTERFACE } from './contract-shape.ts';
import type { InspectedImport, Inspection } from './inspect.ts';
import defaultPolicy from './policy.json' with { type: 'json' };
import { quote, type Refusal, type Result } from './refusal.ts';

/** A rule for imports. */
export interface ImportRule {
  /** An interface without version, or the beginning of one and `*`: `wasi:random/*`. The longest match decides. */
  readonly match: string;
  /** `0.2.x` (that minor version), `0.2.3` (that one), several of them (`0.1.x, 0.2.x`), or `*`. */
  readonly versions: string;
  readonly tier: Tier | 'refused';
  /** Why, one sentence. Part of the refusal, where it is one. */
  readonly reason: string;
}

/** A rule for exports: interfaces without version, or the plain name of a function. */
export interface ExportRule {
  readonly name: string;
  readonly versions: string;
  readonly reason: string;
}

export interface Policy {
  readonly imports: readonly ImportRule[];
  readonly exports: readonly ExportRule[];
}

/** What a component of this policy is released as. */
export interface PolicyDecision {
  readonly contract: Contract;
  /** Sorted by interface. */
  readonly imports: readonly ManifestImport[];
  /** As the component names them, sorted. */
  readonly exports: readonly string[];
  /** Interfaces of the granted tier that the component imports, without version, sorted. */
  readonly grants: readonly string[];
}

/** The policy that the gateway comes with. */
export const DEFAULT_POLICY: Policy = parsePolicy(defaultPolicy);

/** Reads a policy. Throws `config_invalid`, naming the member. */
export function parsePolicy(json: unknown): Policy {
  const policy = asRecord(json, 'policy', ['imports', 'exports']);
  const imports = asArray(policy['imports'], 'imports').map((entry, index): ImportRule => {
    const member = `imports[${index}]`;
    const rule = asRecord(entry, member, ['match', 'versions', 'tier', 'reason']);
    const tier = rule['tier'];
    if (tier !== 'types' && tier !== 'granted' && tier !== 'inert' && tier !== 'refused') {
      throw invalid(`${member}.tier`, 'is none of types, granted, inert, refused');
    }
    const match = asString(rule['match'], `${member}.match`);
    if (!/^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*\/(?:[a-z][a-z0-9-]*\*?|\*)$/.test(match)) {
      throw invalid(`${member}.match`, 'is no interface such as wasi:cli/stdout or wasi:random/*');
    }
    return { match, versions: asVersions(rule['versions'], member), tier, reason: asReason(rule, member) };
  });
  const exports = asArray(policy['exports'], 'exports').map((entry, index): ExportRule => {
    const member = `exports[${index}]`;
    const rule = asRecord(entry, member, ['name', 'versions', 'reason']);
    const name = asString(rule['name'], `${member}.name`);
    if (!/^[a-z][a-z0-9-]*(?::[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*)?$/.test(name)) {
      throw invalid(`${member}.name`, 'is no interface and no name of a function');
    }
    return { name, versions: asVersions(rule['versions'], member), reason: asReason(rule, member) };
  });
  unique(
    imports.map(({ match }) => match),
    'imports',
  );
  unique(
    exports.map(({ name }) => name),
    'exports',
  );
  return { imports, exports };
}

/**
 * Applies a policy: the decision, or every fault at once. `strict` refuses the inert tier, too. Refusals:
 * `import_unknown`, `import_refused`, `import_inert_strict`, `import_validation`, `no_validation_export`,
 * `export_not_allowed`, `interface_versions`, `validation_shape`.
 */
export function applyPolicy(
  inspection: Inspection,
  policy: Policy,
  { strict }: { readonly strict: boolean },
): Result<PolicyDecision> {
  const refusals: Refusal[] = [];
  const imports: ManifestImport[] = [];
  for (const imported of inspection.imports) {
    const tier = judgeImport(imported, policy, strict);
    if (typeof tier === 'string') {
      imports.push({ interface: imported.interface, version: imported.version, tier });
    } else {
      refusals.push(tier);
    }
  }
  for (const name of inspection.exports) {
    const refusal = judgeExport(name, policy);
    if (refusal !== undefined) refusals.push(refusal);
  }
  const exported = inspection.exports.map(
    (name) => parseInterfaceName(name) ?? { interface: name, version: '' },
  );
  refusals.push(...checkVersions('import', inspection.imports), ...checkVersions('export', exported));
  const contract = judgeValidation(inspection, refusals);
  if (refusals.length > 0 || contract === undefined) return { ok: false, refusals };

  imports.sort((a, b) => compareText(a.interface, b.interface));
  return {
    ok: true,
    value: {
      contract,
      imports,
      exports: [...inspection.exports].sort(compareText),
      grants: imports.filter(({ tier }) => tier === 'granted').map((granted) => granted.interface),
    },
  };
}

/** The tier that `policy` puts an import in; `refused` for what it does not name or accept. */
export function tierOf(imported: InspectedImport, policy: Policy): Tier | 'refused' {
  const tier = judgeImport(imported, policy, false);
  return typeof tier === 'string' ? tier : 'refused';
}

function judgeImport(imported: InspectedImport, policy: Policy, strict: boolean): Tier | Refusal {
  const name = versioned(imported);
  const where = `import ${name}`;
  if (imported.interface === VALIDATION_INTERFACE) {
    return {
      code: 'import_validation',
      message: `The component imports ${quote(name)}: it wraps another validator, which is not part of it.`,
      where,
      fix:
        'Compose it first: `wasmpay compose validator.wasm --harness wrapper.wasm -o composed.wasm`, or ' +
        '`wac plug wrapper.wasm --plug validator.wasm -o composed.wasm`.',
    };
  }
  const rule = findRule(imported.interface, policy.imports);
  if (rule === undefined || imported.kind !== 'instance') {
    return {
      code: 'import_unknown',
      message: `The component imports ${quote(name)}, which this platform does not know.`,
      where,
      fix: 'Remove the import, or ask the platform team to name the interface in its policy.',
    };
  }
  if (rule.tier === 'refused') {
    return {
      code: 'import_refused',
      message: `The component imports ${quote(name)}, which is refused. ${rule.reason}`,
      where,
      fix: 'Remove what uses the import; a validator sees the transaction and nothing else.',
    };
  }
  if (!acceptsVersion(rule.versions, imported.version)) {
    return {
      code: 'import_refused',
      message: `The component imports ${quote(name)}; accepted are versions ${rule.versions}.`,
      where,
      fix: `Build with a toolchain that targets version ${rule.versions} of the interface.`,
    };
  }
  if (rule.tier === 'types' && imported.callable) {
    return {
      code: 'import_refused',
      message: `The component imports functions of ${quote(name)}, which holds only types.`,
      where,
      fix: 'Build against the unchanged WIT of the interface.',
    };
  }
  if (rule.tier === 'inert' && strict) {
    return {
      code: 'import_inert_strict',
      message: `The component imports ${quote(name)}, which strict mode refuses. ${rule.reason}`,
      where,
      fix: 'Build without it (smaller runtimes import less), or publish without strict mode.',
    };
  }
  return rule.tier;
}

function judgeExport(name: string, policy: Policy): Refusal | undefined {
  const parsed = parseInterfaceName(name) ?? { interface: name, version: '' };
  // Its absence and its version have refusals of their own.
  if (parsed.interface === VALIDATION_INTERFACE) return undefined;
  const rule = policy.exports.find((candidate) => candidate.name === parsed.interface);
  if (rule !== undefined && acceptsVersion(rule.versions, parsed.version)) return undefined;
  const allowed = policy.exports.map((candidate) => candidate.name).join(', ');
  return {
    code: 'export_not_allowed',
    message: `The component exports ${quote(name)}${rule === undefined ? '' : `; accepted are versions ${rule.versions}`}.`,
    where: `export ${name}`,
    fix: `Export nothing but ${allowed}.`,
  };
}

/** jco drops versions from import keys: two versions of one interface would be answered by one implementation. */
function checkVersions(
  side: 'import' | 'export',
  items: readonly { readonly interface: string; readonly version: string }[],
): Refusal[] {
  const versions = new Map<string, Set<string>>();
  for (const item of items) {
    versions.set(item.interface, (versions.get(item.interface) ?? new Set()).add(item.version));
  }
  return [...versions]
    .filter(([, found]) => found.size > 1)
    .map(([name, found]) => ({
      code: 'interface_versions',
      message: `The component ${side}s ${quote(name)} in ${found.size} versions: ${quote([...found].join(', '))}.`,
      where: `${side} ${name}`,
      fix: 'Build all parts of the component against one version of the interface.',
    }));
}

/** The contract that the component's validation export fulfils. Adds to `refusals` why there is none. */
function judgeValidation(inspection: Inspection, refusals: Refusal[]): Contract | undefined {
  if (inspection.validations.length === 0) {
    refusals.push({
      code: 'no_validation_export',
      message: `The component does not export ${VALIDATION_INTERFACE}.`,
      where: 'component',
      fix: `Build for world \`validator\` of ${CONTRACTS.join(' or ')}.`,
    });
    return undefined;
  }
  let fulfilled: Contract | undefined;
  for (const { export: name, shape } of inspection.validations) {
    const version = parseInterfaceName(name)?.version ?? '';
    const contract = CONTRACTS.find((known) => known === `wasmpay:platform@${version}`);
    const where = `export ${name}`;
    if (contract === undefined) {
      refusals.push({
        code: 'validation_shape',
        message: `The component exports ${quote(name)}; this platform knows ${CONTRACTS.join(', ')}.`,
        where,
        fix: 'Build against a version of the contract that the platform supports.',
      });
      continue;
    }
    const { unexpected, missing } = compareShape(shape, contract);
    if (unexpected.length === 0 && missing.length === 0) {
      fulfilled = contract;
      continue;
    }
    const has = unexpected.length === 0 ? 'nothing of it' : quote(unexpected[0] ?? '');
    const wants = missing.length === 0 ? 'no such item' : quote(missing[0] ?? '');
    refusals.push({
      code: 'validation_shape',
      message:
        shape === UNKNOWN_SHAPE
          ? `The types of ${quote(name)} cannot be followed.`
          : `The export ${quote(name)} differs from the contract: it has ${has}, the contract has ${wants}.`,
      where,
      fix: `Build against the unchanged wasmpay-platform-${version}.wit of wit/.`,
    });
  }
  return fulfilled;
}

function findRule(name: string, rules: readonly ImportRule[]): ImportRule | undefined {
  return rules
    .filter(({ match }) => (match.endsWith('*') ? name.startsWith(match.slice(0, -1)) : name === match))
    .sort((a, b) => b.match.length - a.match.length)[0];
}

function acceptsVersion(range: string, version: string): boolean {
  if (range === '*') return true;
  return range
    .split(', ')
    .some((part) =>
      part.endsWith('.x')
        ? /^\d+\.\d+\.\d+$/.test(version) && version.startsWith(part.slice(0, -1))
        : version === part,
    );
}

function versioned({ interface: name, version }: InspectedImport): string {
  return version === '' ? name : `${name}@${version}`;
}

/** By code units: the same order on every machine. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function asVersions(json: unknown, member: string): string {
  const versions = asString(json, `${member}.versions`);
  if (!/^(?:\*|\d+\.\d+\.(?:x|\d+)(?:, \d+\.\d+\.(?:x|\d+))*)$/.test(versions)) {
    throw invalid(`${member}.versions`, 'is none of 0.2.x, 0.2.3, *, nor a list such as 0.1.x, 0.2.x');
  }
  return versions;
}

function asReason(rule: Record<string, unknown>, member: string): string {
  const reason = asString(rule['reason'], `${member}.reason`);
  if (reason === '') throw invalid(`${member}.reason`, 'is empty');
  return reason;
}

function asRecord(json: unknown, member: string, known: readonly string[]): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalid(member, 'is no object');
  const unknownMember = Object.keys(json).find((key) => !known.includes(key));
  if (unknownMember !== undefined) throw invalid(`${member}.${unknownMember}`, 'is not known');
  return json as Record<string, unknown>;
}

function asArray(json: unknown, member: string): unknown[] {
  if (!Array.isArray(json)) throw invalid(member, 'is no array');
  return json;
}

function asString(json: unknown, member: string): string {
  if (typeof json !== 'string') throw invalid(member, 'is no text');
  return json;
}

function unique(names: readonly string[], member: string): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(member, `names ${twice} twice`);
}

function invalid(member: string, problem: string): WasmpayError {
  return new WasmpayError('config_invalid', `policy: ${member} ${problem}`);
}
