// The object store over loopback HTTP, server side: how a CLI publishes into the running dev server, for only one
// process may own an R2 folder. It owns the wire format. It trusts who knows the token, and nothing a browser sends
// on a page's behalf: a foreign `Host` (DNS rebinding), an `Origin`, a cross-site fetch are refused before the token
// is looked at, and no CORS header is ever given.
//
//   GET    /v1/objects?prefix=&cursor=&limit=   a page, JSON
//   GET    /v1/objects/<key>?max_bytes=         If-None-Match: "<etag>" may answer 304
//   PUT    /v1/objects/<key>                    If-None-Match: *  or  If-Match: "<etag>", one of them
//   DELETE /v1/objects/<key>
//
// Keys need no escaping and get none, so `%2e%2e` is not a key. Errors are JSON, `{ code, message }`.

import { WasmpayError } from '../core/error.ts';
import { MAX_ARTIFACT_BYTES } from '../core/limits.ts';
import { isStorageKey } from './object-store.ts';
import type { ObjectStore, PutCondition } from './object-store.ts';

/** Where the objects are; `<OBJECTS_PATH>/<key>` is one. */
export const OBJECTS_PATH = '/v1/objects';

/** Every code of an error page, and its HTTP status. `object_missing` alone says that an object is not there. */
export const STORE_HTTP_STATUS = {
  request_invalid: 400,
  store_key_invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  object_missing: 404,
  route_missing: 404,
  method_not_allowed: 405,
  store_conflict: 412,
  store_object_too_large: 413,
  condition_required: 428,
  internal: 500,
  store_unavailable: 503,
} as const;

export type StoreHttpCode = keyof typeof STORE_HTTP_STATUS;

