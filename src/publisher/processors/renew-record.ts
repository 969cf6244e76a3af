// Renewal: a processor's record once more, with a later end. As for releases, what runs on a schedule signs only what is
// beyond doubt current: a record that somebody put back must not become a new one with a key that was revoked.

import type { VerifiedProcessor } from '../../artifact/processor.ts';
import { quote, type Refusal, type Result } from '../refusal.ts';
import type { ReleaseDesk } from '../releases/next-release.ts';
import type { RenewOptions } from '../releases/renew.ts';
import { carryOver } from './change-keys.ts';
import { makeNextRecord, unknownProcessor, type Recorded } from './next-record.ts';

export interface RenewRecordOptions extends RenewOptions {
  /** A person looks at it: the record with the highest number is taken, whatever is current. */
  readonly attended?: boolean;
}

export type RecordRenewal =
  | { readonly kind: 'renewed'; readonly recorded: Recorded }
  | { readonly kind: 'not_due'; readonly record: VerifiedProcessor };

/**
 * Renews a processor's record. Refuses with `processor_unknown`, `processor_superseded`, `processor_expired`; throws as
 * {@link makeNextRecord}.
 */
export async function renewRecord(
  desk: ReleaseDesk,
  processor: string,
  { validityDays, withinDays, expired = false, attended = false }: RenewRecordOptions = {},
): Promise<Result<RecordRenewal>> {
  let notDue: VerifiedProcessor | undefined;
  const made = await makeNextRecord(desk, processor, ({ current, newest }) => {
    if (newest === undefined) return unknownProcessor(processor);
    if (!attended && newest.number !== current?.record.number)
      return refuse(superseded(newest, current?.record));
    const nowS = Math.floor(desk.clock() / 1000);
    if (!expired && newest.notAfterS <= nowS) return refuse(ended(newest));
    if (withinDays !== undefined && newest.notAfterS - nowS > withinDays * 86_400) {
      notDue = newest;
      return { ok: false, refusals: [] };
    }
    return {
      ok: true,
      value: { ...carryOver(newest, nowS), ...(validityDays !== undefined && { validityDays }) },
    };
  });
  if (made.ok) return { ok: true, value: { kind: 'renewed', recorded: made.value } };
  return notDue === undefined ? made : { ok: true, value: { kind: 'not_due', record: notDue } };
}

function superseded(
  { processor, number }: VerifiedProcessor,
  current: VerifiedProcessor | undefined,
): Refusal {
  const standing = current === undefined ? 'none is current' : `${current.number} is current`;
  return {
    code: 'processor_superseded',
    message: `Record ${number} of processor ${quote(processor)} is signed, and ${standing}: a publisher did not finish, or someone put an older record back.`,
    where: 'processor',
    fix: `Look at wasmpay processors show ${processor}; if record ${number} is right: wasmpay processors renew ${processor}`,
  };
}

function ended({ processor, number, notAfterS }: VerifiedProcessor): Refusal {
  return {
    code: 'processor_expired',
    message: `Record ${number} of processor ${quote(processor)} ended on ${new Date(notAfterS * 1000).toISOString()}: the schedule did not run, or someone put an old record back.`,
    where: 'processor',
    fix: `Look at wasmpay processors show ${processor}; if it is right: wasmpay processors renew ${processor} --expired`,
  };
}

function refuse(refusal: Refusal): Result<never> {
  return { ok: false, refusals: [refusal] };
}
