// The gateway's HTTP server on Node: bounds for slow callers, and an end that loses nobody's answer.

import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:http';

import { getRequestListener, type HttpBindings } from '@hono/node-server';

import { WasmpayError } from '../core/error.ts';
import { createGroups } from './in-groups.ts';

export interface NodeServer {
  /** Where it listens: `http://127.0.0.1:8787`. */
  readonly url: string;
  /**
   * Ends the server: after `drainMs` it accepts nobody new, every request that came is answered, and connections that
   * are still open after {@link GRACE_MS} more are cut.
   */
  end(drainMs: number): Promise<void>;
}

/** Headers of a request, and all of it, must be here within this time, milliseconds: the body is 64 KiB at most. */
const REQUEST_MS = 10_000;

/** How often those bounds are looked at, milliseconds. Node's own half a minute would be the real bound. */
const CHECK_MS = 1_000;

/** How long an idle connection is kept, milliseconds: longer than a balancer's usual 60 s, so that it closes first. */
const KEEP_ALIVE_MS = 65_000;

/** How long requests that came before the end may take, milliseconds: their deadline is 8 s at most. */
export const GRACE_MS = 10_000;

/** Most bytes of a request's headers. */
const MAX_HEADER_BYTES = 16 * 1024;

/** Listens on `host` and `port`. Throws `config_invalid` where that cannot be. */
export async function startNodeServer(
  fetch: (request: Request, env: HttpBindings) => Response | Promise<Response>,
  host: string,
  port: number,
): Promise<NodeServer> {
  let isEnding = false;
  const answer = getRequestListener((request, env) => fetch(request, env as HttpBindings), {
    hostname: host,
  });
  const startInGroup = createGroups();
  const server = createServer(
    {
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) =>
      startInGroup(() => {
        // On a connection that is kept, the next answer says that it was the last one.
        if (isEnding) response.setHeader('connection', 'close');
        void answer(request, response);
      }),
  );
  await listen(server, host, port);
  return {
    url: urlOf(server.address() as AddressInfo),
    async end(drainMs) {
      await new Promise((resolve) => setTimeout(resolve, drainMs));
      isEnding = true;
      const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS);
      await new Promise<void>((resolve) => server.close(() => resolve()));
      clearTimeout(cut);
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message = `cannot listen on ${host} port ${port}: ${cause.code ?? cause.message}`;
      reject(new WasmpayError('config_invalid', message, { cause }));
    });
    server.listen(port, host, () => resolve());
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
