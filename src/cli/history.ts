// `wasmpay history BANK` and `wasmpay show BANK [N]`: what the bucket holds of a bank, and what of it can be believed.

import type { VerifiedRelease } from '../artifact/release.ts';
import { readHistory, type BankHistory, type HistoryEntry } from '../publisher/releases/history.ts';
import { readNumberedRelease, readStanding, type ReleaseSource } from '../publisher/releases/read-release.ts';
import { unknownBank } from '../publisher/releases/next-release.ts';
import { unknownRelease } from '../publisher/releases/rollback.ts';
import type { Result } from '../publisher/refusal.ts';
import { describeRelease, formatTime, printRefused } from './describe-release.ts';
import { parseOptions } from './options.ts';
import { openSource, parseBank, SOURCE_OPTIONS } from './target.ts';
import { parseCount } from './terms.ts';
import { printJson, printResult } from './terminal.ts';

/** The commands for main.ts. */
export const historyCommand = {
  usage: `wasmpay history BANK [--last N] [TARGET] [--json]
  Lists a bank's releases, the newest first (20 unless told), its waiting publications, and what in its folder is no
  release to be believed. For reading, TARGET needs no signing key: --trusted-keys FILE will do.`,
  run: runHistory,
};

export const showCommand = {
  usage: `wasmpay show BANK [N] [TARGET] [--json]
  Prints a release in full: the current one, or number N.`,
  run: runShow,
};

async function runHistory(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['BANK'], { ...SOURCE_OPTIONS, last: { type: 'string' } });
  const slug = parseBank(String(parsed.arguments[0]));
  const last = parseCount(parsed.options['last'] as string | undefined, '--last');
  const history = await readHistory(await openSource(parsed.options), slug, last);
  if (parsed.options['json'] === true) printJson(history);
  else printResult(describeHistory(history));
  return 0;
}

async function runShow(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['BANK', '[N]'], SOURCE_OPTIONS);
  const asJson = parsed.options['json'] === true;
  const slug = parseBank(String(parsed.arguments[0]));
  const number = parseCount(parsed.arguments[1], 'N');
  const found = await readOne(await openSource(parsed.options), slug, number);
  if (!found.ok) return printRefused(asJson, 'found', found.refusals);
  if (asJson) printJson(found.value);
  else printResult(describeOne(found.value).join('\n'));
  return 0;
}

/** The bank's current release, or the one of a number. Throws `release_invalid` where the current one is forged. */
export async function readOne(
  source: ReleaseSource,
  slug: string,
  number: number | undefined,
): Promise<Result<VerifiedRelease>> {
  if (number === undefined) {
    const { current } = await readStanding(source, slug);
    return current === undefined ? unknownBank(slug) : { ok: true, value: current.release };
  }
  const found = await readNumberedRelease(source, slug, number);
  if (found.kind === 'verified') return { ok: true, value: found.release };
  const problem = found.kind === 'invalid' ? found.problem : 'is missing';
  return { ok: false, refusals: [unknownRelease(slug, number, problem)] };
}

function describeOne(release: VerifiedRelease): string[] {
  const { bankId, audience, keyId, contract, policy, notBeforeS, replaces } = release;
  return [
    ...describeRelease(release),
    `bank id    ${bankId}`,
    `audience   ${audience}`,
    `contract   ${contract}`,
    `grants     ${policy.grants.join(', ') || 'none'}`,
    `limits     ${Object.entries(policy.limits)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`,
    `valid from ${formatTime(notBeforeS)}`,
    `replaces   ${replaces === undefined ? 'unknown' : replaces || 'none'}`,
    `signed by  ${keyId}`,
  ];
}

const PLACES = {
  current: 'CURRENT',
  was_current: '',
  not_reached: 'never current, or hidden',
  unclear: 'unclear',
} as const;

function describeHistory(history: BankHistory): string {
  const { bank, entries, candidates, strangers, currentProblem } = history;
  const lines = entries.map((entry) => describeEntry(entry));
  return [
    ...(currentProblem === undefined ? [] : [`NOT BELIEVED: what is stored as current: ${currentProblem}`]),
    ...(lines.length === 0 ? [`bank ${bank} has no releases`] : lines),
    ...candidates.map(
      ({ artifact, madeAtS, bankId }) =>
        `waiting  ${formatTime(madeAtS)}  ${artifact}  unsigned, of ${JSON.stringify(bankId)}`,
    ),
    ...strangers.map((key) => `NOT OURS: ${key}`),
  ].join('\n');
}

function describeEntry(entry: HistoryEntry): string {
  const number = String(entry.number).padStart(6);
  if (entry.kind === 'not_believed') return `${number}  NOT BELIEVED: ${entry.problem}`;
  const { notBeforeS, artifact, validator, disabled, fallback } = entry.release;
  const state = disabled === undefined ? `fallback ${fallback}` : `OFF, answers ${disabled.answer}`;
  return `${number}  ${formatTime(notBeforeS)}  ${validator === undefined ? artifact : 'no validator'.padEnd(artifact.length)}  ${state}  ${PLACES[entry.place]}`.trimEnd();
}
