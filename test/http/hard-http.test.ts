// What no HTTP client library sends, as bytes on sockets to both gateways: bodies, framing, headers, hosts, targets and
// senders that never end. Node's parser is strict. workerd's own is not, and of some of it it says 500 before there is a
// request that the gateway could answer (`itself`): on Cloudflare the network stands before it, elsewhere a proxy has to.

import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { post, sendRaw, type RawAnswer, type RawPart } from './raw-http.ts';
import { RUNTIMES } from '../fixtures/two-runtimes.ts';
import { GOOD_BODY, startTwoGateways, type TwoGateways } from './two-gateways.ts';

const PATH = '/v1/validate';
const LENGTH = Buffer.byteLength(GOOD_BODY);
const CHUNKED = { headers: ['transfer-encoding: chunked'] };
const GOOD_CHUNK = `${LENGTH.toString(16)}\r\n${GOOD_BODY}\r\n0\r\n\r\n`;

let both: TwoGateways;

beforeAll(async () => {
  both = await startTwoGateways();
});

afterAll(() => both[Symbol.asyncDispose]());

/** What workerd answers of a request that it could not read itself. */
const ITSELF = '500 itself';

interface Case {
  readonly name: string;
  readonly parts: readonly RawPart[];
  /** The answers: `approve`, or a status and the problem's code where it is one of ours. */
  readonly node: readonly string[];
  /** Those of workerd, where they differ. */
  readonly workerd?: readonly string[];
  /** How long one answer too many is waited for, milliseconds: it would be of a smuggled request. */
  readonly restMs?: number;
}

function headersOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `x-${index}: 1`);
}

const withHeaders = (...headers: string[]): RawPart[] => post(PATH, GOOD_BODY, { headers });

const BODIES: readonly Case[] = [
  { name: 'a good one', parts: post(PATH, GOOD_BODY), node: ['approve'] },
  {
    name: 'in chunks of a byte',
    parts: [...post(PATH, '', CHUNKED), ...inBytes(GOOD_BODY)],
    node: ['approve'],
  },
  { name: '10 MB of spaces', parts: post(PATH, ' '.repeat(10_000_000)), node: ['413 body_too_large'] },
  {
    name: '10 MB of spaces in chunks',
    parts: [
      ...post(PATH, '', CHUNKED),
      ...Array.from({ length: 100 }, () => `186a0\r\n${' '.repeat(100_000)}\r\n`),
      '0\r\n\r\n',
    ],
    node: ['413 body_too_large'],
  },
  {
    name: 'spaces around it up to the limit',
    parts: post(PATH, GOOD_BODY + ' '.repeat(64 * 1024 - LENGTH)),
    node: ['approve'],
  },
  {
    name: 'spaces around it beyond the limit',
    parts: post(PATH, GOOD_BODY + ' '.repeat(64 * 1024 - LENGTH + 1)),
    node: ['413 body_too_large'],
  },
  {
    name: '20 MB in 20 KB of gzip',
    parts: post(PATH, gzipSync(Buffer.alloc(20_000_000, ' ')), { headers: ['content-encoding: gzip'] }),
    node: ['415 unsupported_media_type'],
  },
  { name: 'none', parts: post(PATH, ''), node: ['400 malformed_json'] },
  {
    name: 'UTF-16, and it says so',
    parts: post(PATH, Buffer.from(GOOD_BODY, 'utf16le'), {
      headers: ['content-type: application/json; charset=utf-16'],
    }),
    node: ['415 unsupported_media_type'],
  },
];

