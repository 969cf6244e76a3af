// Reads the environment of a gateway on Node. Every fault is listed at once, and a gateway with a fault does not start.

import { isIP } from 'node:net';

import { isTierName } from '../artifact/processor.ts';
import { DEFAULT_RATE_TIERS, STANDARD_TIER, type RateTier } from '../gateway/rate-limit.ts';
import type { Scheme } from '../gateway/signature/signature-base.ts';
import {
  readGatewayConfig,
  refuseFaults,
  textOf,
  type Environment,
  type GatewayConfig,
} from './gateway-config.ts';

export interface NodeConfig extends GatewayConfig {
  /** Address of the store, as `wasmpay --store` takes it. */
  readonly store: string;
  /** The address to listen on. */
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** What each rate tier allows. */
  readonly rateTiers: ReadonlyMap<string, RateTier>;
  /** The scheme that callers use: a proxy ends TLS in front of this gateway. */
  readonly publicScheme: Scheme;
  /** Where answers to requests with an `Idempotency-Key` are kept, if anywhere. */
  readonly keptAnswers?: { readonly file: string; readonly maxBytes: number };
  /** How long a gateway that is told to end goes on accepting, milliseconds: until a balancer has noticed. */
  readonly drainMs: number;
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1']);

/** Longest drain, seconds: orchestrators kill after 30 unless told otherwise. */
const MAX_DRAIN_S = 300;

/** Throws `config_invalid` with every fault, and no secret. */
export function parseNodeConfig(env: Environment): NodeConfig {
  const faults: string[] = [];
  const config = readGatewayConfig(env, faults);
  const store = textOf(env, 'WASMPAY_STORE');
  if (store === '')
    faults.push('WASMPAY_STORE is missing: file:DIRECTORY, or s3://BUCKET?endpoint=…&region=…');
  const host = textOf(env, 'HOST') || '127.0.0.1';
  if (isIP(host) === 0) faults.push('HOST is no IP address; 0.0.0.0 listens on all of IPv4');
  if (config.callers === 'open' && !LOOPBACK.has(host))
    faults.push('WASMPAY_OPEN is for a machine of your own: it goes with HOST 127.0.0.1 or ::1');
  const port = readNumber(env, 'PORT', 8787, 65_535, faults);
  const drainS = readNumber(env, 'WASMPAY_DRAIN_SECONDS', 0, MAX_DRAIN_S, faults);
  const rateTiers = readRateTiers(textOf(env, 'WASMPAY_RATE_TIERS'), faults);
  const publicScheme = textOf(env, 'WASMPAY_PUBLIC_SCHEME') || 'https';
  if (publicScheme !== 'https' && publicScheme !== 'http')
    faults.push('WASMPAY_PUBLIC_SCHEME is https, or http where no proxy ends TLS');
  const keptAnswers = readKeptAnswers(env, faults);
  refuseFaults(faults);
  return {
    ...config,
    store,
    host,
    port,
    rateTiers,
    publicScheme: publicScheme as Scheme,
    drainMs: drainS * 1000,
    ...(keptAnswers !== undefined && { keptAnswers }),
  };
}

/** Size of the file of kept answers where nobody says otherwise, megabytes: 1.3 million answers. */
const DEFAULT_KEPT_MEGABYTES = 1_024;
const MOST_KEPT_MEGABYTES = 1_000_000;

function readKeptAnswers(env: Environment, faults: string[]): NodeConfig['keptAnswers'] {
  const file = textOf(env, 'WASMPAY_IDEMPOTENCY_FILE');
  const name = 'WASMPAY_IDEMPOTENCY_MEGABYTES';
  const megabytes = readNumber(env, name, DEFAULT_KEPT_MEGABYTES, MOST_KEPT_MEGABYTES, faults);
  if (megabytes === 0) faults.push(`${name} is at least 1`);
  return file === '' ? undefined : { file, maxBytes: megabytes * 1024 * 1024 };
}

function readNumber(
  env: Environment,
  name: string,
  byDefault: number,
  most: number,
  faults: string[],
): number {
  const text = textOf(env, name);
  if (text === '') return byDefault;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number <= most) return number;
  faults.push(`${name} is a whole number from 0 to ${most}`);
  return byDefault;
}

/** Reads NAME=REQUESTS/SECONDS; tiers that are not named stay as they are by default. */
function readRateTiers(text: string, faults: string[]): ReadonlyMap<string, RateTier> {
  const tiers = new Map(DEFAULT_RATE_TIERS);
  for (const entry of text.split(/[\s,]+/).filter((part) => part !== '')) {
    const [, name = '', requests, seconds] = /^([^=]+)=([1-9]\d{0,8})\/([1-9]\d{0,3})$/.exec(entry) ?? [];
    if (isTierName(name)) tiers.set(name, { requests: Number(requests), perS: Number(seconds) });
    else {
      faults.push(
        `WASMPAY_RATE_TIERS is a list of NAME=REQUESTS/SECONDS, such as ${STANDARD_TIER}=1000/10; names are in lower case`,
      );
      break;
    }
  }
  return tiers;
}
