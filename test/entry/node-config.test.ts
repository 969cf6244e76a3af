// The environment of a gateway on Node, and what every runtime's environment has beyond the worker's own tests.

import { describe, expect, it } from 'vitest';

import { parseNodeConfig } from '../../src/entry/node-config.ts';
import { DEFAULT_RATE_TIERS } from '../../src/gateway/rate-limit.ts';

const GOOD = {
  WASMPAY_AUDIENCE: 'pay.example',
  WASMPAY_TRUSTED_KEYS: '{"keys":[]}',
  WASMPAY_SEED_KEY: 'a seed key of enough characters, for tests',
  WASMPAY_BASE_DOMAINS: 'pay.example',
  WASMPAY_STORE: 'file:/srv/releases',
};

function messageOf(env: Record<string, unknown>): string {
  try {
    parseNodeConfig(env);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code}: ${message}`;
  }
  return 'it was taken';
}

describe('the environment on Node', () => {
  it('has defaults that nobody else can reach', () => {
    expect(parseNodeConfig(GOOD)).toMatchObject({
      store: 'file:/srv/releases',
      host: '127.0.0.1',
      port: 8787,
      drainMs: 0,
      callers: 'processors',
      rateTiers: DEFAULT_RATE_TIERS,
      publicScheme: 'https',
      signatureWindowS: 60,
    });
  });

  it('names a chain, or asks the destination alone', () => {
    const chainOf = (chain: string, bank = ''): unknown =>
      parseNodeConfig({ ...GOOD, WASMPAY_CHAIN: chain, WASMPAY_PLATFORM_BANK: bank }).chain;
    expect(chainOf('')).toBeUndefined();
    expect(chainOf('destination')).toBeUndefined();
    expect(chainOf('origin, destination')).toEqual({ stages: ['origin', 'destination'] });
    expect(chainOf('destination,platform', 'wasmpay')).toEqual({
      stages: ['destination', 'platform'],
      platformBank: 'wasmpay',
    });
  });

  it.each([
    ['origin', ''],
    ['destination,origin,origin', ''],
    ['destination,issuer', ''],
    ['platform,destination', ''],
    ['platform,destination', 'Not a slug'],
    ['origin,destination', 'wasmpay'],
    ['', 'wasmpay'],
  ])('refuses the chain "%s" with the bank "%s"', (chain, bank) => {
    expect(messageOf({ ...GOOD, WASMPAY_CHAIN: chain, WASMPAY_PLATFORM_BANK: bank })).toMatch(
      /^config_invalid: .*WASMPAY_(CHAIN|PLATFORM_BANK)/s,
    );
  });

  it('is read', () => {
    const env = {
      ...GOOD,
      HOST: '0.0.0.0',
      PORT: '80',
      WASMPAY_DRAIN_SECONDS: '5',
      WASMPAY_MINIMUM_RELEASES: 'icamer=7, bank-002=12',
      WASMPAY_FRESHNESS: 'freshMs=1000,refreshMs=30000 staleMs=60000',
      WASMPAY_RATIONS: 'dearFuelPerSecond=50000000',
      WASMPAY_RATE_TIERS: 'standard=50/1, slow-one=1/60',
      WASMPAY_PUBLIC_SCHEME: 'http',
    };
    expect(parseNodeConfig(env)).toMatchObject({
      host: '0.0.0.0',
      port: 80,
      drainMs: 5000,
      minimumReleases: new Map([
        ['icamer', 7],
        ['bank-002', 12],
      ]),
      freshness: { freshMs: 1000, refreshMs: 30_000, staleMs: 60_000 },
      rations: { dearFuelPerSecond: 50_000_000 },
      rateTiers: new Map([
        ['standard', { requests: 50, perS: 1 }],
        ['high', DEFAULT_RATE_TIERS.get('high')],
        ['slow-one', { requests: 1, perS: 60 }],
      ]),
      publicScheme: 'http',
    });
  });

  it('has every fault listed at once', () => {
    const message = messageOf({
      HOST: 'localhost',
      PORT: '65536',
      WASMPAY_DRAIN_SECONDS: '301',
      WASMPAY_MINIMUM_RELEASES: 'icamer',
      WASMPAY_FRESHNESS: 'freshMs=x',
    });
    for (const name of [
      ...Object.keys(GOOD),
      'HOST',
      'PORT',
      'WASMPAY_DRAIN_SECONDS',
      'WASMPAY_MINIMUM_RELEASES',
      'WASMPAY_FRESHNESS',
    ]) {
      expect(message).toContain(name);
    }
  });

  it.each<[string, Record<string, string>]>([
    ['HOST', { HOST: 'pay.example' }],
    ['PORT', { PORT: '-1' }],
    ['PORT', { PORT: '8787x' }],
    ['WASMPAY_DRAIN_SECONDS', { WASMPAY_DRAIN_SECONDS: '1.5' }],
    ['WASMPAY_MINIMUM_RELEASES', { WASMPAY_MINIMUM_RELEASES: 'icamer=0' }],
    ['WASMPAY_MINIMUM_RELEASES', { WASMPAY_MINIMUM_RELEASES: 'Icamer=1' }],
    ['WASMPAY_MINIMUM_RELEASES', { WASMPAY_MINIMUM_RELEASES: 'icamer=1 icamer=2' }],
    ['WASMPAY_FRESHNESS', { WASMPAY_FRESHNESS: 'toString=1' }],
    ['freshMs', { WASMPAY_FRESHNESS: 'freshMs=30001' }],
    ['refreshMs', { WASMPAY_FRESHNESS: 'refreshMs=30001' }],
    ['refreshMs', { WASMPAY_FRESHNESS: 'freshMs=6000 refreshMs=5999' }],
    ['staleMs', { WASMPAY_FRESHNESS: 'staleMs=86400001' }],
    ['WASMPAY_RATIONS', { WASMPAY_RATIONS: 'fuel=1' }],
    ['dearFuel', { WASMPAY_RATIONS: 'dearFuel=0' }],
    ['storeWaitMs', { WASMPAY_FRESHNESS: 'storeWaitMs=0' }],
    ['WASMPAY_RATE_TIERS', { WASMPAY_RATE_TIERS: 'standard' }],
    ['WASMPAY_RATE_TIERS', { WASMPAY_RATE_TIERS: 'standard=0/1' }],
    ['WASMPAY_RATE_TIERS', { WASMPAY_RATE_TIERS: 'standard=1/0' }],
    ['WASMPAY_RATE_TIERS', { WASMPAY_RATE_TIERS: 'Standard=1/1' }],
    ['WASMPAY_RATE_TIERS', { WASMPAY_RATE_TIERS: 'standard=1.5/1' }],
    ['WASMPAY_PUBLIC_SCHEME', { WASMPAY_PUBLIC_SCHEME: 'ftp' }],
    ['artifactBudgetBytes', { WASMPAY_FRESHNESS: 'artifactBudgetBytes=1e9' }],
  ])('is refused with %s named: %j', (name, changes) => {
    const message = messageOf({ ...GOOD, ...changes });
    expect(message).toContain('config_invalid');
    expect(message).toContain(name);
  });

  it('is open on loopback only', () => {
    const open = {
      ...GOOD,
      WASMPAY_BASE_DOMAINS: 'localhost',
      WASMPAY_OPEN: 'loopback',
    };
    expect(parseNodeConfig(open).callers).toBe('open');
    expect(parseNodeConfig({ ...open, HOST: '::1' }).callers).toBe('open');
    expect(messageOf({ ...open, HOST: '0.0.0.0' })).toContain('WASMPAY_OPEN');
    expect(messageOf({ ...open, HOST: '::' })).toContain('WASMPAY_OPEN');
  });

  it('keeps its secrets out of what it says', () => {
    const message = messageOf({
      ...GOOD,
      WASMPAY_SEED_KEY: 'SECRET-short',
      WASMPAY_RATE_TIERS: 'SECRET-tier',
      WASMPAY_PUBLIC_SCHEME: 'SECRET-scheme',
    });
    expect(message).not.toContain('SECRET');
  });
});

describe('deadlines', () => {
  const read = (byDefault: string, longest: string): unknown =>
    parseNodeConfig({ ...GOOD, WASMPAY_DEADLINE_MS: byDefault, WASMPAY_LONGEST_DEADLINE_MS: longest })
      .deadlines;

  it.each([
    ['', '', { defaultMs: 1500, longestMs: 1500 }],
    ['50', '', { defaultMs: 50, longestMs: 1500 }],
    ['2000', '', { defaultMs: 2000, longestMs: 2000 }],
    ['', '1000', { defaultMs: 1000, longestMs: 1000 }],
    ['', '8000', { defaultMs: 1500, longestMs: 8000 }],
    ['300', '300', { defaultMs: 300, longestMs: 300 }],
  ])('%j and %j', (byDefault, longest, expected) => {
    expect(read(byDefault, longest)).toEqual(expected);
  });

  it.each([
    [{ WASMPAY_DEADLINE_MS: '49' }, 'WASMPAY_DEADLINE_MS is a whole number from 50 to 8000'],
    [{ WASMPAY_DEADLINE_MS: '1e3' }, 'WASMPAY_DEADLINE_MS is a whole number from 50 to 8000'],
    [
      { WASMPAY_LONGEST_DEADLINE_MS: '8001' },
      'WASMPAY_LONGEST_DEADLINE_MS is a whole number from 50 to 8000',
    ],
    [
      { WASMPAY_DEADLINE_MS: '301', WASMPAY_LONGEST_DEADLINE_MS: '300' },
      'WASMPAY_DEADLINE_MS is at most WASMPAY_LONGEST_DEADLINE_MS',
    ],
  ])('%j is refused', (env, fault) => {
    expect(messageOf({ ...GOOD, ...env })).toBe(`config_invalid: this gateway cannot start:\n- ${fault}`);
  });
});

describe('kept answers', () => {
  const read = (file: string, megabytes: string): unknown =>
    parseNodeConfig({ ...GOOD, WASMPAY_IDEMPOTENCY_FILE: file, WASMPAY_IDEMPOTENCY_MEGABYTES: megabytes })
      .keptAnswers;

  it.each([
    ['', '', undefined],
    ['', '5', undefined],
    ['/srv/kept.sqlite', '', { file: '/srv/kept.sqlite', maxBytes: 1_073_741_824 }],
    ['kept.sqlite', '1', { file: 'kept.sqlite', maxBytes: 1_048_576 }],
    ['kept.sqlite', '1000000', { file: 'kept.sqlite', maxBytes: 1_048_576_000_000 }],
  ])('%j of %j megabytes', (file, megabytes, expected) => {
    expect(read(file, megabytes)).toEqual(expected);
  });

  it.each(['0', '1000001', '-1', '1.5', 'much'])('%j megabytes are refused', (megabytes) => {
    const env = { ...GOOD, WASMPAY_IDEMPOTENCY_MEGABYTES: megabytes };
    expect(messageOf(env)).toContain('WASMPAY_IDEMPOTENCY_MEGABYTES');
  });
});
