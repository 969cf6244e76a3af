// The S3 requests that the object store is made of, each sent exactly once, and what their answers mean. An answer is
// data: what it proves (`refused` with a status) is told apart from what it leaves open (`unanswered`).
//
// Credentials never leave this file: an error of the S3 client holds the answer's own words, and a store's complaint
// about a signature repeats the key's name and what was signed. So what is told of an
// answer is its status and its code, and causes are what the network gave.

import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

import { WasmpayError } from '../core/error.ts';
import { BrokenAnswer, readBody } from './s3-body.ts';
import {
  DEFAULT_S3_TIMING,
  boundsOf,
  createS3RequestHandler,
  type S3Fetch,
  type S3Timing,
} from './s3-fetch.ts';
import type { S3Location } from './s3-address.ts';

/** An access key. Without one, Node's default chain finds it: environment, files, a process, the machine's role. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3RequestOptions {
  readonly location: S3Location;
  readonly credentials?: S3Credentials;
  readonly timing?: Partial<S3Timing>;
  /** Used instead of the global `fetch`. */
  readonly fetch?: S3Fetch;
}

/** `status` and the code that the store gave, where it gave one; or that no answer came, and why. */
export type S3Failure =
  | { readonly kind: 'refused'; readonly status: number; readonly code: string }
  | { readonly kind: 'unanswered'; readonly cause: BrokenAnswer };

export type S3Answer<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: S3Failure };

/** What a HEAD tells: the ETag without quotation marks, and the mark of the write that made the object. */
export interface S3Head {
  readonly etag: string;
  readonly writer?: string;
}

export interface S3Listing {
  readonly objects: readonly { readonly key: string; readonly sizeBytes: number; readonly etag: string }[];
  readonly token?: string;
}

/** The condition of a write as the header has it: `*`, or an ETag in the form the store takes. */
export type S3Condition = { readonly ifNoneMatch: '*' } | { readonly ifMatch: string };

/** Keys are those in the bucket, any prefix included. Nothing here throws, and nothing is sent twice. */
export interface S3Requests {
  /** `too-large`: over `maxBytes`, not read. `not-modified` only where `ifNoneMatch` was given. */
  get(
    key: string,
    maxBytes: number,
    ifNoneMatch?: string,
  ): Promise<
    S3Answer<
      | { readonly bytes: Uint8Array<ArrayBuffer>; readonly etag: string }
      | 'not-modified'
      | 'missing'
      | 'too-large'
    >
  >;
  head(key: string): Promise<S3Answer<S3Head | 'missing'>>;
  /** Gives the new ETag. `writer` marks the object as made by this write. */
  put(
    key: string,
    bytes: Uint8Array<ArrayBuffer>,
    condition: S3Condition,
    writer: string,
  ): Promise<S3Answer<string>>;
  list(prefix: string, limit: number, token?: string): Promise<S3Answer<S3Listing>>;
  delete(key: string): Promise<S3Answer<undefined>>;
}

/** User metadata of every object: the name of the write that made it. */
const WRITER = 'wasmpay-writer';

/** ETags that a header can carry as one: no `*`, no quotation marks, no list. Stores give hexadecimal or Base64. */
const ETAG = /^[A-Za-z0-9+/=_.:-]+$/;

/** Whether `text` can be an S3 object's ETag, without quotation marks. What cannot be one matches nothing. */
export const isS3Etag = (text: string): boolean => ETAG.test(text);

/** Requests to one bucket. Edge-safe where `credentials` are given and the XML parser is not the browser's. */
export function createS3Requests(options: S3RequestOptions): S3Requests {
  const { location, credentials } = options;
  const timing = { ...DEFAULT_S3_TIMING, ...options.timing };
  const client = new S3Client({
    region: location.region,
    ...(location.endpoint !== undefined && { endpoint: location.endpoint }),
    forcePathStyle: location.pathStyle,
    ...(credentials !== undefined && { credentials }),
    requestHandler: createS3RequestHandler(timing, options.fetch),
    // A write sent again is refused by the object it made the first time: who retries must know what happened.
    maxAttempts: 1,
    retryMode: 'standard',
    // The signature covers the body's SHA-256. Stores off AWS refuse the checksum trailers that are the default.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // `fetch` refuses the header `Expect`.
    expectContinueHeader: false,
    followRegionRedirects: false,
  });
  const Bucket = location.bucket;

  return {
    async get(key, maxBytes, ifNoneMatch) {
      const answer = await ask(async () => {
        const condition = ifNoneMatch === undefined ? {} : { IfNoneMatch: `"${ifNoneMatch}"` };
        const found = await client.send(new GetObjectCommand({ Bucket, Key: key, ...condition }));
        const { Body: body, ContentLength: declared } = found;
        if (body === undefined || found.$metadata.httpStatusCode !== 200)
          throw new BrokenAnswer('not an object');
        const etag = unquote(found.ETag);
        const stream = body.transformToWebStream() as ReadableStream<Uint8Array>;
        const bytes = await readBody(stream, boundsOf(timing, maxBytes, declared));
        return bytes === undefined ? 'too-large' : { bytes, etag };
      });
      if (isRefusal(answer, 304) && ifNoneMatch !== undefined) return { ok: true, value: 'not-modified' };
      return isRefusal(answer, 404, 'NoSuchKey') ? { ok: true, value: 'missing' } : answer;
    },

    async head(key) {
      const answer = await ask(async () => {
        const found = await client.send(new HeadObjectCommand({ Bucket, Key: key }));
        const writer = found.Metadata?.[WRITER];
        return { etag: unquote(found.ETag), ...(writer !== undefined && { writer }) };
      });
      // An answer to HEAD has no body and so no code.
      return isRefusal(answer, 404) ? { ok: true, value: 'missing' } : answer;
    },

    async put(key, bytes, condition, writer) {
      return await ask(async () => {
        const stored = await client.send(
          new PutObjectCommand({
            Bucket,
            Key: key,
            Body: bytes,
            ContentType: 'application/octet-stream',
            Metadata: { [WRITER]: writer },
            ...('ifMatch' in condition
              ? { IfMatch: condition.ifMatch }
              : { IfNoneMatch: condition.ifNoneMatch }),
          }),
        );
        return unquote(stored.ETag);
      });
    },

    async list(prefix, limit, token) {
      return await ask(async () => {
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket,
            Prefix: prefix,
            MaxKeys: limit,
            // Keys of others may hold what XML cannot.
            EncodingType: 'url',
            ...(token !== undefined && { ContinuationToken: token }),
          }),
        );
        // Anything else may be a page of somebody else, and would say that nothing is there.
        if (page.IsTruncated === undefined) throw new BrokenAnswer('not a listing');
        const isEncoded = page.EncodingType === 'url';
        const objects = (page.Contents ?? []).map(({ Key, Size, ETag }) => {
          if (Key === undefined || Size === undefined)
            throw new BrokenAnswer('a listed object without a key or a size');
          const listed = isEncoded ? decodeURIComponent(Key.replaceAll('+', ' ')) : Key;
          return { key: listed, sizeBytes: Size, etag: unquote(ETag) };
        });
        if (objects.length > limit) throw new BrokenAnswer('a page of more objects than asked for');
        if (!page.IsTruncated) return { objects };
        const next = page.NextContinuationToken;
        if (next === undefined || next === token) throw new BrokenAnswer('a page that leads nowhere');
        return { objects, token: next };
      });
    },

    async delete(key) {
      const answer = await ask(async () => {
        await client.send(new DeleteObjectCommand({ Bucket, Key: key }));
        return undefined;
      });
      return isRefusal(answer, 404, 'NoSuchKey') ? { ok: true, value: undefined } : answer;
    },
  };
}

