// What a bank should run against what it runs: from its releases alone, without a look at any artifact, so that ten thousand
// banks can be compared in little time. Pure.

import type { Digest } from '../../artifact/digest.ts';
import type { Fallback, VerifiedRelease } from '../../artifact/release.ts';
import { GUEST_LIMIT_NAMES, type GuestLimits } from '../../core/guest-limits.ts';
import { predecessorOf, type Standing } from './read-release.ts';

/** What is wished for one bank. */
export interface Wish {
  readonly bankId: string;
  readonly slug: string;
  readonly runs: WishedComponent | 'none';
  /** Absent: however long the current release is valid is fine. */
  readonly validityDays?: number;
  /** `keep`: the switch is people's. */
  readonly switch: 'keep' | 'on' | { readonly answer: Fallback };
}

export interface WishedComponent {
  readonly component: Digest;
  readonly limits: GuestLimits;
  readonly fallback: Fallback;
  readonly outage?: 'approve';
}

/** One thing that is not as it is wished. */
export interface Difference {
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

export interface Comparison {
  /** What only a new release of the component, or of none, makes right. */
  readonly release: readonly Difference[];
  readonly switch?: Difference;
  /** What every transaction gets now, because the bank is switched off. */
  readonly off?: Fallback;
  /** The id of the bank that holds the slug, where it is another one: nothing may be released then. */
  readonly holder?: string;
}

/** Whether the bank is as it is wished. */
export function isSettled({ release, switch: switched, holder }: Comparison): boolean {
  return release.length === 0 && switched === undefined && holder === undefined;
}

/** Holds where a bank stands against a wish. `nowS` is in seconds since the Unix epoch. */
export function compareWish(standing: Standing, wish: Wish, nowS: number): Comparison {
  const before = predecessorOf(standing);
  // Either says so, as for whoever makes the next release.
  const off = (standing.current?.release.disabled ?? standing.newer?.disabled)?.answer;
  const switched = compareSwitch(off, wish.switch);
  return {
    release:
      before === undefined
        ? differ('release', 'none', 'the first of this bank')
        : compareRelease(standing, before, wish, nowS),
    ...(switched !== undefined && { switch: switched }),
    ...(off !== undefined && { off }),
    ...(before !== undefined && before.bankId !== wish.bankId && { holder: before.bankId }),
  };
}

function compareRelease(
  standing: Standing,
  before: VerifiedRelease,
  { runs, validityDays }: Wish,
  nowS: number,
): Difference[] {
  const validator = before.validator === undefined ? 'a component' : 'none';
  const differences = [
    ...compareStanding(standing, before, nowS),
    ...differ('validator', validator, runs === 'none' ? 'none' : 'a component'),
  ];
  if (runs !== 'none') {
    if (before.validator === undefined)
      differences.push(...differ('component', before.component, runs.component));
    differences.push(
      ...differ('fallback', before.fallback, runs.fallback),
      ...differ('during an outage of storage', before.outage ?? 'as fallback', runs.outage ?? 'as fallback'),
      ...GUEST_LIMIT_NAMES.flatMap((name) =>
        differ(`limit ${name}`, String(before.policy.limits[name]), String(runs.limits[name])),
      ),
    );
  }
  const days = Math.round((before.notAfterS - before.notBeforeS) / 86_400);
  if (validityDays !== undefined)
    differences.push(...differ('days of validity', `${days}`, `${validityDays}`));
  return differences;
}

/** Whether the current release is one that gateways run, and beyond doubt the last one. */
function compareStanding(
  { current, highestNumber }: Standing,
  before: VerifiedRelease,
  nowS: number,
): Difference[] {
  if (current === undefined)
    return differ('current release', `none, though release ${before.number} is signed`, 'a new one');
  const { number, notAfterS } = current.release;
  return [
    // A publisher that did not finish, or someone who put an older release back: a new one ends both.
    ...(highestNumber > number
      ? differ('current release', `${number}, below ${highestNumber} that is stored`, 'a new one above both')
      : []),
    ...(notAfterS <= nowS
      ? differ('release', `ended on ${new Date(notAfterS * 1000).toISOString()}`, 'valid')
      : []),
  ];
}

function compareSwitch(off: Fallback | undefined, wished: Wish['switch']): Difference | undefined {
  if (wished === 'keep') return undefined;
  const after = wished === 'on' ? 'on' : `off, answers ${wished.answer}`;
  return differ('switch', off === undefined ? 'on' : `off, answers ${off}`, after)[0];
}

function differ(what: string, before: string, after: string): Difference[] {
  return before === after ? [] : [{ what, before, after }];
}
