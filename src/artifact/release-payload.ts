// The payload of a release as signed bytes, both ways. What is read here has a good signature and may still be from
// another version of the publisher: a member that this version does not know may restrict, so it is refused.
//
// A release that says that its bank has no validator names one just as little.
//
// A release that switches its bank off carries, where the artifact was, a digest that no bytes have. A gateway that does
// not know the switch can load nothing, and answers with the fallback, which is the switch's answer.

import { isSlug, slugOf } from '../core/bank.ts';
import { WasmpayError } from '../core/error.ts';
import { parseGuestLimits } from '../core/guest-limits.ts';
import { isDigest, type Digest } from './digest.ts';
import { CONTRACTS } from './manifest.ts';
import { FALLBACKS, type Fallback, type Release, type SandboxPolicy } from './release.ts';

/** The digest of nothing that anybody could store. */
export const NO_ARTIFACT: Digest = `sha256:${'0'.repeat(64)}`;

/** The bytes that are signed for `release`: its own members, whatever else the object has. */
export function encodeRelease(release: Release): Uint8Array<ArrayBuffer> {
  const { audience, bank, bankId, number, replaces, contract, policy, notBeforeS, notAfterS } = release;
  const { disabled, artifact, component, fallback, outage, validator } = release;
  const run = { artifact, component, fallback, outage, validator };
  const nothing = { artifact: NO_ARTIFACT, component: NO_ARTIFACT, fallback: disabled?.answer };
  const payload = {
    status: disabled === undefined ? 'enabled' : 'disabled',
    audience,
    bank,
    bankId,
    number,
    replaces,
    contract,
    policy,
    ...(disabled === undefined ? run : { ...nothing, suspended: run }),
    notBeforeS,
    notAfterS,
  };
  // JSON leaves out what is undefined.
  return new TextEncoder().encode(JSON.stringify(payload));
}

const MEMBERS: ReadonlySet<string> = new Set([
  'status',
  'audience',
  'bank',
  'bankId',
  'number',
  'replaces',
  'artifact',
  'component',
  'contract',
  'policy',
  'fallback',
  'outage',
  'validator',
  'suspended',
  'notBeforeS',
  'notAfterS',
]);

/** Reads a signed payload. Throws `release_invalid`, naming what does not hold. */
export function decodeRelease(payload: Uint8Array): Release {
  const json = parseObject(payload);
  const unknown = Object.keys(json).find((name) => !MEMBERS.has(name));
  if (unknown !== undefined) throw invalid('has a member that this version does not know');
  const { status, audience, bank, bankId, number, replaces, notBeforeS, notAfterS, suspended } = json;
  // Publishers that knew no switch wrote no status: what they signed is a release that is on.
  if (status !== undefined && status !== 'enabled' && status !== 'disabled')
    throw invalid('has no known status');
  if (typeof audience !== 'string' || audience === '') throw invalid('has no audience');
  if (typeof bank !== 'string' || !isSlug(bank)) throw invalid('has no bank');
  if (typeof bankId !== 'string' || slugOf(bankId) !== bank) throw invalid('has a bank id of another slug');
  if (!isPositiveInteger(number)) throw invalid('has no number');
  if (replaces !== undefined && !(replaces === 0 || (isPositiveInteger(replaces) && replaces < number)))
    throw invalid('replaces a later one');
  const contract = CONTRACTS.find((name) => name === json['contract']);
  if (contract === undefined) throw invalid('is of an unknown contract');
  if (!isPositiveInteger(notBeforeS) || !isPositiveInteger(notAfterS)) throw invalid('has no validity');
  if (notAfterS <= notBeforeS) throw invalid('ends before it begins');
  const rest = {
    audience,
    bank,
    bankId,
    number,
    ...(replaces !== undefined && { replaces }),
    contract,
    policy: parsePolicy(json['policy']),
    notBeforeS,
    notAfterS,
  };
  if (status !== 'disabled') {
    if (suspended !== undefined) throw invalid('is switched on and suspends something');
    return { ...rest, ...parseRun(json) };
  }
  if (json['artifact'] !== NO_ARTIFACT || json['outage'] !== undefined || json['validator'] !== undefined)
    throw invalid('is switched off and names what to run');
  if (typeof suspended !== 'object' || suspended === null)
    throw invalid('is switched off and suspends nothing');
  const answer = parseFallback(json['fallback']);
  return { ...rest, ...parseRun(suspended as Record<string, unknown>), disabled: { answer } };
}

function parseObject(payload: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (cause) {
    throw invalid('has a payload that is no JSON', cause);
  }
  if (typeof json !== 'object' || json === null) throw invalid('has a payload that is no object');
  return json as Record<string, unknown>;
}

/** What runs, or would if it were not switched off. */
function parseRun(
  json: Record<string, unknown>,
): Pick<Release, 'artifact' | 'component' | 'fallback' | 'outage' | 'validator'> {
  const { artifact, component, outage, validator } = json;
  if (validator !== undefined) return parseNoValidator(json);
  if (!isDigest(artifact) || !isDigest(component) || artifact === NO_ARTIFACT)
    throw invalid('has no digests');
  const fallback = parseFallback(json['fallback']);
  if (outage === undefined) return { artifact, component, fallback };
  if (outage !== 'approve') throw invalid('has no known answer to an outage');
  return { artifact, component, fallback, outage };
}

/** That there is nothing to run. It names nothing, and a caller that asks for a verdict all the same is denied. */
function parseNoValidator(
  json: Record<string, unknown>,
): Pick<Release, 'artifact' | 'component' | 'fallback' | 'validator'> {
  const { artifact, component, fallback, outage, validator } = json;
  if (validator !== 'none') throw invalid('has no known validator');
  if (artifact !== NO_ARTIFACT || component !== NO_ARTIFACT || outage !== undefined)
    throw invalid('has no validator and names what to run');
  if (fallback !== 'deny') throw invalid('has no validator and another fallback than deny');
  return { artifact, component, fallback, validator };
}

function parseFallback(json: unknown): Fallback {
  const fallback = FALLBACKS.find((known) => known === json);
  if (fallback === undefined) throw invalid('has no fallback');
  return fallback;
}

function parsePolicy(json: unknown): SandboxPolicy {
  const policy = (json ?? {}) as { grants?: unknown; limits?: unknown };
  const { grants } = policy;
  if (!Array.isArray(grants) || !grants.every((name) => typeof name === 'string'))
    throw invalid('has no policy');
  const limits = parseGuestLimits(policy.limits);
  if (limits === undefined) throw invalid('has no limits, or ones that are out of range');
  return { grants, limits };
}

function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function invalid(problem: string, cause?: unknown): WasmpayError {
  return new WasmpayError('release_invalid', `release ${problem}`, { cause });
}
