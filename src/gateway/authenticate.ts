// The door: from a request's headers to the processor that sent it, or a refusal that says nothing about why. An API key
// or a signature (RFC 9421), never both. Nothing is read before the key's check or the signature's form holds; unknown
// names, unknown keys and wrong secrets take the same steps. The body is not looked at: a signature's `content-digest` is
// compared with it once it is there.

import { mayAskAbout, type VerifiedProcessor } from '../artifact/processor.ts';
import { parseApiKey } from '../core/api-key.ts';
import type { Clock } from '../core/clock.ts';
import { WasmpayError } from '../core/error.ts';
import { awaitAtMost, type Deadline } from './deadline.ts';
import { webPrimitives, type Primitives } from './primitives.ts';
import { STANDARD_TIER, type RateLimiter, type RateVerdict } from './rate-limit.ts';
import type { RecordCache } from './record-cache.ts';
import { parseContentDigest, type BodyCheck } from './signature/content-digest.ts';
import { composeSignatureBase, type Scheme, type SignedRequest } from './signature/signature-base.ts';
import { parseSignatureClaim } from './signature/signature-claim.ts';
import { createSignatureVerifier } from './signature/verify-signature.ts';
import type { Timer, WaitUntil } from './timer.ts';

/** How far `created` may be from the gateway's clock, seconds, unless chosen otherwise: both run NTP, networks retry. */
export const DEFAULT_SIGNATURE_WINDOW_S = 60;

/** How long a counter of requests is waited for, milliseconds: Cloudflare's answers from the same machine. */
export const COUNTER_WAIT_MS = 100;

/** How processors are told apart. */
export interface Access {
  /** Throws `processor_invalid`. */
  readonly verifyProcessor: (token: Uint8Array, processor: string) => Promise<VerifiedProcessor>;
  readonly rateLimiter: RateLimiter;
  /** Defaults to Web Crypto's. */
  readonly primitives?: Primitives;
  /** Defaults to {@link DEFAULT_SIGNATURE_WINDOW_S}. */
  readonly signatureWindowS?: number;
  /** The scheme that callers use, where a proxy hides it. Defaults to the one that the request came with. */
  readonly publicScheme?: Scheme;
}

/** Who asks, once that is proven. On an open gateway nobody in particular. */
export interface Caller {
  /** Slug of the processor. */
  readonly processor?: string;
  /** Id of the key that proved it. */
  readonly key?: string;
  readonly means?: 'api_key' | 'signature';
  /** What kept its rate from being counted as its record says. */
  readonly rateLimit?: 'unknown_tier' | 'failed';
  /** Counts `more` requests beside the one that it sent. Never rejects. */
  countMore(more: number, deadline: Pick<Deadline, 'leftMs'>): Promise<RateVerdict>;
  /** Whether it may ask about the bank with this slug. */
  mayAskAbout(slug: string): boolean;
  /** Whether this is the body that was signed, where one was. */
  sentBody(text: string): Promise<boolean> | true;
}

export type Admission =
  | { readonly kind: 'admitted'; readonly caller: Caller }
  | { readonly kind: 'unauthenticated' }
  | { readonly kind: 'store_unavailable' }
  | { readonly kind: 'rate_limited'; readonly caller: Caller; readonly retryAfterS: number };

/** Lets a request in, or not. Rejects on a bug only. The deadline bounds single waits here; all of them is the caller's. */
export type Door = (
  request: SignedRequest,
  waitUntil: WaitUntil,
  deadline: Pick<Deadline, 'leftMs'>,
) => Promise<Admission>;

/** The door of an open gateway. */
export const openDoor: Door = () => Promise.resolve(OPEN);

const OPEN: Admission = {
  kind: 'admitted',
  caller: {
    countMore: () => Promise.resolve({ allowed: true }),
    mayAskAbout: () => true,
    sentBody: () => true,
  },
};

const REFUSED: Admission = { kind: 'unauthenticated' };

/** What a request claims, before anything is read: whose it is, and how that would be proven. */
interface Claim {
  readonly processor: string;
  readonly key: string;
  readonly means: 'api_key' | 'signature';
  readonly prove: (record: VerifiedProcessor | undefined) => boolean | Promise<boolean>;
  readonly checkBody?: BodyCheck;
}

