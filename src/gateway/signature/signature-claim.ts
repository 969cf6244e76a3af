// What a request's `signature-input` and `signature` headers (RFC 9421) claim, read strictly: one signature, nothing that
// could be read in two ways, and no parameter or component whose meaning is not known here. Nothing of it is proven.

import { isSlug } from '../../core/bank.ts';
import {
  parseByteSequences,
  parseInnerLists,
  serializeInnerList,
  type BareItem,
} from './structured-fields.ts';

export interface SignatureClaim {
  /** Slug of the processor, from `keyid`. */
  readonly processor: string;
  /** Id of its public key, from `keyid`. */
  readonly keyId: string;
  /** Names of the covered components, in their order. */
  readonly components: readonly string[];
  /** Seconds since the Unix epoch. */
  readonly createdS: number;
  readonly expiresS?: number;
  /** The value of `@signature-params`: the one text of what was read. */
  readonly parameters: string;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** Longest headers, characters. An input with all components that make sense has some 300, a signature 100. */
export const MAX_INPUT_LENGTH = 2048;
export const MAX_SIGNATURE_LENGTH = 256;

/** Most components that a signature may cover. */
export const MAX_COMPONENTS = 32;

/** Bytes of an Ed25519 signature (RFC 8032, 5.1.6). */
const SIGNATURE_BYTES = 64;

const DERIVED: ReadonlySet<string> = new Set([
  '@method',
  '@target-uri',
  '@authority',
  '@scheme',
  '@request-target',
  '@path',
  '@query',
]);

// RFC 9110, 5.1, in lower case as RFC 9421, 2.1 has it.
const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** Components without which a signature leaves open what was asked, of whom, or with which body. */
function coversRequest(components: readonly string[]): boolean {
  const has = (name: string): boolean => components.includes(name);
  const hasTarget = has('@target-uri') || (has('@authority') && has('@path'));
  return has('@method') && hasTarget && has('content-digest');
}

/** Reads both headers; undefined where they are not one signature of ours. */
export function parseSignatureClaim(input: string, signature: string): SignatureClaim | undefined {
  if (input.length > MAX_INPUT_LENGTH || signature.length > MAX_SIGNATURE_LENGTH) return undefined;
  const lists = parseInnerLists(input);
  const signatures = parseByteSequences(signature);
  if (lists?.size !== 1 || signatures?.size !== 1) return undefined;
  const [[label, list] = []] = lists;
  const bytes = label === undefined ? undefined : signatures.get(label);
  if (list === undefined || bytes?.length !== SIGNATURE_BYTES) return undefined;
  const { items: components } = list;
  if (components.length > MAX_COMPONENTS || new Set(components).size !== components.length) return undefined;
  if (!components.every((name) => DERIVED.has(name) || FIELD_NAME.test(name))) return undefined;
  if (!coversRequest(components)) return undefined;
  const parameters = readParameters(list.parameters);
  if (parameters === undefined) return undefined;
  return { ...parameters, components, parameters: serializeInnerList(list), signature: bytes };
}

/** Longest `keyid`: a slug, a slash, a thumbprint. */
const KEY_ID = /^([a-z0-9-]{1,63})\/([A-Za-z0-9_-]{43})$/;

/** Longest `nonce`, characters. It is covered by the signature and not remembered. */
const MAX_NONCE_LENGTH = 128;

/** What `tag` says where it is there: a signature that was made for another application is none of ours. */
const TAG = 'wasmpay';

function readParameters(
  parameters: ReadonlyMap<string, BareItem>,
): Pick<SignatureClaim, 'processor' | 'keyId' | 'createdS' | 'expiresS'> | undefined {
  const values = new Map([...parameters].map(([name, { value }]) => [name, value]));
  for (const [name, value] of values) if (KNOWN.get(name)?.(value) !== true) return undefined;
  const [, processor = '', keyId] = KEY_ID.exec(String(values.get('keyid'))) ?? [];
  const createdS = values.get('created');
  const expiresS = values.get('expires');
  if (!isSlug(processor) || keyId === undefined || typeof createdS !== 'number') return undefined;
  return { processor, keyId, createdS, ...(typeof expiresS === 'number' && { expiresS }) };
}

/** The parameters there may be, and whether a value of one is good. The key says which algorithm it is for. */
const KNOWN: ReadonlyMap<string, (value: BareItem['value']) => boolean> = new Map([
  ['created', (value) => typeof value === 'number'],
  ['expires', (value) => typeof value === 'number'],
  ['keyid', (value) => typeof value === 'string'],
  ['alg', (value) => value === 'ed25519'],
  ['nonce', (value) => typeof value === 'string' && value.length <= MAX_NONCE_LENGTH],
  ['tag', (value) => value === TAG],
]);
