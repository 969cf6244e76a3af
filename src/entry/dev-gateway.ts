// The gateway's worker in a workerd of this machine, with R2 kept in a folder.

import { spawn, type ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { mkdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';

import type { R2Bucket } from '@cloudflare/workers-types';
import { Log, LogLevel, Miniflare, type MiniflareOptions } from 'miniflare';

import type { ObjectStore } from '../store/object-store.ts';
import { createR2Store } from '../store/r2.ts';
import { bundleWorker } from './bundle-worker.ts';
import { DEV_AUDIENCE, type DevDirectory } from './dev-directory.ts';

export interface DevGateway extends AsyncDisposable {
  /** The R2 that the gateway reads from. */
  readonly store: ObjectStore;
  /** Opens the gateway's port on 127.0.0.1: not before there is something to answer with. */
  listen(port: number): Promise<void>;
}

/** Starts workerd. Disposing the gateway ends the process. */
export async function startDevGateway(directory: DevDirectory): Promise<DevGateway> {
  const { source } = await bundleWorker();
  const persist = join(directory.path, 'r2');
  await mkdir(persist, { recursive: true });
  subscribe('child_process', watchWorkerd);
  const options: MiniflareOptions = {
    cf: false,
    // miniflare's own port, with its proxy, is for the R2 below alone.
    host: '127.0.0.1',
    log: new Log(LogLevel.ERROR),
    modules: [{ type: 'ESModule', path: 'worker.js', contents: source }],
    compatibilityDate: '2026-07-01',
    bindings: {
      WASMPAY_AUDIENCE: DEV_AUDIENCE,
      WASMPAY_TRUSTED_KEYS: directory.trustedKeys,
      WASMPAY_SEED_KEY: directory.seedKey,
      WASMPAY_BASE_DOMAINS: 'localhost',
      WASMPAY_OPEN: 'loopback',
      // This workerd evicts nothing by itself.
      WASMPAY_MAX_ISOLATES: '200',
    },
    r2Buckets: ['BUCKET'],
    r2Persist: persist,
    workerLoaders: { LOADER: {} },
    durableObjects: { KEPT_ANSWERS: { className: 'KeptAnswer', useSQLite: true } },
    durableObjectsPersist: join(directory.path, 'kept-answers'),
  };
  const miniflare = new Miniflare(options);
  await miniflare.ready;
  const openStore = async (): Promise<ObjectStore> =>
    createR2Store((await miniflare.getR2Bucket('BUCKET')) as unknown as R2Bucket);
  let store = await openStore();
  return {
    get store() {
      return store;
    },
    async listen(port) {
      // Straight to workerd, as in production. It starts anew for it, and its R2 is another object afterwards.
      await miniflare.setOptions({ ...options, unsafeDirectSockets: [{ host: '127.0.0.1', port }] });
      store = await openStore();
    },
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}

/**
 * workerd outlives a process that was killed, with the port and the R2 folder in its hands. So a shell waits for our
 * end of a pipe to close, which the kernel sees to however this process ends, and then ends workerd. miniflare does
 * not tell workerd's process id; Node's channel of new child processes does.
 */
function watchWorkerd(message: unknown): void {
  const { process: workerd } = message as { process: ChildProcess };
  workerd.once('spawn', () => {
    if (!/\bworkerd(?:\.exe)?$/.test(workerd.spawnfile)) return;
    const shell = spawn('/bin/sh', ['-c', 'read -r _; kill -9 "$1"', 'sh', String(workerd.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      // A session of its own: Ctrl-C must not end it first.
      detached: true,
    });
    // Where there is no such shell, workerd is as it was.
    shell.on('error', () => {});
    shell.stdin.on('error', () => {});
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a pipe is a socket, which can be let go of
    (shell.stdin as unknown as Socket).unref();
    shell.unref();
  });
}
