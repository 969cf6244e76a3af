// `npm run smoke:cloudflare`: deploys the gateway to a real Cloudflare account under a name of its own, publishes an
// example, asks for an approval and a denial over HTTPS, and takes everything away again. It is what shows that the
// Worker Loader of production takes wasm modules, which no page of Cloudflare promises.
//
// Needs CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID (Workers and R2, paid plan) and the account's workers.dev subdomain
// in CLOUDFLARE_WORKERS_SUBDOMAIN.

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { generateReleaseKeys, parseSigningKey, trustOnly } from '../src/artifact/release-keys.ts';
import { buildValidator } from '../src/authoring/build-validator.ts';
import { DEFAULT_POLICY } from '../src/publisher/policy.ts';
import { addProcessor } from '../src/publisher/processors/change-keys.ts';
import { publishComponent } from '../src/publisher/publish.ts';
import { createFilesystemStore } from '../src/store/filesystem.ts';
import { uploadStore, wrangler } from './r2-upload.ts';

const ROOT = join(import.meta.dirname, '..');
const WANTED = ['CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_WORKERS_SUBDOMAIN'];

const missing = WANTED.filter((name) => (process.env[name] ?? '') === '');
if (missing.length > 0) {
  console.error(`skipped: ${missing.join(', ')} not set; nothing was deployed and nothing is proven`);
  process.exit(2);
}

const name = `wasmpay-smoke-${randomBytes(4).toString('hex')}`;
const domain = `${name}.${process.env['CLOUDFLARE_WORKERS_SUBDOMAIN']}.workers.dev`;
const scratch = await mkdtemp(join(tmpdir(), 'wasmpay-smoke-'));
const config = join(scratch, 'wrangler.json');
const secrets = join(scratch, 'secrets.json');
const cleanups: (() => Promise<unknown>)[] = [() => rm(scratch, { recursive: true })];

try {
  const keys = await generateReleaseKeys();
  const signingKey = await parseSigningKey(JSON.stringify(keys.private));
  const store = createFilesystemStore(join(scratch, 'store'));
  const built = await buildValidator({
    directory: join(ROOT, 'examples/validators/icamer-assemblyscript'),
    outDirectory: join(ROOT, 'build/validators'),
  });
  const published = await publishComponent({
    bankId: built.bank,
    component: built.component,
    store,
    signingKey,
    audience: name,
    policy: DEFAULT_POLICY,
    trialScript: new URL('../src/sandbox/node/trial-child.ts', import.meta.url),
    clock: () => Date.now(),
    stopwatch: () => performance.now(),
  });
  if (!published.ok) throw new Error(JSON.stringify(published.refusals));
  const desk = {
    store,
    audience: name,
    trustedKeys: trustOnly(signingKey),
    signingKey,
    clock: () => Date.now(),
  };
  const added = await addProcessor(desk, 'smoke', {
    name: 'Smoke test',
    banks: 'all',
    tier: 'standard',
    apiKey: true,
    publicKeys: [],
    random: randomBytes,
  });
  if (!added.ok) throw new Error(JSON.stringify(added.refusals));
  const apiKey = added.value.apiKey?.text ?? '';

  await wrangler('r2', 'bucket', 'create', name);
  cleanups.unshift(() => wrangler('r2', 'bucket', 'delete', name));
  for (const key of await uploadStore(join(scratch, 'store'), name)) {
    cleanups.unshift(() => wrangler('r2', 'object', 'delete', `${name}/${key}`, '--remote'));
  }

  await writeFile(
    config,
    JSON.stringify({
      name,
      main: join(ROOT, 'build/worker/worker.js'),
      no_bundle: true,
      compatibility_date: '2026-07-01',
      workers_dev: true,
      vars: {
        WASMPAY_AUDIENCE: name,
        WASMPAY_BASE_DOMAINS: domain,
        WASMPAY_TRUSTED_KEYS: JSON.stringify({ keys: [keys.public] }),
      },
      r2_buckets: [{ binding: 'BUCKET', bucket_name: name }],
      worker_loaders: [{ binding: 'LOADER' }],
      ratelimits: [{ name: 'RATE_TIER_STANDARD', namespace_id: '8709', simple: { limit: 100, period: 10 } }],
    }),
  );
  await writeFile(secrets, JSON.stringify({ WASMPAY_SEED_KEY: randomBytes(32).toString('hex') }), {
    mode: 0o600,
  });
  await wrangler('deploy', '--config', config, '--secrets-file', secrets);
  cleanups.unshift(() => wrangler('delete', '--config', config, '--force'));

  await expectDecision(apiKey, 'GBR', 'approve');
  await expectDecision(apiKey, 'FRA', 'deny');
  console.log('ok: the deployed gateway approves and denies; the loader of production takes wasm modules');
} finally {
  for (const cleanUp of cleanups) {
    await cleanUp().catch((error: unknown) => console.error(`left behind: ${String(error)}`));
  }
}

/** Asks until the new worker's address answers, at most two minutes. */
async function expectDecision(apiKey: string, country: string, decision: string): Promise<void> {
  const transaction = {
    id: 'txn_smoke',
    origin: { id: 'bank_001', name: 'First', country: 'USA', currency: 'USD' },
    destination: { id: 'icamer', name: 'Icamer', country, currency: 'GBP' },
    amount: { name: 'US Dollar', symbol: '$', amount: 100 },
    status: 'pending',
  };
  let last = 'no answer';
  for (let attempt = 0; attempt < 24; attempt += 1) {
    try {
      const response = await fetch(`https://${domain}/v1/validate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
        body: JSON.stringify(transaction),
      });
      last = `${response.status} ${await response.text()}`;
      const body = JSON.parse(last.slice(4)) as Record<string, unknown>;
      if (response.status === 200 && body['decided_by'] === 'validator' && body['decision'] === decision) {
        console.log(`${decision}: ${last}`);
        return;
      }
    } catch (error) {
      last = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 5_000));
  }
  throw new Error(`wanted ${decision} from ${domain}, got ${last}`);
}
