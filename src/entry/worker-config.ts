// Reads the deployed worker's environment. Every fault is listed at once, and a gateway with a fault does not start.

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
  const config = readGatewayConfig(env, faults);
  requireBinding(env, 'LOADER', faults);
  const text = textOf(env, 'WASMPAY_MAX_ISOLATES');
  if (text === '') return config;
  const maxIsolates = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(maxIsolates)) faults.push('WASMPAY_MAX_ISOLATES is a whole number from 1 to 999999');
  return { ...config, maxIsolates };
}

function requireBinding(env: Environment, name: string, faults: string[]): void {
  if (typeof env[name] !== 'object' || env[name] === null) faults.push(`the binding ${name} is missing`);
}
