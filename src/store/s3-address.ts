// What an S3 store address names: `s3://BUCKET[/PREFIX]?region=REGION[&endpoint=URL][&path-style=true|false]`. An
// address holds no credentials, so it may stand in a shell's history and in a log.

import { isStorageKey } from './object-store.ts';

/** A bucket, or the part of it under a prefix. */
export interface S3Location {
  readonly bucket: string;
  /** Before every key, without a slash at its end; empty: the whole bucket. */
  readonly prefix: string;
  /** Region that requests are signed for: `auto` for R2, whatever was configured for Ceph (often `default`). */
  readonly region: string;
  /** `https://host[:port]`; absent: Amazon's for the region. */
  readonly endpoint?: string;
  /** Whether the bucket stands in the path instead of the host name. */
  readonly pathStyle: boolean;
}

/** `fault` completes the sentence "the store address …". */
export type S3AddressResult =
  { readonly ok: true; readonly location: S3Location } | { readonly ok: false; readonly fault: string };

/** Longest prefix, characters: with the longest key and the slash it stays under S3's 1,024 bytes. */
export const MAX_PREFIX_LENGTH = 500;

/** DNS labels joined by dots. What is not one could name a host or a path of its own, or an ARN. */
const BUCKET = /^[a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9])){1,61}[a-z0-9]$/;

const REGION = /^[a-z0-9-]{1,64}$/;

const PARAMETERS = ['endpoint', 'region', 'path-style'] as const;

/** Reads an address that starts with `s3:`. The fault never repeats the address: it may hold what was put in by mistake. */
export function parseS3Address(address: string): S3AddressResult {
  const [, bucket = '', prefix = '', query = ''] =
    /^s3:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(address) ?? [];
  if (bucket === '') return fault('is not s3://BUCKET[/PREFIX]?region=REGION[&endpoint=URL]');
  if (!BUCKET.test(bucket)) return fault('names no bucket: 3 to 63 of a–z, 0–9, "-" and "."');
  // Amazon's directory buckets list in no order, which the store's contract needs.
  if (bucket.endsWith('--x-s3')) return fault('names a directory bucket: use a general purpose one');
  if (prefix !== '' && (!isStorageKey(prefix) || prefix.length > MAX_PREFIX_LENGTH)) {
    return fault('has a prefix that is no key: letters, digits, ".", "_", "-", and "/" in between');
  }

  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const known = PARAMETERS.find((parameter) => parameter === name);
    if (known === undefined) return fault(`has an unknown parameter; there are ${PARAMETERS.join(', ')}`);
    if (parameters.has(known)) return fault(`names ${known} twice`);
    parameters.set(known, value);
  }
  const region = parameters.get('region');
  if (region === undefined) return fault('needs region=…: "auto" for R2, your own name for Ceph and others');
  if (!REGION.test(region)) return fault('has a region that is none: a–z, 0–9 and "-"');

  const endpointText = parameters.get('endpoint');
  const endpoint = endpointText === undefined ? undefined : endpointOf(endpointText);
  if (endpointText !== undefined && endpoint === undefined) {
    return fault('has an endpoint that is no http(s)://HOST[:PORT], without user, path or query');
  }
  const style = parameters.get('path-style') ?? `${endpoint !== undefined}`;
  if (style !== 'true' && style !== 'false') return fault('has path-style that is not true or false');
  const where = endpoint === undefined ? {} : { endpoint };
  return { ok: true, location: { bucket, prefix, region, ...where, pathStyle: style === 'true' } };
}

function endpointOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  if (url.username !== '' || url.password !== '' || url.pathname !== '/') return undefined;
  return url.search === '' && url.hash === '' && !/[?#]$/.test(text) ? url.origin : undefined;
}

const fault = (text: string): S3AddressResult => ({ ok: false, fault: text });