const FRAMING: readonly Case[] = [
  {
    name: 'one length twice',
    parts: withHeaders(`content-length: ${LENGTH}`, `content-length: ${LENGTH}`),
    node: ['400'],
    workerd: [ITSELF],
  },
  {
    name: 'two lengths',
    parts: withHeaders(`content-length: ${LENGTH}`, 'content-length: 5'),
    node: ['400'],
    workerd: [ITSELF],
  },
  {
    name: 'a list of lengths',
    parts: withHeaders(`content-length: ${LENGTH}, ${LENGTH}`),
    node: ['400'],
    workerd: [ITSELF],
  },
  // RFC 9112, 6.3: the chunks count. Whoever stands before workerd must not have counted the length.
  {
    name: 'a length and chunks',
    parts: [...post(PATH, '', { headers: ['content-length: 4', 'transfer-encoding: chunked'] }), GOOD_CHUNK],
    node: ['400'],
    workerd: ['approve'],
  },
  {
    name: 'chunks, a length, and more behind the end',
    parts: [
      ...post(PATH, '', { headers: ['transfer-encoding: chunked', 'content-length: 6'] }),
      '0\r\n\r\nG',
    ],
    node: ['400'],
    workerd: ['400 malformed_json'],
  },
  {
    name: 'an unknown transfer encoding',
    parts: withHeaders('transfer-encoding: xchunked'),
    node: ['400'],
    workerd: [ITSELF],
  },
  {
    name: 'chunks within no encoding',
    parts: withHeaders('transfer-encoding: chunked, identity'),
    node: ['400'],
    workerd: [ITSELF],
  },
  {
    name: 'chunks behind a vertical tab',
    parts: [...post(PATH, '', { headers: ['transfer-encoding:\x0bchunked'] }), GOOD_CHUNK],
    node: ['400'],
    workerd: [ITSELF],
  },
  { name: 'a negative length', parts: withHeaders('content-length: -1'), node: ['400'], workerd: [ITSELF] },
  {
    name: 'a length with a sign',
    parts: withHeaders(`content-length: +${LENGTH}`),
    node: ['400'],
    workerd: [ITSELF],
  },
  {
    name: 'a hexadecimal length',
    parts: withHeaders('content-length: 0x10'),
    node: ['400'],
    workerd: [ITSELF],
  },
  {
    name: 'a length beyond 64 bits',
    parts: withHeaders(`content-length: ${2n ** 64n + BigInt(LENGTH)}`),
    node: ['400'],
    workerd: ['413 body_too_large'],
  },
  {
    name: 'a length too short: the rest is no second request',
    parts: withHeaders(`content-length: ${LENGTH - 5}`),
    node: ['400'],
    workerd: ['400 malformed_json'],
    restMs: 2_000,
  },
  {
    name: 'a chunk beyond 64 bits',
    parts: [...post(PATH, '', CHUNKED), `fffffffffffffffff\r\n${GOOD_BODY}\r\n0\r\n\r\n`],
    node: ['400'],
    workerd: ['400 malformed_json'],
  },
  {
    name: 'a chunk with a megabyte of extensions',
    parts: [
      ...post(PATH, '', CHUNKED),
      `${LENGTH.toString(16)};${'x'.repeat(1_000_000)}\r\n${GOOD_BODY}\r\n0\r\n\r\n`,
    ],
    node: ['413'],
    workerd: ['400 malformed_json'],
  },
  {
    name: 'a header behind the last chunk',
    parts: [...post(PATH, '', CHUNKED), GOOD_CHUNK.replace(/\r\n$/, 'wasmpay-deadline-ms: 0\r\n\r\n')],
    node: ['approve'],
    // It takes what follows the last chunk for the next request.
    workerd: ['approve', '501'],
  },
  {
    name: 'three requests at once',
    parts: [
      ...post(PATH, GOOD_BODY),
      'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n',
      ...post(PATH, GOOD_BODY),
    ],
    node: ['approve', '200', 'approve'],
  },
];

const HEADERS: readonly Case[] = [
  { name: 'five hundred', parts: withHeaders(...headersOf(500)), node: ['approve'] },
  {
    name: '18 KB of short ones',
    parts: withHeaders(...headersOf(2_000)),
    node: ['431'],
    workerd: ['approve'],
  },
  { name: 'one of 15 KB', parts: withHeaders(`x: ${'a'.repeat(15_000)}`), node: ['approve'] },
  {
    name: 'one of 17 KB',
    parts: withHeaders(`x: ${'a'.repeat(17_000)}`),
    node: ['431'],
    workerd: ['approve'],
  },
  { name: 'one of a megabyte', parts: withHeaders(`x: ${'a'.repeat(1_000_000)}`), node: ['431'] },
  { name: 'one of two lines', parts: withHeaders('x: a\r\n b'), node: ['400'], workerd: ['approve'] },
  { name: 'one with a zero byte', parts: withHeaders('x: a\0b'), node: ['400'] },
  { name: 'one without a name', parts: withHeaders(': a'), node: ['400'] },
  { name: 'one without a colon', parts: withHeaders('nonsense'), node: ['400'] },
  {
    name: 'a space before the colon',
    parts: [...post(PATH, '', { headers: ['transfer-encoding : chunked'] }), GOOD_CHUNK],
    node: ['400'],
    workerd: ['approve'],
  },
  {
    name: 'two types',
    parts: withHeaders('content-type: application/json', 'content-type: text/plain'),
    node: ['415 unsupported_media_type'],
  },
  {
    name: 'two deadlines',
    parts: withHeaders('wasmpay-deadline-ms: 100', 'wasmpay-deadline-ms: 1000'),
    node: ['400 invalid_deadline'],
  },
  {
    name: 'an expectation',
    parts: [post(PATH, GOOD_BODY, { headers: ['expect: 100-continue'] })[0], { waitMs: 200 }, GOOD_BODY],
    node: ['100', 'approve'],
    workerd: ['approve'],
  },
  {
    name: 'an unknown expectation',
    parts: withHeaders('expect: 200-ok'),
    node: ['417'],
    workerd: ['approve'],
  },
  { name: 'an upgrade', parts: withHeaders('connection: upgrade', 'upgrade: websocket'), node: ['approve'] },
];

