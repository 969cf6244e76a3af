// Adding, rotating and revoking what a processor proves itself with. Rotation has no gap: a new key is added beside the
// old ones, which go on until they are revoked or their own end comes.

import type { ProcessorRecord, PublicKeyEntry, VerifiedProcessor } from '../../artifact/processor.ts';
import type { RequestKey } from '../../artifact/request-key.ts';
import { isSlug } from '../../core/bank.ts';
import { MAX_PROCESSOR_KEYS } from '../../core/limits.ts';
import { quote, type Refusal, type Result } from '../refusal.ts';
import type { ReleaseDesk } from '../releases/next-release.ts';
import { makeApiKey, type NewApiKey, type RandomBytes } from './api-keys.ts';
import {
  DEFAULT_RECORD_DAYS,
  makeNextRecord,
  unknownProcessor,
  type NextRecord,
  type Recorded,
} from './next-record.ts';

/** What a change made; `apiKey` is a secret that nothing else holds. */
export interface KeyChange extends Recorded {
  readonly apiKey?: NewApiKey;
}

export interface NewKeys {
  /** Whether an API key is made. */
  readonly apiKey: boolean;
  /** How long it is valid, days; until it is revoked unless told. */
  readonly keyDays?: number;
  readonly publicKeys: readonly RequestKey[];
  readonly random: RandomBytes;
}

export interface AddOptions extends NewKeys, Pick<ProcessorRecord, 'name' | 'banks' | 'tier'> {
  readonly validityDays?: number;
  readonly leastNumber?: number;
}

/**
 * Registers a processor. Refuses with `processor_id_invalid`, `processor_exists`; throws as {@link makeNextRecord}.
 */
export async function addProcessor(
  desk: ReleaseDesk,
  processor: string,
  options: AddOptions,
): Promise<Result<KeyChange>> {
  if (!isSlug(processor)) return refuse(invalidId(processor));
  const { name, banks, tier, validityDays = DEFAULT_RECORD_DAYS, leastNumber } = options;
  const keys = await makeKeys(desk, processor, options);
  const made = await makeNextRecord(
    desk,
    processor,
    ({ newest }) =>
      newest === undefined
        ? { ok: true, value: { name, banks, tier, validityDays, ...listKeys(keys) } }
        : refuse(existing(processor)),
    leastNumber,
  );
  return withKey(made, keys.apiKey);
}

export interface RotateOptions extends NewKeys {
  /** In how many hours the keys that there are end: of the kinds of which a new one is added. Never unless told. */
  readonly keepHours?: number;
}

/**
 * Adds keys to a processor. Refuses with `processor_unknown`, `processor_key_exists`, `processor_keys_full`; throws as
 * {@link makeNextRecord}.
 */
export async function rotateKeys(
  desk: ReleaseDesk,
  processor: string,
  options: RotateOptions,
): Promise<Result<KeyChange>> {
  const keys = await makeKeys(desk, processor, options);
  const nowS = Math.floor(desk.clock() / 1000);
  const { keepHours } = options;
  const endS = keepHours === undefined ? undefined : nowS + keepHours * 3600;
  const made = await makeNextRecord(desk, processor, ({ newest }) => {
    if (newest === undefined) return unknownProcessor(processor);
    const added = listKeys(keys);
    const known = keys.publicKeys.find(({ id }) => newest.publicKeys.some((each) => each.id === id));
    if (known !== undefined) return refuse(existingKey(processor, known.id));
    const next: NextRecord = {
      ...carryOver(newest, nowS),
      apiKeys: [
        ...(added.apiKeys.length > 0 ? endBy(newest.apiKeys, endS, nowS) : newest.apiKeys),
        ...added.apiKeys,
      ],
      publicKeys: [
        ...(added.publicKeys.length > 0 ? endBy(newest.publicKeys, endS, nowS) : newest.publicKeys),
        ...added.publicKeys,
      ],
    };
    const isFull = [next.apiKeys, next.publicKeys].some((list) => list.length > MAX_PROCESSOR_KEYS);
    return isFull ? refuse(tooManyKeys(processor)) : { ok: true, value: next };
  });
  return withKey(made, keys.apiKey);
}

/**
 * Takes a key away, or all of them where `keyId` is undefined: that shuts the processor out. Refuses with
 * `processor_unknown`, `processor_key_unknown`; throws as {@link makeNextRecord}.
 */
export async function revokeKeys(
  desk: ReleaseDesk,
  processor: string,
  keyId: string | undefined,
): Promise<Result<Recorded>> {
  return makeNextRecord(desk, processor, ({ newest }) => {
    if (newest === undefined) return unknownProcessor(processor);
    const carried = carryOver(newest, Math.floor(desk.clock() / 1000));
    if (keyId === undefined) return { ok: true, value: { ...carried, apiKeys: [], publicKeys: [] } };
    const stays = ({ id }: { readonly id: string }): boolean => id !== keyId;
    const { apiKeys, publicKeys } = newest;
    if (apiKeys.every(stays) && publicKeys.every(stays)) return refuse(unknownKey(newest, keyId));
    return {
      ok: true,
      value: { ...carried, apiKeys: apiKeys.filter(stays), publicKeys: publicKeys.filter(stays) },
    };
  });
}

