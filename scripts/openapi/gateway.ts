// A gateway on Node, on loopback, for programs that only know its OpenAPI document: a real validator, the example bank
// `icamer`, and a processor with an API key that may ask about every bank.

import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { generateReleaseKeys, parseSigningKey, parseTrustedKeys } from '../../src/artifact/release-keys.ts';
import { buildValidator } from '../../src/authoring/build-validator.ts';
import { DEFAULT_POLICY } from '../../src/publisher/policy.ts';
import { addProcessor } from '../../src/publisher/processors/change-keys.ts';
import { publishComponent } from '../../src/publisher/publish.ts';
import { createFilesystemStore } from '../../src/store/filesystem.ts';

export const ROOT = join(import.meta.dirname, '../..');
const AUDIENCE = 'conformance.example';

/** How long the gateway may take to listen, milliseconds. */
const START_MS = 20_000;

export interface DocumentedGateway extends AsyncDisposable {
  /** `http://127.0.0.1:34371`. */
  readonly url: string;
  readonly apiKey: string;
}

/** Starts one, over a store that goes with it. */
export async function startDocumentedGateway(): Promise<DocumentedGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'wasmpay-openapi-'));
  let gateway: ChildProcess | undefined;
  const end = async (): Promise<void> => {
    if (gateway?.exitCode === null) {
      const exited = once(gateway, 'exit');
      gateway.kill('SIGKILL');
      await exited;
    }
    await rm(directory, { recursive: true });
  };
  try {
    const { environment, apiKey } = await fillStore(join(directory, 'store'));
    gateway = spawn(process.execPath, [join(ROOT, 'src/entry/node.ts')], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return { url: await untilListening(gateway), apiKey, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** A store with the example bank `icamer` and a processor that may ask about all banks. */
async function fillStore(path: string): Promise<{ environment: Record<string, string>; apiKey: string }> {
  const store = createFilesystemStore(path);
  const keys = await generateReleaseKeys();
  const signingKey = await parseSigningKey(JSON.stringify(keys.private));
  const clock = (): number => Date.now();
  const trustedKeys = await parseTrustedKeys(JSON.stringify({ keys: [keys.public] }));
  const desk = { store, signingKey, trustedKeys, audience: AUDIENCE, clock };
  const { bank, component } = await buildValidator({
    directory: join(ROOT, 'examples/validators/icamer-assemblyscript'),
    outDirectory: join(ROOT, 'build/validators'),
  });
  const published = await publishComponent({
    ...desk,
    bankId: bank,
    component,
    acceptImports: true,
    policy: DEFAULT_POLICY,
    trialScript: new URL('../../src/sandbox/node/trial-child.ts', import.meta.url),
    stopwatch: () => performance.now(),
  });
  if (!published.ok) throw new Error(`the example is refused: ${JSON.stringify(published.refusals)}`);
  const added = await addProcessor(desk, 'schemathesis', {
    name: 'Schemathesis',
    banks: 'all',
    tier: 'standard',
    apiKey: true,
    publicKeys: [],
    random: randomBytes,
  });
  if (!added.ok) throw new Error(`the processor is refused: ${JSON.stringify(added.refusals)}`);
  return {
    apiKey: added.value.apiKey?.text ?? '',
    environment: {
      WASMPAY_AUDIENCE: AUDIENCE,
      WASMPAY_TRUSTED_KEYS: JSON.stringify({ keys: [keys.public] }),
      WASMPAY_SEED_KEY: randomBytes(32).toString('hex'),
      WASMPAY_BASE_DOMAINS: 'localhost',
      WASMPAY_STORE: `file:${path}`,
      WASMPAY_IDEMPOTENCY_FILE: `${path}-kept-answers.sqlite`,
      // Nobody is to be told 429 here; the limit has tests of its own.
      WASMPAY_RATE_TIERS: 'standard=1000000/1',
      HOST: '127.0.0.1',
      PORT: '0',
    },
  };
}

/** The address that the gateway says it listens on. */
async function untilListening({ stderr }: ChildProcess): Promise<string> {
  let said = '';
  const signal = AbortSignal.timeout(START_MS);
  for (;;) {
    const url = /wasmpay gateway {2}(http:\/\/[\d.:]+)/.exec(said)?.[1];
    if (url !== undefined) return url;
    if (stderr === null) throw new Error('the gateway has no stderr');
    const [chunk] = (await once(stderr, 'data', { signal })) as [Buffer];
    said += chunk.toString();
  }
}
