// `wasmpay rollback BANK`: a new release of what an older one ran.

import { DEFAULT_VALIDITY_DAYS } from '../publisher/release.ts';
import { rollbackRelease } from '../publisher/releases/rollback.ts';
import { describeRollback, printRefused, printReleased } from './describe-release.ts';
import { parseOptions } from './options.ts';
import { DESK_OPTIONS, openDesk, parseBank } from './target.ts';
import { parseCount, parseDays } from './terms.ts';

const USAGE = `wasmpay rollback BANK [--to N] [TARGET] [--valid-days N] [--json]
  Makes a new release of what release N ran: artifact, limits, grants and fallback. Without --to that is the last release
  that ran something else than the current one, and was switched on: a second rollback undoes the first.`;

/** The command for main.ts. */
export const rollbackCommand = { usage: USAGE, run: runRollback };

async function runRollback(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['BANK'], {
    ...DESK_OPTIONS,
    to: { type: 'string' },
    'valid-days': { type: 'string' },
  });
  const options = parsed.options as Record<string, string | undefined>;
  const asJson = parsed.options['json'] === true;
  const slug = parseBank(String(parsed.arguments[0]));
  const to = parseCount(options['to'], '--to');
  const validityDays = parseDays(options['valid-days']) ?? DEFAULT_VALIDITY_DAYS;
  const desk = await openDesk(parsed.options);
  const made = await rollbackRelease(desk, slug, { ...(to !== undefined && { to }), validityDays });
  return made.ok
    ? printReleased(asJson, 'rolledBack', made.value, describeRollback(made.value))
    : printRefused(asJson, 'rolledBack', made.refusals);
}
