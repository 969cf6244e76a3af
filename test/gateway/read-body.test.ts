import { describe, expect, test } from 'vitest';

import { MAX_BODY_BYTES } from '../../src/core/limits.ts';
import { readBody } from '../../src/gateway/read-body.ts';

function makeRequest(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  return new Request('http://localhost/', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  });
}

/** The text that was read, or the code of the problem. */
async function read(body: BodyInit | null, headers?: Record<string, string>): Promise<string> {
  const result = await readBody(makeRequest(body, headers));
  return result.ok ? result.text : `problem ${result.problem.code}`;
}

function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

const ofSize = (bytes: number): string => 'x'.repeat(bytes);

describe('media types', () => {
  test.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json ; charset="utf-8"',
    'application/json; profile="a b"; charset=utf-8',
    'application/json;',
    ' application/json ',
  ])('%j is read', async (contentType) => {
    expect(await read('{}', { 'content-type': contentType })).toBe('{}');
  });

  test.each([
    '',
    'text/plain',
    'application/jsonx',
    'application/problem+json',
    'application/json, text/plain',
    'application/json, application/json',
    'application/json; charset=utf-16',
    'application/json; charset=utf-8; charset=latin1',
    'application/json; charset="latin1"',
    'application/json; charset',
    'application/json x',
    'text/plain; application/json',
    'application/x-www-form-urlencoded',
    `application/json; a=${'b'.repeat(300)}`,
    `application/json;${' '.repeat(30_000)}x`,
  ])('%j is refused', async (contentType) => {
    expect(await read('{}', { 'content-type': contentType })).toBe('problem unsupported_media_type');
  });

  test('a body without any is refused', async () => {
    const request = new Request('http://localhost/', { method: 'POST', body: new Uint8Array([1]) });
    expect(await readBody(request)).toMatchObject({ problem: { code: 'unsupported_media_type' } });
  });

  test.each(['gzip', 'br', 'identity, gzip', 'unknown', ''])('encoding %j is refused', async (encoding) => {
    expect(await read('{}', { 'content-encoding': encoding })).toBe('problem unsupported_media_type');
  });

  test.each(['identity', 'Identity'])('encoding %s is read', async (encoding) => {
    expect(await read('{}', { 'content-encoding': encoding })).toBe('{}');
  });
});

describe('sizes', () => {
  test.each([
    ['under', MAX_BODY_BYTES - 1, true],
    ['at', MAX_BODY_BYTES, true],
    ['over', MAX_BODY_BYTES + 1, false],
  ])('a body %s the limit, whatever length it announces', async (_where, size, isRead) => {
    const expected = isRead ? ofSize(size) : 'problem body_too_large';
    const bytes = new TextEncoder().encode(ofSize(size));
    expect(await read(bytes)).toBe(expected);
    expect(await read(bytes, { 'content-length': String(size) })).toBe(expected);
    // Chunked, in one and in many pieces; and with lengths that lie or mean nothing.
    expect(await read(streamOf(bytes))).toBe(expected);
    expect(await read(streamOf(bytes.slice(0, 1), bytes.slice(1, 40_000), bytes.slice(40_000)))).toBe(
      expected,
    );
    for (const lie of ['0', '1', '-1', 'abc', '', '1, 2']) {
      expect(await read(streamOf(bytes), { 'content-length': lie })).toBe(expected);
    }
  });

  test('an announced length over the limit is refused before anything is read', async () => {
    let pulled = 0;
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(1));
        },
        cancel() {
          isCancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    expect(await read(body, { 'content-length': String(MAX_BODY_BYTES + 1) })).toBe('problem body_too_large');
    expect({ pulled, isCancelled }).toEqual({ pulled: 0, isCancelled: true });
  });

  test('a body without end is cancelled at the limit', async () => {
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(10_000));
      },
      cancel() {
        isCancelled = true;
        return new Promise(() => {});
      },
    });
    expect(await read(body)).toBe('problem body_too_large');
    expect(isCancelled).toBe(true);
  });
});

describe('text', () => {
  test('no body is empty text', async () => {
    expect(await read(null)).toBe('');
    expect(await read('')).toBe('');
  });

  test('a character that is cut by chunks is whole again', async () => {
    const bytes = new TextEncoder().encode('"€😀"');
    expect(await read(streamOf(...[...bytes].map((byte) => Uint8Array.of(byte))))).toBe('"€😀"');
  });

  test.each([
    ['a stray continuation byte', [0x22, 0x80, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a character that ends too early', [0x22, 0xe2, 0x82]],
    ['UTF-16', [0xff, 0xfe, 0x22, 0x00]],
  ])('%s is malformed', async (_name, bytes) => {
    expect(await read(Uint8Array.from(bytes))).toBe('problem malformed_json');
  });

  test('a byte order mark stays, for the JSON reader to refuse', async () => {
    expect(await read('\ufeff{}')).toBe('\ufeff{}');
  });

  test('a caller that goes away half-way is its own fault', async () => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error('aborted'));
      },
    });
    expect(await read(body)).toBe('problem malformed_json');
  });
});

describe('a body of announced length', () => {
  const announce = (length: number | string) => ({ 'content-length': String(length) });

  test('is read up to the bound, and not over it', async () => {
    expect(await read(ofSize(MAX_BODY_BYTES), announce(MAX_BODY_BYTES))).toHaveLength(MAX_BODY_BYTES);
    expect(await read(ofSize(MAX_BODY_BYTES + 1), announce(MAX_BODY_BYTES + 1))).toBe(
      'problem body_too_large',
    );
  });

  test.each([1, MAX_BODY_BYTES, '1e1', 'x', '-1', ''])('of %j is counted all the same', async (length) => {
    expect(await read(ofSize(MAX_BODY_BYTES + 1), announce(length))).toBe('problem body_too_large');
  });

  test('is a stream where it is chunked as well', async () => {
    const headers = { ...announce(2), 'transfer-encoding': 'chunked' };
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1024)),
      cancel: () => {
        cancelled = true;
      },
    });
    expect(await read(endless, headers)).toBe('problem body_too_large');
    expect(cancelled).toBe(true);
  });

  test('is refused where it is no UTF-8, and the next one is read', async () => {
    expect(await read(new Uint8Array([0x22, 0xff, 0x22]), announce(3))).toBe('problem malformed_json');
    expect(await read(new Uint8Array([0xef, 0xbb]), announce(2))).toBe('problem malformed_json');
    expect(await read('"é"', announce(4))).toBe('"é"');
  });

  test('that breaks off is malformed', async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error('reset')),
    });
    expect(await read(broken, announce(10))).toBe('problem malformed_json');
  });
});