export interface StoreHandlerOptions {
  /** The shared secret that `Authorization: Bearer` must carry. Not empty. */
  readonly token: string;
  /** The `Host` headers to answer to, with their ports: `127.0.0.1:8788`. Case does not matter. */
  readonly allowedHosts: readonly string[];
  /** Largest object to take or give, bytes: {@link MAX_ARTIFACT_BYTES} unless told. */
  readonly maxBodyBytes?: number;
  /** Told of every error that the answer does not explain (500, 503): their causes never go over the wire. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Answers requests out of `store`; never throws. Edge-safe: imports no Node module. The request must carry the `Host`
 * header that the client sent. Throws `config_invalid` for an empty token.
 */
export function createStoreHandler(
  store: ObjectStore,
  options: StoreHandlerOptions,
): (request: Request) => Promise<Response> {
  if (options.token === '') throw new WasmpayError('config_invalid', 'the store needs a token');
  const allowedHosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
  const maxBodyBytes = options.maxBodyBytes ?? MAX_ARTIFACT_BYTES;

  return async (request) => {
    try {
      const refusal = refuseForeigner(request, allowedHosts);
      if (refusal !== undefined) return errorPage('forbidden', refusal);
      if (!(await isBearer(request, options.token)))
        return errorPage('unauthenticated', 'token is missing or wrong');
      const url = new URL(request.url);
      if (url.pathname === OBJECTS_PATH) {
        if (request.method !== 'GET') return errorPage('method_not_allowed', 'only GET');
        return await listObjects(store, url.searchParams);
      }
      if (!url.pathname.startsWith(`${OBJECTS_PATH}/`)) return errorPage('route_missing', 'no such route');
      const key = url.pathname.slice(OBJECTS_PATH.length + 1);
      if (!isStorageKey(key)) return errorPage('store_key_invalid', 'not a storage key');
      switch (request.method) {
        case 'GET':
          return await getObject(store, key, request, url.searchParams, maxBodyBytes);
        case 'PUT':
          return await putObject(store, key, request, maxBodyBytes);
        case 'DELETE':
          await store.delete(key);
          return new Response(null, { status: 204, headers: PLAIN_HEADERS });
        default:
          return errorPage('method_not_allowed', 'only GET, PUT and DELETE');
      }
    } catch (error) {
      const code = error instanceof WasmpayError && isStoreHttpCode(error.code) ? error.code : 'internal';
      if (STORE_HTTP_STATUS[code] >= 500) options.onError?.(error);
      return errorPage(code, 'the store refused or failed');
    }
  };
}

async function listObjects(store: ObjectStore, query: URLSearchParams): Promise<Response> {
  const limit = countOf(query.get('limit'));
  if (limit === null) return errorPage('request_invalid', 'limit is not a number');
  const cursor = query.get('cursor');
  const page = await store.list({
    prefix: query.get('prefix') ?? '',
    ...(cursor === null ? {} : { cursor }),
    ...(limit === undefined ? {} : { limit }),
  });
  return Response.json(page, { headers: PLAIN_HEADERS });
}

async function getObject(
  store: ObjectStore,
  key: string,
  request: Request,
  query: URLSearchParams,
  maxBodyBytes: number,
): Promise<Response> {
  const maxBytes = countOf(query.get('max_bytes'));
  const etag = request.headers.get('if-none-match');
  const ifNoneMatch = etag === null ? undefined : unquoteEtag(etag);
  if (maxBytes === null) return errorPage('request_invalid', 'max_bytes is not a number');
  if (etag !== null && ifNoneMatch === undefined) return errorPage('request_invalid', 'not one strong ETag');
  const result = await store.get(key, {
    maxBytes: Math.min(maxBytes ?? maxBodyBytes, maxBodyBytes),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  });
  if (result.kind === 'missing') return errorPage('object_missing', 'no such object');
  if (result.kind === 'not-modified') return new Response(null, { status: 304, headers: PLAIN_HEADERS });
  const { bytes, etag: found } = result.object;
  const headers = {
    ...PLAIN_HEADERS,
    'content-type': 'application/octet-stream',
    'content-length': `${bytes.length}`,
    etag: `"${found}"`,
  };
  return new Response(bytes, { headers });
}

async function putObject(
  store: ObjectStore,
  key: string,
  request: Request,
  maxBodyBytes: number,
): Promise<Response> {
  const ifMatch = request.headers.get('if-match');
  const ifNoneMatch = request.headers.get('if-none-match');
  if (ifMatch === null && ifNoneMatch === null)
    return errorPage('condition_required', 'If-None-Match or If-Match');
  const condition = conditionOf(ifMatch, ifNoneMatch);
  if (condition === undefined) return errorPage('request_invalid', 'If-None-Match: * or one strong If-Match');
  const declared = countOf(request.headers.get('content-length')) ?? undefined;
  if (declared !== undefined && declared > maxBodyBytes)
    return errorPage('store_object_too_large', 'body is too large');
  let bytes;
  try {
    bytes = await readAtMost(request.body, maxBodyBytes);
  } catch {
    return errorPage('request_invalid', 'body broke off');
  }
  if (bytes === undefined) return errorPage('store_object_too_large', 'body is too large');
  // Half an object under a create-only key would stay for ever.
  if (declared !== undefined && declared !== bytes.length)
    return errorPage('request_invalid', 'body broke off');
  const result = await store.put(key, bytes, condition);
  if (result.kind === 'conflict') return errorPage('store_conflict', 'the condition does not hold');
  return new Response(null, { status: 204, headers: { ...PLAIN_HEADERS, etag: `"${result.etag}"` } });
}

function conditionOf(ifMatch: string | null, ifNoneMatch: string | null): PutCondition | undefined {
  if (ifMatch === null) return ifNoneMatch?.trim() === '*' ? { kind: 'absent' } : undefined;
  const etag = unquoteEtag(ifMatch);
  return ifNoneMatch === null && etag !== undefined ? { kind: 'matches', etag } : undefined;
}

/** Why a request is none of a local tool's; undefined where it may be one. */
function refuseForeigner(request: Request, allowedHosts: ReadonlySet<string>): string | undefined {
  const host = request.headers.get('host');
  if (host === null || !allowedHosts.has(host.toLowerCase())) return 'host is not allowed';
  if (request.headers.has('origin')) return 'no web page may use the store';
  const site = request.headers.get('sec-fetch-site');
  return site === null || site === 'none' || site === 'same-origin'
    ? undefined
    : 'no web page may use the store';
}

/** Compares digests to the last byte, so that the time taken says nothing about the token. */
async function isBearer(request: Request, token: string): Promise<boolean> {
  const [, given = ''] = /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  const [left, right] = await Promise.all([sha256(given), sha256(token)]);
  let difference = 0;
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0xff);
  return difference === 0;
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** A strong ETag without its quotation marks (RFC 9110, 8.8.3); undefined for lists, `*` and weak ones. */
export function unquoteEtag(header: string): string | undefined {
  return /^"([\x21\x23-\x7e]+)"$/.exec(header)?.[1];
}

/**
 * The whole of `body` in memory; undefined, and the rest cancelled, where it is larger than `maxBytes`. Rejects when
 * the body does.
 */
export async function readAtMost(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      return undefined;
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** A count of at most 15 digits; undefined where it is missing, null where it is something else. */
function countOf(text: string | null): number | null | undefined {
  if (text === null) return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function isStoreHttpCode(code: string): code is StoreHttpCode {
  return Object.hasOwn(STORE_HTTP_STATUS, code);
}

const PLAIN_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

function errorPage(code: StoreHttpCode, message: string): Response {
  const headers = {
    ...PLAIN_HEADERS,
    ...(code === 'unauthenticated' ? { 'www-authenticate': 'Bearer' } : {}),
  };
  return Response.json({ code, message }, { status: STORE_HTTP_STATUS[code], headers });
}
