// `wasmpay diff BANK [A B]`: what one release changed against another.

import { isDigest, type Digest } from '../artifact/digest.ts';
import { CONTRACTS } from '../artifact/manifest.ts';
import type { VerifiedRelease } from '../artifact/release.ts';
import { WasmpayError } from '../core/error.ts';
import { compareSubjects, describeSubject, fuelOf, type Subject } from '../publisher/changes.ts';
import type { Result } from '../publisher/refusal.ts';
import { unknownCandidate } from '../publisher/releases/activate.ts';
import { readCandidate } from '../publisher/releases/candidate.ts';
import {
  listNumbers,
  readNumberedRelease,
  readStanding,
  type ReleaseSource,
} from '../publisher/releases/read-release.ts';
import { describeChanges, printRefused } from './describe-release.ts';
import { readOne } from './history.ts';
import { parseOptions } from './options.ts';
import { TRIAL_SCRIPT } from './publish.ts';
import { openSource, parseBank, SOURCE_OPTIONS } from './target.ts';
import { parseCount } from './terms.ts';
import { formatBytes, printJson, printResult } from './terminal.ts';

const USAGE = `wasmpay diff BANK [A B | ARTIFACT] [TARGET] [--json]
  Compares release A with B, the current one with the one that it replaced, or a waiting ARTIFACT with the current one:
  imports, exports, size, toolchain, fuel of the trial, limits, fallback. Artifacts are checked against their digests,
  components inspected and both tried again; what a waiting publication says of its terms is only what it says.`;

/** The command for main.ts. */
export const diffCommand = { usage: USAGE, run: runDiff };

async function runDiff(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['BANK', '[A|ARTIFACT]', '[B]'], SOURCE_OPTIONS);
  const [bank, a, b] = parsed.arguments;
  const asJson = parsed.options['json'] === true;
  const slug = parseBank(String(bank));
  if (isDigest(a) === (b === undefined) || a === undefined) {
    const source = await openSource(parsed.options);
    const pair = isDigest(a)
      ? await chooseWaiting(source, slug, a)
      : await chooseReleases(source, slug, a, b);
    if (!pair.ok) return printRefused(asJson, 'compared', pair.refusals);
    return printComparison(source, asJson, pair.value);
  }
  throw new WasmpayError('usage', 'name both releases, or one waiting artifact, or nothing');
}

type Side = Parameters<typeof describeSubject>[1];

interface Pair {
  readonly before: Side | undefined;
  readonly after: Side;
  /** What `after` is called. */
  readonly name: string;
}

/** Two releases; `before` is undefined where the bank had none. */
async function chooseReleases(
  source: ReleaseSource,
  slug: string,
  a: string | undefined,
  b: string | undefined,
): Promise<Result<Pair>> {
  const after = await readOne(source, slug, parseCount(b, 'B'));
  if (!after.ok) return after;
  const earlier = parseCount(a, 'A') ?? (await findReplaced(source, slug, after.value));
  const name = `release ${after.value.number}`;
  if (earlier === undefined) return { ok: true, value: { before: undefined, after: after.value, name } };
  const before = await readOne(source, slug, earlier);
  return before.ok ? { ok: true, value: { before: before.value, after: after.value, name } } : before;
}

/** The current release, and what waits. */
async function chooseWaiting(source: ReleaseSource, slug: string, artifact: Digest): Promise<Result<Pair>> {
  const candidate = await readCandidate(source.store, slug, artifact);
  if (candidate === undefined) return { ok: false, refusals: [unknownCandidate(slug, artifact)] };
  const { current } = await readStanding(source, slug);
  const { component, grants, limits, fallback, outage } = candidate;
  const contract = CONTRACTS.find((known) => known === candidate.contract) ?? CONTRACTS[0];
  const disabled = current?.release.disabled;
  const after: Side = {
    bank: slug,
    number: current?.release.number ?? 0,
    artifact,
    component,
    contract,
    policy: { grants, limits },
    fallback,
    ...(outage !== undefined && { outage }),
    ...(disabled !== undefined && { disabled }),
  };
  return { ok: true, value: { before: current?.release, after, name: 'waiting, unsigned' } };
}

async function printComparison(source: ReleaseSource, asJson: boolean, pair: Pair): Promise<number> {
  const options = { trialScript: TRIAL_SCRIPT };
  const after = await describeSubject(source.store, pair.after, options);
  const before =
    pair.before === undefined ? undefined : await describeSubject(source.store, pair.before, options);
  const changes = before === undefined ? ['first release of this bank'] : compareSubjects(before, after);
  if (asJson) {
    printJson({
      before: before === undefined ? null : subjectToJson(before),
      after: subjectToJson(after),
      changes,
    });
    return 0;
  }
  const lines = [
    ...(before === undefined ? [] : [`before     ${describeOne(before, `release ${pair.before?.number}`)}`]),
    `after      ${describeOne(after, pair.name)}`,
    ...describeChanges(changes),
  ];
  printResult(lines.join('\n'));
  return 0;
}

/** The release before `release`; for older publishers', which do not say, the last verified one below it. */
async function findReplaced(
  source: ReleaseSource,
  slug: string,
  release: VerifiedRelease,
): Promise<number | undefined> {
  if (release.replaces !== undefined) return release.replaces === 0 ? undefined : release.replaces;
  for (const number of (await listNumbers(source.store, slug)).toReversed()) {
    if (number >= release.number) continue;
    if ((await readNumberedRelease(source, slug, number)).kind === 'verified') return number;
  }
  return undefined;
}

function describeOne({ artifact, toolchain, trial }: Subject, name: string): string {
  return [
    name,
    artifact === undefined ? 'artifact not readable' : formatBytes(artifact.sizeBytes),
    `made by ${toolchain ?? 'unknown'}`,
    `trial fuel ${fuelOf(trial) ?? 'unknown'}`,
  ].join(', ');
}

function subjectToJson({ release, artifact, toolchain, trial }: Subject): object {
  return {
    release,
    sizeBytes: artifact?.sizeBytes ?? null,
    imports: artifact?.manifest.imports ?? null,
    exports: artifact?.manifest.exports ?? null,
    toolchain: toolchain ?? null,
    trial: trial ?? null,
  };
}
