// The part of a gateway's environment that every runtime shares. Every fault is collected, so that whoever deploys sees
// all of them at once; no fault repeats a value, which may be a secret.

import { isSlug } from '../core/bank.ts';
import { STAGE_NAMES } from '../core/decision.ts';
import { WasmpayError } from '../core/error.ts';
import { DEFAULT_SIGNATURE_WINDOW_S } from '../gateway/authenticate.ts';
import type { Chain } from '../gateway/chain.ts';
import { DEFAULT_DEADLINES, LEAST_DEADLINE_MS, type DeadlineRules } from '../gateway/deadline.ts';
import { DEFAULT_FRESHNESS, type Freshness } from '../gateway/freshness.ts';
import type { Rations } from '../gateway/governor.ts';

/** Fewest characters of the seed key: 32 hexadecimal digits are 128 bits. */
const MIN_SEED_KEY_LENGTH = 32;

export interface GatewayConfig {
  /** The deployment that releases must be signed for. */
  readonly audience: string;
  /** JSON Web Key Set of public keys whose releases run. */
  readonly trustedKeys: string;
  /** Processors with a record in the store; `open`: anybody, on a machine of one's own. */
  readonly callers: 'processors' | 'open';
  /** The smallest number of a processor's record that is believed, by processor. */
  readonly minimumProcessors: ReadonlyMap<string, number>;
  /** How far a signature's time may be from the gateway's, seconds. */
  readonly signatureWindowS: number;
  /** Secret that guests' randomness is derived with. */
  readonly seedKey: string;
  /** Domains under which banks are subdomains. */
  readonly baseDomains: readonly string[];
  /** The smallest release number that is believed, by bank: ends the replay of older ones at once. */
  readonly minimumReleases: ReadonlyMap<string, number>;
  /** What differs from {@link DEFAULT_FRESHNESS}. */
  readonly freshness: Partial<Freshness>;
  /** What differs from `DEFAULT_RATIONS`. */
  readonly rations: Partial<Rations>;
  /** Within which time callers are answered. */
  readonly deadlines: DeadlineRules;
  /** Whose banks are asked; absent: the destination's alone. */
  readonly chain?: Chain;
}

/** An environment: the process's, or a worker's with its bindings. */
export type Environment = Readonly<Record<string, unknown>>;

/** The trimmed text of a variable; empty where it is missing or no text. */
export function textOf(env: Environment, name: string): string {
  const value = env[name];
  return typeof value === 'string' ? value.trim() : '';
}

/** Reads what every gateway needs, and adds what is wrong with it to `faults`. */
export function readGatewayConfig(env: Environment, faults: string[]): GatewayConfig {
  const text = (name: string): string => textOf(env, name);
  const list = (name: string): string[] =>
    text(name)
      .split(/[\s,]+/)
      .filter((part) => part !== '');

  const audience = text('WASMPAY_AUDIENCE');
  if (audience === '')
    faults.push(
      'WASMPAY_AUDIENCE is missing: the name of this deployment, as `wasmpay publish --audience` has it',
    );

  const trustedKeys = text('WASMPAY_TRUSTED_KEYS');
  if (trustedKeys === '')
    faults.push('WASMPAY_TRUSTED_KEYS is missing: a JSON Web Key Set with the public keys of your publisher');

  const seedKey = text('WASMPAY_SEED_KEY');
  if (seedKey.length < MIN_SEED_KEY_LENGTH) {
    faults.push(
      `WASMPAY_SEED_KEY is missing or has fewer than ${MIN_SEED_KEY_LENGTH} characters: a random secret`,
    );
  }

  const baseDomains = list('WASMPAY_BASE_DOMAINS').map((domain) => domain.toLowerCase());
  if (baseDomains.length === 0)
    faults.push('WASMPAY_BASE_DOMAINS is missing: the domains under which banks are subdomains');

  const open = text('WASMPAY_OPEN') === 'loopback';
  if (open && baseDomains.some((domain) => domain !== 'localhost')) {
    faults.push('WASMPAY_OPEN is for a machine of your own: it goes with base domain localhost');
  }

  const readMinima = (name: string): Map<string, number> => readMinimumNumbers(name, list(name), faults);
  const minimumReleases = readMinima('WASMPAY_MINIMUM_RELEASES');
  const minimumProcessors = readMinima('WASMPAY_MINIMUM_PROCESSORS');
  const signatureWindowS = readSignatureWindow(text('WASMPAY_SIGNATURE_WINDOW_SECONDS'), faults);
  const freshness = readFreshness(list('WASMPAY_FRESHNESS'), faults);
  const rations = readNumbers('WASMPAY_RATIONS', list('WASMPAY_RATIONS'), RATION_RANGES, faults);
  const deadlines = readDeadlines(text('WASMPAY_DEADLINE_MS'), text('WASMPAY_LONGEST_DEADLINE_MS'), faults);
  const chain = readChain(list('WASMPAY_CHAIN'), text('WASMPAY_PLATFORM_BANK'), faults);
  const callers = open ? 'open' : 'processors';
  return {
    audience,
    trustedKeys,
    callers,
    minimumProcessors,
    signatureWindowS,
    seedKey,
    baseDomains,
    minimumReleases,
    freshness,
    rations,
    deadlines,
    ...(chain !== undefined && { chain }),
  };
}

