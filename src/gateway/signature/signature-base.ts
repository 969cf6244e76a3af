// The text that a message signature signs (RFC 9421, 2.5), made of the request as it came. What it says of the address
// is what the gateway routes by: the host that names the bank and the path as it was sent.

import type { SignatureClaim } from './signature-claim.ts';
import { serializeString } from './structured-fields.ts';

/** What is signed of a request. */
export interface SignedRequest {
  readonly method: string;
  /** As the runtime gives it: its path and query are what was sent. */
  readonly url: string;
  /** The host that the request was sent to, with its port. */
  readonly host: string;
  readonly headers: Headers;
}

/** `http` or `https`, as the caller sees it: in front of Node stands a proxy. */
export type Scheme = 'http' | 'https';

/** Largest text, characters: covered headers are a request's own, 16 KiB of them at most on Node. */
const MAX_BASE_LENGTH = 32 * 1024;

/** The text; undefined where the request lacks a covered component, or one holds what cannot be signed. */
export function composeSignatureBase(
  claim: Pick<SignatureClaim, 'components' | 'parameters'>,
  request: SignedRequest,
  scheme?: Scheme,
): string | undefined {
  const address = readAddress(request, scheme);
  if (address === undefined) return undefined;
  const lines: string[] = [];
  for (const name of claim.components) {
    const value = name.startsWith('@') ? address[name] : request.headers.get(name)?.trim();
    // Only printable ASCII has one form as text and as bytes; a line feed would start a line of the caller's own.
    if (value === undefined || !/^[\x20-\x7e]*$/.test(value)) return undefined;
    lines.push(`${serializeString(name)}: ${value}`);
  }
  const base = `${lines.join('\n')}\n"@signature-params": ${claim.parameters}`;
  return base.length > MAX_BASE_LENGTH ? undefined : base;
}

const URL_PARTS = /^(https?):\/\/[^/?#]*(\/[^?#]*)?(\?[^#]*)?/;
const DEFAULT_PORTS = { http: ':80', https: ':443' } as const;

/** The derived components (RFC 9421, 2.2). */
function readAddress(request: SignedRequest, scheme?: Scheme): Record<string, string> | undefined {
  const [whole, own, path = '/', query = ''] = URL_PARTS.exec(request.url) ?? [];
  if (whole === undefined) return undefined;
  const seen = scheme ?? (own as Scheme);
  const host = request.host.toLowerCase();
  const authority = host.endsWith(DEFAULT_PORTS[seen]) ? host.slice(0, -DEFAULT_PORTS[seen].length) : host;
  return {
    '@method': request.method,
    '@scheme': seen,
    '@authority': authority,
    '@path': path,
    // Without a query, the question mark alone (RFC 9421, 2.2.7).
    '@query': query === '' ? '?' : query,
    '@request-target': `${path}${query}`,
    '@target-uri': `${seen}://${authority}${path}${query}`,
  };
}
