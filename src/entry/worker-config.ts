// Reads the deployed gateway's environment. Every fault is listed at once, and a gateway with a fault does not start.

import { WasmpayError } from '../core/error.ts';

/** Fewest characters of the seed key: 32 hexadecimal digits are 128 bits. */
const MIN_SEED_KEY_LENGTH = 32;

export interface WorkerConfig {
  /** The deployment that releases must be signed for. */
  readonly audience: string;
  /** JSON Web Key Set of public keys whose releases run. */
  readonly trustedKeys: string;
  /** SHA-256 of each API key, hexadecimal; `open` on a machine of one's own. */
  readonly callers: readonly string[] | 'open';
  /** Secret that guests' randomness is derived with. */
  readonly seedKey: string;
  /** Domains under which banks are subdomains. */
  readonly baseDomains: readonly string[];
}

/** Reads the variables that wrangler.toml lists. Throws `config_invalid` with every fault, and no secret. */
export function parseWorkerConfig(env: Readonly<Record<string, unknown>>): WorkerConfig {
  const faults: string[] = [];
  const text = (name: string): string => {
    const value = env[name];
    return typeof value === 'string' ? value.trim() : '';
  };
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

  const keyHashes = list('WASMPAY_API_KEY_HASHES').map((hash) => hash.toLowerCase());
  const open = text('WASMPAY_OPEN') === 'loopback';
  if (open && (keyHashes.length > 0 || baseDomains.some((domain) => domain !== 'localhost'))) {
    faults.push(
      'WASMPAY_OPEN is for a machine of your own: it goes with base domain localhost and without API keys',
    );
  }
  if (!open && keyHashes.length === 0) {
    faults.push('WASMPAY_API_KEY_HASHES is missing: the SHA-256 of each API key, in hexadecimal');
  }
  if (!keyHashes.every((hash) => /^[0-9a-f]{64}$/.test(hash))) {
    faults.push('WASMPAY_API_KEY_HASHES holds something else than SHA-256 digests of 64 hexadecimal digits');
  }

  for (const binding of ['BUCKET', 'LOADER']) {
    if (typeof env[binding] !== 'object' || env[binding] === null)
      faults.push(`the binding ${binding} is missing`);
  }
  if (faults.length > 0)
    throw new WasmpayError('config_invalid', `this gateway cannot start:\n- ${faults.join('\n- ')}`);
  return { audience, trustedKeys, callers: open ? 'open' : keyHashes, seedKey, baseDomains };
}
