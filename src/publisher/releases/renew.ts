// Renewal: the current release once more, with a later end. It runs on a schedule and nobody looks at what it signs, so
// it signs only what is beyond doubt current: an older release that someone with write access put back must not become
// a new one. One that has ended, or that anything with a higher number stands against, needs a person: who puts a release
// back can spoil the one that followed, and cannot make a number free again but by deleting it.

import type { VerifiedRelease } from '../../artifact/release.ts';
import { quote, type Refusal, type Result } from '../refusal.ts';
import { makeNextRelease, unknownBank, type Released, type ReleaseDesk } from './next-release.ts';
import type { Standing } from './read-release.ts';

export interface RenewOptions {
  /** As long as the release was made for unless told. */
  readonly validityDays?: number;
  /** Only where it ends within so many days. */
  readonly withinDays?: number;
  /** Also where it has ended: for a person who has looked at it. */
  readonly expired?: boolean;
}

export type Renewal =
  | { readonly kind: 'renewed'; readonly released: Released }
  | { readonly kind: 'not_due'; readonly release: VerifiedRelease };

/**
 * Renews the bank's release; the switch stays as it is. Refuses with `bank_unknown`, `release_expired`,
 * `release_superseded`; throws as {@link makeNextRelease}.
 */
export async function renewRelease(
  desk: ReleaseDesk,
  slug: string,
  { validityDays, withinDays, expired = false }: RenewOptions = {},
): Promise<Result<Renewal>> {
  let notDue: VerifiedRelease | undefined;
  const made = await makeNextRelease(desk, slug, (standing) => {
    const current = unattendedRelease(desk, slug, standing, expired);
    if (!current.ok) return current;
    const { notBeforeS, notAfterS } = current.value;
    if (withinDays !== undefined && notAfterS - desk.clock() / 1000 > withinDays * 86_400) {
      notDue = current.value;
      return { ok: false, refusals: [] };
    }
    const days = validityDays ?? Math.max(1, Math.round((notAfterS - notBeforeS) / 86_400));
    return { ok: true, value: { ...current.value, validityDays: days, switch: 'keep' } };
  });
  if (made.ok) return { ok: true, value: { kind: 'renewed', released: made.value } };
  return notDue === undefined ? made : { ok: true, value: { kind: 'not_due', release: notDue } };
}

/** The current release where it may be signed anew without anyone looking. */
export function unattendedRelease(
  { clock }: ReleaseDesk,
  slug: string,
  { current, newer, highestNumber }: Standing,
  expired: boolean,
): Result<VerifiedRelease> {
  if (newer !== undefined) return refuse(superseded(slug, newer, current?.release));
  if (current === undefined) return unknownBank(slug);
  const { release } = current;
  if (highestNumber > release.number) return refuse(unclear(slug, highestNumber, release));
  if (!expired && release.notAfterS <= clock() / 1000) return refuse(ended(slug, release));
  return { ok: true, value: release };
}

function superseded(slug: string, newer: VerifiedRelease, current: VerifiedRelease | undefined): Refusal {
  const standing = current === undefined ? 'no release is current' : `release ${current.number} is current`;
  return {
    code: 'release_superseded',
    message: `Release ${newer.number} of bank ${quote(slug)} is signed, and ${standing}: a publisher did not finish, or someone put an older release back.`,
    where: 'bank',
    fix: `Look at wasmpay history ${slug}, then decide: wasmpay rollback ${slug} --to NUMBER`,
  };
}

/** The same code: a schedule tells no difference, and a person reads what there is. */
function unclear(slug: string, highestNumber: number, { number }: VerifiedRelease): Refusal {
  return {
    code: 'release_superseded',
    message: `Something not to be believed is stored as release ${highestNumber} of bank ${quote(slug)}, and release ${number} is current: someone planted it, or spoilt what followed and put an older release back.`,
    where: 'bank',
    fix: `Look at wasmpay history ${slug}, and at your own records; if release ${number} is the right one: wasmpay rollback ${slug} --to ${number}`,
  };
}

function ended(slug: string, { number, notAfterS }: VerifiedRelease): Refusal {
  return {
    code: 'release_expired',
    message: `Release ${number} of bank ${quote(slug)} ended on ${new Date(notAfterS * 1000).toISOString()}: the schedule did not run, or someone put an old release back.`,
    where: 'bank',
    fix: `Look at wasmpay history ${slug}; if it is the right one: wasmpay renew ${slug} --expired`,
  };
}

function refuse(refusal: Refusal): Result<never> {
  return { ok: false, refusals: [refusal] };
}
