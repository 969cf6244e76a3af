// Which bank a request names, before its body is read: by subdomain, by path, by both or by neither. It trusts no
// character of a host or path. A name that could only be meant as a bank and is none is an unknown bank; a host that
// is none of ours is answered as if nothing were there.

import { isSlug, slugOf } from '../core/bank.ts';
import { WasmpayError } from '../core/error.ts';

/** What the address of a request says about its bank. `unnamed`: `destination.id` decides. */
export type BankAddress =
  | { readonly kind: 'named'; readonly slug: string }
  | { readonly kind: 'unnamed' }
  | { readonly kind: 'unknown_bank' }
  /** The host is none of the deployment's. */
  | { readonly kind: 'not_found' }
  /** Subdomain and path name different banks: no destination can agree with both. */
  | { readonly kind: 'bank_mismatch' };

export type BankAddressReader = (host: string, pathBank?: string) => BankAddress;

const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

/**
 * A reader for a deployment whose banks are the subdomains, one label deep, of `baseDomains` (`pay.example`,
 * `localhost`). Its second argument is the bank's segment of the path as it was sent, id or slug, not decoded: an id
 * has no character that needs escaping. Throws `config_invalid` on what is no domain.
 */
export function createBankAddressReader(baseDomains: readonly string[]): BankAddressReader {
  const bases = new Set(baseDomains.map(normalizeBase));
  return (host, pathBank) => {
    const byHost = readHost(host, bases);
    if (byHost.kind === 'not_found' || byHost.kind === 'unknown_bank' || pathBank === undefined)
      return byHost;
    const slug = slugOf(pathBank);
    if (slug === undefined) return { kind: 'unknown_bank' };
    if (byHost.kind === 'named' && byHost.slug !== slug) return { kind: 'bank_mismatch' };
    return { kind: 'named', slug };
  };
}

function normalizeBase(domain: string): string {
  const base = domain.toLowerCase().replace(/\.$/, '');
  if (!DOMAIN.test(base)) throw new WasmpayError('config_invalid', `base domain ${JSON.stringify(domain)}`);
  return base;
}

/** Longest `host` header, characters: a domain has at most 253, a port 5. */
const MAX_HOST_LENGTH = 260;
// The address in brackets is not checked further: it names no bank, whatever it is.
const IPV6_HOST = /^\[[0-9a-f:.]+\](?::\d{0,5})?$/i;
const HOST = /^([a-z0-9._-]+?)\.?(?::\d{0,5})?$/i;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

function readHost(host: string, bases: ReadonlySet<string>): BankAddress {
  if (host.length > MAX_HOST_LENGTH) return { kind: 'not_found' };
  if (IPV6_HOST.test(host)) return { kind: 'unnamed' };
  const name = HOST.exec(host)?.[1]?.toLowerCase();
  if (name === undefined) return { kind: 'not_found' };
  if (name === 'localhost' || bases.has(name) || IPV4.test(name)) return { kind: 'unnamed' };
  const dot = name.indexOf('.');
  if (dot === -1) return { kind: 'not_found' };
  const label = name.slice(0, dot);
  if (bases.has(name.slice(dot + 1))) {
    return isSlug(label) ? { kind: 'named', slug: label } : { kind: 'unknown_bank' };
  }
  for (const base of bases) if (name.endsWith(`.${base}`)) return { kind: 'unknown_bank' };
  return { kind: 'not_found' };
}
