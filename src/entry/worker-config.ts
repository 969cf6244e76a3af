// Reads the deployed worker's environment. Every fault is listed at once, and a gateway with a fault does not start.

import { readGatewayConfig, refuseFaults, type Environment, type GatewayConfig } from './gateway-config.ts';

/** Reads the variables that wrangler.toml lists. Throws `config_invalid` with every fault, and no secret. */
export function parseWorkerConfig(
  env: Environment,
  bindings: readonly string[] = ['BUCKET', 'LOADER'],
): GatewayConfig {
  const faults: string[] = [];
  const config = readGatewayConfig(env, faults);
  for (const binding of bindings) {
    if (typeof env[binding] !== 'object' || env[binding] === null)
      faults.push(`the binding ${binding} is missing`);
  }
  refuseFaults(faults);
  return config;
}
