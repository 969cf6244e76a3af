// The payload of a processor's record as signed bytes, both ways. What is read here has a good signature and may still be
// from another version of the publisher: a member that this version does not know may restrict, so it is refused,
// whether it is the record's or a key's.

import { isApiKeyId } from '../core/api-key.ts';
import { isSlug } from '../core/bank.ts';
import { WasmpayError } from '../core/error.ts';
import { MAX_PROCESSOR_BANKS, MAX_PROCESSOR_KEYS, MAX_PROCESSOR_NAME_LENGTH } from '../core/limits.ts';
import { isTierName, type ApiKeyEntry, type ProcessorRecord, type PublicKeyEntry } from './processor.ts';

/** The bytes that are signed for `record`: its own members, whatever else the object has. */
export function encodeProcessor(record: ProcessorRecord): Uint8Array<ArrayBuffer> {
  const { audience, processor, number, name, banks, tier, notBeforeS, notAfterS } = record;
  const apiKeys = record.apiKeys.map(({ id, sha256, createdS, notAfterS }) => ({
    id,
    sha256,
    createdS,
    notAfterS,
  }));
  const publicKeys = record.publicKeys.map(({ id, x, createdS, notAfterS }) => ({
    id,
    x,
    createdS,
    notAfterS,
  }));
  const head = { audience, processor, number, name, banks, tier };
  // JSON leaves out what is undefined.
  return new TextEncoder().encode(JSON.stringify({ ...head, apiKeys, publicKeys, notBeforeS, notAfterS }));
}

const MEMBERS: ReadonlySet<string> = new Set([
  'audience',
  'processor',
  'number',
  'name',
  'banks',
  'tier',
  'apiKeys',
  'publicKeys',
  'notBeforeS',
  'notAfterS',
]);

/** Reads a signed payload. Throws `processor_invalid`, naming what does not hold. */
export function decodeProcessor(payload: Uint8Array): ProcessorRecord {
  const json = parseObject(payload);
  requireKnown(json, MEMBERS);
  const { audience, processor, number, name, tier, notBeforeS, notAfterS } = json;
  if (typeof audience !== 'string' || audience === '') throw invalid('has no audience');
  if (typeof processor !== 'string' || !isSlug(processor)) throw invalid('has no processor');
  if (!isPositiveInteger(number)) throw invalid('has no number');
  if (typeof name !== 'string' || !isProcessorName(name)) throw invalid('has no name');
  if (typeof tier !== 'string' || !isTierName(tier)) throw invalid('has no tier');
  if (!isPositiveInteger(notBeforeS) || !isPositiveInteger(notAfterS)) throw invalid('has no validity');
  if (notAfterS <= notBeforeS) throw invalid('ends before it begins');
  return {
    audience,
    processor,
    number,
    name,
    banks: parseBanks(json['banks']),
    tier,
    apiKeys: parseKeys(json['apiKeys'], parseApiKeyEntry),
    publicKeys: parseKeys(json['publicKeys'], parsePublicKeyEntry),
    notBeforeS,
    notAfterS,
  };
}

/** Whether `text` can be a processor's name: some visible text, and no character that changes how a line reads. */
export function isProcessorName(text: string): boolean {
  return (
    text.trim() === text &&
    text !== '' &&
    text.length <= MAX_PROCESSOR_NAME_LENGTH &&
    text.isWellFormed() &&
    !/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(text)
  );
}

function parseBanks(json: unknown): 'all' | readonly string[] {
  if (json === 'all') return 'all';
  const isList =
    Array.isArray(json) &&
    json.length <= MAX_PROCESSOR_BANKS &&
    json.every((slug) => typeof slug === 'string' && isSlug(slug)) &&
    new Set(json).size === json.length;
  if (!isList) throw invalid('has no banks');
  return json as string[];
}

function parseKeys<T extends { readonly id: string }>(
  json: unknown,
  parse: (key: Record<string, unknown>) => T,
): readonly T[] {
  if (!Array.isArray(json) || json.length > MAX_PROCESSOR_KEYS) throw invalid('has no list of keys');
  const keys = json.map((key: unknown) => {
    if (typeof key !== 'object' || key === null || Array.isArray(key))
      throw invalid('has a key that is no object');
    return parse(key as Record<string, unknown>);
  });
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) throw invalid('has two keys of one id');
  return keys;
}

const API_KEY_MEMBERS: ReadonlySet<string> = new Set(['id', 'sha256', 'createdS', 'notAfterS']);
const PUBLIC_KEY_MEMBERS: ReadonlySet<string> = new Set(['id', 'x', 'createdS', 'notAfterS']);

function parseApiKeyEntry(json: Record<string, unknown>): ApiKeyEntry {
  requireKnown(json, API_KEY_MEMBERS);
  const { id, sha256 } = json;
  if (typeof id !== 'string' || !isApiKeyId(id)) throw invalid('has an API key without an id');
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    throw invalid('has an API key without a digest');
  return { id, sha256, ...parseTimes(json) };
}

/** 32 bytes in base64url without padding: both a thumbprint and an Ed25519 public key. */
const BASE64URL_32 = /^[A-Za-z0-9_-]{43}$/;

function parsePublicKeyEntry(json: Record<string, unknown>): PublicKeyEntry {
  requireKnown(json, PUBLIC_KEY_MEMBERS);
  const { id, x } = json;
  if (typeof id !== 'string' || !BASE64URL_32.test(id)) throw invalid('has a public key without an id');
  if (typeof x !== 'string' || !BASE64URL_32.test(x)) throw invalid('has a public key that is none');
  return { id, x, ...parseTimes(json) };
}

function parseTimes(json: Record<string, unknown>): { createdS: number; notAfterS?: number } {
  const { createdS, notAfterS } = json;
  if (!isPositiveInteger(createdS)) throw invalid('has a key that was never made');
  if (notAfterS === undefined) return { createdS };
  if (!isPositiveInteger(notAfterS)) throw invalid('has a key with an end that is none');
  return { createdS, notAfterS };
}

function requireKnown(json: Record<string, unknown>, members: ReadonlySet<string>): void {
  if (!Object.keys(json).every((name) => members.has(name)))
    throw invalid('has a member that this version does not know');
}

function parseObject(payload: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (cause) {
    throw invalid('has a payload that is no JSON', cause);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw invalid('has a payload that is no object');
  return json as Record<string, unknown>;
}

function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function invalid(problem: string, cause?: unknown): WasmpayError {
  return new WasmpayError('processor_invalid', `processor record ${problem}`, { cause });
}
