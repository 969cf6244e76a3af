// `wasmpay publish BANK FILE`: a component becomes the bank's next release.

import { parseSigningKey, type SigningKey } from '../artifact/release-keys.ts';
import { WasmpayError } from '../core/error.ts';
import { faultOfLimit, GUEST_LIMIT_NAMES, type GuestLimits } from '../core/guest-limits.ts';
import { devDirectory, openDevStore } from '../store/dev-store.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { publishComponent, type Publication, type StageReport } from '../publisher/publish.ts';
import { parseOptions, readComponentFile, readPolicy, readTextFile } from './options.ts';
import { openStore } from './store-address.ts';
import { describeRefusals, printJson, printProgress, printResult } from './terminal.ts';

const TRIAL_SCRIPT = new URL('../sandbox/node/trial-child.ts', import.meta.url);

const USAGE = `wasmpay publish BANK FILE [--store ADDRESS] [--key FILE] [--audience NAME] [--fallback deny|refuse]
                          [--valid-days N] [--limit NAME=NUMBER]... [--strict] [--policy FILE] [--json]
  Checks a component, makes an artifact of it and releases it to BANK. Without --store it goes to the gateway that
  "npm start" runs here, with that gateway's key. ADDRESS is file:DIRECTORY; --key names a private JSON Web Key
  (Ed25519), --audience the deployment that may run the release. Limits are fuel, stackBytes, memoryPages and
  tableElements.`;

/** The command for main.ts. */
export const publishCommand = { usage: USAGE, run: runPublish };

async function runPublish(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['BANK', 'FILE'], {
    store: { type: 'string' },
    key: { type: 'string' },
    audience: { type: 'string' },
    fallback: { type: 'string', default: 'deny' },
    'valid-days': { type: 'string' },
    strict: { type: 'boolean', default: false },
    policy: { type: 'string' },
    limit: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
  });
  const [bankId, file] = parsed.arguments.map(String);
  const options = parsed.options as Record<string, string | undefined>;
  const asJson = parsed.options['json'] === true;
  const { store, signingKey, audience } = await openTarget(options);
  const component = await readComponentFile(String(file));
  const limitTexts = (parsed.options['limit'] ?? []) as unknown as readonly string[];
  const validityDays = parseDays(options['valid-days']);
  const published = await publishComponent({
    bankId: String(bankId),
    component,
    store,
    signingKey,
    audience,
    policy: await readPolicy(options['policy']),
    strict: parsed.options['strict'] === true,
    fallback: parseFallback(options['fallback']),
    ...(validityDays !== undefined && { validityDays }),
    limits: parseLimits(limitTexts),
    trialScript: TRIAL_SCRIPT,
    clock: () => Date.now(),
    stopwatch: () => performance.now(),
    ...(!asJson && { onStage: printStage }),
  });
  if (!published.ok) {
    if (asJson) printJson({ published: false, refusals: published.refusals });
    else printProgress(describeRefusals(published.refusals));
    return 1;
  }
  if (asJson) printJson(toJson(published.value));
  else printResult(toText(published.value));
  return 0;
}

async function openTarget(
  options: Record<string, string | undefined>,
): Promise<{ store: ObjectStore; signingKey: SigningKey; audience: string }> {
  if (options['store'] === undefined) {
    const dev = await openDevStore(devDirectory(process.env));
    return { store: dev.store, signingKey: await parseSigningKey(dev.signingKey), audience: dev.audience };
  }
  if (options['key'] === undefined || options['audience'] === undefined) {
    throw new WasmpayError('usage', '--store goes with --key FILE and --audience NAME');
  }
  return {
    store: openStore(options['store']),
    signingKey: await parseSigningKey(await readTextFile(options['key'], '--key')),
    audience: options['audience'],
  };
}

function parseFallback(text: string | undefined): 'deny' | 'refuse' {
  if (text === 'deny' || text === 'refuse') return text;
  throw new WasmpayError('usage', '--fallback is deny or refuse: a failure is never an approval');
}

/** `--limit NAME=NUMBER`, several times. */
function parseLimits(texts: readonly string[]): Partial<GuestLimits> {
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

function parseDays(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= 366) return days;
  throw new WasmpayError('usage', '--valid-days is a whole number from 1 to 366');
}

function printStage({ stage, summary, durationMs }: StageReport): void {
  printProgress(`${stage.padEnd(9)} ${`${durationMs.toFixed(0)} ms`.padStart(8)}  ${summary}`);
}

function toJson({ release, previous, changes, stages }: Publication): object {
  return { published: true, release, previous: previous?.number ?? null, changes, stages };
}

function toText({ release, changes }: Publication): string {
  const until = new Date(release.notAfterS * 1000).toISOString();
  return [
    `release    ${release.number} of ${release.bank}, valid until ${until}`,
    `artifact   ${release.artifact}`,
    `component  ${release.component}`,
    ...(changes.length === 0
      ? ['changes    none']
      : changes.map((change, i) => (i === 0 ? 'changes' : '').padEnd(11) + change)),
  ].join('\n');
}
