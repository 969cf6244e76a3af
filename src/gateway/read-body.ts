// Reads a request's body as text: a media type of JSON, no encoding, at most so many bytes, valid UTF-8. It trusts no
// header: a length that was announced is checked first and counted again.

import { MAX_BODY_BYTES } from '../core/limits.ts';
import type { Problem } from './problem.ts';

/** What a route takes. */
export interface BodyRules {
  readonly maxBytes: number;
  readonly mediaTypes: readonly MediaType[];
}

export type MediaType = 'application/json' | 'application/x-ndjson';

/** The body of one transaction. */
export const ONE_TRANSACTION: BodyRules = { maxBytes: MAX_BODY_BYTES, mediaTypes: ['application/json'] };

export type BodyResult =
  | { readonly ok: true; readonly text: string; readonly mediaType: MediaType }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Reads the body of `request`, or says which problem it has: `unsupported_media_type`, `body_too_large`,
 * `malformed_json` (no UTF-8, or the caller went away half-way). A byte order mark stays in the text, where the
 * JSON reader refuses it: RFC 8259 forbids senders to write one. `readBytes` gives a body of an announced length.
 */
export async function readBody(
  request: Request,
  readBytes = readOwnBytes,
  rules = ONE_TRANSACTION,
): Promise<BodyResult> {
  const { headers } = request;
  const mediaType = readMediaType(headers.get('content-type'), rules);
  if (mediaType === undefined) return refuse('unsupported_media_type', 'content-type');
  if (!isIdentity(headers.get('content-encoding')))
    return refuse('unsupported_media_type', 'content-encoding');
  const announced = headers.get('content-length');
  if (announced !== null && Number(announced) > rules.maxBytes) {
    // Not awaited, here and below: a sender that never ends must not keep us.
    void request.body?.cancel().catch(ignore);
    return tooLarge(rules);
  }
  const isDelimited = announced !== null && /^\d+$/.test(announced) && !headers.has('transfer-encoding');
  const read = isDelimited
    ? await readDelimited(request, readBytes, rules)
    : await readStream(request, rules);
  if ('ok' in read) return read;
  try {
    return { ok: true, text: decoder.decode(read), mediaType };
  } catch {
    return refuse('malformed_json', 'the body is not valid UTF-8');
  }
}

/** What is read of a body: its bytes, or what is wrong. */
type Read = Uint8Array | Extract<BodyResult, { ok: false }>;

async function readOwnBytes(request: Request): Promise<Uint8Array> {
  return new Uint8Array(await request.arrayBuffer());
}

/** HTTP ends a body at its announced length, so no more than that is ever held. Much faster than a stream. */
async function readDelimited(
  request: Request,
  readBytes: (request: Request) => Promise<Uint8Array>,
  rules: BodyRules,
): Promise<Read> {
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(request);
  } catch {
    return endedEarly();
  }
  return bytes.length > rules.maxBytes ? tooLarge(rules) : bytes;
}

async function readStream({ body }: Request, rules: BodyRules): Promise<Read> {
  if (body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      sizeBytes += value.byteLength;
      if (sizeBytes > rules.maxBytes) {
        void reader.cancel().catch(ignore);
        return tooLarge(rules);
      }
      chunks.push(value);
    }
  } catch {
    return endedEarly();
  }
  return join(chunks, sizeBytes);
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function join(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** A longer value is no media type that we know; this also bounds what the patterns below can cost. */
const MAX_MEDIA_TYPE_LENGTH = 256;

// RFC 9110, 8.3.1: parameters are tokens or quoted strings, and empty ones between semicolons are tolerated.
const MEDIA_TYPE =
  /^(application\/(?:json|x-ndjson))[ \t]*(?:;[ \t]*(?:[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"[^"\\]*")[ \t]*)?)*$/i;
const CHARSET = /;[ \t]*charset=("?)([^";\s]*)\1/gi;

function readMediaType(contentType: string | null, { mediaTypes }: BodyRules): MediaType | undefined {
  if (contentType === null || contentType.length > MAX_MEDIA_TYPE_LENGTH) return undefined;
  if (contentType === mediaTypes[0]) return contentType;
  const name = MEDIA_TYPE.exec(contentType.trim())?.[1]?.toLowerCase();
  const isUtf8 = [...contentType.matchAll(CHARSET)].every((match) => match[2]?.toLowerCase() === 'utf-8');
  return isUtf8 ? mediaTypes.find((known) => known === name) : undefined;
}

function isIdentity(contentEncoding: string | null): boolean {
  return contentEncoding === null || contentEncoding.trim().toLowerCase() === 'identity';
}

function endedEarly(): Extract<BodyResult, { ok: false }> {
  return refuse('malformed_json', 'the body ended too early');
}

function tooLarge({ maxBytes }: BodyRules): Extract<BodyResult, { ok: false }> {
  return refuse('body_too_large', `the body is larger than ${maxBytes} bytes`);
}

function refuse(code: Problem['code'], detail: string): Extract<BodyResult, { ok: false }> {
  return { ok: false, problem: { code, details: { detail } } };
}

function ignore(): void {}
