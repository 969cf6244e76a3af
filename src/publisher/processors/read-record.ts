// What the bucket says about a processor's records, after checking it. The bucket is not trusted: a record counts only
// with a trusted key's signature, under its own processor and number, for this deployment; a missing one proves nothing.

import type { VerifiedProcessor } from '../../artifact/processor.ts';
import { verifyProcessorSignature } from '../../artifact/verify-processor.ts';
import { isSlug } from '../../core/bank.ts';
import { WasmpayError } from '../../core/error.ts';
import { MAX_PROCESSOR_BYTES } from '../../core/limits.ts';
import { currentProcessorKey, processorRecordKey } from '../../store/keys.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { listKeys } from '../releases/list-keys.ts';
import type { ReleaseSource } from '../releases/read-release.ts';
import { PROCESSORS_PREFIX, recordsPrefix } from '../releases/storage-keys.ts';

export interface CurrentRecord {
  readonly record: VerifiedProcessor;
  readonly etag: string;
}

/** Where a processor stands before its next record is made. */
export interface ProcessorStanding {
  readonly current?: CurrentRecord;
  /**
   * The verified record with the highest number: what the next one is made of. It is above the current one where a
   * publisher did not finish, or where somebody put an older one back.
   */
  readonly newest?: VerifiedProcessor;
  /** The highest number that anything is stored under; 0 for none. */
  readonly highestNumber: number;
}

/** The current record, if there is one. Throws `processor_invalid` where it is not to be believed, `store_unavailable`. */
export async function readCurrentRecord(
  source: ReleaseSource,
  processor: string,
): Promise<CurrentRecord | undefined> {
  const key = currentProcessorKey(processor);
  const found = await source.store.get(key, { maxBytes: MAX_PROCESSOR_BYTES });
  if (found.kind !== 'found') return undefined;
  try {
    return { record: await verify(source, processor, found.object.bytes), etag: found.object.etag };
  } catch (cause) {
    if (!(cause instanceof WasmpayError)) throw cause;
    throw new WasmpayError(cause.code, `${key} cannot be believed: ${cause.message}`, { cause });
  }
}

/** Reads where the processor stands. Throws as {@link readCurrentRecord}: nobody builds on what is forged. */
export async function readProcessorStanding(
  source: ReleaseSource,
  processor: string,
): Promise<ProcessorStanding> {
  const current = await readCurrentRecord(source, processor);
  const numbers = await listRecordNumbers(source.store, processor);
  const floor = current?.record.number ?? 0;
  let newest = current?.record;
  for (const number of numbers.filter((candidate) => candidate > floor).toReversed()) {
    const record = await readNumbered(source, processor, number);
    if (record === undefined) continue;
    newest = record;
    break;
  }
  return {
    ...(current !== undefined && { current }),
    ...(newest !== undefined && { newest }),
    highestNumber: Math.max(floor, numbers.at(-1) ?? 0),
  };
}

/** Slugs of all processors that something is stored of, sorted. */
export async function listProcessors(store: ObjectStore): Promise<string[]> {
  const names = (await listKeys(store, PROCESSORS_PREFIX)).map((key) => key.split('/')[1] ?? '');
  return [...new Set(names.filter(isSlug))].sort();
}

async function listRecordNumbers(store: ObjectStore, processor: string): Promise<number[]> {
  const prefix = recordsPrefix(processor);
  const names = (await listKeys(store, prefix)).map((key) => key.slice(prefix.length));
  return names
    .filter((name) => /^[1-9]\d{0,15}$/.test(name) && Number.isSafeInteger(Number(name)))
    .map(Number)
    .sort((a, b) => a - b);
}

/** The record of a number; undefined where there is none to be believed. Throws on an outage. */
async function readNumbered(
  source: ReleaseSource,
  processor: string,
  number: number,
): Promise<VerifiedProcessor | undefined> {
  try {
    const key = processorRecordKey(processor, number);
    const found = await source.store.get(key, { maxBytes: MAX_PROCESSOR_BYTES });
    if (found.kind !== 'found') return undefined;
    const record = await verify(source, processor, found.object.bytes);
    return record.number === number ? record : undefined;
  } catch (error) {
    const isForged =
      error instanceof WasmpayError &&
      (error.code === 'processor_invalid' || error.code === 'store_object_too_large');
    if (isForged) return undefined;
    throw error;
  }
}

async function verify(
  { trustedKeys, audience }: ReleaseSource,
  processor: string,
  token: Uint8Array,
): Promise<VerifiedProcessor> {
  const record = await verifyProcessorSignature(token, trustedKeys);
  if (record.processor !== processor)
    throw new WasmpayError('processor_invalid', 'processor record is of another processor');
  if (record.audience !== audience)
    throw new WasmpayError('processor_invalid', 'processor record is for another deployment');
  return record;
}
