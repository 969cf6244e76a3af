// Reads a request's body as text: JSON's media type, no encoding, at most MAX_BODY_BYTES, valid UTF-8. It trusts no
// header: a length that was announced is checked first and counted again.

import { MAX_BODY_BYTES } from '../core/limits.ts';
import type { Problem } from './problem.ts';

export type BodyResult =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: Problem };

/**
 * Reads the body of `request`, or says which problem it has: `unsupported_media_type`, `body_too_large`,
 * `malformed_json` (no UTF-8, or the caller went away half-way). A byte order mark stays in the text, where the
 * JSON reader refuses it: RFC 8259 forbids senders to write one. `readBytes` gives a body of an announced length.
 */
export async function readBody(request: Request, readBytes = readOwnBytes): Promise<BodyResult> {
  const { headers } = request;
  if (!isJson(headers.get('content-type'))) return refuse('unsupported_media_type', 'content-type');
  if (!isIdentity(headers.get('content-encoding')))
    return refuse('unsupported_media_type', 'content-encoding');
  const announced = headers.get('content-length');
  if (announced !== null && Number(announced) > MAX_BODY_BYTES) {
    // Not awaited, here and below: a sender that never ends must not keep us.
    void request.body?.cancel().catch(ignore);
    return tooLarge();
  }
  const isDelimited = announced !== null && /^\d+$/.test(announced) && !headers.has('transfer-encoding');
  return isDelimited ? readDelimited(request, readBytes) : readStream(request);
}

async function readOwnBytes(request: Request): Promise<Uint8Array> {
  return new Uint8Array(await request.arrayBuffer());
}

/** HTTP ends a body at its announced length, so no more than that is ever held. Much faster than a stream. */
async function readDelimited(
  request: Request,
  readBytes: (request: Request) => Promise<Uint8Array>,
): Promise<BodyResult> {
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(request);
  } catch {
    return endedEarly();
  }
  return bytes.length > MAX_BODY_BYTES ? tooLarge() : decode(bytes);
}

async function readStream({ body }: Request): Promise<BodyResult> {
  if (body === null) return { ok: true, text: '' };
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      sizeBytes += value.byteLength;
      if (sizeBytes > MAX_BODY_BYTES) {
        void reader.cancel().catch(ignore);
        return tooLarge();
      }
      chunks.push(value);
    }
  } catch {
    return endedEarly();
  }
  return decode(join(chunks, sizeBytes));
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): BodyResult {
  try {
    return { ok: true, text: decoder.decode(bytes) };
  } catch {
    return refuse('malformed_json', 'the body is not valid UTF-8');
  }
}

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
  /^application\/json[ \t]*(?:;[ \t]*(?:[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"[^"\\]*")[ \t]*)?)*$/i;
const CHARSET = /;[ \t]*charset=("?)([^";\s]*)\1/gi;

function isJson(contentType: string | null): boolean {
  if (contentType === null || contentType.length > MAX_MEDIA_TYPE_LENGTH) return false;
  if (contentType === 'application/json') return true;
  if (!MEDIA_TYPE.test(contentType.trim())) return false;
  return [...contentType.matchAll(CHARSET)].every((match) => match[2]?.toLowerCase() === 'utf-8');
}

function isIdentity(contentEncoding: string | null): boolean {
  return contentEncoding === null || contentEncoding.trim().toLowerCase() === 'identity';
}

function endedEarly(): BodyResult {
  return refuse('malformed_json', 'the body ended too early');
}

function tooLarge(): BodyResult {
  return refuse('body_too_large', `the body is larger than ${MAX_BODY_BYTES} bytes`);
}

function refuse(code: Problem['code'], detail: string): BodyResult {
  return { ok: false, problem: { code, details: { detail } } };
}

function ignore(): void {}