/** Throws `config_invalid` with every fault that was collected. */
export function refuseFaults(faults: readonly string[]): void {
  if (faults.length === 0) return;
  throw new WasmpayError('config_invalid', `this gateway cannot start:\n- ${faults.join('\n- ')}`);
}

function readMinimumNumbers(
  variable: string,
  entries: readonly string[],
  faults: string[],
): Map<string, number> {
  const minima = new Map<string, number>();
  for (const entry of entries) {
    const [slug = '', number = ''] = entry.split('=');
    if (isSlug(slug) && /^[1-9]\d{0,14}$/.test(number) && !minima.has(slug)) minima.set(slug, Number(number));
    else {
      faults.push(`${variable} is a list of SLUG=NUMBER, each slug once and with a number from 1`);
      break;
    }
  }
  return minima;
}

/** Longest window, seconds: for as long a request that was overheard can be sent again. */
const MAX_SIGNATURE_WINDOW_S = 300;

function readSignatureWindow(text: string, faults: string[]): number {
  if (text === '') return DEFAULT_SIGNATURE_WINDOW_S;
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= MAX_SIGNATURE_WINDOW_S) return seconds;
  faults.push(`WASMPAY_SIGNATURE_WINDOW_SECONDS is a whole number from 1 to ${MAX_SIGNATURE_WINDOW_S}`);
  return DEFAULT_SIGNATURE_WINDOW_S;
}

function readChain(names: readonly string[], platformBank: string, faults: string[]): Chain | undefined {
  const stages = names.flatMap((name) => STAGE_NAMES.filter((known) => known === name));
  const isKnown = stages.length === names.length && new Set(stages).size === stages.length;
  if (names.length > 0 && (!isKnown || !stages.includes('destination')))
    faults.push(`WASMPAY_CHAIN is a list of ${STAGE_NAMES.join(', ')}, each once and destination among them`);
  const asksPlatform = stages.includes('platform');
  if (platformBank !== '' && !isSlug(platformBank))
    faults.push('WASMPAY_PLATFORM_BANK is the slug of a bank');
  if (asksPlatform !== (platformBank !== ''))
    faults.push('WASMPAY_PLATFORM_BANK goes with platform in WASMPAY_CHAIN');
  // A chain of one is none: its answers are those of a gateway without.
  if (stages.length <= 1) return undefined;
  return { stages, ...(asksPlatform && { platformBank }) };
}

/** Longest deadline that may be configured, milliseconds: a gateway on Node that ends waits for 10 s. */
const MOST_DEADLINE_MS = 8_000;

