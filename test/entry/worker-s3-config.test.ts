// The environment of the gateway over an S3 store.

import { describe, expect, it } from 'vitest';

import { parseS3WorkerConfig } from '../../src/entry/worker-s3-config.ts';

const DEPLOYED: Record<string, unknown> = {
  LOADER: {},
  WASMPAY_STORE: 's3://wasmpay-releases/eu?endpoint=https://s3.pay.example&region=default',
  AWS_ACCESS_KEY_ID: 'AKIDREADER',
  AWS_SECRET_ACCESS_KEY: 'concealed-key-of-the-reader',
  WASMPAY_AUDIENCE: 'pay.example',
  WASMPAY_TRUSTED_KEYS: '{"keys":[]}',
  WASMPAY_SEED_KEY: 'a seed key of enough characters, for tests',
  WASMPAY_BASE_DOMAINS: 'pay.example',
  RATE_TIER_STANDARD: { limit: () => Promise.resolve({ success: true }) },
};

function errorOf(env: Record<string, unknown>): { code: string; message: string } {
  try {
    parseS3WorkerConfig(env);
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it was taken');
}

describe('the environment over S3', () => {
  it('is read, with a place, a key and what every gateway needs', () => {
    expect(parseS3WorkerConfig({ ...DEPLOYED, AWS_ACCESS_KEY_ID: ' AKIDREADER\n' })).toMatchObject({
      audience: 'pay.example',
      location: {
        bucket: 'wasmpay-releases',
        prefix: 'eu',
        endpoint: 'https://s3.pay.example',
        region: 'default',
        pathStyle: true,
      },
      credentials: { accessKeyId: 'AKIDREADER', secretAccessKey: 'concealed-key-of-the-reader' },
    });
    expect(parseS3WorkerConfig(DEPLOYED).credentials).not.toHaveProperty('sessionToken');
    const session = parseS3WorkerConfig({ ...DEPLOYED, AWS_SESSION_TOKEN: 'session' });
    expect(session.credentials.sessionToken).toBe('session');
  });

  it('has every fault listed at once, those of every gateway included, and asks for no bucket', () => {
    const { code, message } = errorOf({});
    expect(code).toBe('config_invalid');
    const names = [
      'WASMPAY_STORE',
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'LOADER',
      'WASMPAY_SEED_KEY',
    ];
    for (const name of names) expect(message).toContain(`${name} `.trim());
    expect(message).not.toContain('binding BUCKET');
  });

  it.each<[string, Record<string, unknown>]>([
    ['WASMPAY_STORE', { WASMPAY_STORE: 'file:/srv/wasmpay' }],
    ['WASMPAY_STORE', { WASMPAY_STORE: 's3://wasmpay-releases' }],
    ['WASMPAY_STORE', { WASMPAY_STORE: 's3://key:concealed@wasmpay-releases?region=x' }],
    ['AWS_ACCESS_KEY_ID', { AWS_ACCESS_KEY_ID: 'concealed key' }],
    ['AWS_SECRET_ACCESS_KEY', { AWS_SECRET_ACCESS_KEY: 'concealed\nkey' }],
    ['AWS_SESSION_TOKEN', { AWS_SESSION_TOKEN: 'concealed\u0000' }],
    ['LOADER', { LOADER: 'a name' }],
    ['WASMPAY_AUDIENCE', { WASMPAY_AUDIENCE: '' }],
  ])('is refused with %s named and no secret shown: %j', (name, changes) => {
    const { code, message } = errorOf({ ...DEPLOYED, ...changes });
    expect(code).toBe('config_invalid');
    expect(message).toContain(name);
    expect(message).not.toContain('concealed');
    expect(message.split('\n- ').length).toBe(2);
  });
});
