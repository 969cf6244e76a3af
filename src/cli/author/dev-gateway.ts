// The gateway of `wasmpay dev`: the one that `wasmpay serve` runs, over a store of its own in a temporary folder, signed for
// with a key that nobody else ever has. It listens on loopback, is open, and looks at its store for every request, so that a
// release counts from the moment on that it is there.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { generateReleaseKeys, parseSigningKey } from '../../artifact/release-keys.ts';
import { WasmpayError } from '../../core/error.ts';
import type { Prepared } from '../../publisher/prepare.ts';
import { DEFAULT_VALIDITY_DAYS, releaseArtifact } from '../../publisher/release.ts';
import { storeArtifact } from '../../publisher/store.ts';
import { createFilesystemStore } from '../../store/filesystem.ts';

const GATEWAY = fileURLToPath(new URL('../../entry/node.ts', import.meta.url));

/** The deployment that releases are signed for: no other gateway would take one. */
const AUDIENCE = 'author';

export interface DevGateway extends AsyncDisposable {
  /** `http://127.0.0.1:8787`. */
  readonly url: string;
  /** Resolves with the exit code when the gateway ends by itself. */
  readonly ended: Promise<number | null>;
  /** Serves an artifact as the bank's next release; gives the release's number. */
  release(bankId: string, prepared: Prepared): Promise<number>;
}

/** Starts the gateway on a port of 127.0.0.1; 0 for any. Throws `config_invalid` with what the gateway said. */
export async function startDevGateway(port: number): Promise<DevGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'wasmpay-dev-'));
  const directory = join(folder, 'store');
  await mkdir(directory);
  const keys = await generateReleaseKeys();
  const signingKey = await parseSigningKey(JSON.stringify(keys.private));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', GATEWAY], {
    // Nothing of the author's environment: no store, no key and no option of a gateway that is somewhere else.
    env: {
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: String(port),
      WASMPAY_STORE: `file:${directory}`,
      WASMPAY_AUDIENCE: AUDIENCE,
      WASMPAY_TRUSTED_KEYS: JSON.stringify({ keys: [keys.public] }),
      WASMPAY_SEED_KEY: randomBytes(32).toString('hex'),
      WASMPAY_BASE_DOMAINS: 'localhost',
      WASMPAY_OPEN: 'loopback',
      WASMPAY_FRESHNESS: 'freshMs=0,refreshMs=0,unknownMs=0',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  const url = await readUrl(child.stderr, ended).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const store = createFilesystemStore(directory);
  let isEnded = false;
  return {
    url,
    ended,
    async release(bankId, { component, bundle, decision, policy }) {
      // A store that is gone must not come back.
      if (isEnded) throw new WasmpayError('internal', 'the gateway has ended');
      await storeArtifact(store, component, bundle);
      const released = await releaseArtifact(
        store,
        {
          audience: AUDIENCE,
          bankId,
          artifact: bundle.digest,
          component: component.digest,
          contract: decision.contract,
          policy,
          fallback: 'deny',
          validityDays: DEFAULT_VALIDITY_DAYS,
        },
        signingKey,
        Date.now,
      );
      if (released.ok) return released.value.release.number;
      throw new WasmpayError('internal', released.refusals.map(({ message }) => message).join('; '));
    },
    async [Symbol.asyncDispose]() {
      // Not SIGTERM: it would wait for connections that a browser keeps.
      isEnded = true;
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Where the gateway says that it listens. Throws `config_invalid` where it ends instead. */
async function readUrl(stderr: NodeJS.ReadableStream, ended: Promise<number | null>): Promise<string> {
  let said = '';
  const { promise, resolve } = Promise.withResolvers<string>();
  stderr.setEncoding('utf8');
  stderr.on('data', (text: string) => {
    said += text;
    const url = /^wasmpay gateway {2}(http:\S+?);?(?: |$)/m.exec(said)?.[1];
    if (url !== undefined) resolve(url);
  });
  const url = await Promise.race([promise, ended.then(() => undefined)]);
  if (url !== undefined) return url;
  const reason = said.trim().replace(/^wasmpay: /, '');
  throw new WasmpayError('config_invalid', `the gateway did not start: ${reason}; --port names another port`);
}