const HOSTS: readonly Case[] = [
  { name: 'in capitals', parts: post(PATH, GOOD_BODY, { host: 'MERIDIAN.LocalHost' }), node: ['approve'] },
  { name: 'with a port', parts: post(PATH, GOOD_BODY, { host: 'meridian.localhost:1' }), node: ['approve'] },
  { name: 'with a root', parts: post(PATH, GOOD_BODY, { host: 'meridian.localhost.' }), node: ['approve'] },
  {
    name: 'of another bank',
    parts: post(PATH, GOOD_BODY, { host: 'other.localhost' }),
    node: ['422 bank_mismatch'],
  },
  {
    name: 'two labels deep',
    parts: post(PATH, GOOD_BODY, { host: 'meridian.meridian.localhost' }),
    node: ['404 unknown_bank'],
  },
  {
    name: 'that only ends like ours',
    parts: post(PATH, GOOD_BODY, { host: 'meridianlocalhost' }),
    node: ['404 not_found'],
  },
  {
    name: 'of somebody else',
    parts: post(PATH, GOOD_BODY, { host: 'localhost.evil.example' }),
    node: ['404 not_found'],
  },
  { name: 'empty', parts: post(PATH, GOOD_BODY, { host: '' }), node: ['404 not_found'], workerd: ['400'] },
  {
    name: 'with a user',
    parts: post(PATH, GOOD_BODY, { host: 'meridian@localhost' }),
    node: ['400'],
    workerd: [ITSELF],
  },
  {
    name: 'with an escape',
    parts: post(PATH, GOOD_BODY, { host: 'meridian%2elocalhost' }),
    node: ['400'],
    workerd: [ITSELF],
  },
  {
    name: 'with a space',
    parts: post(PATH, GOOD_BODY, { host: 'meridian .localhost' }),
    node: ['400'],
    workerd: [ITSELF],
  },
  {
    name: 'with a path',
    parts: post(PATH, GOOD_BODY, { host: 'meridian.localhost/../x' }),
    node: ['400'],
    workerd: [ITSELF],
  },
  {
    name: 'given twice',
    parts: withHeaders('host: meridian.localhost'),
    node: ['404 not_found'],
    workerd: [ITSELF],
  },
  {
    name: 'not given',
    parts: [
      `POST ${PATH} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${LENGTH}\r\n\r\n${GOOD_BODY}`,
    ],
    node: ['400'],
  },
];

