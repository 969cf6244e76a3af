// How the S3 client's requests travel: `fetch`, on Node and in workerd alike, so that time-outs, redirects and bounds
// are the same on both. It trusts no answer: redirects are not followed (a signed request belongs to one host), and
// everything that is not an object (errors, listings) is read into memory of bounded size here, for the client itself
// would read on for ever.

import type { S3ClientConfig } from '@aws-sdk/client-s3';

import { BrokenAnswer, readBody, type BodyBounds } from './s3-body.ts';

/** How long a request may take. Each has a default with its reason in {@link DEFAULT_S3_TIMING}. */
export interface S3Timing {
  /** Longest wait for an answer's first byte, connecting included, milliseconds; uploads get more by their size. */
  readonly answerTimeoutMs: number;
  /** Longest silence within an answer's body, milliseconds. */
  readonly stallTimeoutMs: number;
  /** Slowest transfer that is waited for, bytes a second, on average over a body in either direction. */
  readonly minBytesPerSecond: number;
}

/**
 * A store answers in 10–100 ms, across an ocean in 300. Three attempts of three seconds stay within the ten that a
 * gateway's read may live (gateway/freshness). 128 KiB a second is a bad mobile line: an artifact of 1 MiB takes 8 s.
 */
export const DEFAULT_S3_TIMING: S3Timing = {
  answerTimeoutMs: 3_000,
  stallTimeoutMs: 3_000,
  minBytesPerSecond: 128 * 1024,
};

/** Largest error or listing, bytes. A thousand longest keys, percent-encoded, with what goes with each, are 3.5 MiB. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Only what the S3 client and this handler use of `fetch`. */
export type S3Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What the client hands over: its path is escaped already, its query is not. */
interface ClientRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | undefined;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly (string | null)[] | null>> | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface ClientResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: ReadableStream<Uint8Array> | Uint8Array;
}

/** The bounds of a body that may be as large as `maxBytes`. */
export function boundsOf(timing: S3Timing, maxBytes: number, declaredBytes?: number): BodyBounds {
  const bytes = Math.min(declaredBytes ?? maxBytes, maxBytes);
  return {
    maxBytes,
    ...(declaredBytes !== undefined && { declaredBytes }),
    stallTimeoutMs: timing.stallTimeoutMs,
    timeoutMs: timing.stallTimeoutMs + transferMs(timing, bytes),
  };
}

/** The request handler for `S3Client`. Rejects with {@link BrokenAnswer} for whatever is not an answer. */
export function createS3RequestHandler(
  timing: S3Timing,
  send: S3Fetch = (url, init) => fetch(url, init),
): NonNullable<S3ClientConfig['requestHandler']> {
  return {
    async handle(request: ClientRequest): Promise<{ response: ClientResponse }> {
      const body = request.body instanceof Uint8Array ? (request.body as Uint8Array<ArrayBuffer>) : undefined;
      const waitMs = timing.answerTimeoutMs + transferMs(timing, body?.length ?? 0);
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(new BrokenAnswer(`no answer in ${waitMs} ms`)), waitMs);
      let response;
      try {
        response = await send(urlOf(request), {
          method: request.method,
          headers: headersOf(request.headers),
          redirect: 'manual',
          // A copy in between could bring an old release back.
          cache: 'no-store',
          signal: controller.signal,
          ...(body !== undefined && { body }),
        });
      } catch (cause) {
        throw cause instanceof BrokenAnswer ? cause : new BrokenAnswer('no connection', { cause });
      } finally {
        clearTimeout(timer);
      }
      const { status } = response;
      const headers = Object.fromEntries(response.headers);
      // What was encoded on its way has another length than what is read here.
      if (headers['content-encoding'] !== undefined) delete headers['content-length'];
      if (isObject(request, status) && response.body !== null) {
        return { response: { statusCode: status, headers, body: response.body } };
      }
      const message = await readBody(response.body, boundsOf(timing, MAX_MESSAGE_BYTES));
      if (message === undefined) throw new BrokenAnswer(`an answer over ${MAX_MESSAGE_BYTES} bytes`);
      return { response: { statusCode: status, headers, body: message } };
    },
  };
}

function transferMs(timing: S3Timing, bytes: number): number {
  return Math.ceil((bytes / timing.minBytesPerSecond) * 1000);
}

function isObject({ method, query }: ClientRequest, status: number): boolean {
  return method === 'GET' && status === 200 && query?.['list-type'] === undefined;
}

function urlOf({ protocol, hostname, port, path, query = {} }: ClientRequest): string {
  const parts = Object.entries(query).flatMap(([name, values]) =>
    (Array.isArray(values) ? (values as readonly (string | null)[]) : [values as string | null]).map(
      (value) => (value === null ? escapeQuery(name) : `${escapeQuery(name)}=${escapeQuery(value)}`),
    ),
  );
  const search = parts.length === 0 ? '' : `?${parts.sort().join('&')}`;
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${search}`;
}

/** As the signature has it (RFC 3986, unreserved characters only). */
function escapeQuery(text: string): string {
  const escape = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, escape);
}

/** `fetch` knows host and length for itself. Compression is declined: lengths stay those of the object. */
function headersOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([name]) => !['host', 'content-length'].includes(name.toLowerCase()),
  );
  return { ...Object.fromEntries(kept), 'accept-encoding': 'identity' };
}
