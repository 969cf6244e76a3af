// Gets the text that holds a validator's source: from an address, a file or standard input. Bounded, for the text is
// somebody else's and an address may answer for ever.

import { open } from 'node:fs/promises';
import { basename } from 'node:path';

import { WasmpayError } from '../core/error.ts';
import type { TextOrigin } from './find-source.ts';

/** Longest text, bytes of UTF-8: a page of documentation with everything around the code. */
export const MAX_SOURCE_BYTES = 1024 * 1024;

/** How long an address may take, milliseconds, with all that it sends us on to. */
export const FETCH_MS = 30_000;

const MAX_REDIRECTS = 5;

export interface ReadText {
  readonly text: string;
  readonly origin: TextOrigin;
}

/** Reads `from`: an `https:` address, `-` for `input`, or a file. Throws `usage`. */
export async function readSourceText(from: string, input: AsyncIterable<Uint8Array>): Promise<ReadText> {
  if (from === '-')
    return {
      text: decode(await readBounded(input, 'standard input'), 'standard input'),
      origin: { name: '' },
    };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(from)) return fetchText(from);
  try {
    await using file = await open(from, 'r');
    const bytes = await readBounded(
      file.createReadStream({ autoClose: false }) as AsyncIterable<Uint8Array>,
      from,
    );
    return { text: decode(bytes, from), origin: { name: basename(from) } };
  } catch (cause) {
    if (cause instanceof WasmpayError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new WasmpayError('usage', `cannot read ${from}: ${code}`, { cause });
  }
}

async function fetchText(address: string): Promise<ReadText> {
  const signal = AbortSignal.timeout(FETCH_MS);
  let url = parseAddress(address);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    let response: Response;
    try {
      response = await fetch(url, {
        redirect: 'manual',
        signal,
        headers: { accept: 'text/markdown, text/plain, text/html' },
      });
    } catch (cause) {
      throw new WasmpayError('usage', `cannot read ${url.href}: ${reasonOf(cause)}`, { cause });
    }
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      const next = parseAddress(new URL(location, url).href);
      // Whoever serves a page elsewhere must not choose what of this machine is read.
      if (isOfThisMachine(next) && !isOfThisMachine(url))
        throw new WasmpayError('usage', `cannot read ${url.href}: it sends us on to this machine`);
      url = next;
      continue;
    }
    if (!response.ok)
      throw new WasmpayError('usage', `cannot read ${url.href}: it answers ${response.status}`);
    const contentType = response.headers.get('content-type') ?? '';
    try {
      const bytes = response.body === null ? new Uint8Array() : await readBounded(response.body, url.href);
      return { text: decode(bytes, url.href), origin: { name: basename(url.pathname), contentType } };
    } catch (cause) {
      if (cause instanceof WasmpayError) throw cause;
      throw new WasmpayError('usage', `cannot read ${url.href}: ${reasonOf(cause)}`, { cause });
    }
  }
  throw new WasmpayError('usage', `cannot read ${address}: it sends us on more than ${MAX_REDIRECTS} times`);
}

/** Encrypted, so that nobody on the way can change what is built; or of this machine. Throws `usage`. */
function parseAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isOfThisMachine(url))) return url;
  throw new WasmpayError(
    'usage',
    `${text} is no https: address; the source may also be a file, or - for standard input`,
  );
}

function isOfThisMachine({ hostname }: URL): boolean {
  return /^(?:(?:.+\.)?localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[\da-f]{2}:[\da-f]+\])$/.test(
    hostname,
  );
}

async function readBounded(chunks: AsyncIterable<Uint8Array>, from: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.byteLength;
    if (length > MAX_SOURCE_BYTES)
      throw new WasmpayError(
        'usage',
        `${from} is longer than ${MAX_SOURCE_BYTES / 1024 / 1024} MiB: no validator's source is`,
      );
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

function decode(bytes: Uint8Array, from: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new WasmpayError('usage', `${from} is no UTF-8 text`, { cause });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${FETCH_MS / 1000} s`;
  const cause = error instanceof Error ? error.cause : undefined;
  return (
    (cause as NodeJS.ErrnoException | undefined)?.code ??
    (error instanceof Error ? error.message : 'unknown error')
  );
}