const TARGETS: readonly Case[] = [
  ...[
    ['//v1/validate', ['404 not_found']],
    ['/v1//validate', ['404 not_found']],
    ['/v1/validate/', ['404 not_found']],
    ['/V1/Validate', ['404 not_found']],
    // RFC 3986, 6.2.2.2: the same address, escaped needlessly.
    ['/v1/%76alidate', ['approve']],
    ['/v1%2fvalidate', ['404 not_found']],
    ['/v1/validate;a=b', ['404 not_found']],
    ['/v1/validate?bank=other', ['approve']],
    ['/v1/banks/meridian/validate?x=%2e%2e', ['approve']],
    ['/v1/banks/MERIDIAN/validate', ['approve']],
    ['/v1/banks/other/validate', ['422 bank_mismatch']],
    ['/v1/banks//validate', ['404 not_found']],
    ['/v1/banks/meridian%00/validate', ['404 unknown_bank']],
    ['/v1/banks/mer%69dian/validate', ['404 unknown_bank']],
    ['/v1/banks/..%2f..%2fmeridian/validate', ['404 unknown_bank']],
    [`/v1/banks/${'a'.repeat(10_000)}/validate`, ['404 unknown_bank']],
  ].map(([target, node]) => ({
    name: String(target).slice(0, 60),
    parts: post(target as string, GOOD_BODY),
    node: node as string[],
  })),
  { name: '*', parts: ['OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n'], node: ['400'], workerd: [ITSELF] },
  // RFC 9112, 3.2.2: a whole address. workerd takes no such thing; Node's is read by its host header.
  {
    name: 'a whole address',
    parts: post(`http://localhost${PATH}`, GOOD_BODY),
    node: ['approve'],
    workerd: [ITSELF],
  },
  {
    name: 'TRACE',
    parts: [`TRACE ${PATH} HTTP/1.1\r\nhost: localhost\r\n\r\n`],
    node: ['405 method_not_allowed'],
  },
  {
    name: 'an unknown method',
    parts: [`BREW ${PATH} HTTP/1.1\r\nhost: localhost\r\n\r\n`],
    node: ['400'],
    workerd: ['501'],
  },
  {
    name: 'HTTP/1.0',
    parts: [...post(PATH, GOOD_BODY)].map((part) =>
      typeof part === 'string' ? part.replace('HTTP/1.1', 'HTTP/1.0') : part,
    ),
    node: ['approve'],
  },
  { name: 'HTTP/2 at once', parts: ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'], node: ['400'], workerd: ['501'] },
  {
    name: 'a tunnel',
    parts: ['CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    node: [],
    workerd: [ITSELF],
  },
];

describe.concurrent.each(RUNTIMES)('%s', (name) => {
  const gateway = () => both[name];
  const answersTo = async ({ parts, node, workerd = node, restMs = 300 }: Case): Promise<void> => {
    const expected = name === 'node' ? node : workerd;
    const answer = await sendRaw(gateway().port, parts, { answers: expected.length, restMs });
    expect(describeAnswers(answer)).toEqual(expected);
  };

  describe('body', () => test.concurrent.each(BODIES)('$name', answersTo));
  describe('framing', () => test.concurrent.each(FRAMING)('$name', answersTo));
  describe('headers', () => test.concurrent.each(HEADERS)('$name', answersTo));
  describe('host', () => test.concurrent.each(HOSTS)('$name', answersTo));
  describe('target', () => test.concurrent.each(TARGETS)('$name', answersTo));

  describe('a sender that never ends', () => {
    const head = post(PATH, GOOD_BODY)[0];
    test.concurrent.each<[string, readonly RawPart[]]>([
      ['sends no body', [head]],
      [
        'sends a byte at a time',
        [
          head,
          ...GOOD_BODY.slice(0, 20)
            .split('')
            .flatMap((byte) => [byte, { waitMs: 200 }]),
        ],
      ],
      ['announces more than it sends', withHeaders(`content-length: ${LENGTH + 5}`)],
      [
        'sends chunk after chunk',
        [
          ...post(PATH, '', CHUNKED),
          ...(Array.from({ length: 20 }, () => ['1\r\n \r\n', { waitMs: 200 }]).flat() as RawPart[]),
        ],
      ],
    ])('and %s gets its answer at the deadline', async (_name, parts) => {
      const answer = await sendRaw(gateway().port, parts, { waitMs: 20_000 });
      expect(describeAnswers(answer)).toEqual(['408 request_timeout']);
      expect(answer.durationMs).toBeGreaterThan(1_400);
    });

    test.concurrent('of headers is cut off', async () => {
      const slow = Array.from({ length: 40 }, (_, line): RawPart[] => [
        `x-${line}: 1\r\n`,
        { waitMs: 500 },
      ]).flat();
      const answer = await sendRaw(gateway().port, [`POST ${PATH} HTTP/1.1\r\n`, ...slow], {
        waitMs: 40_000,
      });
      expect(answer.isClosed || answer.statuses[0] === 408).toBe(true);
      // Node: 10 s and a look every second. workerd: its own 15 s.
      expect(answer.durationMs).toBeLessThan(20_000);
    });
  });
});

test('after all that, a good request is answered', async () => {
  for (const { port } of [both.node, both.workerd])
    expect(describeAnswers(await sendRaw(port, post(PATH, GOOD_BODY)))).toEqual(['approve']);
});

/** A body in chunks of one byte. */
function inBytes(body: string): RawPart[] {
  return [...[...Buffer.from(body)].map((byte) => `1\r\n${String.fromCodePoint(byte)}\r\n`), '0\r\n\r\n'];
}

/** An answer each as {@link Case} has them. */
function describeAnswers({ text }: RawAnswer): string[] {
  return text
    .split(/(?=HTTP\/1\.[01] \d{3} )/)
    .filter((part) => part.startsWith('HTTP/'))
    .map((part) => {
      const status = part.slice(9, 12);
      const decision = /"decision":"(\w+)"/.exec(part)?.[1];
      if (decision !== undefined) return decision;
      if (status === '500' && part.endsWith('Internal Server Error')) return ITSELF;
      const code = /"code":"(\w+)"/.exec(part)?.[1];
      return code === undefined ? status : `${status} ${code}`;
    });
}