export type Terms = Partial<Pick<NextRecord, 'name' | 'banks' | 'tier' | 'validityDays'>>;

/** Changes what a processor may do. Refuses with `processor_unknown`; throws as {@link makeNextRecord}. */
export async function changeTerms(
  desk: ReleaseDesk,
  processor: string,
  terms: Terms,
): Promise<Result<Recorded>> {
  return makeNextRecord(desk, processor, ({ newest }) => {
    if (newest === undefined) return unknownProcessor(processor);
    return { ok: true, value: { ...carryOver(newest, Math.floor(desk.clock() / 1000)), ...terms } };
  });
}

/** What a record hands on: everything, for as long again, but for keys that have ended. */
export function carryOver(record: ProcessorRecord, nowS: number): NextRecord {
  const { name, banks, tier, notBeforeS, notAfterS } = record;
  const lives = ({ notAfterS: endS }: { readonly notAfterS?: number }): boolean =>
    endS === undefined || endS > nowS;
  return {
    name,
    banks,
    tier,
    apiKeys: record.apiKeys.filter(lives),
    publicKeys: record.publicKeys.filter(lives),
    validityDays: Math.max(1, Math.round((notAfterS - notBeforeS) / 86_400)),
  };
}

/** The keys that have not ended, none of them valid beyond `endS`. */
function endBy<T extends { readonly notAfterS?: number }>(
  keys: readonly T[],
  endS: number | undefined,
  nowS: number,
): T[] {
  return keys
    .filter(({ notAfterS = Infinity }) => notAfterS > nowS)
    .map((key) =>
      endS === undefined || (key.notAfterS ?? Infinity) <= endS ? key : { ...key, notAfterS: endS },
    );
}

interface MadeKeys {
  readonly apiKey: NewApiKey | undefined;
  readonly publicKeys: readonly PublicKeyEntry[];
}

/** Once, and not for each attempt: the key that is shown is the one whose digest was stored. */
async function makeKeys({ clock }: ReleaseDesk, processor: string, options: NewKeys): Promise<MadeKeys> {
  const { apiKey, keyDays: days, random } = options;
  const nowS = Math.floor(clock() / 1000);
  return {
    apiKey: apiKey
      ? await makeApiKey({ processor, random, nowS, ...(days !== undefined && { days }) })
      : undefined,
    publicKeys: options.publicKeys.map(({ id, x }) => ({ id, x, createdS: nowS })),
  };
}

function listKeys({ apiKey, publicKeys }: MadeKeys): Pick<NextRecord, 'apiKeys' | 'publicKeys'> {
  return { apiKeys: apiKey === undefined ? [] : [apiKey.entry], publicKeys };
}

function withKey(made: Result<Recorded>, apiKey: NewApiKey | undefined): Result<KeyChange> {
  return made.ok && apiKey !== undefined ? { ok: true, value: { ...made.value, apiKey } } : made;
}

function invalidId(processor: string): Refusal {
  return {
    code: 'processor_id_invalid',
    message: `${quote(processor)} is no processor id`,
    where: 'processor',
    fix: 'Use lower-case letters, digits and "-", at most 63, with a letter or digit at both ends.',
  };
}

function existing(processor: string): Refusal {
  return {
    code: 'processor_exists',
    message: `Processor ${quote(processor)} is there already.`,
    where: 'processor',
    fix: `A new key: wasmpay processors rotate ${processor}; other banks or another tier: wasmpay processors set ${processor}`,
  };
}

function existingKey(processor: string, keyId: string): Refusal {
  return {
    code: 'processor_key_exists',
    message: `Processor ${quote(processor)} has the public key ${keyId} already.`,
    where: 'public key',
    fix: 'Nothing is to be done, or another key was meant.',
  };
}

function tooManyKeys(processor: string): Refusal {
  return {
    code: 'processor_keys_full',
    message: `Processor ${quote(processor)} has ${MAX_PROCESSOR_KEYS} keys of a kind.`,
    where: 'keys',
    fix: `Revoke what is not in use any more: wasmpay processors revoke ${processor} KEY-ID`,
  };
}

function unknownKey({ processor, apiKeys, publicKeys }: VerifiedProcessor, keyId: string): Refusal {
  const ids = [...apiKeys, ...publicKeys].map(({ id }) => id);
  return {
    code: 'processor_key_unknown',
    message: `Processor ${quote(processor)} has no key ${quote(keyId)}.`,
    where: 'key',
    fix: ids.length === 0 ? 'It has none at all.' : `It has ${ids.join(', ')}.`,
  };
}

function refuse(refusal: Refusal): Result<never> {
  return { ok: false, refusals: [refusal] };
}
