// Stage 6, trial: the artifact answers probe transactions in the production sandbox, in a confined process. The script
// that runs it is handed in, since the publisher knows no sandbox.

import type { SandboxPolicy } from '../artifact/release.ts';
import type { Bundle } from './bundle.ts';
import { quote, type Refusal, type Result } from './refusal.ts';
import { startConfined, type ConfinedProcess } from './workshop/confined-process.ts';

/** What the trial found: fuel of the cheapest and the dearest probe, pages of 64 KiB that the largest one left. */
export interface Trial {
  readonly probes: number;
  readonly leastFuel: number;
  readonly mostFuel: number;
  readonly mostPages: number;
}

/** Tries a bundle: `child` runs the sandbox's trial-child. Refuses with `trial_failed`. */
export async function tryArtifact(
  bundle: Bundle,
  policy: SandboxPolicy,
  child: ConfinedProcess,
): Promise<Result<Trial>> {
  const input = { value: { digest: bundle.digest, policy }, blobs: [bundle.bytes] };
  const run = await child.run(input);
  if (!run.ok) return refuse('trial', `The trial failed: ${run.reason}.`);
  return judgeTrial(run.message.value);
}

/** Tries a bundle in a new process: `script` is the sandbox's trial-child. */
export async function tryOnce(bundle: Bundle, policy: SandboxPolicy, script: URL): Promise<Result<Trial>> {
  using child = startConfined(script);
  return await tryArtifact(bundle, policy, child);
}

/** What a trial's verdict means. It is of a process that ran the guest, and read as such. */
export function judgeTrial(value: unknown): Result<Trial> {
  const verdict = (value ?? {}) as Record<string, unknown>;
  const { ok, probe, problem } = verdict;
  const trial = parseTrial(verdict);
  if (ok === true && trial !== undefined) return { ok: true, value: trial };
  return refuse(
    `probe ${quote(String(probe))}`,
    `The validator failed its trial: ${quote(String(problem))}.`,
  );
}

/** A trial from JSON; undefined where it is none. */
export function parseTrial(json: unknown): Trial | undefined {
  const { probes, leastFuel, mostFuel, mostPages } = (json ?? {}) as Record<keyof Trial, unknown>;
  if (!isCount(probes) || !isCount(leastFuel) || !isCount(mostFuel) || !isCount(mostPages)) return undefined;
  return { probes, leastFuel, mostFuel, mostPages };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function refuse(where: string, message: string): Result<never> {
  const fix =
    'Make the validator answer every transaction that the contract allows; run its cases before publishing.';
  const refusal: Refusal = { code: 'trial_failed', message, where, fix };
  return { ok: false, refusals: [refusal] };
}
