// `wasmpay processors`: who may ask, with which keys, about which banks. A new API key is printed once, when its digest
// is stored; nothing else of this command's output is a secret.

import { randomBytes } from 'node:crypto';

import { isProcessorName } from '../artifact/processor-payload.ts';
import { isTierName } from '../artifact/processor.ts';
import { parseRequestKey, type RequestKey } from '../artifact/request-key.ts';
import { WasmpayError } from '../core/error.ts';
import { MAX_PROCESSOR_BANKS, MAX_PROCESSOR_NAME_LENGTH } from '../core/limits.ts';
import {
  addProcessor,
  changeTerms,
  revokeKeys,
  rotateKeys,
  type NewKeys,
  type Terms,
} from '../publisher/processors/change-keys.ts';
import { renewRecord } from '../publisher/processors/renew-record.ts';
import { printRecorded, recordOf } from './describe-processor.ts';
import { printRefused } from './describe-release.ts';
import { parseOptions, readTextFile } from './options.ts';
import { parseProcessor, runList, runShow } from './show-processors.ts';
import { DESK_OPTIONS, openDesk, parseBank } from './target.ts';
import { parseCount, parseDays } from './terms.ts';

const USAGE = `wasmpay processors add PROCESSOR --banks all|BANK,… [--name TEXT] [--tier NAME] [--public-key FILE]…
    [--no-api-key] [--key-days N] [--valid-days N] [--least-number N] [TARGET] [--json]
  Registers a payment processor and prints its API key, once. --public-key FILE (Ed25519, JSON Web Key or PEM) lets it
  sign its requests instead or as well. Records end as releases do: "wasmpay renew --all" on a schedule renews them.

wasmpay processors rotate PROCESSOR [--public-key FILE]… [--key-days N] [--keep-hours N] [TARGET] [--json]
  Adds an API key and prints it, once; or, with --public-key, adds that. Older keys go on until they are revoked, or for
  N hours.

wasmpay processors revoke PROCESSOR KEY-ID|--all [TARGET] [--json]
  Takes a key away, or all of them, which shuts the processor out. Gateways refuse it within 30 seconds.

wasmpay processors set PROCESSOR [--banks all|BANK,…] [--name TEXT] [--tier NAME] [--valid-days N] [TARGET] [--json]
  Changes what it may ask, and how often.

wasmpay processors renew PROCESSOR [--expired] [--valid-days N] [TARGET] [--json]
  Signs its record anew, the one with the highest number: for a person, where "wasmpay renew --all" refuses.

wasmpay processors list [TARGET] [--json]
wasmpay processors show PROCESSOR [TARGET] [--json]
  For reading, TARGET needs no signing key: --trusted-keys FILE will do.`;

/** The command for main.ts. */
export const processorsCommand = { usage: USAGE, run: runProcessors };

type Action = (args: readonly string[]) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = {
  add: runAdd,
  rotate: runRotate,
  revoke: runRevoke,
  set: runSet,
  renew: runRenew,
  list: runList,
  show: runShow,
};

async function runProcessors([action, ...args]: readonly string[]): Promise<number> {
  const run = action !== undefined && Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (run !== undefined) return run(args);
  const given = action === undefined ? 'nothing' : JSON.stringify(action);
  throw new WasmpayError('usage', `it takes ${Object.keys(ACTIONS).join(', ')}; ${given} is given`);
}

const TERM_OPTIONS = {
  banks: { type: 'string' },
  name: { type: 'string' },
  tier: { type: 'string' },
  'valid-days': { type: 'string' },
} as const;

const KEY_OPTIONS = {
  'public-key': { type: 'string', multiple: true },
  'key-days': { type: 'string' },
} as const;

type Options = Record<string, string | boolean | undefined>;

async function runAdd(args: readonly string[]): Promise<number> {
  const { processor, options, asJson } = parse(args, ['PROCESSOR'], {
    ...TERM_OPTIONS,
    ...KEY_OPTIONS,
    'no-api-key': { type: 'boolean', default: false },
    'least-number': { type: 'string' },
  });
  const terms = parseTerms(options);
  if (terms.banks === undefined)
    throw new WasmpayError('usage', '--banks says which banks it may ask about: all, or a list of their ids');
  const keys = await readNewKeys(options, options['no-api-key'] !== true);
  if (!keys.apiKey && keys.publicKeys.length === 0)
    throw new WasmpayError(
      'usage',
      '--no-api-key goes with --public-key FILE: without any key nobody gets in',
    );
  const leastNumber = parseCount(textOf(options, 'least-number'), '--least-number');
  const added = await addProcessor(await openDesk(options), processor, {
    name: processor,
    tier: 'standard',
    ...terms,
    banks: terms.banks,
    ...keys,
    ...(leastNumber !== undefined && { leastNumber }),
  });
  return added.ok
    ? printRecorded(asJson, 'added', added.value)
    : printRefused(asJson, 'added', added.refusals);
}

