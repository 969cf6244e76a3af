import { createServer, type RequestListener, type Server } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

import { MAX_SOURCE_BYTES, readSourceText } from '../../src/authoring/read-source.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function* input(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

const read = (from: string, ...chunks: (string | Uint8Array)[]) => readSourceText(from, input(...chunks));

describe('standard input', () => {
  test('is read whole', async () => {
    expect(await read('-', 'a', 'é'.slice(0, 1), 'b')).toEqual({ text: 'aéb', origin: { name: '' } });
  });

  test('up to the limit, and no further', async () => {
    const most = new Uint8Array(MAX_SOURCE_BYTES).fill(0x20);
    expect((await read('-', most)).text).toHaveLength(MAX_SOURCE_BYTES);
    await expect(read('-', most, 'x')).rejects.toThrow('longer than 1 MiB');
  });

  test('must be UTF-8', async () => {
    await expect(read('-', Uint8Array.of(0xff))).rejects.toThrow('no UTF-8');
  });
});

test('a file, and that there is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wasmpay-read-'));
  try {
    await writeFile(join(folder, 'validator.ts'), 'x');
    expect(await read(join(folder, 'validator.ts'))).toEqual({ text: 'x', origin: { name: 'validator.ts' } });
    await expect(read(join(folder, 'none.ts'))).rejects.toThrow('ENOENT');
    await expect(read(folder)).rejects.toThrow('EISDIR');
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('an address', () => {
  test('tells its type and its name', async () => {
    const url = await serve((_request, response) =>
      response.setHeader('content-type', 'text/markdown').end('x'),
    );
    expect(await read(`${url}/a/answer.md?x=1`)).toEqual({
      text: 'x',
      origin: { name: 'answer.md', contentType: 'text/markdown' },
    });
  });

  test.each(['http://example.com/x', 'ftp://example.com/x', 'file:///etc/passwd', 'https//x://'])(
    '%s is none',
    async (url) => {
      await expect(read(url)).rejects.toThrow(/no https: address|ENOENT/);
    },
  );

  test('may send us on, but not to plain http elsewhere and not for ever', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/there') response.end('found');
      else if (request.url === '/out') response.writeHead(302, { location: 'http://example.com/' }).end();
      else response.writeHead(302, { location: request.url === '/once' ? '/there' : '/loop' }).end();
    });
    expect((await read(`${url}/once`)).text).toBe('found');
    await expect(read(`${url}/out`)).rejects.toThrow('http://example.com/ is no https: address');
    await expect(read(`${url}/loop`)).rejects.toThrow('more than 5 times');
  });

  test('elsewhere may not send us on to this machine', async () => {
    const url = await serve((_request, response) => response.end('of this machine'));
    const real = globalThis.fetch;
    globalThis.fetch = async (input, init) =>
      String(input instanceof Request ? input.url : input).startsWith('https://pages.example/')
        ? new Response(null, { status: 302, headers: { location: url } })
        : real(input, init);
    try {
      await expect(read('https://pages.example/answer.md')).rejects.toThrow('sends us on to this machine');
    } finally {
      globalThis.fetch = real;
    }
  });

  test('that answers an error, or for ever', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/404') response.writeHead(404).end();
      else if (request.url === '/cut')
        response.writeHead(200, { 'content-length': '10' }).write('x', () => response.destroy());
      else {
        const more = (): void => void response.write(' '.repeat(65_536), more);
        more();
      }
    });
    await expect(read(`${url}/404`)).rejects.toThrow('it answers 404');
    await expect(read(`${url}/cut`)).rejects.toThrow('cannot read');
    await expect(read(`${url}/endless`)).rejects.toThrow('longer than 1 MiB');
    await expect(read('http://127.0.0.1:1/')).rejects.toThrow('cannot read');
  });
});
