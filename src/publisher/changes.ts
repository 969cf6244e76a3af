// What one release changes against another: for the person who publishes or looks back, in sentences. Everything is
// derived from the release, its artifact and its component; what a candidate says of itself is not asked.

import type { Manifest } from '../artifact/manifest.ts';
import type { Release } from '../artifact/release.ts';
import { GUEST_LIMIT_NAMES } from '../core/guest-limits.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { inspectComponent } from './inspect.ts';
import type { Prepared } from './prepare.ts';
import { readComponentBytes, readUsableArtifact } from './releases/read-artifact.ts';
import { tryOnce, type Trial } from './trial.ts';
import type { Tools } from './workshop/tools.ts';

/** What a release runs, as far as it can be known. */
export interface Subject {
  readonly release: Omit<Release, 'number' | 'bank' | 'bankId' | 'audience' | 'notBeforeS' | 'notAfterS'>;
  /** Absent where the artifact is missing, damaged or of another host ABI. */
  readonly artifact?: { readonly manifest: Manifest; readonly sizeBytes: number };
  /** Absent where the component is gone. */
  readonly toolchain?: string;
  /** Absent where nothing was tried, or the trial failed. */
  readonly trial?: Trial;
}

export interface DescribeOptions {
  readonly tools?: Tools;
  /** The sandbox's trial; nothing is tried without it. */
  readonly trialScript?: URL;
}

/** The subject that was just prepared. */
export function subjectOf(release: Subject['release'], { bundle, inspection, trial }: Prepared): Subject {
  return {
    release,
    artifact: { manifest: bundle.manifest, sizeBytes: bundle.bytes.length },
    toolchain: inspection.toolchain,
    ...(trial !== undefined && { trial }),
  };
}

/** Reads, inspects and tries what `release` names. Throws `store_unavailable`. */
export async function describeSubject(
  store: ObjectStore,
  release: Subject['release'] & Pick<Release, 'bank' | 'number'>,
  { tools, trialScript }: DescribeOptions,
): Promise<Subject> {
  if (release.validator !== undefined) return { release };
  const component = await readComponentBytes(store, release.component);
  const inspected = component === undefined ? undefined : await inspectComponent(component, tools);
  const toolchain = inspected?.ok === true ? inspected.value.toolchain : undefined;
  const subject = { release, ...(toolchain !== undefined && { toolchain }) };
  const usable = await readUsableArtifact(store, release);
  if (!usable.ok) return subject;
  const { artifact, bytes } = usable.value;
  const { manifest, sizeBytes, digest } = artifact;
  const tried =
    trialScript === undefined
      ? undefined
      : await tryOnce({ digest, manifest, bytes }, release.policy, trialScript);
  return {
    ...subject,
    artifact: { manifest, sizeBytes },
    ...(tried?.ok === true && { trial: tried.value }),
  };
}

/** Sentences on what differs between two subjects; empty where both are the same. */
export function compareSubjects(before: Subject, after: Subject): string[] {
  const changes = termsOf(before.release).flatMap(([noun, value], index) => {
    const other = termsOf(after.release)[index]?.[1];
    return value === other ? [] : [`${noun} ${value} → ${other}`];
  });
  changes.push(...listChanges('grant', before.release.policy.grants, after.release.policy.grants));
  const [old, young] = [before.artifact, after.artifact];
  if (before.release.validator !== undefined || after.release.validator !== undefined) return changes;
  if (old === undefined || young === undefined) {
    const which = old === undefined ? 'previous' : 'newer';
    changes.push(`the ${which} artifact cannot be read: size, imports and exports not compared`);
  } else {
    if (old.sizeBytes !== young.sizeBytes)
      changes.push(`artifact size ${old.sizeBytes} → ${young.sizeBytes} bytes`);
    changes.push(...listChanges('import', importNames(old.manifest), importNames(young.manifest)));
    changes.push(...listChanges('export', old.manifest.exports, young.manifest.exports));
  }
  const [oldTools, newTools] = [before.toolchain, after.toolchain];
  if (oldTools !== undefined && newTools !== undefined && oldTools !== newTools)
    changes.push(`toolchain ${oldTools} → ${newTools}`);
  const [oldFuel, newFuel] = [fuelOf(before.trial), fuelOf(after.trial)];
  if (oldFuel !== undefined && newFuel !== undefined && oldFuel !== newFuel)
    changes.push(`trial fuel ${oldFuel} → ${newFuel}`);
  return changes;
}

function termsOf(release: Subject['release']): readonly (readonly [noun: string, value: string])[] {
  const { disabled } = release;
  return [
    ['validator', release.validator ?? 'yes'],
    ['component', release.validator ?? release.component],
    ['artifact', release.validator ?? release.artifact],
    ['contract', release.contract],
    ['fallback', release.fallback],
    ['during an outage of storage', release.outage ?? 'as fallback'],
    ['switch', disabled === undefined ? 'on' : `off, answers ${disabled.answer}`],
    ...GUEST_LIMIT_NAMES.map((name) => [`limit ${name}`, String(release.policy.limits[name])] as const),
  ];
}

/** `probes` that cost the least and the most, for people. */
export function fuelOf(trial: Trial | undefined): string | undefined {
  return trial === undefined ? undefined : `${trial.leastFuel} to ${trial.mostFuel}`;
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
