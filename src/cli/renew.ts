// `wasmpay renew BANK` and `wasmpay renew --all`: releases, and with --all processors' records, once more with a later
// end, for a schedule.

import { renewRecord, type RecordRenewal } from '../publisher/processors/renew-record.ts';
import { renewRelease, type Renewal, type RenewOptions } from '../publisher/releases/renew.ts';
import { describeRenewal, processorToJson, recordOf } from './describe-processor.ts';
import { formatTime } from './describe-release.ts';
import { chooseBanks, runForBanks } from './every-bank.ts';
import { parseOptions } from './options.ts';
import { DESK_OPTIONS, openDesk, parseBank } from './target.ts';
import { parseDays } from './terms.ts';

const USAGE = `wasmpay renew BANK|--all [--within-days N] [--valid-days N] [--expired] [TARGET] [--json]
  Signs current releases anew, and with --all processors' records, so that they do not end; banks that are switched off
  stay so. --within-days N takes only
  those that end within N days. Without --valid-days each is valid for as long as it was. One that has ended, or that a
  newer signed release stands against, is refused: someone may have put it back. --expired takes those that have ended.
  Goes on after a bank that fails; exits with 1 where one was refused, with 3 where one failed.`;

/** The command for main.ts. */
export const renewCommand = { usage: USAGE, run: runRenew };

async function runRenew(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['[BANK]'], {
    ...DESK_OPTIONS,
    all: { type: 'boolean', default: false },
    'within-days': { type: 'string' },
    'valid-days': { type: 'string' },
    expired: { type: 'boolean', default: false },
  });
  const text = parsed.options as Record<string, string | undefined>;
  const bank = chooseBanks(parsed.arguments[0], parsed.options['all'] === true);
  const slug = bank === undefined ? undefined : parseBank(bank);
  const withinDays = parseDays(text['within-days'], '--within-days');
  const validityDays = parseDays(text['valid-days']);
  const options: RenewOptions = {
    ...(withinDays !== undefined && { withinDays }),
    ...(validityDays !== undefined && { validityDays }),
    expired: parsed.options['expired'] === true,
  };
  const desk = await openDesk(parsed.options);
  return runForBanks<Renewal, RecordRenewal>({
    store: desk.store,
    asJson: parsed.options['json'] === true,
    slug,
    act: (one) => renewRelease(desk, one, options),
    describe: (renewal) => {
      const { number, notAfterS } = releaseOf(renewal);
      const what = renewal.kind === 'renewed' ? 'renewed as release' : 'not due: release';
      return `${what} ${number}, valid until ${formatTime(notAfterS)}`;
    },
    toJson: (renewal) => ({ renewed: renewal.kind === 'renewed', release: releaseOf(renewal) }),
    processors: {
      act: (one) => renewRecord(desk, one, options),
      describe: describeRenewal,
      toJson: (renewal) => ({
        renewed: renewal.kind === 'renewed',
        record: processorToJson(recordOf(renewal)),
      }),
    },
  });
}

function releaseOf(renewal: Renewal) {
  return renewal.kind === 'renewed' ? renewal.released.release : renewal.release;
}
