// A load of HTTP/1.1 POSTs over kept connections, lighter than any server that it measures: requests are bytes made once,
// and of an answer only its status, its length and a word that must be in it are read.

import { once } from 'node:events';
import { connect } from 'node:net';

export interface Target {
  readonly port: number;
  readonly path: string;
  readonly host: string;
  /** Value of the `authorization` header; none without it. */
  readonly authorization?: string;
  /** Bodies in turn. */
  readonly bodies: readonly string[];
  /** Every answer must have status 200 and hold this. */
  readonly expected: string;
}

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds of each request. */
  readonly latencies: readonly number[];
}

/** POSTs to `target` for `durationMs` over `connections`, each sending when its last answer is here; one each at least. */
export async function load(target: Target, connections: number, durationMs: number): Promise<LoadResult> {
  const latencies: number[] = [];
  const send = createSender(target);
  const startedAt = performance.now();
  const endsAt = startedAt + durationMs;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const connection = await openConnection(target.port);
      do latencies.push(await send(connection));
      while (performance.now() < endsAt);
      connection.end();
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  return { requests: latencies.length, perSecond: latencies.length / seconds, latencies };
}

/**
 * POSTs to `target` at a fixed rate, whether answers come or not: a request that had to wait for a connection has waited
 * since its time came. So a stall is met by all who would have come in it.
 */
export async function loadAtRate(
  target: Target,
  perSecond: number,
  durationMs: number,
  connections = 64,
): Promise<LoadResult> {
  const latencies: number[] = [];
  const send = createSender(target);
  const startedAt = performance.now();
  const count = Math.floor((perSecond * durationMs) / 1000);
  let next = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const connection = await openConnection(target.port);
      while (next < count) {
        const dueAt = startedAt + (next++ * 1000) / perSecond;
        await sleepUntil(dueAt);
        await send(connection);
        latencies.push(performance.now() - dueAt);
      }
      connection.end();
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  return { requests: latencies.length, perSecond: latencies.length / seconds, latencies };
}

async function sleepUntil(at: number): Promise<void> {
  const leftMs = at - performance.now();
  if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
}

interface Connection {
  /** Sends a message; gives the answer. */
  exchange(message: Buffer): Promise<string>;
  end(): void;
}

/** Gives milliseconds of each request that it sends. */
function createSender(target: Target): (connection: Connection) => Promise<number> {
  const messages = target.bodies.map((body) =>
    Buffer.from(
      `POST ${target.path} HTTP/1.1\r\nhost: ${target.host}\r\ncontent-type: application/json\r\n` +
        (target.authorization === undefined ? '' : `authorization: ${target.authorization}\r\n`) +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  );
  let turn = 0;
  return async (connection) => {
    const sentAt = performance.now();
    const answer = await connection.exchange(messages[turn++ % messages.length] ?? Buffer.alloc(0));
    if (!answer.startsWith('HTTP/1.1 200') || !answer.includes(target.expected)) throw new Error(answer);
    return performance.now() - sentAt;
  };
}

async function openConnection(port: number): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  socket.setEncoding('latin1');
  let received = '';
  let answer: { resolve: (text: string) => void; reject: (error: Error) => void } | undefined;
  socket.on('error', (error) => answer?.reject(error));
  socket.on('close', () => answer?.reject(new Error(`closed after ${JSON.stringify(received)}`)));
  socket.on('data', (chunk: string) => {
    received += chunk;
    if (isComplete(received)) answer?.resolve(received);
  });
  return {
    exchange(message) {
      received = '';
      socket.write(message);
      return new Promise((resolve, reject) => (answer = { resolve, reject }));
    },
    end: () => {
      answer = undefined;
      socket.destroy();
    },
  };
}

function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const head = text.slice(0, end).toLowerCase();
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
  if (length !== undefined) return text.length >= end + 4 + Number(length);
  return head.includes('transfer-encoding: chunked') && text.endsWith('0\r\n\r\n');
}
