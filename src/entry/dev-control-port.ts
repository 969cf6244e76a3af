// The control port of `npm start`: the local R2 over HTTP, for the command line of this machine's owner. It listens on
// loopback, on any free port, with a new token each time; address and token are in a file that only the owner can read.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { CONTROL_FILE, type DevControl } from '../store/dev-store.ts';
import { createStoreHandler } from '../store/http-server.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { DEV_AUDIENCE, removeAtExit, writePrivateFile, type DevDirectory } from './dev-directory.ts';

export interface ControlPort extends AsyncDisposable {
  readonly url: string;
}

/** Starts the port and writes its address and token. Disposing it closes the port; the file goes with the process. */
export async function startControlPort(options: {
  store: ObjectStore;
  directory: DevDirectory;
}): Promise<ControlPort> {
  const token = randomBytes(32).toString('base64url');
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const handle = createStoreHandler(options.store, {
    token,
    allowedHosts: [`127.0.0.1:${port}`, `localhost:${port}`],
  });
  server.on('request', (incoming, outgoing) => {
    void (async () => {
      const response = await handle(toRequest(incoming, url));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(new Uint8Array(await response.arrayBuffer()));
    })().catch(() => outgoing.destroy());
  });
  const control: DevControl = { url, token, audience: DEV_AUDIENCE, pid: process.pid };
  const file = join(options.directory.path, CONTROL_FILE);
  removeAtExit(file);
  await writePrivateFile(file, JSON.stringify(control));
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function toRequest(incoming: IncomingMessage, url: string): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) headers.set(name, String(value));
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
  return new Request(new URL(incoming.url ?? '/', url), {
    method: incoming.method ?? 'GET',
    headers,
    ...(hasBody && { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' as const }),
  });
}
