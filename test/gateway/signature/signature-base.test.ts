// The text that is signed, against the RFC's own example and against every component there is.

import { webcrypto } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { composeSignatureBase } from '../../../src/gateway/signature/signature-base.ts';
import { createSignatureVerifier } from '../../../src/gateway/signature/verify-signature.ts';

const lines = (base: string | undefined): string[] => (base ?? '').split('\n');

function compose(components: string[], url: string, host: string, headers: Record<string, string> = {}) {
  const request = { method: 'POST', url, host, headers: new Headers(headers) };
  return composeSignatureBase({ components, parameters: '()' }, request);
}

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
  const parameters = `(${components.map((name) => `"${name}"`).join(' ')});created=1618884473;keyid="test-key-ed25519"`;
  const x = 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs';
  const signature =
    'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==';

  it('verifies', async () => {
    const base = composeSignatureBase({ components, parameters }, request) ?? '';
    expect(base).toContain('"@path": /foo\n"@authority": example.com\n');
    const verify = createSignatureVerifier();
    const entry = { id: 'x', x, createdS: 1 };
    const bytes = new Uint8Array(Buffer.from(signature, 'base64'));
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

it('a key that is none verifies nothing, and throws nothing', async () => {
  const verify = createSignatureVerifier();
  const signature = new Uint8Array(64);
  for (const x of ['', 'AA', 'not base64url!'])
    expect(await verify({ id: 'x', x, createdS: 1 }, signature, 'base')).toBe(false);
});

it('the key that is asked in place of an unknown one can be asked', async () => {
  const verified: unknown[] = [];
  const original = webcrypto.subtle.verify.bind(webcrypto.subtle);
  const spy = ((...args: Parameters<typeof original>) => {
    verified.push(args[1]);
    return original(...args);
  }) as typeof original;
  webcrypto.subtle.verify = spy;
  try {
    expect(await createSignatureVerifier()(undefined, new Uint8Array(64), 'base')).toBe(false);
  } finally {
    Reflect.deleteProperty(webcrypto.subtle, 'verify');
  }
  expect(verified.length).toBe(1);
});