function readDeadlines(defaultText: string, longestText: string, faults: string[]): DeadlineRules {
  const read = (name: string, text: string): number | undefined => {
    if (text === '') return undefined;
    const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
    if (value >= LEAST_DEADLINE_MS && value <= MOST_DEADLINE_MS) return value;
    faults.push(`${name} is a whole number from ${LEAST_DEADLINE_MS} to ${MOST_DEADLINE_MS}`);
    return undefined;
  };
  const chosen = read('WASMPAY_DEADLINE_MS', defaultText);
  const longest = read('WASMPAY_LONGEST_DEADLINE_MS', longestText);
  if (chosen !== undefined && longest !== undefined && chosen > longest)
    faults.push('WASMPAY_DEADLINE_MS is at most WASMPAY_LONGEST_DEADLINE_MS');
  const defaultMs = chosen ?? Math.min(DEFAULT_DEADLINES.defaultMs, longest ?? Infinity);
  return { defaultMs, longestMs: longest ?? Math.max(defaultMs, DEFAULT_DEADLINES.longestMs) };
}

interface Range {
  readonly least: number;
  readonly most: number;
}

/** The windows that an operator may choose, with their ranges. Sources of the upper ends: design, "Caching". */
const FRESHNESS_RANGES: Readonly<Record<keyof Freshness, Range>> = {
  freshMs: { least: 0, most: 30_000 },
  refreshMs: { least: 0, most: 30_000 },
  staleMs: { least: 0, most: 24 * 60 * 60 * 1000 },
  unknownMs: { least: 0, most: 60_000 },
  retryMs: { least: 100, most: 60_000 },
  storeWaitMs: { least: 50, most: 30_000 },
  readLifetimeMs: { least: 1_000, most: 30_000 },
  maxBanks: { least: 1, most: 1_000_000 },
  maxUnknownBanks: { least: 1, most: 1_000_000 },
  artifactBudgetBytes: { least: 1024 * 1024, most: 64 * 1024 * 1024 * 1024 },
};

const FUEL_RANGE: Range = { least: 1, most: 1_000_000_000_000 };
const PAUSE_RANGE: Range = { least: 1, most: 60 * 60 * 1000 };

const RATION_RANGES: Readonly<Record<keyof Rations, Range>> = {
  fuelPerSecond: FUEL_RANGE,
  dearFuel: FUEL_RANGE,
  dearFuelPerSecond: FUEL_RANGE,
  dearBurstFuel: FUEL_RANGE,
  limitsBeforePause: { least: 1, most: 1_000_000 },
  firstPauseMs: PAUSE_RANGE,
  longestPauseMs: PAUSE_RANGE,
  neighbourMs: { least: 0, most: 60_000 },
};

function readFreshness(entries: readonly string[], faults: string[]): Partial<Freshness> {
  const chosen = readNumbers('WASMPAY_FRESHNESS', entries, FRESHNESS_RANGES, faults);
  const { freshMs, refreshMs, staleMs } = { ...DEFAULT_FRESHNESS, ...chosen };
  if (freshMs > refreshMs || refreshMs > staleMs)
    faults.push('WASMPAY_FRESHNESS: freshMs is at most refreshMs, and refreshMs at most staleMs');
  return chosen;
}

/** Reads NAME=NUMBER, each within its range. */
function readNumbers<Name extends string>(
  variable: string,
  entries: readonly string[],
  ranges: Readonly<Record<Name, Range>>,
  faults: string[],
): Partial<Record<Name, number>> {
  const names = Object.keys(ranges) as Name[];
  const chosen: Partial<Record<Name, number>> = {};
  for (const entry of entries) {
    const [text = '', number = ''] = entry.split('=');
    const name = names.find((known) => known === text);
    if (name === undefined) {
      faults.push(`${variable} is a list of NAME=NUMBER; names are ${names.join(', ')}`);
      continue;
    }
    const { least, most } = ranges[name];
    const value = /^\d+$/.test(number) ? Number(number) : Number.NaN;
    if (value >= least && value <= most) chosen[name] = value;
    else faults.push(`${variable}: ${name} is a whole number from ${least} to ${most}`);
  }
  return chosen;
}
