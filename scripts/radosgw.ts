// `npm run test:radosgw`: the S3 store against a real one. Starts Ceph's radosgw on loopback, makes a bucket, runs
// test/store/s3-radosgw.test.ts with its address and takes everything away again. `-- --serve` keeps it running instead
// and prints what reaches it, until Ctrl-C.
//
// Needs Debian's packages: apt-get install --no-install-recommends ceph-mon ceph-osd ceph-common radosgw. Without them
// it ends with 2: nothing was tested.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

import { missingPrograms, startRadosGateway } from './radosgw/cluster.ts';

const ROOT = join(import.meta.dirname, '..');
const BUCKET = 'wasmpay-releases';

const missing = await missingPrograms();
if (missing.length > 0) {
  console.error(
    `skipped: ${missing.join(', ')} not installed; no real S3 server was asked and nothing is proven`,
  );
  process.exit(2);
}

// From here on a signal ends what was started before it ends the script.
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
const gateway = await startRadosGateway();
try {
  const { endpoint, region, accessKeyId, secretAccessKey, version } = gateway;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  client.destroy();
  const address = `s3://${BUCKET}?endpoint=${endpoint}&region=${region}`;
  console.log(`${version}\n${address}`);
  const environment = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  if (process.argv.includes('--serve')) {
    for (const [name, value] of Object.entries(environment)) console.log(`export ${name}=${value}`);
    // A signal's handler alone keeps no process alive.
    const alive = setInterval(() => undefined, 60_000);
    if (!interrupted.signal.aborted) await once(interrupted.signal, 'abort');
    clearInterval(alive);
  } else {
    process.exitCode = await runTests(address, environment);
  }
} finally {
  await gateway[Symbol.asyncDispose]();
}

/** Runs the tests against the store at `address`; gives their exit code. */
async function runTests(address: string, environment: Record<string, string>): Promise<number> {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', 'test/store/s3-radosgw.test.ts'], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...environment, WASMPAY_TEST_S3: address },
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const end = () => child.kill('SIGTERM');
  if (interrupted.signal.aborted) end();
  interrupted.signal.addEventListener('abort', end);
  const [code] = await exited;
  return code ?? 1;
}
