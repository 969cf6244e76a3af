// `wasmpay no-validator BANK`: the signed release that says that a bank has no validator.

import { DEFAULT_VALIDITY_DAYS } from '../publisher/release.ts';
import { releaseNoValidator } from '../publisher/releases/no-validator.ts';
import { printRefused, printReleased } from './describe-release.ts';
import { parseOptions } from './options.ts';
import { DESK_OPTIONS, openDesk } from './target.ts';
import { parseCount, parseDays } from './terms.ts';

const USAGE = `wasmpay no-validator BANK [TARGET] [--valid-days N] [--least-number N] [--json]
  Releases that BANK has no validator. In a gateway's chain it then lets pass what another stage approves; where no stage
  has a validator, and on gateways without a chain, every transaction is denied (no_validator). Publishing or rolling
  back ends it.`;

/** The command for main.ts. */
export const noValidatorCommand = { usage: USAGE, run: runNoValidator };

async function runNoValidator(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['BANK'], {
    ...DESK_OPTIONS,
    'valid-days': { type: 'string' },
    'least-number': { type: 'string' },
  });
  const options = parsed.options as Record<string, string | undefined>;
  const asJson = parsed.options['json'] === true;
  const validityDays = parseDays(options['valid-days']) ?? DEFAULT_VALIDITY_DAYS;
  const leastNumber = parseCount(options['least-number'], '--least-number');
  const made = await releaseNoValidator(await openDesk(parsed.options), String(parsed.arguments[0]), {
    validityDays,
    ...(leastNumber !== undefined && { leastNumber }),
  });
  return made.ok
    ? printReleased(asJson, 'released', made.value)
    : printRefused(asJson, 'released', made.refusals);
}
