// A load of HTTP/1.1 POSTs over kept connections, lighter than any server that it measures: requests are bytes made once,
// and of an answer only its status, its length and a word that must be in it are read.

import { connect } from 'node:net';

export interface Target {
  readonly port: number;
  readonly path: string;
  readonly host: string;
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

/** POSTs to `target` for `durationMs` over `connections`, each sending when its last answer is here. */
export async function load(target: Target, connections: number, durationMs: number): Promise<LoadResult> {
  const messages = target.bodies.map((body) =>
    Buffer.from(
      `POST ${target.path} HTTP/1.1\r\nhost: ${target.host}\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  );
  const latencies: number[] = [];
  let turn = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + durationMs;
  await Promise.all(
    Array.from(
      { length: connections },
      () =>
        new Promise<void>((resolve, reject) => {
          const socket = connect({ port: target.port, host: '127.0.0.1', noDelay: true });
          let sentAt = 0;
          let received = '';
          const send = (): void => {
            received = '';
            sentAt = performance.now();
            socket.write(messages[turn++ % messages.length] ?? '');
          };
          socket.setEncoding('latin1');
          socket.on('connect', send);
          socket.on('error', reject);
          socket.on('data', (chunk: string) => {
            received += chunk;
            if (!isComplete(received)) return;
            if (!received.startsWith('HTTP/1.1 200') || !received.includes(target.expected)) {
              socket.destroy();
              reject(new Error(received));
              return;
            }
            const now = performance.now();
            latencies.push(now - sentAt);
            if (now < endsAt) send();
            else {
              socket.end();
              resolve();
            }
          });
        }),
    ),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  return { requests: latencies.length, perSecond: latencies.length / seconds, latencies };
}

function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const head = text.slice(0, end).toLowerCase();
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
  if (length !== undefined) return text.length >= end + 4 + Number(length);
  return head.includes('transfer-encoding: chunked') && text.endsWith('0\r\n\r\n');
}
