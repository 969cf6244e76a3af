// The object store over HTTP, client side: the CLI's way into a running dev server (see http-server.ts for the wire
// format). It trusts the server's answers no further than it must: sizes are bounded while reading, and only the
// server's own `object_missing` means that an object is not there, never just any 404.
//
// Nothing is ever sent twice. A write whose answer was lost may have been stored: `store_unavailable` then means
// "unknown", and the caller reads before it writes again.

import { WasmpayError } from '../core/error.ts';
import { MAX_ARTIFACT_BYTES } from '../core/limits.ts';
import { OBJECTS_PATH, STORE_HTTP_STATUS, readAtMost, unquoteEtag } from './http-server.ts';
import { MAX_KEY_LENGTH, clampPageLimit, isStorageKey, requireStorageKey } from './object-store.ts';
import type { ListPage, ListedObject, ObjectStore } from './object-store.ts';

export interface HttpStoreOptions {
  /** Where the server is: `http://127.0.0.1:8788`. Its path is not used. */
  readonly url: string;
  /** The server's shared secret. */
  readonly token: string;
  /** Used instead of the global `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Longest wait for one whole answer, milliseconds: 30 s unless told, for 48 MiB on loopback take one. */
  readonly timeoutMs?: number;
}

/** A page of 1,000 longest keys with their ETags is under 700 KiB. */
const MAX_PAGE_BYTES = 1024 * 1024;

const MAX_ERROR_BYTES = 16 * 1024;

/**
 * The store behind `options.url`. Whatever is not an answer of the store (network, time-out, a refused token, another
 * server) is `store_unavailable`. Objects are at most `MAX_ARTIFACT_BYTES`. Throws `config_invalid` for a URL that is
 * not http(s), and for a token that no header can carry.
 */
export function createHttpStore(options: HttpStoreOptions): ObjectStore {
  const origin = originOf(options.url);
  if (!/^[\x21-\x7e]+$/.test(options.token)) throw new WasmpayError('config_invalid', 'not a usable token');
  const send = options.fetch ?? fetch;

  /** Sends one request and gives its answer to `read`, all within the time-out. */
  async function ask<T>(
    method: string,
    target: string,
    headers: Record<string, string>,
    read: (response: Response) => Promise<T>,
    body?: Uint8Array,
  ): Promise<T> {
    try {
      const response = await send(`${origin}${OBJECTS_PATH}${target}`, {
        method,
        headers: { ...headers, authorization: `Bearer ${options.token}` },
        redirect: 'manual',
        signal: AbortSignal.timeout(options.timeoutMs ?? 30_000),
        // A copy, for the caller may change its bytes while they are being sent.
        ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      });
      return await read(response);
    } catch (cause) {
      if (cause instanceof WasmpayError) throw cause;
      throw new WasmpayError('store_unavailable', 'the store server did not answer', { cause });
    }
  }

  return {
    async get(key, { ifNoneMatch, maxBytes = MAX_ARTIFACT_BYTES } = {}) {
      requireStorageKey(key);
      const limit = Math.floor(Math.min(maxBytes, MAX_ARTIFACT_BYTES));
      const isConditional = ifNoneMatch !== undefined && unquoteEtag(`"${ifNoneMatch}"`) !== undefined;
      const headers = isConditional ? { 'if-none-match': `"${ifNoneMatch}"` } : undefined;
      return await ask('GET', `/${key}?max_bytes=${limit}`, headers ?? {}, async (response) => {
        if (response.status === 304 && isConditional) return { kind: 'not-modified' };
        if (response.status !== 200) {
          const code = await readCode(response);
          if (code === 'object_missing') return { kind: 'missing' };
          throw refusalOf(response.status, code);
        }
        const etag = etagOf(response);
        const isTooLarge = Number(response.headers.get('content-length') ?? 0) > limit;
        if (isTooLarge) await response.body?.cancel();
        const bytes = isTooLarge ? undefined : await readAtMost(response.body, limit);
        if (bytes === undefined) throw refusalOf(413, 'store_object_too_large');
        return { kind: 'found', object: { key, bytes, etag } };
      });
    },

    async put(key, bytes, condition) {
      requireStorageKey(key);
      if (bytes.length > MAX_ARTIFACT_BYTES) throw refusalOf(413, 'store_object_too_large');
      // What cannot be an ETag cannot be the object's.
      if (condition.kind === 'matches' && unquoteEtag(`"${condition.etag}"`) === undefined) {
        return { kind: 'conflict' };
      }
      const headers: Record<string, string> =
        condition.kind === 'absent' ? { 'if-none-match': '*' } : { 'if-match': `"${condition.etag}"` };
      const read = async (response: Response) => {
        if (response.status === 204) return { kind: 'stored', etag: etagOf(response) } as const;
        const code = await readCode(response);
        if (code === 'store_conflict') return { kind: 'conflict' } as const;
        throw refusalOf(response.status, code);
      };
      return await ask('PUT', `/${key}`, headers, read, bytes);
    },

    async list({ prefix, cursor, limit }) {
      if (prefix.length > MAX_KEY_LENGTH) return { objects: [] };
      const query = new URLSearchParams({ prefix });
      if (cursor !== undefined) query.set('cursor', cursor);
      if (limit !== undefined) query.set('limit', `${clampPageLimit(limit)}`);
      return await ask('GET', `?${query}`, {}, async (response) => {
        if (response.status !== 200) throw refusalOf(response.status, await readCode(response));
        const page = parsePage(await readJson(response, MAX_PAGE_BYTES));
        if (page === undefined) throw new Error('not a page of objects');
        return page;
      });
    },

    async delete(key) {
      requireStorageKey(key);
      await ask('DELETE', `/${key}`, {}, async (response) => {
        if (response.status !== 204) throw refusalOf(response.status, await readCode(response));
      });
    },
  };
}

