// Starts and commands the process that the benchmarks of the gateway on Node measure.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { buildValidator } from '../src/authoring/build-validator.ts';
import type { AnswerTo, Command } from './node-gateway-process.ts';

const ROOT = join(import.meta.dirname, '..');

/** The examples, with the names that tables give them. */
export const EXAMPLES = [
  { name: 'icamer-assemblyscript', title: 'icamer (AssemblyScript)' },
  { name: 'nordhaven-typescript', title: 'nordhaven (QuickJS)' },
] as const;

export interface NodeGateway extends Disposable {
  readonly port: number;
  /** The port of the same gateway for processors only, and the API key of one that may ask about every bank. */
  readonly guardedPort: number;
  readonly apiKey: string;
  /** The port of the route that answers a constant, on Hono's server for Node. */
  readonly baselinePort: number;
  /** The port of the same route on the gateway's server. */
  readonly ownBaselinePort: number;
  command<C extends Command>(command: C): Promise<AnswerTo<C>>;
}

/** A running gateway without banks. */
export async function startNodeGateway(): Promise<NodeGateway> {
  const child = fork(join(import.meta.dirname, 'node-gateway-process.ts'), {
    execArgv: process.execArgv,
    serialization: 'advanced',
  });
  const [ports] = (await once(child, 'message')) as [
    { gateway: number; guarded: number; apiKey: string; baseline: number; ownBaseline: number },
  ];
  return {
    port: ports.gateway,
    guardedPort: ports.guarded,
    apiKey: ports.apiKey,
    baselinePort: ports.baseline,
    ownBaselinePort: ports.ownBaseline,
    async command<C extends Command>(command: C) {
      child.send(command);
      const [message] = (await once(child, 'message')) as [{ answer: AnswerTo<C> }];
      return message.answer;
    },
    [Symbol.dispose]: () => child.disconnect(),
  };
}

/** Bank and component of an example. */
export async function buildExample(name: string): Promise<{ bank: string; component: Uint8Array }> {
  return buildValidator({
    directory: join(ROOT, 'examples/validators', name),
    outDirectory: join(ROOT, 'build/validators'),
  });
}
