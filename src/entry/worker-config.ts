// Reads the deployed worker's environment. Every fault is listed at once, and a gateway with a fault does not start.

import type { RateLimit } from '@cloudflare/workers-types';

import { isTierName } from '../artifact/processor.ts';
import { STANDARD_TIER } from '../gateway/rate-limit.ts';
import type { KeptAnswerNamespace } from './worker-kept-answer-store.ts';
import {
  readGatewayConfig,
  refuseFaults,
  textOf,
  type Environment,
  type GatewayConfig,
} from './gateway-config.ts';

export interface WorkerConfig extends GatewayConfig {
  /** Most guests' isolates that are kept; as many as come where it is not named. */
  readonly maxIsolates?: number;
  /** Where answers to requests with an `Idempotency-Key` are kept, if anywhere. */
  readonly keptAnswers?: KeptAnswerNamespace;
  /** Bindings that count requests, by tier. */
  readonly rateTiers: ReadonlyMap<string, RateLimit>;
}

/** Reads what wrangler.toml lists. Throws `config_invalid` with every fault, and no secret. */
export function parseWorkerConfig(env: Environment): WorkerConfig {
  const faults: string[] = [];
  const config = readWorkerConfig(env, faults);
  requireBinding(env, 'BUCKET', faults);
  refuseFaults(faults);
  return config;
}

/** Reads what every gateway in workerd needs, and adds what is wrong with it to `faults`. */
export function readWorkerConfig(env: Environment, faults: string[]): WorkerConfig {
  const rateTiers = readRateTiers(env);
  const keptAnswers = readKeptAnswers(env, faults);
  const config = {
    ...readGatewayConfig(env, faults),
    rateTiers,
    ...(keptAnswers !== undefined && { keptAnswers }),
  };
  requireBinding(env, 'LOADER', faults);
  if (config.callers !== 'open' && !rateTiers.has(STANDARD_TIER))
    faults.push(`the binding ${bindingOf(STANDARD_TIER)} is missing: a rate limit, [[ratelimits]]`);
  const text = textOf(env, 'WASMPAY_MAX_ISOLATES');
  if (text === '') return config;
  const maxIsolates = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(maxIsolates)) faults.push('WASMPAY_MAX_ISOLATES is a whole number from 1 to 999999');
  return { ...config, maxIsolates };
}

const BINDING_PREFIX = 'RATE_TIER_';

/** The name of a tier's binding: `RATE_TIER_STANDARD`. */
function bindingOf(tier: string): string {
  return BINDING_PREFIX + tier.toUpperCase().replaceAll('-', '_');
}

function readRateTiers(env: Environment): ReadonlyMap<string, RateLimit> {
  const tiers = new Map<string, RateLimit>();
  for (const [name, binding] of Object.entries(env)) {
    const tier = name.slice(BINDING_PREFIX.length).toLowerCase().replaceAll('_', '-');
    if (isTierName(tier) && name === bindingOf(tier) && isRateLimit(binding)) tiers.set(tier, binding);
  }
  return tiers;
}

function isRateLimit(binding: unknown): binding is RateLimit {
  return typeof (binding as { limit?: unknown } | null | undefined)?.limit === 'function';
}

function readKeptAnswers(env: Environment, faults: string[]): KeptAnswerNamespace | undefined {
  const binding = env['KEPT_ANSWERS'];
  if (binding === undefined) return undefined;
  if (isNamespace(binding)) return binding;
  faults.push('the binding KEPT_ANSWERS is no Durable Object namespace');
  return undefined;
}

function isNamespace(binding: unknown): binding is KeptAnswerNamespace {
  return typeof (binding as { idFromName?: unknown } | null)?.idFromName === 'function';
}

function requireBinding(env: Environment, name: string, faults: string[]): void {
  if (typeof env[name] !== 'object' || env[name] === null) faults.push(`the binding ${name} is missing`);
}
