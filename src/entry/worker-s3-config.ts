// Reads the environment of the gateway over an S3 store: what every gateway reads, and the store's address and key.
// Every fault is listed at once, and no secret is shown.

import { parseS3Address, type S3Location } from '../store/s3-address.ts';
import type { S3Credentials } from '../store/s3-requests.ts';
import { refuseFaults, textOf, type Environment } from './gateway-config.ts';
import { readWorkerConfig, type WorkerConfig } from './worker-config.ts';

export interface S3WorkerConfig extends WorkerConfig {
  readonly location: S3Location;
  readonly credentials: S3Credentials;
}

/** Reads the variables that deploy/wrangler.s3.toml lists. Throws `config_invalid` with every fault, and no secret. */
export function parseS3WorkerConfig(env: Environment): S3WorkerConfig {
  const faults: string[] = [];
  const config = readWorkerConfig(env, faults);
  const location = readLocation(textOf(env, 'WASMPAY_STORE'), faults);
  const accessKeyId = readKey(env, 'AWS_ACCESS_KEY_ID', faults);
  const secretAccessKey = readKey(env, 'AWS_SECRET_ACCESS_KEY', faults);
  // Only keys that end by themselves have one.
  const sessionToken =
    textOf(env, 'AWS_SESSION_TOKEN') === '' ? undefined : readKey(env, 'AWS_SESSION_TOKEN', faults);
  refuseFaults(faults);
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  return { ...config, location, credentials };
}

/** A place that is nowhere is never returned to the caller: a fault ends the start. */
const NOWHERE: S3Location = { bucket: '', prefix: '', region: '', pathStyle: true };

function readLocation(address: string, faults: string[]): S3Location {
  const parsed = parseS3Address(address);
  if (parsed.ok) return parsed.location;
  faults.push(
    address === ''
      ? 'WASMPAY_STORE is missing: s3://BUCKET[/PREFIX]?region=REGION[&endpoint=URL]'
      : `WASMPAY_STORE ${parsed.fault}`,
  );
  return NOWHERE;
}

function readKey(env: Environment, name: string, faults: string[]): string {
  const value = textOf(env, name);
  if (value === '') faults.push(`${name} is missing: of the key that reads the store, a secret`);
  // The error of a header that cannot be sent would show what is in it.
  else if (!/^[\x21-\x7e]+$/.test(value)) faults.push(`${name} holds what no HTTP header can carry`);
  return value;
}
