// The text that is signed, against the RFC's own example and against every component there is.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { nodePrimitives } from '../../../src/entry/node-crypto.ts';
import { webPrimitives } from '../../../src/gateway/primitives.ts';
import { composeSignatureBase } from '../../../src/gateway/signature/signature-base.ts';
import { createSignatureVerifier } from '../../../src/gateway/signature/verify-signature.ts';

const lines = (base: string | undefined): string[] => (base ?? '').split('\n');

function compose(components: string[], url: string, host: string, headers: Record<string, string> = {}) {
  const request = { method: 'POST', url, host, headers: new Headers(headers) };
  return composeSignatureBase({ components, parameters: '()' }, request);
}

const RFC_SIGNATURE =
  'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==';
const RFC_PARAMETERS =
  '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"';
const RFC_BASE = `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ${RFC_PARAMETERS}`;

describe('RFC 9421, B.2.6: signing a request using ed25519', () => {
  const request = {
    method: 'POST',
    url: 'https://example.com/foo?param=Value&Pet=dog',
    host: 'example.com',
    headers: new Headers({
      date: 'Tue, 20 Apr 2021 02:07:55 GMT',
      'content-type': 'application/json',
      'content-length': '18',
    }),
  };
  const components = ['date', '@method', '@path', '@authority', 'content-type', 'content-length'];
  const x = 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs';
  it('verifies', async () => {
    const base = composeSignatureBase({ components, parameters: RFC_PARAMETERS }, request) ?? '';
    expect(base).toBe(RFC_BASE);
    const verify = createSignatureVerifier(webPrimitives);
    const entry = { id: 'x', x, createdS: 1 };
    const bytes = new Uint8Array(Buffer.from(RFC_SIGNATURE, 'base64'));
    expect(await verify(entry, bytes, base)).toBe(true);
    expect(await verify(entry, bytes, base.replace('18', '19'))).toBe(false);
    expect(await verify(undefined, bytes, base)).toBe(false);
  });
});

describe('components', () => {
  it('are those of the request as it came', () => {
    const names = [
      '@method',
      '@target-uri',
      '@authority',
      '@scheme',
      '@request-target',
      '@path',
      '@query',
      'x',
    ];
    expect(
      lines(compose(names, 'https://a.example/v1/validate?b=%63', 'A.Example', { x: ' y  z ' })),
    ).toEqual([
      '"@method": POST',
      '"@target-uri": https://a.example/v1/validate?b=%63',
      '"@authority": a.example',
      '"@scheme": https',
      '"@request-target": /v1/validate?b=%63',
      '"@path": /v1/validate',
      '"@query": ?b=%63',
      '"x": y  z',
      '"@signature-params": ()',
    ]);
  });

  it.each([
    ['https://a.example/x', 'a.example:443', 'a.example'],
    ['http://a.example/x', 'a.example:80', 'a.example'],
    ['https://a.example/x', 'a.example:80', 'a.example:80'],
    ['http://a.example/x', 'a.example:8787', 'a.example:8787'],
    ['http://[::1]:8787/x', '[::1]:8787', '[::1]:8787'],
  ])('%s with host %s has the authority %s', (url, host, authority) => {
    expect(lines(compose(['@authority'], url, host))[0]).toBe(`"@authority": ${authority}`);
  });

  it('have the scheme that callers see, where a proxy hides it', () => {
    const request = {
      method: 'POST',
      url: 'http://a.example/x',
      host: 'a.example:443',
      headers: new Headers(),
    };
    const claim = { components: ['@target-uri'], parameters: '()' };
    expect(lines(composeSignatureBase(claim, request, 'https'))[0]).toBe(
      '"@target-uri": https://a.example/x',
    );
  });

  it('that come several times are joined as they came', () => {
    const headers = new Headers([
      ['x', 'a'],
      ['x', ''],
      ['x', 'b, c'],
    ]);
    const request = { method: 'POST', url: 'https://a.example/', host: 'a.example', headers };
    expect(lines(composeSignatureBase({ components: ['x'], parameters: '()' }, request))[0]).toBe(
      '"x": a, , b, c',
    );
  });

  it('without a query have a question mark, without a path a slash', () => {
    expect(lines(compose(['@query', '@path'], 'https://a.example', 'a.example')).slice(0, 2)).toEqual([
      '"@query": ?',
      '"@path": /',
    ]);
  });

  it.each<[string, string[], Record<string, string>]>([
    ['a header that is not there', ['x'], {}],
    ['a header that is not ASCII', ['x'], { x: 'caf\u00e9' }],
    ['a tab in a header', ['x'], { x: 'a\tb' }],
    ['headers that are too large', ['x'], { x: 'a'.repeat(33_000) }],
    ['a component that is none', ['@status'], {}],
    ['an object’s own name', ['@__proto__'], {}],
  ])('do not make a text of %s', (_, components, headers) => {
    expect(compose(components, 'https://a.example/', 'a.example', headers)).toBeUndefined();
  });
});

describe.each([
  ['Web Crypto', webPrimitives],
  ['Node', nodePrimitives],
])('with the cryptography of %s', (_, primitives) => {
  it('a key that is none verifies nothing, and throws nothing', async () => {
    const verify = createSignatureVerifier(primitives);
    for (const x of ['', 'AA', 'not base64url!'])
      expect(await verify({ id: 'x', x, createdS: 1 }, new Uint8Array(64), 'base')).toBe(false);
  });

  it('a key that is not there is asked like one that is, and is never satisfied', async () => {
    const asked: string[] = [];
    const verify = createSignatureVerifier({
      async importEd25519(x) {
        await primitives.importEd25519(x);
        return (_signature, text) => asked.push(text) > 0;
      },
    });
    expect(await verify(undefined, new Uint8Array(64), 'base')).toBe(false);
    expect(asked).toEqual(['base']);
  });

  it('digests are those of a text’s UTF-8', async () => {
    for (const text of ['', 'abc', 'é€😀'])
      for (const [algorithm, name] of [
        ['SHA-256', 'sha256'],
        ['SHA-512', 'sha512'],
      ] as const) {
        const expected = createHash(name).update(text);
        expect(Buffer.from(await primitives.digest(algorithm, text))).toEqual(expected.digest());
        if (name === 'sha256')
          expect(await primitives.sha256Hex(text)).toBe(createHash(name).update(text).digest('hex'));
      }
  });

  it('what the RFC signs verifies', async () => {
    const check = await primitives.importEd25519('JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs');
    const base = RFC_BASE;
    const signature = new Uint8Array(Buffer.from(RFC_SIGNATURE, 'base64'));
    expect(await check(signature, base)).toBe(true);
    expect(await check(signature, `${base} `)).toBe(false);
    expect(await check(signature.slice(1), base)).toBe(false);
  });
});
