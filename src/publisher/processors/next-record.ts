// The one way to a new record of a processor: read where it stands, compose what comes next, take a number, sign, move the
// pointer. Records are a chain: each is made of the verified one with the highest number below its own, so that of
// actions at the same time none is lost, and a key that was revoked does not come back through somebody who put an older
// record in the place of the current one.

import type { ProcessorRecord, VerifiedProcessor } from '../../artifact/processor.ts';
import { signProcessor } from '../../artifact/sign-processor.ts';
import { WasmpayError } from '../../core/error.ts';
import { currentProcessorKey, processorRecordKey } from '../../store/keys.ts';
import { quote, type Result } from '../refusal.ts';
import type { ReleaseDesk } from '../releases/next-release.ts';
import { readCurrentRecord, readProcessorStanding, type ProcessorStanding } from './read-record.ts';

/** How often a publisher tries that loses races for a number. */
const MAX_ATTEMPTS = 100;

/** How long a record is valid unless told otherwise, days: what putting an older one back is good for at most. */
export const DEFAULT_RECORD_DAYS = 7;

/** What a composed record says; processor, audience, number and validity are added. */
export interface NextRecord extends Pick<
  ProcessorRecord,
  'name' | 'banks' | 'tier' | 'apiKeys' | 'publicKeys'
> {
  readonly validityDays: number;
}

export type ComposeRecord = (standing: ProcessorStanding) => Result<NextRecord>;

export interface Recorded {
  readonly record: ProcessorRecord;
  /** What it was made of; absent for the first. */
  readonly previous?: VerifiedProcessor;
  /** The record that was current although `previous` is newer: of a publisher that did not finish, or put back. */
  readonly passedOver?: VerifiedProcessor;
}

/**
 * Makes the processor's next record. `leastNumber` is where one goes on whose bucket was lost. Throws `store_conflict`
 * after {@link MAX_ATTEMPTS} lost races, `store_unavailable`, `processor_invalid` (what is current is not to be built
 * on, or the record is too large), `key_invalid`.
 */
export async function makeNextRecord(
  desk: ReleaseDesk,
  processor: string,
  compose: ComposeRecord,
  leastNumber = 1,
): Promise<Result<Recorded>> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const standing = await readProcessorStanding(desk, processor);
    const composed = compose(standing);
    if (!composed.ok) return composed;
    const number = Math.max(standing.highestNumber + 1, leastNumber);
    if (!Number.isSafeInteger(number)) throw noMoreNumbers(processor, standing.highestNumber);
    const { validityDays, ...rest } = composed.value;
    const nowS = Math.floor(desk.clock() / 1000);
    const validity = { notBeforeS: nowS, notAfterS: nowS + validityDays * 86_400 };
    const record: ProcessorRecord = { audience: desk.audience, processor, number, ...rest, ...validity };
    const token = await signProcessor(record, desk.signingKey);
    const key = processorRecordKey(processor, number);
    const taken = await desk.store.put(key, token, { kind: 'absent' });
    // Somebody else has the number: theirs is below ours next time, and ours is made of it.
    if (taken.kind === 'conflict') continue;
    await movePointer(desk, record, token);
    const { current, newest } = standing;
    const isPassedOver = current !== undefined && current.record.number !== newest?.number;
    return {
      ok: true,
      value: {
        record,
        ...(newest !== undefined && { previous: newest }),
        ...(isPassedOver && { passedOver: current.record }),
      },
    };
  }
  throw new WasmpayError(
    'store_conflict',
    `others won ${MAX_ATTEMPTS} times over processor ${processor}; try again`,
  );
}

/** Makes the record current, unless a later one is: that one was made of it. */
async function movePointer(desk: ReleaseDesk, record: ProcessorRecord, token: Uint8Array): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const current = await readCurrentRecord(desk, record.processor);
    if (current !== undefined && current.record.number >= record.number) return;
    const condition =
      current === undefined
        ? ({ kind: 'absent' } as const)
        : ({ kind: 'matches', etag: current.etag } as const);
    const put = await desk.store.put(currentProcessorKey(record.processor), token, condition);
    if (put.kind === 'stored') return;
  }
  throw new WasmpayError(
    'store_conflict',
    `others changed processor ${record.processor} ${MAX_ATTEMPTS} times meanwhile; try again`,
  );
}

function noMoreNumbers(processor: string, highest: number): WasmpayError {
  return new WasmpayError(
    'processor_invalid',
    `something is stored as record ${highest} of ${processor}, which no publisher made; delete it`,
  );
}

/** The refusal of an action on a processor that there is no record of. */
export function unknownProcessor(processor: string): Result<never> {
  const refusal = {
    code: 'processor_unknown',
    message: `There is no processor ${quote(processor)}.`,
    where: 'processor',
    fix: `Look at wasmpay processors list, or add it: wasmpay processors add ${processor}`,
  } as const;
  return { ok: false, refusals: [refusal] };
}
