// `wasmpay disable BANK` and `wasmpay enable BANK`: the kill switch.

import { DEFAULT_VALIDITY_DAYS } from '../publisher/release.ts';
import { disableBank, enableBank } from '../publisher/releases/switch.ts';
import { printRefused, printReleased } from './describe-release.ts';
import { parseOptions } from './options.ts';
import { DESK_OPTIONS, openDesk, parseBank } from './target.ts';
import { parseCount, parseDays, parseFallback } from './terms.ts';

/** The commands for main.ts. */
export const disableCommand = {
  usage: `wasmpay disable BANK [--answer deny|refuse] [TARGET] [--valid-days N] [--least-number N] [--json]
  Switches the bank off: gateways run nothing and deny every transaction, or answer 503 with --answer refuse. It stays off
  whatever is published, rolled back or renewed, until "wasmpay enable". A current release that cannot be believed is no
  obstacle: it is replaced, and the output says what was wrong with it. --least-number N is where numbers go on that
  gateways know of, and the bucket no more.`,
  run: (args: readonly string[]) => runSwitch(args, 'disabled'),
};

export const enableCommand = {
  usage: `wasmpay enable BANK [TARGET] [--valid-days N] [--json]
  Switches the bank on again, with what was published last.`,
  run: (args: readonly string[]) => runSwitch(args, 'enabled'),
};

async function runSwitch(args: readonly string[], action: 'disabled' | 'enabled'): Promise<number> {
  const parsed = parseOptions(args, ['BANK'], {
    ...DESK_OPTIONS,
    'valid-days': { type: 'string' },
    ...(action === 'disabled' &&
      ({
        answer: { type: 'string', default: 'deny' },
        'least-number': { type: 'string' },
      } as const)),
  });
  const options = parsed.options as Record<string, string | undefined>;
  const asJson = parsed.options['json'] === true;
  const slug = parseBank(String(parsed.arguments[0]));
  const validityDays = parseDays(options['valid-days']) ?? DEFAULT_VALIDITY_DAYS;
  const leastNumber = parseCount(options['least-number'], '--least-number');
  const answer = parseFallback(options['answer'] ?? 'deny', '--answer');
  const desk = await openDesk(parsed.options);
  const made =
    action === 'disabled'
      ? await disableBank(desk, slug, {
          answer,
          validityDays,
          ...(leastNumber !== undefined && { leastNumber }),
        })
      : await enableBank(desk, slug, { validityDays });
  return made.ok ? printReleased(asJson, action, made.value) : printRefused(asJson, action, made.refusals);
}