/** A door for the processors in `processors`. */
export function createDoor(
  processors: RecordCache<VerifiedProcessor>,
  access: Access,
  clock: Clock,
  timer: Timer,
): Door {
  const { rateLimiter, publicScheme, primitives = webPrimitives } = access;
  const windowS = access.signatureWindowS ?? DEFAULT_SIGNATURE_WINDOW_S;
  const verifySignature = createSignatureVerifier(primitives);

  const readKeyClaim = (authorization: string): Claim | undefined => {
    const text = BEARER.exec(authorization)?.[1];
    const key = text === undefined ? undefined : parseApiKey(text);
    if (key === undefined) return undefined;
    return {
      processor: key.processor,
      key: key.keyId,
      means: 'api_key',
      async prove(record) {
        const entry = record?.apiKeys.find(({ id }) => id === key.keyId);
        const isSame = equals(await primitives.sha256Hex(key.text), entry?.sha256 ?? NO_DIGEST);
        return isSame && entry !== undefined && !hasEnded(entry, clock());
      },
    };
  };

  const readSignatureClaim = (request: SignedRequest): Claim | undefined => {
    const { headers } = request;
    const claim = parseSignatureClaim(headers.get('signature-input') ?? '', headers.get('signature') ?? '');
    const checkBody = parseContentDigest(headers.get('content-digest') ?? '', primitives);
    if (claim === undefined || checkBody === undefined) return undefined;
    const nowS = clock() / 1000;
    if (Math.abs(nowS - claim.createdS) > windowS) return undefined;
    if (claim.expiresS !== undefined && claim.expiresS <= nowS) return undefined;
    const base = composeSignatureBase(claim, request, publicScheme);
    if (base === undefined) return undefined;
    return {
      processor: claim.processor,
      key: claim.keyId,
      means: 'signature',
      async prove(record) {
        const entry = record?.publicKeys.find(({ id }) => id === claim.keyId);
        const isGood = await verifySignature(entry, claim.signature, base);
        return isGood && entry !== undefined && !hasEnded(entry, clock());
      },
      checkBody,
    };
  };

  const readClaim = (request: SignedRequest): Claim | undefined => {
    const { headers } = request;
    const authorization = headers.get('authorization');
    const isSigned = headers.has('signature') || headers.has('signature-input');
    // Two proofs could name two processors: which one asks must not depend on which is looked at first.
    if (authorization !== null && isSigned) return undefined;
    return authorization === null ? readSignatureClaim(request) : readKeyClaim(authorization);
  };

  const take = (
    tier: string,
    processor: string,
    leftMs: number,
    count?: number,
  ): RateVerdict | Promise<RateVerdict> => {
    const verdict = rateLimiter.take(tier, processor, count);
    if (!(verdict instanceof Promise)) return verdict;
    return awaitAtMost(verdict, Math.min(COUNTER_WAIT_MS, leftMs / 2), timer, () => {
      throw new WasmpayError('internal', 'the counter gave no answer');
    });
  };

  const count = async (caller: Caller, tier: string, leftMs: number): Promise<Admission> => {
    const isKnown = rateLimiter.has(tier);
    const noted: Caller = isKnown ? caller : { ...caller, rateLimit: 'unknown_tier' };
    try {
      const verdict = await take(isKnown ? tier : STANDARD_TIER, String(caller.processor), leftMs);
      if (verdict.allowed) return { kind: 'admitted', caller: noted };
      return { kind: 'rate_limited', caller: noted, retryAfterS: verdict.retryAfterS };
    } catch {
      // A counter that fails must not stop payments of somebody who is known.
      return { kind: 'admitted', caller: { ...noted, rateLimit: 'failed' } };
    }
  };

  const countMore = async (record: VerifiedProcessor, more: number, leftMs: number): Promise<RateVerdict> => {
    const tier = rateLimiter.has(record.tier) ? record.tier : STANDARD_TIER;
    try {
      return await take(tier, record.processor, leftMs, more);
    } catch {
      return { allowed: true };
    }
  };

  return async (request, waitUntil, deadline) => {
    const claim = readClaim(request);
    if (claim === undefined) return REFUSED;
    const lookup = await processors.get(claim.processor, waitUntil, deadline.leftMs());
    if (lookup.kind === 'unavailable') return { kind: 'store_unavailable' };
    const record = lookup.kind === 'found' ? lookup.record : undefined;
    const isProven = await claim.prove(record);
    if (!isProven || record === undefined) return REFUSED;
    const { checkBody, means, key } = claim;
    const caller: Caller = {
      processor: record.processor,
      key,
      means,
      countMore: (more, left) => countMore(record, more, left.leftMs()),
      mayAskAbout: (slug) => mayAskAbout(record, slug),
      sentBody: (text) => checkBody === undefined || checkBody(text),
    };
    return count(caller, record.tier, deadline.leftMs());
  };
}

// RFC 6750, 2.1. Two headers arrive joined by a comma, which no key has.
const BEARER = /^bearer +(\w[\w-]{1,255})$/i;

/** The digest of nothing that anybody could send. */
const NO_DIGEST = '0'.repeat(64);

/** Compares all of both, whatever differs: the time tells neither whether a key exists nor how near a guess was. */
function equals(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < NO_DIGEST.length; index += 1)
    difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}

/** As RFC 7519's `exp`: the end itself is too late. */
function hasEnded({ notAfterS }: { readonly notAfterS?: number }, nowMs: number): boolean {
  return notAfterS !== undefined && nowMs >= notAfterS * 1000;
}
