// HTTP as bytes on a socket: what no client library would send.

import { connect } from 'node:net';

export interface RawAnswer {
  /** Status codes of the answers that came, in order. */
  readonly statuses: readonly number[];
  /** Everything that came, one character a byte. */
  readonly text: string;
  /** Whether the other side closed the connection. */
  readonly isClosed: boolean;
  readonly durationMs: number;
}

/** A part of what is sent, or how long to wait before the next, milliseconds. */
export type RawPart = string | Uint8Array | { readonly waitMs: number };

export interface Listening {
  /** How many answers are expected. Default 1. */
  readonly answers?: number;
  /** How long they are waited for, milliseconds. */
  readonly waitMs?: number;
  /** How long after them one too many is waited for, milliseconds. Default 0. */
  readonly restMs?: number;
}

/**
 * Sends `parts` to a port of 127.0.0.1 and listens until the other side closes, until the expected answers are there, or
 * for `waitMs`. Never rejects: a refused or cut connection is an answer too.
 */
export function sendRaw(
  port: number,
  parts: readonly RawPart[],
  { answers = 1, waitMs = 5_000, restMs = 0 }: Listening = {},
): Promise<RawAnswer> {
  const startedAtMs = performance.now();
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let text = '';
    let isDone = false;
    const finish = (isClosed: boolean): void => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timeout);
      socket.destroy();
      resolve({ statuses: statusesOf(text), text, isClosed, durationMs: performance.now() - startedAtMs });
    };
    const timeout = setTimeout(() => finish(false), waitMs);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (statusesOf(text).length >= answers && isWhole(text)) setTimeout(() => finish(false), restMs);
    });
    // The other side may reset a connection that it has answered; what it said before has come.
    socket.on('error', () => {});
    socket.on('close', () => finish(true));
    void (async () => {
      for (const part of parts) {
        if (isDone) return;
        if (typeof part === 'object' && 'waitMs' in part) await after(part.waitMs);
        else if (!socket.write(part)) await new Promise((drained) => socket.once('drain', drained));
      }
    })();
  });
}

/** A POST with this body and these more header lines, each without its line end. */
export function post(
  path: string,
  body: string | Uint8Array,
  { headers = [], host = 'localhost' }: { headers?: readonly string[]; host?: string } = {},
): [head: string, body: Uint8Array] {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const lines = [
    `POST ${path} HTTP/1.1`,
    `host: ${host}`,
    ...(headers.some((line) => /^content-type/i.test(line)) ? [] : ['content-type: application/json']),
    ...(headers.some((line) => /^(?:content-length|transfer-encoding)\s*:/i.test(line))
      ? []
      : [`content-length: ${bytes.length}`]),
    ...headers,
  ];
  return [`${lines.join('\r\n')}\r\n\r\n`, bytes];
}

function statusesOf(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map((match) => Number(match[1]));
}

/** Whether the last answer's announced body is there: enough to know that no more of it comes. */
function isWhole(text: string): boolean {
  const last = text.slice(text.lastIndexOf('HTTP/1.'));
  const head = last.indexOf('\r\n\r\n');
  if (head === -1) return false;
  const length = /^content-length: *(\d+)/im.exec(last.slice(0, head))?.[1];
  if (length !== undefined) return last.length - head - 4 >= Number(length);
  return !/^transfer-encoding/im.test(last.slice(0, head)) || last.endsWith('0\r\n\r\n');
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