/** Whether the same request may succeed when it is sent again. */
export function isTransient(failure: S3Failure): boolean {
  return (
    failure.kind === 'unanswered' ||
    failure.status === 408 ||
    isRaceLost(failure) ||
    isThrottled(failure) ||
    isServerError(failure)
  );
}

/** Whether a write may have happened although this is what came of it. */
export function leavesOpen(failure: S3Failure): boolean {
  if (failure.kind === 'unanswered') return true;
  return failure.status === 408 || (isServerError(failure) && !isRaceLost(failure));
}

/**
 * Whether a write did not happen because another came in between: Amazon's 409, and what Ceph (16, measured) makes of a
 * replacement that lost a race, a 500 of this code.
 */
export function isRaceLost(failure: S3Failure): boolean {
  if (failure.kind === 'unanswered') return false;
  return failure.status === 409 || (failure.status === 500 && failure.code === 'UnknownError');
}

/** Whether nothing was done because too much was asked. R2 lets one key change once a second. */
export function isThrottled(failure: S3Failure): boolean {
  return failure.kind === 'refused' && failure.status === 429;
}

/** 501 is an answer: the store does not know the header, and did nothing. */
function isServerError(failure: S3Failure): boolean {
  return failure.kind === 'refused' && failure.status >= 500 && failure.status !== 501;
}

export function isRefusal(answer: S3Answer<unknown>, status: number, code?: string): boolean {
  if (answer.ok || answer.failure.kind !== 'refused' || answer.failure.status !== status) return false;
  return code === undefined || answer.failure.code === code;
}

/** The failure as `store_unavailable`, in words for an operator. */
export function toUnavailable(failure: S3Failure): WasmpayError {
  if (failure.kind === 'unanswered') {
    const why = failure.cause.message;
    return new WasmpayError('store_unavailable', `the object store did not answer: ${why}`, {
      cause: failure.cause,
    });
  }
  const { status, code } = failure;
  const hint =
    status >= 300 && status < 400 && status !== 304
      ? ': the bucket is elsewhere, check endpoint and region'
      : '';
  return new WasmpayError(
    'store_unavailable',
    `the object store answered ${status} ${code}`.trimEnd() + hint,
  );
}

async function ask<T>(send: () => Promise<T>): Promise<S3Answer<T>> {
  try {
    return { ok: true, value: await send() };
  } catch (cause) {
    return { ok: false, failure: failureOf(cause) };
  }
}

function failureOf(cause: unknown): S3Failure {
  if (cause instanceof BrokenAnswer) return { kind: 'unanswered', cause };
  if (!(cause instanceof Error)) return { kind: 'unanswered', cause: new BrokenAnswer('unknown') };
  const status = (cause as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  if (status !== undefined && status >= 300) {
    // "Unknown" is the client's own word for an answer without a code.
    const isCode = cause.name !== 'Unknown' && /^[A-Za-z0-9.]{1,64}$/.test(cause.name);
    return { kind: 'refused', status, code: isCode ? cause.name : '' };
  }
  // A program that gives credentials may fail with its command line, an answer's parser with the answer.
  const isCredentials = /credential/i.test(cause.name);
  const message = isCredentials ? 'no usable credentials for it' : 'an answer that is none of S3';
  return { kind: 'unanswered', cause: new BrokenAnswer(message) };
}

/** The ETag in `header`. Throws for a weak or a missing one. */
function unquote(header: string | undefined): string {
  const etag = /^"?([^"]*)"?$/.exec(header ?? '')?.[1] ?? '';
  if (!isS3Etag(etag)) throw new BrokenAnswer('an answer without a usable ETag');
  return etag;
}
