import { once } from 'node:events';
import { createServer, request as sendRaw } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { json as readJson } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WasmpayError } from '../../src/core/error.ts';
import { createHttpStore } from '../../src/store/http-client.ts';
import { createStoreHandler } from '../../src/store/http-server.ts';
import type { StoreHandlerOptions } from '../../src/store/http-server.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { create, describeObjectStore, randomBytes, read, text } from './contract.ts';

const TOKEN = 'token-of-the-http-test';
const LIMIT_BYTES = 1000;
const ABSENT = { kind: 'absent' } as const;

/** A real server on a port of its own; its handler can be changed while it runs. */
class Loopback {
  handle: (request: Request) => Promise<Response> = async () => new Response();
  readonly server: Server = createServer((incoming, outgoing) => {
    const { method = '', url = '' } = incoming;
    const headers = new Headers(incoming.headers as Record<string, string>);
    const hasBody = method !== 'GET' && method !== 'HEAD';
    const body = hasBody ? (Readable.toWeb(incoming) as ReadableStream<Uint8Array>) : null;
    const request = new Request(`http://localhost${url}`, {
      method,
      headers,
      body,
      duplex: 'half',
    } as RequestInit);
    void this.answer(request, outgoing);
  });

  private async answer(request: Request, outgoing: ServerResponse): Promise<void> {
    const response = await this.handle(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Serves `store`, and gives a client of it. */
  serve(store: ObjectStore, options: Partial<StoreHandlerOptions> = {}): ObjectStore {
    this.handle = createStoreHandler(store, { token: TOKEN, allowedHosts: [this.host], ...options });
    return createHttpStore({ url: `http://${this.host}`, token: TOKEN });
  }

  /** Sends what no fetch would. */
  async send(
    path: string,
    options: { method?: string; headers?: OutgoingHttpHeaders } = {},
    chunks: readonly Uint8Array[] = [],
  ) {
    const headers = { authorization: `Bearer ${TOKEN}`, ...options.headers };
    const outgoing = sendRaw(`http://${this.host}`, { path, ...options, headers });
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    for (const chunk of chunks) outgoing.write(chunk);
    outgoing.end();
    const [response] = await answered;
    const hasJson = response.headers['content-type']?.startsWith('application/json') === true;
    const page = hasJson ? ((await readJson(response)) as { code?: string }) : undefined;
    response.resume();
    return { status: response.statusCode, code: page?.code, headers: response.headers };
  }
}

const loopback = new Loopback();
beforeAll(async () => {
  loopback.server.listen(0, '127.0.0.1');
  await once(loopback.server, 'listening');
});
afterAll(async () => {
  loopback.server.closeAllConnections();
  loopback.server.close();
  await once(loopback.server, 'close');
});

describeObjectStore('HTTP', () => loopback.serve(createMemoryStore()));

describe('the store server', () => {
  const PUT = { method: 'PUT', headers: { 'if-none-match': '*' } };

  it.each([
    ['without a token', { authorization: '' }],
    ['with another token', { authorization: 'Bearer token-of-the-http-tesu' }],
    ['with the start of the token', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['with more than the token', { authorization: `Bearer ${TOKEN}x` }],
    ['with the token under another scheme', { authorization: `Basic ${TOKEN}` }],
    ['with the bare token', { authorization: TOKEN }],
  ])('answers 401 to a request %s', async (_, headers) => {
    const store = createMemoryStore();
    loopback.serve(store);
    const refused = { status: 401, code: 'unauthenticated' };
    expect(await loopback.send('/v1/objects', { headers })).toMatchObject(refused);
    expect(await loopback.send('/v1/objects/k', { headers })).toMatchObject(refused);
    expect(await loopback.send('/nowhere', { headers })).toMatchObject(refused);
    const write = { method: 'PUT', headers: { ...PUT.headers, ...headers } };
    expect(await loopback.send('/v1/objects/k', write, [text('x')])).toMatchObject(refused);
    expect(await store.get('k')).toEqual({ kind: 'missing' });
  });

  it.each([
    ['another Host', { host: 'evil.example' }],
    ['the right Host with another port', { host: '127.0.0.1:1' }],
    ['a Host that ends in the right one', { host: 'evil.127.0.0.1' }],
    ['an Origin', { origin: 'https://evil.example' }],
    ['an opaque Origin', { origin: 'null' }],
    ['a cross-site fetch', { 'sec-fetch-site': 'cross-site' }],
    ['a same-site fetch', { 'sec-fetch-site': 'same-site' }],
  ])('answers 403, and no CORS header, to %s', async (_, headers) => {
    const store = createMemoryStore();
    loopback.serve(store);
    for (const method of ['GET', 'OPTIONS', 'DELETE', 'PUT']) {
      const all = { ...(method === 'PUT' ? PUT.headers : {}), ...headers };
      const answer = await loopback.send('/v1/objects/k', { method, headers: all });
      expect(answer).toMatchObject({ status: 403, code: 'forbidden' });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
    expect(await store.get('k')).toEqual({ kind: 'missing' });
  });

  it('refuses an Origin that is its own, and a request without a Host', async () => {
    loopback.serve(createMemoryStore());
    const own = { origin: `http://${loopback.host}` };
    expect(await loopback.send('/v1/objects', { headers: own })).toMatchObject({ status: 403 });
    const bare = new Request(`http://${loopback.host}/v1/objects`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect((await loopback.handle(bare)).status).toBe(403);
  });

  it('takes a body up to its limit and answers 413 to one byte more, declared or not', async () => {
    const store = createMemoryStore();
    loopback.serve(store, { maxBodyBytes: LIMIT_BYTES });
    const chunked = { ...PUT, headers: { ...PUT.headers, 'transfer-encoding': 'chunked' } };
    for (const [framing, options] of Object.entries({ declared: PUT, chunked })) {
      for (const [key, size] of Object.entries({ under: LIMIT_BYTES - 1, at: LIMIT_BYTES })) {
        const headers =
          framing === 'declared' ? { ...options.headers, 'content-length': `${size}` } : options.headers;
        const body = randomBytes(size, 3);
        const answer = await loopback.send(`/v1/objects/${framing}-${key}`, { ...options, headers }, [body]);
        expect(answer.status).toBe(204);
        expect(await read(store, `${framing}-${key}`)).toEqual(body);
      }
      const over = [randomBytes(LIMIT_BYTES, 3), text('x')];
      const length = { 'content-length': `${LIMIT_BYTES + 1}` };
      const headers = framing === 'declared' ? { ...options.headers, ...length } : options.headers;
      const answer = await loopback.send(`/v1/objects/${framing}-over`, { ...options, headers }, over);
      expect(answer).toMatchObject({ status: 413, code: 'store_object_too_large' });
      expect(await store.get(`${framing}-over`)).toEqual({ kind: 'missing' });
    }
  });

  it('tells a client of an oversize body, and gives no object that is over the limit', async () => {
    const store = createMemoryStore();
    const client = loopback.serve(store, { maxBodyBytes: LIMIT_BYTES });
    const tooLarge = { code: 'store_object_too_large' };
    await create(client, 'at', randomBytes(LIMIT_BYTES, 3));
    await expect(client.put('over', randomBytes(LIMIT_BYTES + 1, 3), ABSENT)).rejects.toMatchObject(tooLarge);
    await create(store, 'over', randomBytes(LIMIT_BYTES + 1, 3));
    await expect(client.get('over')).rejects.toMatchObject(tooLarge);
    expect((await client.get('at')).kind).toBe('found');
  });

  it('stores nothing of a body that breaks off', async () => {
    const store = createMemoryStore();
    loopback.serve(store);
    const headers = { authorization: `Bearer ${TOKEN}`, 'if-none-match': '*', 'content-length': '100' };
    const request = sendRaw(`http://${loopback.host}/v1/objects/k`, { method: 'PUT', headers });
    const handled = Promise.withResolvers<Response>();
    const { handle } = loopback;
    loopback.handle = async (incoming) => {
      const response = await handle(incoming);
      handled.resolve(response);
      return response;
    };
    request.on('error', () => undefined);
    request.write(text('half'), () => setTimeout(() => request.destroy(), 50));
    expect((await handled.promise).status).toBe(400);
    expect(await store.get('k')).toEqual({ kind: 'missing' });
  });

  it('stores nothing of a body that ends before its declared length, where the server did not notice', async () => {
    const store = createMemoryStore();
    loopback.serve(store);
    const headers = { host: loopback.host, authorization: `Bearer ${TOKEN}`, 'if-none-match': '*' };
    const request = new Request(`http://${loopback.host}/v1/objects/k`, {
      method: 'PUT',
      headers: { ...headers, 'content-length': '100' },
      body: 'half',
    });
    expect((await loopback.handle(request)).status).toBe(400);
    expect(await store.get('k')).toEqual({ kind: 'missing' });
  });

  it.each([
    ['a key that climbs', 'GET', '/v1/objects/%2e%2e%2fx', {}, 400, 'store_key_invalid'],
    ['an empty key', 'GET', '/v1/objects/', {}, 400, 'store_key_invalid'],
    ['an escaped key', 'DELETE', '/v1/objects/%6b', {}, 400, 'store_key_invalid'],
    ['a path that climbs', 'GET', '/v1/objects/../../etc', {}, 404, 'route_missing'],
    ['another route', 'GET', '/', {}, 404, 'route_missing'],
    ['a missing object', 'GET', '/v1/objects/none', {}, 404, 'object_missing'],
    ['a write to the listing', 'PUT', '/v1/objects', {}, 405, 'method_not_allowed'],
    ['another method', 'POST', '/v1/objects/k', {}, 405, 'method_not_allowed'],
    ['an unconditional write', 'PUT', '/v1/objects/k', {}, 428, 'condition_required'],
    ['a write if anything is there', 'PUT', '/v1/objects/k', { 'if-match': '*' }, 400, 'request_invalid'],
    ['a weak ETag', 'PUT', '/v1/objects/k', { 'if-match': 'W/"x"' }, 400, 'request_invalid'],
    ['two ETags', 'PUT', '/v1/objects/k', { 'if-match': '"x", "y"' }, 400, 'request_invalid'],
    [
      'two conditions',
      'PUT',
      '/v1/objects/k',
      { 'if-match': '"x"', 'if-none-match': '*' },
      400,
      'request_invalid',
    ],
    ['a stale ETag', 'PUT', '/v1/objects/k', { 'if-match': '"x"' }, 412, 'store_conflict'],
    ['a limit in words', 'GET', '/v1/objects?limit=ten', {}, 400, 'request_invalid'],
    ['a bound in words', 'GET', '/v1/objects/k?max_bytes=-1', {}, 400, 'request_invalid'],
  ])('has a status and a code for %s', async (_, method, path, headers, status, code) => {
    loopback.serve(createMemoryStore());
    expect(await loopback.send(path, { method, headers })).toMatchObject({
      status,
      code,
    });
  });

  it('says nothing of why its store failed, except to its operator', async () => {
    const failure = new WasmpayError('store_unavailable', 'cannot open /home/secret', {
      cause: new Error('/home'),
    });
    const errors: unknown[] = [];
    for (const [error, status] of [[failure, 503] as const, [new Error('/home/secret'), 500] as const]) {
      const fail = () => Promise.reject(error);
      const options = { onError: (cause: unknown) => errors.push(cause) };
      const client = loopback.serve({ get: fail, put: fail, list: fail, delete: fail }, options);
      const url = `http://${loopback.host}/v1/objects/k`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
      expect(response.status).toBe(status);
      expect(await response.text()).not.toContain('/home');
      await expect(client.get('k')).rejects.toMatchObject({ code: 'store_unavailable' });
    }
    expect(errors).toEqual([failure, failure, expect.any(Error), expect.any(Error)]);
  });

  it('does not start without a token', () => {
    expect(() => createStoreHandler(createMemoryStore(), { token: '', allowedHosts: [] })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });
});

describe('the store client', () => {
  const unavailable = { code: 'store_unavailable' };
  const json = (body: unknown, status = 200) => Response.json(body, { status });

  /** A client whose server gives `answer` to everything, and the requests that it sent. */
  function clientOf(answer: () => Response | Promise<Response>, timeoutMs = 5_000) {
    const sent: string[] = [];
    const fetch = async (url: string, init: RequestInit) => {
      sent.push(`${init.method} ${new URL(url).pathname}`);
      const given = answer();
      const aborted = Promise.withResolvers<never>();
      init.signal?.addEventListener('abort', () => aborted.reject(init.signal?.reason as Error));
      return await Promise.race([given, aborted.promise]);
    };
    return { sent, client: createHttpStore({ url: 'http://127.0.0.1:1', token: TOKEN, fetch, timeoutMs }) };
  }

  it('is store_unavailable where nobody listens, with the cause', async () => {
    const client = createHttpStore({ url: 'http://127.0.0.1:1', token: TOKEN });
    await expect(client.get('k')).rejects.toMatchObject({
      ...unavailable,
      cause: expect.any(Error) as unknown,
    });
    await expect(client.list({ prefix: '' })).rejects.toMatchObject(unavailable);
    await expect(client.delete('k')).rejects.toMatchObject(unavailable);
  });

  it('never sends a write twice, whatever became of it', async () => {
    const answers = [
      () => Promise.reject(new TypeError('reset')),
      () => new Response(null, { status: 500 }),
      () => json({ code: 'store_unavailable' }, 503),
      () => new Response(null, { status: 204 }),
      () => new Response(null, { status: 307, headers: { location: 'http://127.0.0.1:2/' } }),
    ];
    for (const answer of answers) {
      const { client, sent } = clientOf(answer);
      await expect(client.put('k', text('x'), ABSENT)).rejects.toMatchObject(unavailable);
      expect(sent).toEqual(['PUT /v1/objects/k']);
    }
  });

  it('takes only an object_missing of the store for an absence, and only a store_conflict for a conflict', async () => {
    const foreign = [
      () => new Response('not found', { status: 404 }),
      () => json({ code: 'route_missing' }, 404),
      () => json({ code: 'object_missing' }, 200),
      () => json({ code: 'object_missing' }, 500),
      () => new Response(null, { status: 304 }),
      () => new Response(null, { status: 412 }),
      () => json({ code: 'unauthenticated' }, 401),
    ];
    for (const answer of foreign) {
      await expect(clientOf(answer).client.get('k')).rejects.toMatchObject(unavailable);
      await expect(clientOf(answer).client.put('k', text('x'), ABSENT)).rejects.toMatchObject(unavailable);
    }
    expect(await clientOf(() => json({ code: 'object_missing' }, 404)).client.get('k')).toEqual({
      kind: 'missing',
    });
  });

  it('gives up on a server that does not answer', async () => {
    const { client } = clientOf(() => new Promise<Response>(() => undefined), 50);
    await expect(client.get('k')).rejects.toMatchObject(unavailable);
  });

  it('stops reading a body that is larger than asked for, also where its length is not told', async () => {
    let pulled = 0;
    const endless = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            pulled += 1;
            controller.enqueue(new Uint8Array(100));
          },
        }),
        { headers: { etag: '"x"' } },
      );
    const { client } = clientOf(endless);
    await expect(client.get('k', { maxBytes: 1000 })).rejects.toMatchObject({
      code: 'store_object_too_large',
    });
    expect(pulled).toBeLessThan(20);
    await expect(client.list({ prefix: '' })).rejects.toMatchObject(unavailable);
  });

  it.each([
    ['no JSON', new Response('<html>')],
    ['no page', json([])],
    ['a hostile key', json({ objects: [{ key: '../x', sizeBytes: 1, etag: 'x' }] })],
    ['an object without a size', json({ objects: [{ key: 'x', etag: 'x' }] })],
    ['a cursor that is a number', json({ objects: [], cursor: 1 })],
  ])('refuses a listing that is %s', async (_, answer) => {
    await expect(clientOf(() => answer).client.list({ prefix: '' })).rejects.toMatchObject(unavailable);
  });

  it('refuses a URL that is not http, and a token that no header can carry', () => {
    for (const [url, token] of [
      ['file:///x', TOKEN] as const,
      ['x', TOKEN] as const,
      ['http://x', 'a\nb'] as const,
    ]) {
      expect(() => createHttpStore({ url, token })).toThrow(
        expect.objectContaining({ code: 'config_invalid' }),
      );
    }
  });
});
