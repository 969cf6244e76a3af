// The Node server's own way of reading bodies, over real sockets: whole, in pieces, and of callers who go away.

import { once } from 'node:events';
import { connect } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import { readNodeBody } from '../../src/entry/node-body.ts';
import { startNodeServer, type NodeServer } from '../../src/entry/node-server.ts';

let server: NodeServer | undefined;
afterEach(async () => {
  await server?.end(0);
  server = undefined;
});

/** What was read of the body of each request; `undefined` where it could not be. */
async function startReader(beforeReadMs = 0) {
  const outcomes: (string | undefined)[] = [];
  let note = (): void => {};
  server = await startNodeServer(
    async (request, env) => {
      if (beforeReadMs > 0) await new Promise((resolve) => setTimeout(resolve, beforeReadMs));
      const text = await readNodeBody(request, env).then(
        (bytes) => new TextDecoder().decode(bytes),
        () => undefined,
      );
      outcomes.push(text);
      note();
      return new Response(text ?? 'gone');
    },
    '127.0.0.1',
    0,
  );
  const noted = new Promise<void>((resolve) => (note = resolve));
  return { url: server.url, port: Number(new URL(server.url).port), outcomes, noted };
}

const HEAD = 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 6\r\n\r\n';

test('a body is read as it was sent, at every size and over one connection', async () => {
  const { url } = await startReader();
  for (const size of [0, 1, 300, 65_536, 1_000_000]) {
    const body = 'é'.repeat(size);
    const response = await fetch(url, { method: 'POST', body });
    expect(await response.text()).toBe(body);
  }
});

test('a body that comes in pieces is read whole', async () => {
  const { port, outcomes, noted } = await startReader();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  for (const piece of [HEAD, 'ab', 'cd', 'ef']) {
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await noted;
  expect(outcomes).toEqual(['abcdef']);
  socket.destroy();
});

test('reading rejects where the caller goes away half-way', async () => {
  const { port, outcomes, noted } = await startReader();
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  socket.write(`${HEAD}abc`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  await noted;
  expect(outcomes).toEqual([undefined]);
});

test('reading rejects where the caller went away before it began', async () => {
  const { port, outcomes, noted } = await startReader(100);
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  socket.write(`${HEAD}abc`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  await noted;
  expect(outcomes).toEqual([undefined]);
});
