// The one way to a new release: read where the bank stands, compose what comes next, take a number, sign, swap. Every
// action (publish, rollback, the switch, renewal) is a function that composes; racing ones come one after the other,
// each composed anew from what the one before it made, and none is lost.

import type { Fallback, Release, VerifiedRelease } from '../../artifact/release.ts';
import type { SigningKey } from '../../artifact/release-keys.ts';
import { signRelease } from '../../artifact/sign-release.ts';
import type { Clock } from '../../core/clock.ts';
import { WasmpayError } from '../../core/error.ts';
import { currentReleaseKey, releaseKey } from '../../store/keys.ts';
import { quote, type Refusal, type Result } from '../refusal.ts';
import { predecessorOf, readStanding, type ReleaseSource, type Standing } from './read-release.ts';

/**
 * How often a publisher tries that loses races for a bank, each time against the newer release. Of publishers in
 * lock-step one wins each time, and each may first meet a number that is taken: twenty of them need forty tries.
 */
const MAX_ATTEMPTS = 100;

/** Releases of a bank, and the key that makes one. */
export interface ReleaseDesk extends ReleaseSource {
  readonly signingKey: SigningKey;
  readonly clock: Clock;
}

/** What a composed release says; bank, number and validity are added. */
export interface NextRelease extends Pick<
  Release,
  'bankId' | 'artifact' | 'component' | 'validator' | 'contract' | 'policy' | 'fallback' | 'outage'
> {
  readonly validityDays: number;
  /**
   * `keep`: a bank that is switched off stays so. No release but the one that is meant to can undo a kill switch,
   * neither later nor in a race.
   */
  readonly switch: 'keep' | 'enable' | { readonly answer: Fallback };
}

export type Compose = (standing: Standing) => Result<NextRelease> | Promise<Result<NextRelease>>;

export interface Released {
  readonly release: Release;
  /** What the bank ran before; absent for its first release. */
  readonly previous?: VerifiedRelease;
  /** A signed release above `previous` that was not current: of a publisher that did not finish, or hidden by someone. */
  readonly passedOver?: VerifiedRelease;
  /** What was in the place of the current release and is replaced, in words; only where it was not to be believed. */
  readonly spoilt?: string;
}

/** The bank's next release. */
export interface MakeOptions {
  /** Where a bank goes on whose bucket was lost. */
  readonly leastNumber?: number;
  /** Also over a current release that is not to be believed: it follows the newest one that is. */
  readonly overSpoilt?: boolean;
}

/**
 * Makes the next release of the bank and swaps it in. Throws `store_conflict` after {@link MAX_ATTEMPTS} lost races,
 * `store_unavailable`, `release_invalid` (the current release is not to be built on), `key_invalid`.
 */
export async function makeNextRelease(
  desk: ReleaseDesk,
  slug: string,
  compose: Compose,
  { leastNumber = 1, overSpoilt = false }: MakeOptions = {},
): Promise<Result<Released>> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const standing = await readStanding(desk, slug, { overSpoilt });
    const composed = await compose(standing);
    if (!composed.ok) return composed;
    const number = findFreeNumber(standing, leastNumber);
    const release = completeRelease(desk, slug, composed.value, standing, number);
    const unsafe = refuseApprovals(release);
    if (unsafe !== undefined) return { ok: false, refusals: [unsafe] };
    const token = await signRelease(release, desk.signingKey);
    // The number is taken first: whoever swaps has its release kept under a number that nobody else has.
    const taken = await desk.store.put(releaseKey(slug, number), token, { kind: 'absent' });
    if (taken.kind === 'conflict') continue;
    const { current, newer, spoilt } = standing;
    const etag = (current ?? spoilt)?.etag;
    const condition =
      etag === undefined ? ({ kind: 'absent' } as const) : ({ kind: 'matches', etag } as const);
    const swapped = await desk.store.put(currentReleaseKey(slug), token, condition);
    if (swapped.kind !== 'stored') continue;
    const previous = predecessorOf(standing);
    return {
      ok: true,
      value: {
        release,
        ...(previous !== undefined && { previous }),
        ...(current !== undefined && newer !== undefined && { passedOver: newer }),
        ...(spoilt !== undefined && { spoilt: spoilt.fault.message }),
      },
    };
  }
  throw new WasmpayError(
    'store_conflict',
    `other publishers won ${MAX_ATTEMPTS} times over bank ${slug}; try again`,
  );
}

/** The first number above all that count, and that nothing is stored under: what does not count may be in the way. */
function findFreeNumber({ highestNumber, numbers }: Standing, leastNumber: number): number {
  let number = Math.max(highestNumber + 1, leastNumber);
  for (const taken of numbers) if (taken === number) number += 1;
  return number;
}

function completeRelease(
  { audience, clock }: ReleaseDesk,
  slug: string,
  next: NextRelease,
  standing: Standing,
  number: number,
): Release {
  const { bankId, artifact, component, validator, contract, policy, fallback, outage } = next;
  const nowS = Math.floor(clock() / 1000);
  const disabled = switchAfter(next.switch, standing);
  return {
    audience,
    bank: slug,
    number,
    replaces: predecessorOf(standing)?.number ?? 0,
    bankId,
    artifact,
    component,
    ...(validator !== undefined && { validator }),
    contract,
    policy,
    fallback,
    ...(outage !== undefined && { outage }),
    ...(disabled !== undefined && { disabled }),
    notBeforeS: nowS,
    notAfterS: nowS + next.validityDays * 86_400,
  };
}

function switchAfter(
  change: NextRelease['switch'],
  { current, newer }: Standing,
): { readonly answer: Fallback } | undefined {
  if (change === 'enable') return undefined;
  // Either says so: a switch-off that did not finish, or that someone hid behind an older release, still holds.
  if (change === 'keep') return current?.release.disabled ?? newer?.disabled;
  return { answer: change.answer };
}

/** A failure is never an approval; callers in plain JavaScript and JSON are told so before anything is signed. */
function refuseApprovals({ fallback, disabled, outage }: Release): Refusal | undefined {
  const isAnswer = (answer: string): boolean => answer === 'deny' || answer === 'refuse';
  const answers = [fallback, ...(disabled === undefined ? [] : [disabled.answer])];
  const wrong = answers.find((answer) => !isAnswer(answer));
  const isOutageKnown = outage === undefined || outage === 'approve';
  if (wrong === undefined && isOutageKnown) return undefined;
  return {
    code: 'fallback_approves',
    message: `${quote(String(wrong ?? outage))} is no answer to a validator that failed`,
    where: wrong === undefined ? 'outage' : 'fallback',
    fix: 'Deny or refuse. Only an outage of storage, which no caller can provoke, may be answered by approve.',
  };
}

/** The refusal of an action on a bank that has no release. */
export function unknownBank(bank: string): Result<never> {
  const refusal: Refusal = {
    code: 'bank_unknown',
    message: `bank ${quote(bank)} has no release`,
    where: 'bank',
    fix: 'Publish a component to it first, or look at its name.',
  };
  return { ok: false, refusals: [refusal] };
}
