// `wasmpay serve`: the gateway on Node, in a process of its own, whose signals and end are passed on.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { parseOptions } from './options.ts';

const GATEWAY = fileURLToPath(new URL('../entry/node.ts', import.meta.url));

const USAGE = `wasmpay serve [--store ADDRESS] [--host ADDRESS] [--port NUMBER]
  Serves the gateway on Node. The environment says the rest (WASMPAY_AUDIENCE, WASMPAY_TRUSTED_KEYS, WASMPAY_SEED_KEY,
  WASMPAY_BASE_DOMAINS …): docs/deploy-node.md. SIGTERM ends it once it has answered what came.`;

/** The command for main.ts. */
export const serveCommand = { usage: USAGE, run: runServe };

/** Options, and the variables of the gateway's environment that they stand for. */
const VARIABLES = { store: 'WASMPAY_STORE', host: 'HOST', port: 'PORT' } as const;

async function runServe(args: readonly string[]): Promise<number> {
  const { options } = parseOptions(args, [], {
    store: { type: 'string' },
    host: { type: 'string' },
    port: { type: 'string' },
  });
  const env = { ...process.env };
  for (const [option, variable] of Object.entries(VARIABLES)) {
    const value = options[option];
    if (typeof value === 'string') env[variable] = value;
  }
  const gateway = spawn(process.execPath, [GATEWAY], { env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      // Ctrl-C reaches every process of a terminal by itself, and twice means "now" to the gateway.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) gateway.kill(signal);
    });
  const [code] = (await once(gateway, 'exit')) as [number | null];
  return code ?? 1;
}
