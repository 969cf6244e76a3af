// `wasmpay rebuild BANK` and `wasmpay rebuild --all`: artifacts anew from their components, for another host ABI.

import { WasmpayError } from '../core/error.ts';
import { DEFAULT_VALIDITY_DAYS } from '../publisher/release.ts';
import { rebuildRelease, type Rebuild } from '../publisher/releases/rebuild.ts';
import { chooseBanks, runForBanks } from './every-bank.ts';
import { parseOptions, readPolicy } from './options.ts';
import { TRIAL_SCRIPT } from './publish.ts';
import { DESK_OPTIONS, openDesk, parseBank } from './target.ts';
import { parseCount, parseDays } from './terms.ts';

const USAGE = `wasmpay rebuild BANK|--all [--release N] [--valid-days N] [--expired] [--strict] [--policy FILE]
                          [TARGET] [--json]
  Makes artifacts again from the components in the store, and releases those that became other bytes: after an update
  of wasmpay that runs another host ABI, or of the policy. With --release N it is the component of that release, which
  the bank goes back to. Goes on after a bank that fails; exits as "wasmpay renew".`;

/** The command for main.ts. */
export const rebuildCommand = { usage: USAGE, run: runRebuild };

async function runRebuild(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['[BANK]'], {
    ...DESK_OPTIONS,
    all: { type: 'boolean', default: false },
    release: { type: 'string' },
    'valid-days': { type: 'string' },
    expired: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
    policy: { type: 'string' },
  });
  const text = parsed.options as Record<string, string | undefined>;
  const bank = chooseBanks(parsed.arguments[0], parsed.options['all'] === true);
  const slug = bank === undefined ? undefined : parseBank(bank);
  const release = parseCount(text['release'], '--release');
  if (release !== undefined && slug === undefined)
    throw new WasmpayError('usage', '--release N goes with one BANK');
  const validityDays = parseDays(text['valid-days']) ?? DEFAULT_VALIDITY_DAYS;
  const policy = await readPolicy(text['policy']);
  const desk = await openDesk(parsed.options);
  return runForBanks<Rebuild>({
    store: desk.store,
    asJson: parsed.options['json'] === true,
    slug,
    act: (one) =>
      rebuildRelease(desk, one, {
        ...(release !== undefined && { release }),
        validityDays,
        expired: parsed.options['expired'] === true,
        policy,
        strict: parsed.options['strict'] === true,
        trialScript: TRIAL_SCRIPT,
        stopwatch: () => performance.now(),
      }),
    describe: describeRebuild,
    toJson: (rebuild) =>
      rebuild.kind === 'rebuilt'
        ? { rebuilt: true, release: rebuild.released.release }
        : { rebuilt: false, restored: rebuild.restored, release: rebuild.release },
  });
}

function describeRebuild(rebuild: Rebuild): string {
  if (rebuild.kind === 'rebuilt') {
    const { number, artifact } = rebuild.released.release;
    return `rebuilt as release ${number}, ${artifact}`;
  }
  const { number } = rebuild.release;
  return rebuild.restored
    ? `release ${number}: its artifact was gone, and is back`
    : `release ${number}: unchanged`;
}