function originOf(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new WasmpayError('config_invalid', 'the store server needs an http or https URL');
  }
  return url.origin;
}

function etagOf(response: Response): string {
  const etag = unquoteEtag(response.headers.get('etag') ?? '');
  if (etag === undefined) throw new Error('answer without an ETag');
  return etag;
}

function refusalOf(status: number, code: string | undefined): WasmpayError {
  if (code === 'store_key_invalid') return new WasmpayError(code, 'the server refused the key');
  if (code === 'store_object_too_large') return new WasmpayError(code, 'object is too large');
  return new WasmpayError('store_unavailable', `the store server answered ${status} ${code ?? ''}`.trimEnd());
}

/** The error page's code, where the page is one of ours with the status that goes with it. */
async function readCode(response: Response): Promise<string | undefined> {
  const page = await readJson(response, MAX_ERROR_BYTES).catch(() => undefined);
  if (typeof page !== 'object' || page === null || !('code' in page) || typeof page.code !== 'string') {
    return undefined;
  }
  const status = Object.entries(STORE_HTTP_STATUS).find(([code]) => code === page.code)?.[1];
  return status === response.status ? page.code : undefined;
}

async function readJson(response: Response, maxBytes: number): Promise<unknown> {
  const bytes = await readAtMost(response.body, maxBytes);
  if (bytes === undefined) throw new Error('answer is too large');
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

function parsePage(value: unknown): ListPage | undefined {
  if (typeof value !== 'object' || value === null || !('objects' in value) || !Array.isArray(value.objects)) {
    return undefined;
  }
  const cursor = 'cursor' in value ? value.cursor : undefined;
  if (cursor !== undefined && typeof cursor !== 'string') return undefined;
  const objects = value.objects.flatMap(parseListed);
  if (objects.length < value.objects.length) return undefined;
  return { objects, ...(cursor === undefined ? {} : { cursor }) };
}

function parseListed(value: unknown): ListedObject[] {
  if (typeof value !== 'object' || value === null) return [];
  const { key, sizeBytes, etag } = value as Partial<Record<string, unknown>>;
  if (typeof key !== 'string' || !isStorageKey(key)) return [];
  if (typeof sizeBytes !== 'number' || typeof etag !== 'string') return [];
  return [{ key, sizeBytes, etag }];
}
