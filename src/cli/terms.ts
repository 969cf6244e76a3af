// The options that say what a release promises: limits, fallback, validity. `publish` and `activate` take the same ones.

import type { Fallback } from '../artifact/release.ts';
import { WasmpayError } from '../core/error.ts';
import { faultOfLimit, GUEST_LIMIT_NAMES, type GuestLimits } from '../core/guest-limits.ts';

/** Options for `parseOptions`. */
export const TERM_OPTIONS = {
  fallback: { type: 'string', default: 'deny' },
  outage: { type: 'string' },
  'valid-days': { type: 'string' },
  limit: { type: 'string', multiple: true },
  strict: { type: 'boolean', default: false },
  policy: { type: 'string' },
  'accept-imports': { type: 'boolean', default: false },
  'least-number': { type: 'string' },
} as const;

/** What `publish` and `activate` hand to the publisher of {@link TERM_OPTIONS}. Throws `usage`. */
export function parseTerms(options: Record<string, string | boolean | undefined>) {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const validityDays = parseDays(text('valid-days'));
  const leastNumber = parseCount(text('least-number'), '--least-number');
  const limits = parseLimits((options['limit'] ?? []) as unknown as readonly string[]);
  return {
    fallback: parseFallback(text('fallback') ?? 'deny', '--fallback'),
    ...parseOutage(text('outage')),
    ...(validityDays !== undefined && { validityDays }),
    ...(leastNumber !== undefined && { leastNumber }),
    limits,
    strict: options['strict'] === true,
    acceptImports: options['accept-imports'] === true,
  };
}

/** `deny` or `refuse`. Throws `usage`. */
export function parseFallback(text: string, option: string): Fallback {
  if (text === 'deny' || text === 'refuse') return text;
  throw new WasmpayError('usage', `${option} is deny or refuse: a failure is never an approval`);
}

function parseOutage(text: string | undefined): { outage?: 'approve' } {
  if (text === undefined) return {};
  if (text === 'approve') return { outage: 'approve' };
  throw new WasmpayError(
    'usage',
    '--outage is approve, or left out: then an outage is answered as any failure',
  );
}

/** A validity of 1 to 366 days. Throws `usage`. */
export function parseDays(text: string | undefined, option = '--valid-days'): number | undefined {
  if (text === undefined) return undefined;
  const days = Number(text);
  if (/^\d+$/.test(text) && days >= 1 && days <= 366) return days;
  throw new WasmpayError('usage', `${option} is a whole number from 1 to 366`);
}

/** A whole number from 1. Throws `usage`. */
export function parseCount(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (/^\d{1,15}$/.test(text) && count >= 1) return count;
  throw new WasmpayError('usage', `${option} is a whole number from 1`);
}

/** `--limit NAME=NUMBER`, several times. */
export function parseLimits(texts: readonly string[]): Partial<GuestLimits> {
  const limits: { -readonly [K in keyof GuestLimits]?: number } = {};
  for (const text of texts) {
    const [name, number] = text.split('=', 2);
    const known = GUEST_LIMIT_NAMES.find((candidate) => candidate === name);
    if (known === undefined) {
      throw new WasmpayError('usage', `--limit is NAME=NUMBER; names are ${GUEST_LIMIT_NAMES.join(', ')}`);
    }
    const fault = faultOfLimit(known, number === '' ? undefined : Number(number));
    if (fault !== undefined) throw new WasmpayError('usage', `--limit: ${fault}`);
    limits[known] = Number(number);
  }
  return limits;
}