async function runRotate(args: readonly string[]): Promise<number> {
  const { processor, options, asJson } = parse(args, ['PROCESSOR'], {
    ...KEY_OPTIONS,
    'keep-hours': { type: 'string' },
  });
  const keepHours = parseCount(textOf(options, 'keep-hours'), '--keep-hours');
  const keys = await readNewKeys(options, options['public-key'] === undefined);
  const rotated = await rotateKeys(await openDesk(options), processor, {
    ...keys,
    ...(keepHours !== undefined && { keepHours }),
  });
  return rotated.ok
    ? printRecorded(asJson, 'rotated', rotated.value)
    : printRefused(asJson, 'rotated', rotated.refusals);
}

async function runRevoke(args: readonly string[]): Promise<number> {
  const { processor, rest, options, asJson } = parse(args, ['PROCESSOR', '[KEY-ID]'], {
    all: { type: 'boolean', default: false },
  });
  const [keyId] = rest;
  if ((keyId === undefined) !== (options['all'] === true))
    throw new WasmpayError('usage', 'name a KEY-ID, or give --all, and not both');
  const revoked = await revokeKeys(await openDesk(options), processor, keyId);
  return revoked.ok
    ? printRecorded(asJson, 'revoked', revoked.value)
    : printRefused(asJson, 'revoked', revoked.refusals);
}

async function runSet(args: readonly string[]): Promise<number> {
  const { processor, options, asJson } = parse(args, ['PROCESSOR'], TERM_OPTIONS);
  const terms = parseTerms(options);
  if (Object.keys(terms).length === 0)
    throw new WasmpayError('usage', 'say what changes: --banks, --name, --tier or --valid-days');
  const set = await changeTerms(await openDesk(options), processor, terms);
  return set.ok ? printRecorded(asJson, 'set', set.value) : printRefused(asJson, 'set', set.refusals);
}

async function runRenew(args: readonly string[]): Promise<number> {
  const { processor, options, asJson } = parse(args, ['PROCESSOR'], {
    'valid-days': { type: 'string' },
    expired: { type: 'boolean', default: false },
  });
  const validityDays = parseDays(textOf(options, 'valid-days'));
  const renewed = await renewRecord(await openDesk(options), processor, {
    ...(validityDays !== undefined && { validityDays }),
    expired: options['expired'] === true,
    attended: true,
  });
  if (!renewed.ok) return printRefused(asJson, 'renewed', renewed.refusals);
  const recorded =
    renewed.value.kind === 'renewed' ? renewed.value.recorded : { record: recordOf(renewed.value) };
  return printRecorded(asJson, 'renewed', recorded);
}

function parse(
  args: readonly string[],
  positionals: readonly string[],
  more: Parameters<typeof parseOptions>[2],
): { processor: string; rest: string[]; options: Options; asJson: boolean } {
  const parsed = parseOptions(args, positionals, { ...DESK_OPTIONS, ...more });
  const [processor, ...rest] = parsed.arguments;
  return {
    processor: parseProcessor(String(processor)),
    rest,
    options: parsed.options,
    asJson: parsed.options['json'] === true,
  };
}

function parseTerms(options: Options): Terms {
  const name = textOf(options, 'name');
  const tier = textOf(options, 'tier');
  const banks = parseBanks(textOf(options, 'banks'));
  const validityDays = parseDays(textOf(options, 'valid-days'));
  if (name !== undefined && !isProcessorName(name))
    throw new WasmpayError(
      'usage',
      `--name is visible text of at most ${MAX_PROCESSOR_NAME_LENGTH} characters`,
    );
  if (tier !== undefined && !isTierName(tier))
    throw new WasmpayError('usage', '--tier is the name of a rate tier, such as standard');
  return {
    ...(name !== undefined && { name }),
    ...(tier !== undefined && { tier }),
    ...(banks !== undefined && { banks }),
    ...(validityDays !== undefined && { validityDays }),
  };
}

function parseBanks(text: string | undefined): 'all' | string[] | undefined {
  if (text === undefined || text === 'all') return text;
  const banks = [...new Set(text.split(',').map((bank) => parseBank(bank.trim())))];
  if (banks.length <= MAX_PROCESSOR_BANKS) return banks;
  throw new WasmpayError('usage', `--banks names at most ${MAX_PROCESSOR_BANKS} banks; more are "all"`);
}

async function readNewKeys(options: Options, apiKey: boolean): Promise<NewKeys> {
  const files = (options['public-key'] ?? []) as unknown as readonly string[];
  const keyDays = parseDays(textOf(options, 'key-days'), '--key-days');
  if (keyDays !== undefined && !apiKey)
    throw new WasmpayError('usage', '--key-days is for a new API key, and none is made');
  const publicKeys: RequestKey[] = [];
  for (const file of files) publicKeys.push(await parseRequestKey(await readTextFile(file, '--public-key')));
  return { apiKey, publicKeys, random: randomBytes, ...(keyDays !== undefined && { keyDays }) };
}

function textOf(options: Options, name: string): string | undefined {
  return options[name] as string | undefined;
}
